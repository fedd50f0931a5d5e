"""Deciding: what a reviewer may, what the rules ask for, and what the database refuses by itself."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identities.actions import SystemFacts, save_system
from ledger.kinds import LeafKind
from reviews.actions import close_deciding, decide, reassign_items
from reviews.kinds import Choice, Outcome
from reviews.models import (
    Campaign,
    Decision,
    Exclusion,
    Finding,
    ReviewItem,
    ScopeLine,
)
from reviews.states import CampaignState
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tests import make
from tests.database import without_triggers
from tests.reviews.conftest import KEEP, REVOKE, Cast, deliver, fall_due, item, person, ready

pytestmark = pytest.mark.django_db


def test_it_records_a_decision_and_its_deed(campaign: Campaign, cast: Cast) -> None:
    decision = decide(item=item(campaign, "ana"), choice=Choice(Outcome.CERTIFY), by=cast.remy)
    assert (decision.outcome, decision.reviewer, decision.supersedes) == ("certify", person("M1"), None)
    entry = AuditEntry.objects.get(verb="item.decide")
    assert (entry.detail["outcome"], entry.leaf_kind) == ("certify", LeafKind.DECISION)


def test_a_change_of_mind_supersedes_and_keeps_the_first(campaign: Campaign, cast: Cast) -> None:
    first = decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy, seen=None)
    second = decide(item=item(campaign, "ana"), choice=REVOKE, by=cast.remy, seen=first.pk)
    assert second.supersedes == first
    assert Decision.objects.count() == 2
    with pytest.raises(Refused, match="in another window"):
        decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy, seen=first.pk)


@pytest.mark.parametrize("outcome", [Outcome.REVOKE, Outcome.MODIFY, Outcome.ABSTAIN])
def test_it_asks_for_a_reason(outcome: Outcome, campaign: Campaign, cast: Cast) -> None:
    with pytest.raises(Refused, match="at least 10 characters"):
        decide(item=item(campaign, "ana"), choice=Choice(outcome, "  because   "), by=cast.remy)
    assert (
        decide(item=item(campaign, "ana"), choice=Choice(outcome, "Moved to billing."), by=cast.remy).outcome == outcome
    )


def test_keeping_privileged_access_asks_for_a_reason(campaign: Campaign, cast: Cast) -> None:
    with pytest.raises(Refused, match="This access is privileged"):
        decide(item=item(campaign, "bob", "admin_all"), choice=Choice(Outcome.CERTIFY), by=cast.remy)


def test_nobody_decides_about_themselves_or_for_others(
    campaign: Campaign, cast: Cast, carla: User, bpo: Tenant
) -> None:
    with pytest.raises(Refused, match="your own access"):
        decide(item=item(campaign, "remy"), choice=KEEP, by=cast.remy)
    with pytest.raises(Refused, match="put to another reviewer"):
        decide(item=item(campaign, "cem"), choice=KEEP, by=cast.remy)
    with pytest.raises(Refused, match="put to another reviewer"):
        decide(item=item(campaign, "cem"), choice=KEEP, by=cast.remy, reviewer=person("M2"))
    with pytest.raises(Refused, match="Your role does not allow"):
        decide(item=item(campaign, "ana"), choice=KEEP, by=make.actor(carla, bpo))
    assert not Decision.objects.exists()


def test_reassigning_moves_the_item_and_keeps_the_history(campaign: Campaign, cast: Cast) -> None:
    moved = item(campaign, "ana")
    reassign_items(items=[moved], reviewer=person("M2"), reason="Remy is on leave until May.", by=cast.officer)
    with pytest.raises(Refused, match="put to another reviewer"):
        decide(item=moved, choice=KEEP, by=cast.remy)
    assert decide(item=moved, choice=KEEP, by=cast.rosa).reviewer == person("M2")
    assert moved.assignments.count() == 2
    with pytest.raises(Refused, match="own access"):
        reassign_items(
            items=[item(campaign, "remy")], reviewer=person("M1"), reason="Mistaken request.", by=cast.officer
        )
    with pytest.raises(Refused, match="may not review"):
        reassign_items(items=[moved], reviewer=person("E3"), reason="Knows the desk best.", by=cast.officer)


def test_silence_at_the_deadline_is_not_an_approval(campaign: Campaign, cast: Cast, system: Actor) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    with pytest.raises(Refused, match="not due yet"):
        close_deciding(campaign=campaign, by=system)
    fall_due(campaign)
    with pytest.raises(Refused, match="The campaign was due"):
        decide(item=item(campaign, "bob"), choice=KEEP, by=cast.remy)
    closed = close_deciding(campaign=campaign, by=system)
    assert closed.state == CampaignState.SIGNING
    assert Decision.objects.filter(outcome="not_decided", reviewer=None).count() == 5
    assert "5 grants" in Finding.objects.get(kind="not_decided").sentence
    with pytest.raises(Refused, match="not due yet"):
        close_deciding(campaign=campaign, by=system)


def _row(subject: ReviewItem, **changes: object) -> Decision:
    """Return a decision as an attacker writes it around the actions: Remy keeps Ana's access, unless changed."""
    facts: dict[str, object] = {
        "campaign_id": subject.campaign_id,
        "item": subject,
        "reviewer": person("M1"),
        "subject_key": subject.subject_key,
        "privileged": subject.privileged,
        "advice": subject.advice,
        "outcome": "certify",
        "reason": "",
        "decided_at": timezone.now(),
        "decided_by": "remy@example.org",
        **changes,
    }
    return Decision(**facts)


