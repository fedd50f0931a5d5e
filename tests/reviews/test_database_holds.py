"""What the database refuses by itself, whoever writes: each rule of a review, tried around the actions.

The tests log in as the app role. Where each invariant is attacked, here unless another file is named:

    tenant never crossed; snapshot of the scoped system     no_row_crosses_to_another_tenant, a_scope_names_its_own_...;
                                                            tests/flows/test_no_scope_no_rows.py
    no overlapping grants                                   tests/identities/test_import_snapshot.py
    one campaign for each period of a plan                  a_period_has_one_campaign; test_race.py (two schedulers)
    sealed population frozen                                test_decide.py, test_race.py (while it opens),
                                                            tests/identities/test_import_snapshot.py
    no state skipped, closed final, nothing deleted         a_campaign_skips_no_state_..., test_sign.py (closes),
                                                            test_decide.py (evidence)
    due time and period                                     the_due_time_moves_only_..., a_period_has_one_campaign
    complete before ready, balance before open              no_campaign_gets_ready_..., no_campaign_opens_with_...
    exclusions reasoned                                     no_campaign_opens_with_...
    no self-review, nothing copied is forged                test_decide.py (ATTACKS), an_item_says_what_its_row_says
    reasons; no bulk on privileged or advised against       a_decision_gives_its_reason, no_bulk_on_privileged_access
    history without forks                                   test_decide.py, test_race.py (two tabs)
    decisions only ever added, also against TRUNCATE        test_decide.py (evidence)
    decided while open, in time, before the own signature   no_decision_is_taken_late_..., a_signed_decision_...
    signature: two components, fresh, of these decisions    a_signature_is_fresh_..., test_sign.py (FORGERIES),
                                                            test_prove_who_signs.py (passkey, minimum), test_race.py
    signing, remediating, closed: each behind its gate      no_campaign_goes_on_undecided_..., what_was_withdrawn_...
    verified by a later complete snapshot without the row   a_snapshot_of_another_system_..., a_remediation_is_of_...,
                                                            test_sign.py (wrong snapshot, empty list)
    risk acceptance ends                                    test_accept_risk.py
    postponed after a move, 30 days, once, by a signed day  test_postpone.py, test_race.py (two campaigns)

The periods of log reviews (one chain without a gap) are attacked in test_log_reviews_hold.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identities.actions import SystemFacts, import_snapshot, save_system
from identities.kinds import SnapshotUpload
from identities.models import SnapshotRow
from reviews.actions import close_deciding, decide, propose_risk, reassign_items, reopen_campaign
from reviews.kinds import Advice
from reviews.models import (
    Assignment,
    Campaign,
    CampaignMove,
    Decision,
    Exclusion,
    Remediation,
    ReviewItem,
    ScopeLine,
    SignOff,
)
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import Tenant
from tests.reviews.conftest import CRM, KEEP, REVOKE, Cast, deliver, fall_due, item, person, ready
from tests.reviews.test_decide import _row
from tests.reviews.test_sign import _signature, decide_all, sign

pytestmark = pytest.mark.django_db


def refused(words: str, deed: Callable[[], object]) -> None:
    """Do a write that the database must refuse with these words."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        deed()


def move(campaign: Campaign, state: str, **fields: object) -> Callable[[], object]:
    """Return the write that changes a campaign's state, with nothing asked before."""
    return lambda: Campaign.objects.filter(pk=campaign.pk).update(state=state, **fields)


def test_no_campaign_gets_ready_without_complete_snapshots(cast: Cast) -> None:
    waiting = ready(cast)
    refused("complete snapshot or a waiver", move(waiting, "ready"))
    snapshot = deliver(cast, total=9)
    ScopeLine.objects.filter(campaign=waiting).update(snapshot=snapshot)
    refused("complete snapshot or a waiver", move(waiting, "ready"))


