"""Real log records beside each grant: what was used, what was not, and use that nobody granted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from identities.models import Account, Grant
from logs.models import LogSource
from reviews.actions import (
    claim_remediation,
    close_campaign,
    decide,
    find_causes,
    open_campaign,
    resolve_finding,
    verify_remediations,
)
from reviews.actions.remediation import Verified
from reviews.kinds import Choice, Outcome
from reviews.models import Finding, Remediation, ReviewItem
from reviews.queries.desk import desk_for
from tenants.kinds import Refused
from tenants.models import User
from tests import make
from tests.reviews.conftest import CRM, KEEP, Cast, arrive, days, deliver, item, person, ready, record
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db

HELD = b"""account,entitlement,person,kind,granted_at
ana,agent,E1,human,2025-01-15
bob,admin_all,E2,human,2025-01-15
backup,agent,,service,2025-01-15
"""


def test_use_coverage_and_advice_stand_beside_each_grant(cast: Cast, source: LogSource) -> None:
    records = [record(day, "robot") for day in days(95)]
    records += [record(day + timedelta(minutes=5), "Ana") for day in days(40)[::2]]
    records += [record(day + timedelta(minutes=6), "bob", "FAILURE") for day in days(3)]
    arrive(source, cast, records)
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    used, unused = item(campaign, "ana"), item(campaign, "bob", "admin_all")
    assert (used.advice, used.evidence["days_used"], used.evidence["ok_count"]) == ("keep", 20, 20)
    assert sum(used.evidence["weeks"]) == 20
    assert used.evidence["coverage_per_mille"] >= 950
    assert (unused.advice, unused.evidence["denied_count"]) == ("revoke", 3)
    assert "3 refused attempts are not use." in unused.advice_reason
    with pytest.raises(Refused, match="privileged"):
        decide(item=unused, choice=Choice(Outcome.CERTIFY), by=cast.remy)


def test_the_share_out_of_hours_is_told_where_hours_are_known(
    cast: Cast, source: LogSource, remy: User, rosa: User
) -> None:
    deliver(cast)
    work = [day for day in days(9) if day.isoweekday() < 6][:3]
    at_night = work[0].replace(hour=2)
    arrive(source, cast, [record(at, name) for at in (*work, at_night) for name in ("ana", "backup")])
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    for who, account, words in (
        (remy, "ana", "1 of 4 successful events (25\u202f%)"),
        (remy, "bob", "no successful event"),
        (rosa, "backup", "not judged: an account of this kind has no hours"),
    ):
        path = page("item", campaign.pk, item(campaign, account).pk)
        assert f"<dt>Out of hours</dt><dd>{words}</dd>" in make.login(who).get(path).content.decode()


def test_the_list_begins_with_what_is_privileged_and_then_with_what_the_advice_is_against(
    cast: Cast, source: LogSource
) -> None:
    arrive(source, cast, [record(day, name) for day in days(95)[::2] for name in ("ana", "robot")])
    arrive(source, cast, [record(day, "robot") for day in days(95)[1::2]])
    deliver(cast, HELD + b"bob,agent,E2,human,2025-01-15\n")
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    expected = [item(campaign, *grant) for grant in (("bob", "admin_all"), ("bob",), ("ana",))]
    assert [(one.privileged, one.advice) for one in expected] == [(True, "revoke"), (False, "revoke"), (False, "keep")]
    assert desk_for(campaign, person("M1")).numbers == [one.pk for one in expected]


def test_silent_logs_give_no_advice_to_revoke(cast: Cast, source: LogSource) -> None:
    arrive(source, cast, [record(day, "robot") for day in days(60)])
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    assert set(ReviewItem.objects.filter(campaign=campaign).values_list("advice", flat=True)) == {"insufficient"}
    assert "cover only" in item(campaign, "ana").advice_reason


def test_evidence_stays_as_the_reviewer_saw_it(cast: Cast, source: LogSource) -> None:
    deliver(cast)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    before = item(campaign, "ana").evidence
    arrive(source, cast, [record(timezone.now() - timedelta(hours=1), "ana")])
    assert item(campaign, "ana").evidence == before


def test_the_next_campaign_shows_what_was_decided_before(cast: Cast) -> None:
    deliver(cast)
    first = open_campaign(campaign=ready(cast), by=cast.officer)
    decide(item=item(first, "ana"), choice=KEEP, by=cast.remy)
    second = open_campaign(campaign=ready(cast, name="Third quarter"), by=cast.officer)
    assert item(second, "ana").evidence["previous"]["reviewer"] == person("M1").name
    assert item(second, "bob").evidence["previous"] is None


def test_use_without_a_grant_is_a_finding_once(cast: Cast, source: LogSource) -> None:
    deliver(cast, days_ago=20)
    deliver(cast, CRM.replace(b"cem,agent,E3,human\n", b""), days_ago=10)
    arrive(source, cast, [record(days(1)[0], "cem"), record(days(1)[0], "ana")])
    assert find_causes(by=cast.officer).opened == 1
    ghost = Finding.objects.get()
    assert (ghost.kind, ghost.account) == ("ghost_use", Account.objects.get(name="cem"))
    assert "'cem' used CRM on" in ghost.sentence
    assert (ghost.evidence["days_used"], ghost.evidence["coverage_per_mille"] < 50) == (1, True)
    assert find_causes(by=cast.officer).opened == 0
    with pytest.raises(Refused, match="at least 10 characters"):
        resolve_finding(finding=ghost, resolution="fixed", by=cast.officer)
    assert resolve_finding(finding=ghost, resolution="Local account deleted.", by=cast.officer).resolved_at
    assert find_causes(by=cast.officer).opened == 0


def test_use_before_the_grant_ended_is_no_finding(cast: Cast, source: LogSource) -> None:
    deliver(cast, days_ago=20)
    deliver(cast, CRM.replace(b"cem,agent,E3,human\n", b""), days_ago=10)
    ended_at = Grant.objects.get(account__name="cem").until or timezone.now()
    arrive(source, cast, [record(ended_at - timedelta(days=2), "cem"), record(ended_at - timedelta(minutes=9), "cem")])
    find_causes(by=cast.officer)
    assert not Finding.objects.filter(kind="ghost_use").exists()
    arrive(source, cast, [record(ended_at + timedelta(minutes=9), "cem")])
    find_causes(by=cast.officer)
    assert Finding.objects.filter(kind="ghost_use").count() == 1


def test_a_leaver_with_access_is_found_until_the_access_is_gone(cast: Cast) -> None:
    deliver(cast, days_ago=3)
    gone = person("E3")
    gone.employed_until = timezone.now().date() - timedelta(days=2)
    gone.save(update_fields=["employed_until"])
    find_causes(by=cast.officer)
    assert "Cem Oz left on" in Finding.objects.get(kind="leaver_active").sentence
    deliver(cast, CRM.replace(b"cem,agent,E3,human\n", b""))
    assert find_causes(by=cast.officer).resolved == 1
    assert (
        Finding.objects.get(kind="leaver_active").resolution == "The cause is no longer there in the newest snapshot."
    )


def test_use_after_a_verified_revocation_opens_it_again(cast: Cast, source: LogSource) -> None:
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    deliver(cast, HELD.replace(b"bob,admin_all,E2,human,2025-01-15\n", b""), days_ago=0)
    assert verify_remediations(by=cast.officer).verified == 1
    arrive(source, cast, [record(timezone.now() - timedelta(hours=1), "bob")])
    assert verify_remediations(by=cast.officer).used_afterwards == 0
    arrive(source, cast, [record(timezone.now(), "bob")])
    later = verify_remediations(by=cast.officer)
    fix = Remediation.objects.get()
    assert (later.used_afterwards, fix.state, fix.reopened) == (1, "open", 1)
    assert "after its access was revoked" in Finding.objects.get(kind="use_after_revocation").sentence
    assert verify_remediations(by=cast.officer) == Verified(0, 0, 0, 0)
    deliver(cast, HELD.replace(b"bob,admin_all,E2,human,2025-01-15\n", b""), days_ago=0)
    assert verify_remediations(by=cast.officer) == Verified(1, 0, 0, 0)


def test_use_after_a_claim_opens_the_revocation_again_and_keeps_the_campaign_open(
    cast: Cast, source: LogSource
) -> None:
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    arrive(source, cast, [record(timezone.now() - timedelta(minutes=9), "bob")])
    claim_remediation(remediation=Remediation.objects.get(), ticket="OPS-1", by=cast.officer)
    assert verify_remediations(by=cast.officer) == Verified(0, 0, 0, 0)
    arrive(source, cast, [record(timezone.now(), "bob")])
    assert verify_remediations(by=cast.officer) == Verified(0, 0, 1, 0)
    fix = Remediation.objects.get()
    assert (fix.state, fix.reopened) == ("open", 1)
    assert "said on" in Finding.objects.get(kind="use_after_revocation").sentence
    with pytest.raises(Refused, match="not verified"):
        close_campaign(campaign=campaign, by=cast.officer)
    assert verify_remediations(by=cast.officer) == Verified(0, 0, 0, 0)
    claim_remediation(remediation=fix, ticket="OPS-2", by=cast.officer)
    deliver(cast, HELD.replace(b"bob,admin_all,E2,human,2025-01-15\n", b""), days_ago=0)
    assert verify_remediations(by=cast.officer) == Verified(1, 0, 0, 0)
    assert verify_remediations(by=cast.officer) == Verified(0, 0, 0, 0)
