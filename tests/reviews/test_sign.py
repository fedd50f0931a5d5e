"""Signing: exactly the reviewer's decisions, once, after proving who signs; then carrying out and closing."""

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from reviews.actions import (
    claim_remediation,
    close_campaign,
    close_deciding,
    decide,
    extend_campaign,
    reopen_campaign,
    sign_off,
    verify_remediations,
)
from reviews.kinds import Choice, Outcome
from reviews.manifest import manifest_digest
from reviews.models import Campaign, CampaignMove, Decision, Finding, Remediation, ReviewItem, SignOff
from reviews.queries.campaigns import blockers, standing
from reviews.queries.standing import statement
from reviews.states import CampaignState
from tenants.kinds import Actor, Refused
from tests.reviews.conftest import CRM, KEEP, REVOKE, Cast, accept, deliver, fall_due, item, person, proof

pytestmark = pytest.mark.django_db


def sign(campaign: Campaign, by: Actor, who: str, **changes: object) -> SignOff:
    digest = statement(campaign, person(who))[1]
    facts: dict[str, object] = {"printed_name": who, "shown_digest": digest, "proof": proof(), **changes}
    return sign_off(campaign=campaign, by=by, **facts)


def decide_all(campaign: Campaign, cast: Cast) -> None:
    """Decide everything: Bob's administration is revoked, the rest is kept."""
    for subject in ReviewItem.objects.filter(campaign=campaign).select_related("campaign"):
        by = cast.remy if subject.assignments.get().reviewer == person("M1") else cast.rosa
        decide(item=subject, choice=REVOKE if subject.privileged else KEEP, by=by)


@pytest.fixture
def signed(campaign: Campaign, cast: Cast) -> Campaign:
    """A campaign that is signed by both reviewers, with one revocation to carry out."""
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    campaign.refresh_from_db()
    return campaign


def test_the_last_signature_brings_the_campaign_on(signed: Campaign) -> None:
    assert signed.state == CampaignState.REMEDIATING
    assert list(CampaignMove.objects.order_by("id").values_list("new", flat=True)) == [
        "collecting",
        "ready",
        "open",
        "signing",
        "remediating",
    ]
    signature = SignOff.objects.get(reviewer=person("M1"))
    assert (signature.count, signature.level, signature.methods) == (3, "code", ["password", "code"])
    assert signature.digest == manifest_digest(signature.manifest)
    assert "3 grants listed" in signature.meaning
    assert Remediation.objects.get().item.entitlement.key == "admin_all"


def test_it_refuses_to_sign_undecided_or_changed_or_twice(campaign: Campaign, cast: Cast) -> None:
    with pytest.raises(Refused, match="3 of your items are undecided"):
        sign(campaign, cast.remy, "M1")
    decide_all(campaign, cast)
    shown = statement(campaign, person("M1"))[1]
    decide(item=item(campaign, "ana"), choice=REVOKE, by=cast.remy)
    with pytest.raises(Refused, match="changed since they were shown"):
        sign(campaign, cast.remy, "M1", shown_digest=shown)
    sign(campaign, cast.remy, "M1")
    with pytest.raises(Refused, match="signed this campaign already"):
        sign(campaign, cast.remy, "M1")
    with pytest.raises(Refused, match="signed these decisions already"):
        decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)