def test_no_campaign_opens_with_a_row_that_is_neither_item_nor_exclusion(cast: Cast) -> None:
    deliver(cast)
    waiting, now = ready(cast), timezone.now()
    opening = move(waiting, "open", opened_at=now, opened_by="carla", due_at=now + timedelta(days=3))
    refused("does not balance: 6 rows, 0 items, 0 exclusions", opening)
    rows = list(SnapshotRow.objects.order_by("n"))
    reason = "Left to the yearly review."
    Exclusion.objects.bulk_create([_exclusion(waiting, row, reason) for row in rows[:5]])
    refused("6 rows, 0 items, 5 exclusions", opening)
    refused("exclusion_has_a_reason", lambda: _exclusion(waiting, rows[5], "later").save(force_insert=True))
    items, twice = ReviewItem.objects, [_item(waiting, rows[0])]  # one row as both, another as neither
    refused("6 rows, 1 items, 5 exclusions", lambda: (items.bulk_create(twice), opening()))
    _exclusion(waiting, rows[5], reason).save(force_insert=True)
    opening()
    assert Campaign.objects.get(pk=waiting.pk).state == CampaignState.OPEN


def test_an_item_is_a_grant_that_its_snapshot_lists(cast: Cast) -> None:
    deliver(cast)
    waiting, row = ready(cast), SnapshotRow.objects.order_by("n")[0]
    listed = set(SnapshotRow.objects.filter(account=row.account).values_list("entitlement_id", flat=True))
    other = SnapshotRow.objects.exclude(entitlement_id__in=listed)[0].entitlement_id
    listing_another = SnapshotRow.objects.exclude(pk=row.pk)[0]
    billing = save_system(facts=SystemFacts("Billing", "billing", "root"), by=cast.officer)

    def make(entitlement: int, by: SnapshotRow = row, **changes: object) -> None:
        _item(waiting, row, row=by, entitlement_id=entitlement, **changes).save(force_insert=True)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    refused("item_is_a_grant_of_its_snapshot", lambda: make(other))
    refused("item_is_a_grant_of_its_snapshot", lambda: make(row.entitlement_id, listing_another))
    refused("item_is_in_scope_of_its_campaign", lambda: make(row.entitlement_id, system_id=billing.pk))
    deliver(cast, days_ago=0.5)
    over_newer = ready(cast, name="Over the newer list")
    refused("item_is_in_scope_of_its_campaign", lambda: make(row.entitlement_id, campaign=over_newer))
    with transaction.atomic():
        make(row.entitlement_id)
        transaction.set_rollback(True)


def _item(campaign: Campaign, row: SnapshotRow, /, **changes: object) -> ReviewItem:
    """Return the item of a row, as it would be stored, with changes."""
    facts: dict[str, object] = {
        "campaign": campaign,
        "n": row.n,
        "row": row,
        "snapshot_id": row.snapshot_id,
        "system_id": row.snapshot.system_id,
        "account_id": row.account_id,
        "entitlement_id": row.entitlement_id,
        "subject_id": row.identity_id,
        "subject_key": row.identity_id or 0,
        "privileged": row.privileged,
        "advice": Advice.KEEP,
        "advice_reason": "Used every day.",
    }
    return ReviewItem(**{**facts, **changes})


def test_an_item_says_what_its_row_says(cast: Cast) -> None:
    deliver(cast)
    waiting, now, remy = ready(cast), timezone.now(), person("M1").pk
    opening = move(waiting, "open", opened_at=now, opened_by="carla", due_at=now + timedelta(days=3))
    billing = save_system(facts=SystemFacts("Billing", "billing", "root"), by=cast.officer)
    rows = {row.account.name: row for row in SnapshotRow.objects.order_by("privileged")}  # of Bob's, the privileged

    def attempt(name: str, changes: dict[str, object]) -> None:
        others = [_item(waiting, row) for row in SnapshotRow.objects.exclude(pk=rows[name].pk)]
        ReviewItem.objects.bulk_create([_item(waiting, rows[name], **changes), *others])
        opening()

    for name, changes in (
        ("bob", {"privileged": False}),
        ("bob", {"subject_id": remy, "subject_key": remy}),
        ("remy", {"subject_id": None, "subject_key": 0}),
        ("backup", {"subject_id": remy, "subject_key": remy}),
        ("ana", {"system_id": billing.pk}),
    ):
        refused("other things than its row", lambda name=name, changes=changes: attempt(name, changes))
    refused("Every item needs a reviewer", lambda: attempt("ana", {}))


