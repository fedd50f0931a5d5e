"""Answers which resolved findings were looked at again since, with the cause gone: a retest, and nobody's word."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from reviews.causes import Cause
from reviews.kinds import EVENTS_FOUND, SEARCHED, FindingKind
from reviews.models import Campaign, Finding, Remediation
from reviews.states import CampaignState, RemediationState

QUIET: Final = timedelta(days=1)
"""How long nothing more may have happened until what happened counts as over."""
REVOKED: Final = (FindingKind.UNVERIFIED, FindingKind.USE_AFTER_REVOCATION)


def retested(causes: Iterable[Cause], now: datetime) -> list[int]:
    """Returns the resolved findings that a look at these present causes, a list or a later campaign retests now.

    What a person explained while its cause is still there is not retested: the explanation stands, the cause too.
    """
    waiting = Finding.objects.filter(resolved_at__isnull=False, retested_at__isnull=True)
    there = {(str(cause.kind), cause.key): cause for cause in causes}
    rows = waiting.filter(kind__in=SEARCHED).values_list("pk", "kind", "key", "resolved_at")
    searched = [pk for pk, kind, key, at in rows if at and _is_gone(there.get((kind, key)), kind, at, now)]
    return [*searched, *_by_list(waiting), *_by_campaign(waiting)]


def _is_gone(cause: Cause | None, kind: str, resolved_at: datetime, now: datetime) -> bool:
    """Returns whether a cause is gone: a state is not there, of an event a day has passed without another."""
    if FindingKind(kind) not in EVENTS_FOUND:
        return cause is None
    more = cause is not None and (cause.seen_at is None or cause.seen_at > resolved_at)
    return not more and now - resolved_at >= QUIET


def _by_list(waiting: QuerySet[Finding]) -> Iterable[int]:
    """Returns those about revocations that a complete list has verified."""
    done = Remediation.objects.filter(
        item=OuterRef("item"), state=RemediationState.VERIFIED, verified_at__gt=OuterRef("found_at")
    )
    return waiting.filter(Exists(done), kind__in=REVOKED).values_list("pk", flat=True)


def _by_campaign(waiting: QuerySet[Finding]) -> Iterable[int]:
    """Returns those about how a campaign was reviewed: a later one of its plan closed without the same."""
    same = Finding.objects.filter(campaign=OuterRef("pk"), kind=OuterRef(OuterRef("kind")))
    later = Campaign.objects.filter(
        ~Exists(same),
        plan=OuterRef("campaign__plan"),
        opened_at__gt=OuterRef("resolved_at"),
        state=CampaignState.CLOSED,
    )
    others = ~Q(kind__in=[*SEARCHED, *REVOKED])
    return waiting.filter(others, Exists(later)).values_list("pk", flat=True)
