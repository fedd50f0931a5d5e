"""Writes findings: what is wrong with access now, once for each cause.

A finding is open once for each cause. Where the cause is a state, it ends by itself when the state is gone; where it is
something that happened, it stays until a person explains it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from identities.models import Snapshot
from reviews.causes import Cause, bare_use, conflict, dormant, leaver_or_ownerless
from reviews.kinds import EVENTS_FOUND, EXPLAINED_DAYS, NEVER_EXPLAINED, REASON_MIN, SEARCHED, FindingKind, Outcome
from reviews.models import Campaign, Finding, ReviewItem, SearchedList
from reviews.policies import can_manage_campaigns
from reviews.queries import access
from reviews.queries.duties import both_sides, both_sides_in
from reviews.queries.retests import retested
from reviews.queries.standing import heads
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce
from tenants.models import Tenant
from tenants.scope import current_tenant_id

DUE_DAYS = {
    FindingKind.USE_AFTER_REVOCATION: 1,
    FindingKind.LEAVER_ACTIVE: 1,
    FindingKind.GHOST_USE: 3,
    FindingKind.CONFLICT: 7,
}
STANDARD_DAYS = 14
GONE = "The cause is no longer there in the newest snapshot."
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Counts what a search for findings wrote."""

    opened: int
    resolved: int


def write_finding(
    cause: Cause, *, at: datetime, campaign: Campaign | None = None, item: ReviewItem | None = None
) -> Finding:
    """Stores a finding unless the same one is open already; returns the open one."""
    made = _finding(cause, at, campaign, item)
    finding, _new = Finding.objects.get_or_create(
        kind=cause.kind,
        key=cause.key,
        resolved_at=None,
        defaults={
            name: getattr(made, name)
            for name in (
                *("sentence", "evidence", "campaign", "item", "system_id", "account_id", "subject_id"),
                *("found_at", "due_at"),
            )
        },
    )
    return finding


def _finding(cause: Cause, at: datetime, campaign: Campaign | None, item: ReviewItem | None) -> Finding:
    """Returns the finding of a cause, not stored."""
    return Finding(
        kind=cause.kind,
        key=cause.key,
        sentence=cause.sentence,
        evidence=dict(cause.evidence),
        campaign=campaign,
        item=item,
        system_id=cause.system_id,
        account_id=cause.account_id,
        subject_id=cause.subject_id,
        found_at=at,
        due_at=at + timedelta(days=DUE_DAYS.get(cause.kind, STANDARD_DAYS)),
    )


def find_abstained(campaign: Campaign, at: datetime) -> None:
    """Stores that reviewers signed without a verdict about items; what is postponed comes back by itself."""
    left = heads(campaign.pk).filter(outcome=Outcome.ABSTAIN, postponed_until__isnull=True)
    told = left.aggregate(n=Count("id"), privileged=Count("id", filter=Q(privileged=True)))
    if told["n"]:
        sentence = (
            f"The reviewers of '{campaign.name}' abstained from {told['n']} grants, {told['privileged']} of them "
            "privileged. They are not approved: have them reviewed in a following campaign by somebody who can tell."
        )
        cause = Cause(FindingKind.NOT_DECIDED, f"campaign {campaign.pk} abstained", sentence)
        write_finding(cause, at=at, campaign=campaign)


def find_not_decided(campaign: Campaign, items: Sequence[ReviewItem], at: datetime) -> Finding:
    """Stores that items of a campaign were not decided in time."""
    privileged = sum(item.privileged for item in items)
    sentence = (
        f"{len(items)} grants of '{campaign.name}' were not decided in time, {privileged} of them privileged. "
        "They are not approved: review them in a following campaign."
    )
    cause = Cause(FindingKind.NOT_DECIDED, f"campaign {campaign.pk} round {campaign.round}", sentence)
    return write_finding(cause, at=at, campaign=campaign)


@transaction.atomic
def find_causes(*, by: Actor) -> Found:
    """Looks for what is wrong with access now, and ends the findings whose cause is gone. Safe to run any time."""
    enforce(can_manage_campaigns(by))
    now = timezone.now()
    causes = list(_causes(now))
    known = set(Finding.objects.filter(resolved_at__isnull=True, kind__in=SEARCHED).values_list("kind", "key"))
    explained = _explained()
    fresh = [
        cause
        for cause in causes
        if (str(cause.kind), cause.key) not in known
        and not _is_explained(cause, explained.get((str(cause.kind), cause.key)), now)
    ]
    Finding.objects.bulk_create(
        [_finding(cause, now, None, None) for cause in fresh], batch_size=CHUNK, ignore_conflicts=True
    )
    resolved = _end_gone(known, causes, now, by)
    again = Finding.objects.filter(pk__in=retested(causes, now)).update(retested_at=now)
    if fresh or resolved or again:
        detail = {"opened": len(fresh), "resolved": resolved, "retested": again}
        audit("finding.search", by=by, target="findings", detail=detail)
    return Found(len(fresh), resolved)


