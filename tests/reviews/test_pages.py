"""The pages: who sees them, what they say, and that lists cost the same number of queries whatever their length."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from identities.models import Entitlement
from logs.models import LogSource
from reviews.actions import decide, open_campaign
from reviews.models import Campaign, Decision, DutyConflict, Finding, ReviewItem
from tenants.models import Tenant, User
from tenants.sharing import share
from tests import make
from tests.reviews.conftest import CRM, KEEP, REVOKE, Cast, arrive, deliver, item, person, ready, record
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db


def page(name: str, *args: object) -> str:
    return reverse(f"reviews:{name}", args=["northwind", *args])


def test_the_officer_plans_a_campaign_on_one_page(cast: Cast, carla: User) -> None:
    deliver(cast)
    client = make.login(carla)
    typed = {
        "name": "Second quarter",
        "systems": [cast.crm.pk],
        "strategy": "manager",
        "fallback": "Rosa (M2)",
        "due_days": 14,
        "rule": "",
        "starts_on": timezone.localdate().isoformat(),
    }
    counts = client.get(page("campaign_counts"), typed)
    assert "<strong>6 grants</strong> (1 privileged), 1 system, 2 reviewers." in counts.content.decode()
    answer = client.post(page("campaign_new"), typed)
    made = Campaign.objects.get()
    assert answer["Location"] == page("campaign", made.pk)
    assert b"Open campaign" in client.get(answer["Location"]).content
    assert client.post(page("campaign_new"), {**typed, "name": "Other", "systems": []}).status_code == 422
    again = client.post(page("campaign_new"), typed)
    assert b"Another plan has this name" in again.content


def test_the_campaign_page_says_what_it_waits_for(campaign: Campaign, cast: Cast, carla: User) -> None:
    text = make.login(carla).get(page("campaign", campaign.pk)).content.decode()
    assert "6 of 6 items are undecided, with 2 reviewers." in text
    decide_all(campaign, cast)
    assert "Remy has not signed." in make.login(carla).get(page("campaign", campaign.pk)).content.decode()


@pytest.mark.parametrize("name", ["campaigns", "findings", "conflicts", "campaign_new"])
def test_lists_open_for_the_officer_and_not_for_a_reviewer(
    name: str, campaign: Campaign, carla: User, remy: User
) -> None:
    assert make.login(carla).get(page(name)).status_code == 200
    assert make.login(remy).get(page(name)).status_code == 403


@pytest.mark.parametrize("name", ["campaign", "items", "remediations"])
def test_a_shared_campaign_opens_for_the_auditor_alone(
    stella: User, name: str, campaign: Campaign, cast: Cast, axel: User
) -> None:
    auditor = make.login(axel)
    assert auditor.get(page(name, campaign.pk)).status_code == 403
    assert make.login(stella).get(page(name, campaign.pk)).status_code == 404
    share(campaign, user=axel, by=cast.officer)
    assert auditor.get(page(name, campaign.pk)).status_code == 200
    assert b"Cancel campaign" not in auditor.get(page(name, campaign.pk)).content
    assert auditor.post(page("campaign_remind", campaign.pk)).status_code == 403


def test_the_inbox_counts_items_and_minutes(campaign: Campaign, remy: User, carla: User) -> None:
    text = make.login(remy).get(page("inbox")).content.decode()
    assert "3 of 3" in text
    assert "2 min" in text
    assert make.login(carla).get(page("inbox")).status_code == 403


def test_a_decision_is_saved_at_once_and_said(campaign: Campaign, remy: User) -> None:
    client, subject = make.login(remy), item(campaign, "ana")
    screen = client.get(page("review", campaign.pk), {"item": subject.pk}).content.decode()
    assert "No log source is expected for CRM" in screen
    typed = {"outcome": "certify", "reason": "", "seen": "", "seen_seconds": "12"}
    answer = client.post(page("decide", campaign.pk, subject.pk), typed, headers={"HX-Request": "true"})
    assert "Saved: Keep. 2 left." in answer.content.decode()
    assert Decision.objects.get().seen_seconds == 12
    again = client.post(page("decide", campaign.pk, subject.pk), typed, headers={"HX-Request": "true"})
    assert again.status_code == 422
    assert "decided in another window" in again.content.decode()


def test_a_refused_decision_keeps_what_was_typed(campaign: Campaign, remy: User) -> None:
    typed = {"outcome": "revoke", "reason": "too short"}
    path = page("decide", campaign.pk, item(campaign, "ana").pk)
    answer = make.login(remy).post(path, typed, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "too short</textarea>" in answer.content.decode()
    plain = make.login(remy).post(path, {"outcome": "certify"})
    assert plain["Location"] == f"{page('review', campaign.pk)}?item={item(campaign, 'ana').pk}"


def test_another_reviewers_item_is_not_there(campaign: Campaign, remy: User) -> None:
    client, other = make.login(remy), item(campaign, "cem")
    assert client.get(page("item", campaign.pk, other.pk)).status_code == 404
    assert client.post(page("decide", campaign.pk, other.pk), {"outcome": "certify"}).status_code == 404
    assert not Decision.objects.exists()


def test_a_receipt_is_for_its_signer_and_the_officer(
    campaign: Campaign, cast: Cast, remy: User, rosa: User, carla: User
) -> None:
    decide_all(campaign, cast)
    path = page("receipt", sign(campaign, cast.remy, "M1").pk)
    own, told = make.login(remy).get(path), make.login(carla).get(path)
    assert own.status_code == told.status_code == 200
    signed = [(line.account, line.outcome, line.reason) for line, _badge in own.context["rows"]]
    assert ("bob", "revoke", REVOKE.reason) in signed, "what was signed is read in words, not in JSON alone"
    assert len(signed) == own.context["signature"].count
    assert make.login(rosa).get(path).status_code == 404


def test_the_officer_runs_the_campaign_to_its_end(campaign: Campaign, cast: Cast, carla: User) -> None:
    client = make.login(carla)
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    refused = client.post(page("campaign_close", campaign.pk), follow=True)
    assert "A revocation is not verified." in refused.content.decode()
    deliver(cast, CRM.replace(b"bob,admin_all,E2,human\n", b""), days_ago=0)
    verified = client.post(page("campaign_verify", campaign.pk), follow=True).content.decode()
    assert "1 revocation verified, 0 claims failed" in verified
    assert "closed for good" in client.post(page("campaign_close", campaign.pk), follow=True).content.decode()
    assert Campaign.objects.get().state == "closed"
    assert client.get(page("remediations", campaign.pk)).status_code == 200
    first = ReviewItem.objects.order_by("n")[0]
    assert client.get(page("campaign_item", campaign.pk, first.pk)).status_code == 200


def test_the_officer_reassigns_undecided_items(campaign: Campaign, cast: Cast, carla: User) -> None:
    client, path = make.login(carla), page("reassign", campaign.pk, person("M1").pk)
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    assert "2 undecided items" in client.get(path).content.decode()
    assert client.post(path, {"new": "rosa@example.org", "reason": "short"}).status_code == 422
    client.post(path, {"new": "rosa@example.org", "reason": "Remy is on leave until May."})
    assert item(campaign, "bob").assignments.get(until=None).reviewer == person("M2")
    assert item(campaign, "ana").assignments.get(until=None).reviewer == person("M1")


LISTS = ["campaigns", "campaign", "items", "remediations", "findings"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_whatever_its_length(name: str, campaign: Campaign, cast: Cast, carla: User) -> None:
    client = make.login(carla)
    arguments = [] if name in {"campaigns", "findings"} else [campaign.pk]
    path = page(name, *arguments)
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as before:
        client.get(path)
    decide_all(campaign, cast)
    decide(item=item(campaign, "ana"), choice=REVOKE, by=cast.remy)
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    with CaptureQueriesContext(connection) as after:
        client.get(path)
    assert len(after) <= len(before) + 1


def test_the_desk_costs_the_same_whatever_its_length(campaign: Campaign, cast: Cast, remy: User, bpo: Tenant) -> None:
    client = make.login(remy)
    client.get(page("review", campaign.pk))
    with CaptureQueriesContext(connection) as before:
        client.get(page("review", campaign.pk), {"show": "privileged"})
    with CaptureQueriesContext(connection) as after:
        client.get(page("review", campaign.pk))
    assert len(after) == len(before)


def test_a_decision_answers_with_the_next_item_in_a_few_questions(campaign: Campaign, cast: Cast, remy: User) -> None:
    client, told = make.login(remy), {"outcome": "certify", "reason": KEEP.reason}
    first = item(campaign, "bob", "admin_all")
    client.get(page("item", campaign.pk, first.pk))
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(page("decide", campaign.pk, first.pk), told, headers={"HX-Request": "true"})
    assert "2 left" in answer.content.decode()
    assert answer.context["sheet"].item == item(campaign, "ana")
    assert len(asked) <= 24, "savepoints and the ledger's among them; 28 before they were gathered"


def test_an_item_tells_of_a_revocation_from_before_that_is_not_verified(
    campaign: Campaign, cast: Cast, remy: User
) -> None:
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    again = open_campaign(campaign=ready(cast, name="CRM, third quarter"), by=cast.officer)
    client, words = make.login(remy), "Revoked before, and still here."
    assert words in client.get(page("item", again.pk, item(again, "bob", "admin_all").pk)).content.decode()
    assert words not in client.get(page("item", again.pk, item(again, "ana").pk)).content.decode()
    assert words not in client.get(page("item", campaign.pk, item(campaign, "bob", "admin_all").pk)).content.decode()


def test_the_statement_costs_the_same_whatever_its_length(campaign: Campaign, cast: Cast, remy: User) -> None:
    client = make.login(remy)
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    client.get(page("sign", campaign.pk))
    with CaptureQueriesContext(connection) as before:
        client.get(page("sign", campaign.pk))
    decide_all(campaign, cast)
    with CaptureQueriesContext(connection) as after:
        text = client.get(page("sign", campaign.pk)).content.decode()
    assert len(after) == len(before)
    assert text.count(">Privileged</span>") == 1
    assert (text.count("</svg>Keep</span>"), text.count("</svg>Revoke</span>")) == (2, 1)


def test_only_people_who_may_review_are_offered_and_taken(cast: Cast, carla: User) -> None:
    client = make.login(carla)
    found = client.get(page("reviewer_choices"), {"field": "named", "named": "r"}).content.decode()
    assert ("Rosa (M2)" in found, "Remy (M1)" in found, "Ana Ruiz (E1)" in found) == (True, True, False)
    typed = {"name": "Q2", "systems": [cast.crm.pk], "strategy": "named", "fallback": "M2", "due_days": 14}
    answer = client.post(page("campaign_new"), {**typed, "named": "Ana Ruiz (E1)", "starts_on": "2026-05-01"})
    assert answer.status_code == 422
    assert "Nobody here is called that." in answer.content.decode()


def test_findings_are_shown_with_what_to_do_and_by_kind(campaign: Campaign, cast: Cast, carla: User) -> None:
    client, path = make.login(carla), page("findings")
    assert "Nothing is open" in client.get(path).content.decode()
    deliver(cast, CRM + b"temp,agent,,human\n", days_ago=0)
    said = client.post(page("findings_search"), follow=True).content.decode()
    assert "1 new, 0 gone." in said
    assert "The account &#x27;temp&#x27; on CRM belongs to nobody." in said
    assert "Name the owner in the system&#x27;s list" in said
    assert "<dt>Holds</dt><dd>agent</dd>" in said
    assert "No finding of this kind is open." in client.get(path, {"kind": "conflict"}).content.decode()
    client.post(page("resolve", Finding.objects.get().pk), {"reason": "Given to Ana by the CRM team."})
    assert "Given to Ana by the CRM team." in client.get(path, {"show": "resolved"}).content.decode()
    assert "temp" not in client.get(path).content.decode()


def test_the_officer_adds_and_ends_a_conflict(campaign: Campaign, cast: Cast, carla: User) -> None:
    client, path = make.login(carla), page("conflicts")
    right = {one.key: one.pk for one in Entitlement.objects.all()}
    typed = {"one": right["agent"], "other": right["admin_all"], "why": "Who serves must not administrate."}
    assert "at least 10 characters" in client.post(path, {**typed, "why": "short"}).content.decode()
    assert client.post(path, typed).status_code == 302
    assert "Bob Lim holds agent on CRM and admin_all on CRM." in client.get(page("findings")).content.decode()
    made = DutyConflict.objects.get()
    shown = client.post(page("conflict_end", made.pk), {"reason": "The role was split."}, follow=True).content.decode()
    assert "carla@example.org: The role was split." in shown


def test_the_campaign_lists_who_worked_and_is_in_no_list(cast: Cast, source: LogSource, carla: User) -> None:
    deliver(cast)
    arrive(source, cast, [record(timezone.now() - timedelta(minutes=5), name) for name in ("phantom", "ana")])
    waiting, client = ready(cast), make.login(carla)
    before = client.get(page("campaign", waiting.pk)).content.decode()
    assert "Until then no grant is put to a reviewer and nobody is told." in before
    assert "Put to a reviewer." not in before, "no count of items before there are any"
    campaign = open_campaign(campaign=waiting, by=cast.officer)
    text = client.get(page("campaign", campaign.pk)).content.decode()
    assert "Until then no grant" not in text
    assert '<th scope="row" class="mono">phantom</th>' in text
    assert "1 name worked on these systems" in text


def test_a_decision_goes_on_to_the_next_undecided_item_and_a_change_stays(campaign: Campaign, remy: User) -> None:
    client = make.login(remy)
    order = [item(campaign, "bob", "admin_all"), item(campaign, "ana"), item(campaign, "bob")]

    def decided(subject: ReviewItem, seen: object = "", outcome: str = "certify") -> str:
        typed = {"outcome": outcome, "reason": KEEP.reason, "seen": seen, "seen_seconds": "12"}
        path = page("decide", campaign.pk, subject.pk)
        return client.post(path, typed, headers={"HX-Request": "true"}).content.decode()

    assert f'data-item="{order[2].pk}"' in decided(order[1])
    assert f'data-item="{order[0].pk}"' in decided(order[2])
    first = Decision.objects.get(item=order[1])
    assert f'data-item="{order[1].pk}"' in decided(order[1], first.pk, "abstain")
    assert f'data-item="{order[0].pk}"' in decided(order[0])
