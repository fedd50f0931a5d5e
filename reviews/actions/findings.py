"""Writes findings: use without a grant, leavers with access, accounts without an owner, access nobody reviewed.

A finding is open once for each cause, and ends by itself when the cause is gone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from reviews.kinds import REASON_MIN, FindingKind
from reviews.models import Campaign, Finding, ReviewItem
from reviews.policies import can_manage_campaigns
from reviews.queries.causes import Cause, ghost_use, leavers_active, ownerless_accounts
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce

DUE_DAYS = {FindingKind.USE_AFTER_REVOCATION: 1, FindingKind.LEAVER_ACTIVE: 1, FindingKind.GHOST_USE: 3}
STANDARD_DAYS = 14
SEARCHED = (FindingKind.GHOST_USE, FindingKind.LEAVER_ACTIVE, FindingKind.OWNERLESS)


@dataclass(frozen=True, slots=True)
class Found:
    """Counts what a search for findings wrote."""

    opened: int
    resolved: int


def write_finding(
    cause: Cause, *, at: datetime, campaign: Campaign | None = None, item: ReviewItem | None = None
) -> Finding:
    """Stores a finding unless the same one is open already; returns the open one."""
    due_at = at + timedelta(days=DUE_DAYS.get(cause.kind, STANDARD_DAYS))
    finding, _new = Finding.objects.get_or_create(
        kind=cause.kind,
        key=cause.key,
        resolved_at=None,
        defaults={
            "sentence": cause.sentence,
            "campaign": campaign,
            "item": item,
            "system_id": cause.system_id,
            "account_id": cause.account_id,
            "subject_id": cause.subject_id,
            "found_at": at,
            "due_at": due_at,
        },
    )
    return finding


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
    """Looks for ghost use, leavers with access and ownerless accounts; ends findings whose cause is gone."""
    enforce(can_manage_campaigns(by))
    now = timezone.now()
    causes = [*ghost_use(now), *leavers_active(now), *ownerless_accounts()]
    known = set(Finding.objects.filter(resolved_at__isnull=True, kind__in=SEARCHED).values_list("kind", "key"))
    explained = _explained()
    fresh = [
        cause
        for cause in causes
        if (str(cause.kind), cause.key) not in known
        and not (cause.seen_at and explained.get((str(cause.kind), cause.key), cause.seen_at) > cause.seen_at)
    ]
    for cause in fresh:
        write_finding(cause, at=now)
    resolved = _end_gone(known, causes, now, by)
    if fresh or resolved:
        audit("finding.search", by=by, target="findings", detail={"opened": len(fresh), "resolved": resolved})
    return Found(len(fresh), resolved)


def _explained() -> dict[tuple[str, str], datetime]:
    """Returns when each cause that was an event was last resolved: only what is seen later is a new finding."""
    over = Finding.objects.filter(kind=FindingKind.GHOST_USE, resolved_at__isnull=False)
    rows = over.order_by().values_list("kind", "key").annotate(at=Max("resolved_at"))
    return {(kind, key): at for kind, key, at in rows}


def _end_gone(known: set[tuple[str, str]], causes: Iterable[Cause], now: datetime, by: Actor) -> int:
    """Ends the open findings whose cause is no longer there, except use, which stays a fact to be explained."""
    present = {(str(cause.kind), cause.key) for cause in causes}
    ended = 0
    for kind, key in known - present:
        if kind != FindingKind.GHOST_USE:
            ended += Finding.objects.filter(kind=kind, key=key, resolved_at__isnull=True).update(
                resolved_at=now, resolved_by=by.name, resolution="The cause is no longer there in the newest snapshot."
            )
    return ended


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