def _exclusion(campaign: Campaign, row: SnapshotRow, reason: str) -> Exclusion:
    return Exclusion(campaign=campaign, row=row, reason=reason, approved_by="carla")


def test_no_campaign_goes_on_undecided_unsigned_or_unverified(campaign: Campaign, cast: Cast) -> None:
    refused("Items are undecided", move(campaign, "signing"))
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    move(campaign, "signing")()
    refused("A reviewer has not signed", move(campaign, "remediating"))
    sign(Campaign.objects.get(pk=campaign.pk), cast.rosa, "M2")
    now = timezone.now()
    refused("A revocation is not verified", move(campaign, "closed", closed_at=now, closed_by="carla"))
    refused("does not go from remediating to open", move(campaign, "open"))


@pytest.mark.parametrize("by", ["another reviewer", "a new round"])
def test_what_was_withdrawn_is_decided_again(by: str, campaign: Campaign, cast: Cast) -> None:
    soon = timezone.now() + timedelta(days=3)
    if by == "another reviewer":
        decide_all(campaign, cast)
        moved = [item(campaign, "cem")]
        reassign_items(items=moved, reviewer=person("M1"), reason="Rosa is on leave.", by=cast.officer)
    else:
        decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
        fall_due(campaign)
        late = close_deciding(campaign=campaign, by=cast.officer)
        campaign = reopen_campaign(campaign=late, due_at=soon, reason="Everybody was ill.", by=cast.officer)
    refused("Items are undecided", move(campaign, "signing"))
    signature = _signature(campaign, "{}", "", 1)
    signature.round = campaign.round
    refused("Items of this reviewer are undecided", lambda: signature.save(force_insert=True))
    fall_due(campaign)
    move(campaign, "signing")()


def test_the_due_time_moves_only_with_the_row_that_says_so(campaign: Campaign, cast: Cast) -> None:
    assert campaign.due_at
    due, week = campaign.due_at, timedelta(days=7)
    told = {"campaign": campaign, "reason": "Nobody has to know.", "at": timezone.now(), "by": "x"}

    def to(due_at: datetime, *, row: datetime | None = None, new: str = "open", **fields: object) -> None:
        if row:
            old = Campaign.objects.get(pk=campaign.pk)
            CampaignMove.objects.create(**told, old=old.state, new=new, old_due_at=old.due_at, new_due_at=row)
        move(campaign, new, due_at=due_at, **fields)()

    refused("only with the row", lambda: to(due + week))
    refused("only with the row", lambda: to(due + week, row=due + 2 * week))
    refused("only to a later one", lambda: to(due - week, row=due - week))
    refused("extension_says_why", lambda: CampaignMove.objects.create(**{**told, "reason": ""}, old="open", new="open"))
    refused("only to a later one", lambda: to(due + week, row=due + week, new="signing"))
    to(due + week, row=due + week)
    decide_all(campaign, cast)
    move(campaign, "signing")()
    refused("only to a later one", lambda: to(due, row=due, new="signing"))
    refused("only with the row", lambda: to(due, round=2))
    far = timezone.now() + timedelta(days=31)
    refused("reopened for 30 days at most", lambda: to(far, row=far, round=2))
    to(due, row=due, round=2)
    refused("only with the row", lambda: to(due + week))  # the row of the first extension does not serve again


@pytest.mark.parametrize("when", ["due", "signing", "signed"])
def test_no_decision_is_taken_late_or_after_the_signature(when: str, campaign: Campaign, cast: Cast) -> None:
    words = {"due": "The campaign was due", "signing": "only while the campaign is open", "signed": "signed"}[when]
    decide_all(campaign, cast)
    if when == "due":
        fall_due(campaign)
    elif when == "signing":
        move(campaign, "signing")()
    else:
        sign(campaign, cast.remy, "M1")
    subject = item(campaign, "ana")
    before = Decision.objects.get(item=subject)
    refused(words, lambda: _row(subject, supersedes=before).save(force_insert=True))


