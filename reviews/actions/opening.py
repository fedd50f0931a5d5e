"""Opens a campaign: freezes its population with the evidence of use beside every grant, and assigns reviewers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Final

import msgspec
from django.db import transaction
from django.utils import timezone

from identities.models import Snapshot, SnapshotRow
from reviews.actions.conflicts import make_cases
from reviews.actions.controls import make_control_items
from reviews.actions.freezing import Frozen, exclude, freeze
from reviews.actions.moves import locked, move, refresh_statistics
from reviews.assigning import Around, choose_reviewer
from reviews.gathering import Context, advice_for, evidence_for, gather
from reviews.kinds import OWNERLESS, Basis
from reviews.manifest import moment
from reviews.models import AbsentAccount, Campaign, ScopeLine
from reviews.policies import can_open_campaign
from reviews.queries.access import absent_from
from reviews.queries.campaigns import OPENING
from reviews.queries.population import ListedGrant, listed_grants
from reviews.queries.reviewers import client_reviewers, terms
from reviews.queries.scope import deciders_before, excluded, rules_of
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce
from tenants.models import Work
from tenants.work import Progress, enqueue

CHUNK = 500
NOBODY: Final[frozenset[int]] = frozenset()


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
    rows = listed_grants(list(snapshots))
    population = SnapshotRow.objects.filter(snapshot__in=list(snapshots))
    reasons = excluded(population, rules_of(campaign, population, now))
    inside = [row for row in rows if row.row_id not in reasons]
    if not inside:
        raise Refused(denied("The snapshots hold no grant in the scope of this campaign."))
    context = gather(campaign, inside, now, progress)
    reviewers = _reviewers(campaign, inside, context)
    freeze(campaign, _frozen(inside, reviewers, context, snapshots, progress), by=by.name, now=now)
    exclude(campaign, reasons, by=by.name)
    cases = make_cases(campaign) if campaign.definition.get("conflicts_only") else 0
    controls = make_control_items(campaign, now)
    absent = _store_absent(campaign, list(snapshots))
    refresh_statistics(len(rows))
    due_at = now + timedelta(days=int(campaign.definition["due_days"]))
    campaign = move(campaign, CampaignState.OPEN, by=by, opened_at=now, opened_by=by.name, due_at=due_at)
    detail = {
        "campaign": campaign.pk,
        "rows": len(rows),
        "items": len(inside),
        "exclusions": len(rows) - len(inside),
        "absent_accounts": absent,
        "conflict_cases": cases,
        "control_items": controls,
        "due_at": due_at,
        "snapshots": {str(snapshot.pk): snapshot.digest for snapshot in snapshots.values()},
    }
    audit("campaign.open", by=by, target=f"campaign {campaign.name}", detail=detail)
    return campaign


def _snapshots(campaign: Campaign) -> dict[int, Snapshot]:
    """Returns the snapshots of the campaign's scope by id."""
    lines = ScopeLine.objects.filter(campaign=campaign, snapshot__isnull=False).select_related("snapshot")
    return {line.snapshot.pk: line.snapshot for line in lines if line.snapshot is not None}


def _reviewers(campaign: Campaign, rows: Sequence[ListedGrant], context: Context) -> list[tuple[int, Basis]]:
    """Returns who reviews each row, with the basis; refuses when one has nobody."""
    definition = campaign.definition
    campaign_terms = terms(
        definition["strategy"], definition["named"], definition["fallback"], definition.get("group", "")
    )
    before, clients = deciders_before(campaign), client_reviewers()
    owners = {pk: system.owner_id for pk, system in context.systems.items()}

    @cache
    def chosen_for(
        subject: int, people: tuple[int | None, int | None, int | None], account: int, not_again: frozenset[int]
    ) -> tuple[int, Basis] | None:
        manager, owner, client = people
        around = Around(client, not_again, account)
        return choose_reviewer(campaign_terms, subject=subject, manager=manager, owner=owner, around=around)

    chosen = [
        chosen_for(
            row.identity_id or OWNERLESS,
            (row.manager_id, owners[row.system_id], clients.get(row.programme or "")),
            0 if row.identity_id else row.account_id,
            before.get((row.account_id, row.entitlement_id), NOBODY),
        )
        for row in rows
    ]
    if definition.get("conflicts_only"):
        chosen = _together(rows, chosen)
    if missing := chosen.count(None):
        raise Refused(
            denied(
                f"{missing} of {len(rows)} grants have no reviewer: manager, fallback and owner are missing, "
                "the person themselves, or may not review. Name another fallback."
            )
        )
    return [one for one in chosen if one is not None]


def _together(
    rows: Sequence[ListedGrant], chosen: Sequence[tuple[int, Basis] | None]
) -> list[tuple[int, Basis] | None]:
    """Returns the reviewers so that one reviewer has all grants of a holder: a conflict is decided as one thing."""
    first: dict[int, tuple[int, Basis] | None] = {}
    for row, one in zip(rows, chosen, strict=True):
        first.setdefault(row.identity_id or -row.account_id, one)
    return [first[row.identity_id or -row.account_id] for row in rows]


def _frozen(
    rows: Sequence[ListedGrant],
    reviewers: Sequence[tuple[int, Basis]],
    context: Context,
    snapshots: Mapping[int, Snapshot],
    progress: Progress | None,
) -> Iterator[Frozen]:
    """Yields one item for each row in scope, with its evidence, advice and reviewer."""
    captured = {pk: moment(snapshot.captured_at) for pk, snapshot in snapshots.items()}
    total = len(context.use) + len(rows)
    for n, (row, (reviewer, basis)) in enumerate(zip(rows, reviewers, strict=True), start=1):
        advised = advice_for(row, context)
        yield Frozen(
            n=n,
            system_id=row.system_id,
            snapshot_id=row.snapshot_id,
            row_id=row.row_id,
            account_id=row.account_id,
            entitlement_id=row.entitlement_id,
            subject_id=row.identity_id,
            privileged=row.privileged,
            advice=str(advised.advice),
            advice_reason=advised.reason,
            evidence=msgspec.json.encode(evidence_for(row, context, captured[row.snapshot_id])).decode(),
            reviewer_id=reviewer,
            basis=str(basis),
        )
        if progress and (n % CHUNK == 0 or n == len(rows)):
            progress.step(len(context.use) + n, total, f"Froze {n:,} of {len(rows):,} grants")


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