def test_it_refuses_an_old_proof_and_an_officer(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    with pytest.raises(Refused, match="within five minutes"):
        sign(campaign, cast.remy, "M1", proof=proof(seconds_ago=301))
    with pytest.raises(Refused, match="does not allow you to sign"):
        sign(campaign, cast.officer, "M1")


FORGERIES = {
    "another outcome": ('"outcome":"revoke"', '"outcome":"certify"'),
    "another reason": ("Left the Acme desk in March.", "Left the Acme desk in April."),
    "another reviewer": ('"external_id":"M1","id":', '"external_id":"M1","id":9'),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_database_refuses_a_statement_over_other_decisions(forgery: str, campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    text, _digest, count = statement(campaign, person("M1"))
    forged = text.replace(*FORGERIES[forgery])
    assert forged != text
    with pytest.raises(DatabaseError, match="not over exactly the decisions"), transaction.atomic():
        _signature(campaign, forged, manifest_digest(forged), count).save(force_insert=True)
    with pytest.raises(DatabaseError, match="not that of the statement"), transaction.atomic():
        _signature(campaign, forged, manifest_digest(text), count).save(force_insert=True)
    _signature(campaign, text, manifest_digest(text), count).save(force_insert=True)


def _signature(campaign: Campaign, manifest: str, digest: str, count: int) -> SignOff:
    """Return a signature as somebody writes it around the action."""
    now = timezone.now()
    return SignOff(
        campaign=campaign,
        round=1,
        reviewer=person("M1"),
        printed_name="Remy",
        meaning="Reviewed.",
        level="code",
        methods=["password", "code"],
        authenticated_at=now,
        signed_at=now,
        count=count,
        manifest=manifest,
        digest=digest,
    )


def test_it_closes_only_when_a_later_complete_snapshot_lacks_the_grant(signed: Campaign, cast: Cast) -> None:
    with pytest.raises(Refused, match="A revocation is not verified"):
        close_campaign(campaign=signed, by=cast.officer)
    without = CRM.replace(b"bob,admin_all,E2,human\n", b"")
    deliver(cast, without, days_ago=0.5)
    assert verify_remediations(by=cast.officer).verified == 0
    deliver(cast, without, days_ago=0, total=7)
    assert verify_remediations(by=cast.officer).verified == 0
    fresh = deliver(cast, without, days_ago=0)
    assert verify_remediations(by=cast.officer).verified == 1
    assert Remediation.objects.get().verified_snapshot == fresh
    assert close_campaign(campaign=signed, by=cast.officer).state == CampaignState.CLOSED
    for changes in (*[{"state": state} for state in CampaignState], {"definition": {}}, {"name": "Another"}):
        with pytest.raises(DatabaseError, match="The campaign is closed; that is final"), transaction.atomic():
            Campaign.objects.filter(pk=signed.pk).update(**changes)


def test_an_empty_list_verifies_nothing(signed: Campaign, cast: Cast) -> None:
    assert blockers(signed, standing(signed), []) == ["1 revocation is not verified by a later complete snapshot."]
    empty = deliver(cast, b"account,entitlement,person,kind\n", days_ago=0, total=0)
    assert empty.complete
    assert verify_remediations(by=cast.officer).verified == 0
    assert blockers(signed, standing(signed), []) == [
        "1 revocation is not verified: the newest list of CRM is empty, and an empty list verifies nothing."
    ]
    verified = {"state": "verified", "verified_at": timezone.now(), "verified_snapshot": empty}
    with pytest.raises(DatabaseError, match="An empty list verifies no revocation"), transaction.atomic():
        Remediation.objects.update(**verified)
    empty.pk, empty.record_total, empty.source_total = None, 5, 5  # five accounts, and none of them holds anything
    empty.captured_at = empty.recorded_at = timezone.now()
    empty.save(force_insert=True)
    assert verify_remediations(by=cast.officer).verified == 1


def test_a_claim_that_the_snapshot_contradicts_opens_again_with_a_finding(signed: Campaign, cast: Cast) -> None:
    claimed = claim_remediation(remediation=Remediation.objects.get(), ticket="CHG-7", by=cast.officer)
    assert claimed.state == "claimed_done"
    deliver(cast, days_ago=0)
    assert verify_remediations(by=cast.officer).failed == 1
    claimed.refresh_from_db()
    assert (claimed.state, claimed.reopened) == ("open", 1)
    assert "still holds 'admin_all'" in Finding.objects.get(kind="unverified").sentence


def test_a_risk_is_accepted_for_a_time_only(signed: Campaign, cast: Cast) -> None:
    fix, soon = Remediation.objects.get(), timezone.now() + timedelta(days=10)
    accept(fix, cast.officer, cast.rosa, soon)
    Remediation.objects.update(accepted_until=timezone.now() - timedelta(days=1))
    with pytest.raises(Refused, match="not verified"):
        close_campaign(campaign=signed, by=cast.officer)
    assert verify_remediations(by=cast.officer).expired == 1
    assert Remediation.objects.get().state == "open"


def test_an_accepted_risk_that_ends_is_not_forgotten_with_the_campaign(signed: Campaign, cast: Cast) -> None:
    fix, soon = Remediation.objects.get(), timezone.now() + timedelta(days=10)
    accept(fix, cast.officer, cast.rosa, soon)
    close_campaign(campaign=signed, by=cast.officer)
    assert verify_remediations(by=cast.officer).expired == 0
    Remediation.objects.update(accepted_until=timezone.now() - timedelta(days=1))
    assert verify_remediations(by=cast.officer).expired == 1
    assert Remediation.objects.get().state == "open"
    assert "was accepted until" in Finding.objects.get(kind="unverified").sentence


def test_the_database_verifies_no_revocation_by_a_wrong_snapshot(signed: Campaign, cast: Cast) -> None:
    old = signed.scope.get().snapshot
    for snapshot, words in ((old, "Only a later complete"), (deliver(cast, days_ago=0), "still lists the grant")):
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            Remediation.objects.update(state="verified", verified_at=timezone.now(), verified_snapshot=snapshot)


def test_an_undecided_campaign_is_signed_after_its_deadline(campaign: Campaign, cast: Cast, system: Actor) -> None:
    decide(item=item(campaign, "cem"), choice=KEEP, by=cast.rosa)
    fall_due(campaign)
    late = close_deciding(campaign=campaign, by=system)
    assert late.state == CampaignState.SIGNING
    sign(late, cast.rosa, "M2")
    late.refresh_from_db()
    assert late.state == CampaignState.REMEDIATING


def test_reopening_withdraws_the_signatures_of_the_round(campaign: Campaign, cast: Cast, system: Actor) -> None:
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    fall_due(campaign)
    late, again = close_deciding(campaign=campaign, by=system), timezone.now() + timedelta(days=3)
    with pytest.raises(Refused, match="at least 10 characters"):
        reopen_campaign(campaign=late, due_at=again, reason="oops", by=cast.officer)
    far = timezone.now() + timedelta(days=31)
    with pytest.raises(Refused, match="at most 30 days from now"):
        reopen_campaign(campaign=late, due_at=far, reason="Remy found a mistake.", by=cast.officer)
    reopened = reopen_campaign(campaign=late, due_at=again, reason="Remy found a mistake.", by=cast.officer)
    assert (reopened.state, reopened.round) == (CampaignState.OPEN, 2)
    changed = Choice(Outcome.CERTIFY, "Needed until the migration ends.")
    decide(item=item(reopened, "bob", "admin_all"), choice=changed, by=cast.remy)
    assert sign(reopened, cast.remy, "M1").round == 2
    assert SignOff.objects.count() == 2


def test_an_extension_gives_time_and_says_why(campaign: Campaign, cast: Cast) -> None:
    assert campaign.due_at is not None
    later = campaign.due_at + timedelta(days=7)
    with pytest.raises(Refused, match="later than the present one"):
        extend_campaign(campaign=campaign, due_at=campaign.due_at, reason="Holidays in May.", by=cast.officer)
    assert extend_campaign(campaign=campaign, due_at=later, reason="Holidays in May.", by=cast.officer).due_at == later
    assert CampaignMove.objects.order_by("-id")[0].reason == "Holidays in May."
    with pytest.raises(Refused, match="plan and run campaigns"):
        extend_campaign(campaign=campaign, due_at=later + timedelta(1), reason="Holidays in May.", by=cast.remy)


def test_an_extension_has_a_maximum_that_the_database_holds_too(campaign: Campaign, cast: Cast) -> None:
    assert campaign.due_at is not None
    month, due_at = timedelta(days=30), campaign.due_at
    limited = pytest.raises(DatabaseError, match="three times at most, by 30 days each")

    @transaction.atomic
    def past_the_policy(old: datetime, new: datetime) -> None:
        told = {"old_due_at": old, "new_due_at": new, "at": timezone.now(), "by": "x", "reason": "A year more."}
        CampaignMove.objects.create(campaign=campaign, old="open", new="open", **told)
        Campaign.objects.filter(pk=campaign.pk).update(due_at=new)

    with pytest.raises(Refused, match="at most 30 days after the present one"):
        extend_campaign(campaign=campaign, due_at=due_at + month * 2, reason="A year more.", by=cast.officer)
    with limited:
        past_the_policy(due_at, due_at + month * 2)
    for n in (1, 2, 3):
        extend_campaign(campaign=campaign, due_at=due_at + month * n, reason="Holidays again.", by=cast.officer)
    with pytest.raises(Refused, match="extended 3 times, and is not a further time"):
        extend_campaign(campaign=campaign, due_at=due_at + month * 4, reason="Holidays again.", by=cast.officer)
    with limited:
        past_the_policy(due_at + month * 3, due_at + month * 4)


def test_decisions_of_a_signed_campaign_are_final(signed: Campaign, cast: Cast) -> None:
    with pytest.raises(Refused, match="only while the campaign is open"):
        decide(item=item(signed, "ana"), choice=REVOKE, by=cast.remy)
    assert Decision.objects.count() == 6