COPIES, WHY = "decision_copies_its_item", {"reason": KEEP.reason}
ATTACKS: tuple[tuple[str, str, dict[str, object]], ...] = (
    (COPIES, "ana", {"subject_key": 0}),
    (COPIES, "ana", {"privileged": True, **WHY}),
    (COPIES, "ana", {"advice": "revoke", **WHY}),
    (COPIES, "bob", {"privileged": False, **WHY}),
    (COPIES, "bob", {"advice": "keep", **WHY}),
    ("decision_gives_a_reason_where_one_is_asked_for", "bob", {}),
    ("put to another reviewer", "cem", {}),
    ("put to another reviewer", "remy", {}),
    ("not due yet", "ana", {"outcome": "not_decided", "reviewer": None}),
    ("bears the time", "ana", {"decided_at": timezone.now() - timedelta(days=1)}),
)


@pytest.mark.parametrize(("refusal", "account", "changes"), ATTACKS)
def test_the_database_refuses_by_itself(
    refusal: str, account: str, changes: dict[str, object], campaign: Campaign, cast: Cast
) -> None:
    subject = item(campaign, account, "admin_all" if account == "bob" else "agent")
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        _row(subject, **changes).save(force_insert=True)


def test_the_database_refuses_self_review_whatever_is_forged(campaign: Campaign, cast: Cast) -> None:
    """Remy's own access is not put to him; a decision about what is put to him does not call it his own."""
    own = item(campaign, "remy").assignments.get()
    own.pk, own.reviewer = None, person("M1")
    with pytest.raises(DatabaseError, match="nobody_is_assigned_their_own_access"), transaction.atomic():
        own.save(force_insert=True)
    with pytest.raises(DatabaseError, match="nobody_reviews_their_own_access"), transaction.atomic():
        _row(item(campaign, "ana"), subject_key=person("M1").pk).save(force_insert=True)
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    with pytest.raises(DatabaseError, match="nobody_reviews_their_own_access"), transaction.atomic():
        without_triggers("UPDATE reviews_decision SET reviewer_id = subject_key")


def test_history_is_one_line_without_forks(campaign: Campaign, cast: Cast) -> None:
    first = decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    with pytest.raises(DatabaseError, match="decision_history_has_one_root"), transaction.atomic():
        _row(item(campaign, "ana")).save(force_insert=True)
    decide(item=item(campaign, "ana"), choice=REVOKE, by=cast.remy)
    with pytest.raises(DatabaseError, match="supersede"), transaction.atomic():
        _row(item(campaign, "ana"), supersedes=first).save(force_insert=True)
    head = Decision.objects.get(supersedes=first)
    with pytest.raises(DatabaseError, match="supersedes_one_of_its_item"), transaction.atomic():
        _row(item(campaign, "bob"), supersedes=head).save(force_insert=True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reviews_decision SET outcome = 'certify'",
        "DELETE FROM reviews_decision",
        "TRUNCATE reviews_decision",
        "UPDATE reviews_reviewitem SET advice = 'keep'",
        "DELETE FROM reviews_reviewitem",
        "DELETE FROM reviews_campaign",
        "UPDATE reviews_assignment SET reviewer_id = 1",
    ],
)
def test_evidence_is_only_ever_added_to(statement: str, campaign: Campaign, cast: Cast) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    with pytest.raises(DatabaseError, match="permission denied for table"), transaction.atomic():
        connection.cursor().execute(statement)


def test_what_an_open_campaign_holds_is_frozen(campaign: Campaign, cast: Cast) -> None:
    row = deliver(cast, days_ago=0).rows.all()[0]
    other, line = ready(cast, name="Another"), campaign.scope.get()
    Campaign.objects.filter(pk=other.pk).update(state="collecting")
    extra = item(campaign, "ana")
    extra.pk, extra.n, extra.row, extra.snapshot = None, 99, row, row.snapshot
    excluded = Exclusion(campaign=campaign, row=row, reason="Left to another review.", approved_by="carla")
    wider = ScopeLine(campaign=campaign, system=save_system(facts=SystemFacts("B", "b", "root"), by=cast.officer))
    named = Campaign.objects.filter(pk=campaign.pk)
    for words, deed in (
        ("population of the campaign is frozen", lambda: extra.save(force_insert=True)),
        ("population of the campaign is frozen", lambda: excluded.save(force_insert=True)),
        ("scope of the campaign is frozen", lambda: wider.save(force_insert=True)),
        ("scope of the campaign is frozen", lambda: ScopeLine.objects.filter(pk=line.pk).update(snapshot=row.snapshot)),
        ("scope of the campaign is frozen", lambda: ScopeLine.objects.filter(pk=line.pk).update(campaign=other)),
        ("scope of the campaign is frozen", line.delete),
        ("definition of an opened campaign is frozen", lambda: named.update(definition={"due_days": 90})),
        ("what it follows are fixed", lambda: named.update(plan=other.plan)),
    ):
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            deed()