def test_a_signed_decision_is_superseded_by_nobody(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    subject = item(campaign, "ana")
    before = Decision.objects.get(item=subject)
    with pytest.raises(Refused, match="is signed; it stays as it is"):
        reassign_items(items=[subject], reviewer=person("M2"), reason="Remy is on leave.", by=cast.officer)
    moved = Assignment.objects.filter(item=subject)
    moved.update(until=timezone.now())
    Assignment.objects.bulk_create([_to_rosa(moved.get())])
    other = {"supersedes": before, "reviewer": person("M2")}
    refused("is signed already", lambda: _row(subject, **other).save(force_insert=True))
    silent = {"supersedes": before, "reviewer": None, "outcome": "not_decided"}
    refused("is signed already", lambda: _row(subject, **silent).save(force_insert=True))


def _to_rosa(first: Assignment) -> Assignment:
    first.pk, first.reviewer, first.until = None, person("M2"), None
    return first


def test_no_bulk_on_privileged_access(campaign: Campaign, cast: Cast) -> None:
    together = {"bulk": "6f0c0f4e-6c7a-4b52-9d5c-0a5a35a1b0aa", "reason": KEEP.reason}
    row = _row(item(campaign, "bob", "admin_all"), **together)
    refused("no_bulk_decision_on_privileged", lambda: row.save(force_insert=True))
    row = _row(item(campaign, "ana"), outcome="revoke", **together)
    refused("no_bulk_decision_on_privileged", lambda: row.save(force_insert=True))


def test_a_signature_is_fresh_named_and_given_once(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    first = sign(campaign, cast.remy, "M1")
    for field, value, words in (
        ("authenticated_at", first.signed_at - timedelta(seconds=301), "signature_follows_its_authentication"),
        ("authenticated_at", first.signed_at + timedelta(seconds=1), "signature_follows_its_authentication"),
        ("printed_name", "", "signature_says_who_and_what"),
        ("methods", [], "signature_rests_on_two_components|signature_names_its_authentication"),
        ("methods", ["password"], "signature_rests_on_two_components"),
        ("level", "", "stronger proof of who signs"),
        ("level", "session", "stronger proof of who signs"),
        ("signed_at", first.signed_at - timedelta(days=1), "bears the time"),
        ("round", 2, "does not take signatures now"),
        ("printed_name", "Remy", "reviewer_signs_once"),
    ):
        forged = SignOff.objects.get(pk=first.pk)
        forged.pk = None
        setattr(forged, field, value)
        refused(words, lambda forged=forged: forged.save(force_insert=True))


def test_no_item_changes_its_reviewer_after_the_deciding(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    move(campaign, "signing")()
    moved = Assignment.objects.filter(item=item(campaign, "ana"))
    moved.update(until=timezone.now())
    refused("only while the campaign is open", lambda: Assignment.objects.bulk_create([_to_rosa(moved.get())]))


def test_a_snapshot_of_another_system_verifies_nothing(campaign: Campaign, cast: Cast) -> None:
    _revoked(campaign, cast)
    billing = save_system(facts=SystemFacts("Billing", "billing", "root"), by=cast.officer)
    upload = SnapshotUpload(CRM, timezone.now(), 6, "b.csv", "", "", "Ines")
    other = import_snapshot(system=billing, upload=upload, by=cast.officer)
    partial = deliver(cast, CRM.replace(b"bob,admin_all,E2,human\n", b""), days_ago=0, total=9)
    for snapshot in (other, partial):
        fields = {"state": "verified", "verified_at": timezone.now(), "verified_snapshot": snapshot}
        refused("Only a later complete snapshot", lambda fields=fields: Remediation.objects.update(**fields))


def test_a_remediation_is_of_the_item_that_was_decided(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    revoked, now = Decision.objects.get(outcome="revoke"), timezone.now()
    fix = Remediation(campaign=campaign, decision=revoked, item=item(campaign, "ana"), created_at=now, due_at=now)
    refused("of the item that was decided", lambda: fix.save(force_insert=True))
    fix.item = revoked.item
    fix.due_at = now + timedelta(days=1, seconds=1)
    refused("carried out within 1 days", lambda: fix.save(force_insert=True))
    fix.created_at, fix.due_at = now + timedelta(days=9), now + timedelta(days=10)
    refused("carried out within 1 days", lambda: fix.save(force_insert=True))
    fix.created_at, fix.due_at = now, now + timedelta(days=1)
    fix.save(force_insert=True)
    refused("stays due", lambda: Remediation.objects.update(due_at=now + timedelta(hours=25)))
    refused("stays due", lambda: Remediation.objects.update(created_at=now + timedelta(hours=1)))


def _revoked(campaign: Campaign, cast: Cast) -> None:
    """Sign everything, with one revocation to carry out."""
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")


def test_a_revocation_that_was_taken_back_is_not_carried_out(campaign: Campaign, cast: Cast) -> None:
    _revoked(campaign, cast)
    fall_due(campaign)
    late = close_deciding(campaign=campaign, by=cast.officer)
    soon = timezone.now() + timedelta(days=2)
    again = reopen_campaign(campaign=late, due_at=soon, reason="Remy found a mistake.", by=cast.officer)
    decide(item=item(again, "bob", "admin_all"), choice=KEEP, by=cast.remy)
    with pytest.raises(Refused, match="was changed since"):
        propose_risk(remediation=Remediation.objects.get(), until=soon, reason=REVOKE.reason, by=cast.officer)


def test_no_row_crosses_to_another_tenant(acme: Tenant, campaign: Campaign) -> None:
    row = _row(item(campaign, "ana"), tenant_id=acme.pk)
    refused("only while the campaign is open", lambda: row.save(force_insert=True))  # which it does not see from there
    subject = item(campaign, "ana")
    put = Assignment(tenant_id=acme.pk, campaign=campaign, item=subject, reviewer=person("M1"), since=timezone.now())
    refused("row-level security", lambda: put.save(force_insert=True))


def test_a_scope_names_its_own_systems_snapshot(cast: Cast) -> None:
    billing = save_system(facts=SystemFacts("Billing", "billing", "root"), by=cast.officer)
    upload = SnapshotUpload(CRM, timezone.now(), 6, "b.csv", "", "", "Ines")
    other = import_snapshot(system=billing, upload=upload, by=cast.officer)
    waiting = ready(cast)
    ScopeLine.objects.filter(campaign=waiting).update(snapshot=other)
    refused("complete snapshot or a waiver", move(waiting, "ready"))


def test_a_period_has_one_campaign(cast: Cast) -> None:
    first = ready(cast)
    again = Campaign.objects.get(pk=first.pk)
    again.pk, again.state = None, "draft"
    refused("one_campaign_for_each_period_of_a_plan", lambda: again.save(force_insert=True))
    moved = Campaign.objects.filter(pk=first.pk)
    refused("The period of a campaign", lambda: moved.update(occurrence_at=timezone.now() + timedelta(days=1)))


def test_a_campaign_skips_no_state_and_is_never_deleted(campaign: Campaign, cast: Cast) -> None:
    for state in ("draft", "ready", "remediating", "closed"):
        refused("does not go from open", move(campaign, state, closed_at=timezone.now(), closed_by="carla"))
    refused("Reopening begins a new round|round changes only", move(campaign, "open", round=2))
    with connection.cursor() as cursor:
        delete = "DELETE FROM reviews_campaign WHERE id = %s"
        refused("permission denied", lambda: cursor.execute(delete, (campaign.pk,)))
    move(campaign, "cancelled", cancelled_at=timezone.now(), cancel_reason="It was a mistake.", cancelled_by="carla")()
    refused("that is final", move(campaign, "open"))


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "revoke"}, {"outcome": "abstain", "reason": "because"}, {"advice": "revoke"}, {"privileged": True}],
    ids=str,
)
def test_a_decision_gives_its_reason(changes: dict[str, object], campaign: Campaign) -> None:
    row = _row(item(campaign, "ana"), **changes)
    refused("decision_gives_a_reason_where_one_is_asked_for", lambda: row.save(force_insert=True))


def test_no_bulk_where_the_advice_is_to_revoke(campaign: Campaign) -> None:
    together = {"bulk": "6f0c0f4e-6c7a-4b52-9d5c-0a5a35a1b0aa", "reason": KEEP.reason, "advice": "revoke"}
    row = _row(item(campaign, "ana"), **together)
    refused("no_bulk_decision_on_privileged", lambda: row.save(force_insert=True))