@transaction.atomic
def find_conflicts_of_list(*, snapshot: Snapshot, by: Actor) -> int:
    """Looks for conflicts of duties in the rows of one sealed list, once; returns how many findings it opened.

    What was found since the list came, or is explained, is not found again. What the register holds still is a state,
    and ends when it holds it no more. What this list alone shows is over already: it happened, nobody decided about it,
    and it stays until a person says what was done.
    """
    enforce(can_manage_campaigns(by))
    now = timezone.now()
    if not SearchedList.objects.get_or_create(snapshot=snapshot, defaults={"searched_at": now})[1]:
        return 0
    told = Finding.objects.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gte=snapshot.recorded_at))
    known = set(told.filter(kind=FindingKind.CONFLICT).values_list("key", flat=True))
    explained = _explained()
    held = {cause.key: cause for cause in map(conflict, both_sides())}
    fresh = [
        held.get(cause.key, cause)
        for cause in (conflict(both, snapshot.captured_at) for both in both_sides_in(snapshot))
        if cause.key not in known and not _is_explained(cause, explained.get((str(cause.kind), cause.key)), now)
    ]
    Finding.objects.bulk_create([_finding(one, now, None, None) for one in fresh], CHUNK, ignore_conflicts=True)
    if fresh:
        detail = {"snapshot": snapshot.pk, "opened": len(fresh)}
        audit("finding.search", by=by, target=f"list of {snapshot.system.name}", detail=detail)
    return len(fresh)


def _causes(now: datetime) -> Iterator[Cause]:
    """Yields every cause that is there now: the rules over whole sets, a constant number of queries."""
    tenant = Tenant.objects.get(pk=current_tenant_id())
    today = now.astimezone(tenant.zone).date()
    used, grants = access.bare_uses(now), access.privileged_grants()
    cycles = access.cycles_of_systems()
    systems = {grant.system_id for grant in grants} | {use.system_id for use in used}
    coverage = access.coverage_of_systems(cycles, systems, now)
    found = [leaver_or_ownerless(account, today) for account in access.held_accounts(today)]
    found += [bare_use(use, coverage[use.system_id]) for use in used]
    found += [dormant(one, coverage[one.system_id], cycles.get(one.system_id, 0), now) for one in grants]
    yield from (cause for cause in found if cause is not None)
    yield from (conflict(both) for both in both_sides())


def _explained() -> dict[tuple[str, str], datetime]:
    """Returns when a person last resolved each cause with words of their own."""
    over = Finding.objects.filter(kind__in=SEARCHED, resolved_at__isnull=False).exclude(resolution=GONE)
    rows = over.order_by().values_list("kind", "key").annotate(at=Max("resolved_at"))
    return {(kind, key): at for kind, key, at in rows}


def _is_explained(cause: Cause, at: datetime | None, now: datetime) -> bool:
    """Returns whether the words with which a person resolved the cause still stand.

    For an event they stand for what was seen before them; for a state for 90 days, and never for a leaver's account.
    """
    if at is None or cause.kind in NEVER_EXPLAINED:
        return False
    return at > cause.seen_at if cause.seen_at else now - at < timedelta(days=EXPLAINED_DAYS)


def _end_gone(known: set[tuple[str, str]], causes: Iterable[Cause], now: datetime, by: Actor) -> int:
    """Ends the open findings whose cause is no longer there; a missing name ends when a list holds it.

    A conflict that a past list alone showed was gone when it was found: it waits for a person's words, like an event.
    """
    past = Q(kind=FindingKind.CONFLICT, evidence__has_key="list_at")
    present = {(str(cause.kind), cause.key) for cause in causes}
    gone: dict[str, list[str]] = {}
    for kind, key in known - present:
        if FindingKind(kind) not in EVENTS_FOUND:
            gone.setdefault(kind, []).append(key)
    gone[FindingKind.POPULATION_GAP] = sorted(access.listed_again())
    return sum(
        Finding.objects.filter(~past, kind=kind, key__in=keys, resolved_at__isnull=True).update(
            resolved_at=now, resolved_by=by.name, resolution=GONE, retested_at=now
        )
        for kind, keys in gone.items()
        if keys
    )


@transaction.atomic
def resolve_finding(*, finding: Finding, resolution: str, by: Actor) -> Finding:
    """Ends a finding with the words that say what was done about it."""
    enforce(can_manage_campaigns(by))
    if len(resolution.strip()) < REASON_MIN:
        raise Refused(denied(f"Write in at least {REASON_MIN} characters what was done."))
    if finding.resolved_at is not None:
        raise Refused(denied("This finding is resolved already."))
    finding.resolved_at, finding.resolved_by, finding.resolution = timezone.now(), by.name, resolution.strip()
    finding.save(update_fields=["resolved_at", "resolved_by", "resolution"])
    audit("finding.resolve", by=by, target=finding.sentence[:200], detail={"finding": finding.pk, "how": resolution})
    return finding
