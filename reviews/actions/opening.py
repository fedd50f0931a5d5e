"""Opens a campaign: freezes its population with the evidence of use beside every grant, and assigns reviewers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from identities.models import Snapshot, SnapshotRow
from reviews.actions.moves import locked, move
from reviews.assigning import Terms, choose_reviewer
from reviews.gathering import Context, advice_for, evidence_for, gather
from reviews.kinds import OWNERLESS, Basis
from reviews.models import AbsentAccount, Assignment, Campaign, Exclusion, ReviewItem, ScopeLine
from reviews.policies import can_open_campaign
from reviews.queries.access import absent_from
from reviews.queries.campaigns import OPENING
from reviews.queries.reviewers import terms
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce
from tenants.models import Work
from tenants.work import Progress, enqueue

CHUNK = 500
NOT_PRIVILEGED = "The campaign covers privileged access only; this grant is not privileged."


@transaction.atomic
def request_opening(*, campaign: Campaign, by: Actor) -> Work:
    """Has a ready campaign opened in the background, with progress and a way to cancel it."""
    enforce(can_open_campaign(by, campaign))
    title = f"Opening of {campaign.name}"
    work = enqueue(OPENING, "reviews.jobs.open_campaign_job", campaign.pk, by.user_id, title=title, by=by)
    audit("campaign.request_opening", by=by, target=f"campaign {campaign.name}", detail={"campaign": campaign.pk})
    return work


@transaction.atomic
def open_campaign(*, campaign: Campaign, by: Actor, progress: Progress | None = None) -> Campaign:
    """Freezes the population of a ready campaign and opens it to its reviewers.

    Every row of the snapshots becomes an item or an exclusion; the database refuses to open a campaign that does not
    balance.

    Raises:
        Refused: when the campaign is not ready, nothing is in scope, or a grant has no reviewer but its subject.
    """
    campaign = locked(campaign)
    enforce(can_open_campaign(by, campaign))
    now = timezone.now()
    snapshots = _snapshots(campaign)
    rows = _rows(list(snapshots))
    inside = [row for row in rows if row.privileged or not campaign.definition["privileged_only"]]
    if not inside:
        raise Refused(denied("The snapshots hold no grant in the scope of this campaign."))
    context = gather(campaign, inside, now, progress)
    items = _store_items(campaign, inside, context, snapshots, progress)
    _store_exclusions(campaign, rows, by)
    absent = _store_absent(campaign, list(snapshots))
    _assign(campaign, items, by, now)
    if len(rows) >= CHUNK:
        _refresh_statistics()
    due_at = now + timedelta(days=int(campaign.definition["due_days"]))
    campaign = move(campaign, CampaignState.OPEN, by=by, opened_at=now, opened_by=by.name, due_at=due_at)
    detail = {
        "campaign": campaign.pk,
        "rows": len(rows),
        "items": len(items),
        "exclusions": len(rows) - len(items),
        "absent_accounts": absent,
        "due_at": due_at,
        "snapshots": {str(snapshot.pk): snapshot.digest for snapshot in snapshots.values()},
    }
    audit("campaign.open", by=by, target=f"campaign {campaign.name}", detail=detail)
    return campaign


def _refresh_statistics() -> None:
    """Tells the planner about the new rows before the database checks that the population balances."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reviews_refresh_statistics()")


def _snapshots(campaign: Campaign) -> dict[int, Snapshot]:
    """Returns the snapshots of the campaign's scope by id."""
    lines = ScopeLine.objects.filter(campaign=campaign, snapshot__isnull=False).select_related("snapshot")
    return {line.snapshot.pk: line.snapshot for line in lines if line.snapshot is not None}


def _rows(snapshot_ids: Sequence[int]) -> list[SnapshotRow]:
    """Returns the rows of the snapshots: by system, then in sealed order."""
    rows = SnapshotRow.objects.filter(snapshot_id__in=snapshot_ids)
    rows = rows.select_related("entitlement__system", "identity", "account")
    return list(rows.order_by("entitlement__system__name", "snapshot_id", "n"))


