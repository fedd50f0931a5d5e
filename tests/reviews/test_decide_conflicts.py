"""Conflicts of duties: rules over sets, across systems, decided as one thing; what the database holds of it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identities.actions import SystemFacts, import_snapshot, save_system
from identities.kinds import SnapshotUpload
from identities.models import Entitlement, System
from reviews.actions import add_conflict, create_campaign, decide, decide_conflict, find_causes, open_campaign
from reviews.kinds import Choice, ConflictDecided, Outcome
from reviews.models import (
    Campaign,
    CaseGrant,
    ConflictAnswer,
    ConflictCase,
    Decision,
    DutyConflict,
    DutySide,
    Exclusion,
    Finding,
    Remediation,
    ReviewItem,
)
from tenants.kinds import Refused
from tenants.models import User
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, deliver, item, person, plan
from tests.reviews.test_decide import _row
from tests.reviews.test_pages import page
from tests.reviews.test_sign import sign

pytestmark = pytest.mark.django_db

CRM = b"""account,entitlement,person,kind
ana,agent,E1,human
bob,approve,E2,human
bob,agent,E2,human
cem,approve,E3,human
"""
BANK = b"account,entitlement,person\nbob@bank,pay,E2\nbob@bank,book,E2\ncem@bank,view,E3\n"
WATCHED = "Every payment of his is seen by two others."


def right(key: str) -> Entitlement:
    return Entitlement.objects.get(key=key)


@pytest.fixture
def bank(cast: Cast) -> System:
    """A second system, a list of each, and the rule: who approves neither pays nor books."""
    bank = save_system(facts=SystemFacts("Bank", "bank", "pay", owner=person("M1")), by=cast.officer)
    at = timezone.now() - timedelta(hours=2)
    upload = SnapshotUpload(BANK, at, 3, "bank.csv", "", "report 3", "Ines")
    import_snapshot(system=bank, upload=upload, by=cast.officer)
    deliver(cast, CRM)
    sides = {"one": [right("approve")], "other": [right("pay"), right("book")]}
    add_conflict(**sides, why="Whoever approves neither pays nor books.", by=cast.officer)
    return bank


@pytest.fixture
def conflicts(cast: Cast, bank: System) -> Campaign:
    """An open campaign over the conflicts of both systems."""
    made = plan(cast, systems=[cast.crm, bank], conflicts_only=True)
    return open_campaign(
        campaign=create_campaign(plan=made, occurrence_at=timezone.now(), by=cast.officer), by=cast.officer
    )


def answer(cast: Cast, said: ConflictDecided, control: str = "", reason: str = "He leads the desk.") -> ConflictAnswer:
    case = ConflictCase.objects.get()
    return decide_conflict(
        case=case, answer=said, control=control, choice=Choice(Outcome.CERTIFY, reason), by=cast.remy
    )


def outcomes(campaign: Campaign) -> dict[str, str]:
    """Return the decisions that count, by entitlement."""
    heads = Decision.objects.filter(campaign=campaign, superseded_by__isnull=True)
    return dict(heads.values_list("item__entitlement__key", "outcome"))


def test_any_of_one_side_with_any_of_the_other_is_found_across_systems(cast: Cast, bank: System) -> None:
    assert find_causes(by=cast.officer).opened >= 1
    found = Finding.objects.get(kind="conflict")
    assert found.sentence == (
        "Bob Lim holds approve on CRM and book on Bank, pay on Bank. Whoever approves neither pays nor books."
    )
    assert found.evidence["accounts"] == ["bob", "bob@bank"]
    with pytest.raises(Refused, match="in conflict already"):
        add_conflict(
            one=[right("book"), right("pay")], other=[right("approve")], why="The same again.", by=cast.officer
        )
    with pytest.raises(Refused, match="at least one entitlement"):
        add_conflict(one=[], other=[right("approve")], why="Only one side.", by=cast.officer)


def test_a_conflict_is_one_thing_to_decide_and_the_side_that_goes_is_remediated(
    cast: Cast, conflicts: Campaign
) -> None:
    held = set(ReviewItem.objects.values_list("account__name", "entitlement__key"))
    assert held == {("bob", "approve"), ("bob@bank", "pay"), ("bob@bank", "book")}
    assert set(Exclusion.objects.values_list("reason", flat=True)) == {"The grant takes part in no conflict of duties."}
    with pytest.raises(Refused, match="one side of a conflict"):
        decide(item=item(conflicts, "bob", "approve"), choice=KEEP, by=cast.remy)
    with pytest.raises(Refused, match="Name in at least 10 characters the control"):
        answer(cast, ConflictDecided.KEEP)
    with pytest.raises(Refused, match="another reviewer"):
        decide_conflict(
            case=ConflictCase.objects.get(), answer=ConflictDecided.KEEP, control=WATCHED, choice=KEEP, by=cast.rosa
        )
    answer(cast, ConflictDecided.KEEP, WATCHED)
    assert outcomes(conflicts) == {"approve": "certify", "pay": "certify", "book": "certify"}
    assert f"Compensating control: {WATCHED}" in Decision.objects.get(item__entitlement__key="pay").reason
    answer(cast, ConflictDecided.REMOVE_SECOND)
    assert outcomes(conflicts) == {"approve": "certify", "pay": "revoke", "book": "revoke"}
    sign(conflicts, cast.remy, "M1")
    gone = set(Remediation.objects.values_list("item__entitlement__key", flat=True))
    assert gone == {"pay", "book"}


def test_what_another_conflict_takes_away_stays_taken_away(cast: Cast, bank: System) -> None:
    add_conflict(one=[right("approve")], other=[right("agent")], why="Agents do not approve.", by=cast.officer)
    made = plan(cast, systems=[cast.crm, bank], conflicts_only=True)
    waiting = create_campaign(plan=made, occurrence_at=timezone.now(), by=cast.officer)
    campaign = open_campaign(campaign=waiting, by=cast.officer)
    first, second = ConflictCase.objects.order_by("n")
    for case, said in ((first, ConflictDecided.REMOVE_FIRST), (second, ConflictDecided.REMOVE_SECOND)):
        decide_conflict(case=case, answer=said, control="", choice=KEEP, by=cast.remy)
    assert outcomes(campaign) == {"approve": "revoke", "pay": "certify", "book": "certify", "agent": "revoke"}


def test_the_database_lets_nobody_sign_both_sides_without_a_control(cast: Cast, conflicts: Campaign) -> None:
    for subject in ReviewItem.objects.all():
        _row(subject, reason="It is needed every day.", reviewer=person("M1")).save()
    with pytest.raises(Refused, match="no compensating control is named"):
        sign(conflicts, cast.remy, "M1")
    for words, fields in ATTACKS.items():
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            forged(conflicts, **fields).save()
    answer(cast, ConflictDecided.KEEP, WATCHED)
    assert sign(conflicts, cast.remy, "M1").count == 3
    with pytest.raises(DatabaseError, match="only while the campaign is open"), transaction.atomic():
        forged(conflicts).save()
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        ConflictAnswer.objects.update(control="Another control altogether.")


def forged(campaign: Campaign, **changes: object) -> ConflictAnswer:
    """Return an answer that keeps both sides, written around the action."""
    facts: dict[str, object] = {
        "campaign": campaign,
        "case": ConflictCase.objects.get(),
        "reviewer": person("M1"),
        "answer": "keep",
        "control": WATCHED,
        "reason": "They are needed.",
        "answered_at": timezone.now(),
        "answered_by": "remy",
        **changes,
    }
    return ConflictAnswer(**facts)


ATTACKS: dict[str, dict[str, object]] = {
    "kept_conflict_names_its_compensating_control": {"control": "none"},
    "conflict_answer_has_reason_and_person": {"reason": "so"},
    "bears the time at which": {"answered_at": timezone.now() - timedelta(hours=1)},
}


def test_no_side_joins_a_rule_and_no_item_a_case_later(cast: Cast, conflicts: Campaign) -> None:
    rule, case = DutyConflict.objects.get(), ConflictCase.objects.get()
    late: dict[str, DutySide | CaseGrant | ConflictCase] = {
        "says for good": DutySide(conflict=rule, side="second", entitlement=right("view")),
        "entitlement_is_on_one_side": DutySide(conflict=rule, side="first", entitlement=right("pay")),
        "frozen": ConflictCase(campaign=conflicts, n=9, conflict=rule, why="Whoever approves."),
    }
    for words, row in late.items():
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            row.save()
    grant = CaseGrant.objects.filter(case=case)[0]
    grant.pk, grant.case = None, case
    with pytest.raises(DatabaseError, match="item_is_on_one_side_of_a_case"), transaction.atomic():
        grant.save()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    bare = DutyConflict(key="x", first_count=1, second_count=1, why="A bare rule.", added_at=timezone.now())
    bare.added_by = "carla"
    with pytest.raises(DatabaseError, match="all entitlements"), transaction.atomic():
        bare.save()


def test_the_page_shows_both_sides_with_their_use_and_takes_the_decision(
    cast: Cast, conflicts: Campaign, remy: User
) -> None:
    client, case = make.login(remy), ConflictCase.objects.get()
    shown = client.get(page("cases", conflicts.pk)).content.decode()
    assert all(words in shown for words in ("bob@bank", "Remove approve", "Remove book, pay", "Days used", "0 of 3"))
    assert "Decide conflicts" in client.get(page("inbox")).content.decode()
    address, typed = page("decide_case", conflicts.pk, case.pk), {"answer": "keep", "reason": REVOKE.reason}
    refused = client.post(address, typed, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert "Name in at least 10 characters the control" in refused.content.decode()
    saved = client.post(address, {**typed, "control": WATCHED}, headers={"HX-Request": "true"}).content.decode()
    assert "Both are kept" in saved
    assert "3 of 3 decided" in saved