def _store_items(
    campaign: Campaign,
    rows: Sequence[SnapshotRow],
    context: Context,
    snapshots: Mapping[int, Snapshot],
    progress: Progress | None,
) -> list[ReviewItem]:
    """Stores one item for each row in scope, with its evidence and advice."""
    stored: list[ReviewItem] = []
    for start in range(0, len(rows), CHUNK):
        chunk = [
            _item(campaign, n, row, context, snapshots[row.snapshot_id])
            for n, row in enumerate(rows[start : start + CHUNK], start=start + 1)
        ]
        stored += ReviewItem.objects.bulk_create(chunk)
        if progress:
            total = len(context.use) + len(rows)
            progress.step(len(context.use) + len(stored), total, f"Froze {len(stored):,} of {len(rows):,} grants")
    for item, row in zip(stored, rows, strict=True):
        item.row, item.subject = row, row.identity
    return stored


def _item(campaign: Campaign, n: int, row: SnapshotRow, context: Context, snapshot: Snapshot) -> ReviewItem:
    """Returns the item of one row."""
    advised = advice_for(row, context)
    return ReviewItem(
        campaign=campaign,
        n=n,
        system=row.entitlement.system,
        snapshot=snapshot,
        row=row,
        account=row.account,
        entitlement=row.entitlement,
        subject=row.identity,
        subject_key=row.identity_id or OWNERLESS,
        privileged=row.privileged,
        advice=advised.advice,
        advice_reason=advised.reason,
        evidence=evidence_for(row, context, snapshot),
    )


def _store_exclusions(campaign: Campaign, rows: Sequence[SnapshotRow], by: Actor) -> None:
    """Stores why the other rows of the population are not reviewed."""
    if campaign.definition["privileged_only"]:
        outside = [row for row in rows if not row.privileged]
        Exclusion.objects.bulk_create(
            [Exclusion(campaign=campaign, row=row, reason=NOT_PRIVILEGED, approved_by=by.name) for row in outside],
            batch_size=CHUNK,
        )


def _store_absent(campaign: Campaign, snapshot_ids: Sequence[int]) -> int:
    """Stores the names that the logs show at work and the snapshots lack; returns how many."""
    found = [
        AbsentAccount(
            campaign=campaign,
            system_id=one.system_id,
            snapshot_id=one.snapshot_id,
            account_id=one.account_id,
            actor_key=one.actor_key,
            name=one.name,
            first_at=one.first_at,
            last_ok_at=one.last_ok_at,
        )
        for one in absent_from(snapshot_ids)
    ]
    return len(AbsentAccount.objects.bulk_create(found, batch_size=CHUNK))


def _assign(campaign: Campaign, items: Sequence[ReviewItem], by: Actor, now: datetime) -> None:
    """Puts every item to a reviewer; refuses when one has none."""
    definition = campaign.definition
    campaign_terms = terms(definition["strategy"], definition["named"], definition["fallback"])
    assignments, missing = [], 0
    for item in items:
        chosen = _choose(campaign_terms, item)
        if chosen is None:
            missing += 1
            continue
        assignments.append(
            Assignment(
                campaign=campaign,
                item=item,
                reviewer_id=chosen[0],
                subject_key=item.subject_key,
                privileged=item.privileged,
                advice=item.advice,
                basis=chosen[1],
                since=now,
                by=by.name,
            )
        )
    if missing:
        raise Refused(
            denied(
                f"{missing} of {len(items)} grants have no reviewer: manager, fallback and owner are missing, "
                "the person themselves, or may not review. Name another fallback."
            )
        )
    Assignment.objects.bulk_create(assignments, batch_size=CHUNK)


def _choose(campaign_terms: Terms, item: ReviewItem) -> tuple[int, Basis] | None:
    """Returns the reviewer of an item with the basis."""
    manager = item.subject.manager_id if item.subject else None
    return choose_reviewer(campaign_terms, subject=item.subject_key, manager=manager, owner=item.system.owner_id)
