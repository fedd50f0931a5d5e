"""Answers what a period of log reviews holds: every alert, every coverage gap, and the events to draw samples of.

What happened in an earlier period of the schedule and was known only after that was opened belongs to the next one:
nothing falls between two periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from alerts.models import Alert
from identities.models import Account, System
from ledger.models import Batch
from logs.kinds import LogType
from logs.models import SKEW_SECONDS, AccessEvent, LogSource
from logs.models.keys import event_key, read_event_key
from logs.queries import coverage
from reviews.kinds import LogItemKind
from reviews.models import LogItem, LogReview, LogSchedule

WHICH = {LogItemKind.PRIVILEGED: Q(log_type=LogType.ADMIN), LogItemKind.OUT_OF_HOURS: Q(out_of_hours=True)}
"""What makes an event one of a population that is sampled."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Holds a stretch of expected hours of a source without a record; ``owner`` owns its system."""

    source_id: int
    source: str
    since: datetime
    until: datetime
    owner: int | None

    @property
    def hours(self) -> int:
        """Returns how many hours lie between its ends."""
        return int((self.until - self.since).total_seconds() // 3600)


def alerts_of(schedule: LogSchedule, until: datetime) -> QuerySet[Alert]:
    """Returns the alerts since the schedule began that began before a moment and that none of its periods holds."""
    held = LogItem.objects.filter(schedule=schedule, alert__isnull=False).values("alert_id")
    known = Q(first_at__gte=schedule.begins_at) | Q(raised_at__gte=schedule.begins_at)
    return Alert.objects.filter(known, first_at__lt=until).exclude(pk__in=held).order_by("first_at", "id")


def gaps_of(since: datetime, until: datetime) -> list[Gap]:
    """Returns the coverage gaps of a period, by source; an hour that the boundary cuts belongs to the period before."""
    owners = dict(LogSource.objects.filter(system__isnull=False).values_list("pk", "system__owner_id"))
    return [
        Gap(one.source_id, one.name, first, last, owners.get(one.source_id))
        for one in coverage(since=_hour(since), until=_hour(until))
        for first, last in one.gaps
    ]


def _hour(at: datetime) -> datetime:
    """Returns the first whole hour (UTC) from a moment on, so that each hour lies in one period."""
    whole = at.replace(minute=0, second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(hours=1)


def event_keys(kind: LogItemKind, review: LogReview, before: LogReview | None, log_id: UUID) -> list[str]:
    """Returns the keys of the events that a sample of a period is drawn of, oldest first.

    Late ones are those of earlier periods that entered the ledger after the size that the period before was opened at;
    what enters after the size that this one is opened at belongs to the next. The database draws the same again.
    """
    skew = timedelta(seconds=SKEW_SECONDS)
    here = Q(occurred_at__gte=review.begins_at, received_at__gte=review.begins_at - skew)
    if before is not None:
        late = Q(batch_id__in=_entered_after(before, log_id).values("id"))
        here |= Q(late, occurred_at__gte=review.schedule.begins_at, received_at__gte=before.ends_at - skew)
    rows = AccessEvent.objects.filter(here, WHICH[kind], occurred_at__lt=review.ends_at)
    rows = rows.exclude(batch_id__in=_entered_after(review, log_id).values("id"))
    return [event_key(*row) for row in rows.order_by("received_at", "id").values_list("received_at", "id").iterator()]


def _entered_after(review: LogReview, log_id: UUID) -> QuerySet[Batch]:
    """Returns what entered the ledger after the size that a period was opened at."""
    later = Q(epoch__gt=review.tree_epoch) | Q(epoch=review.tree_epoch, first_index__gte=review.tree_size)
    return Batch.objects.filter(later, log_id=log_id)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Holds a drawn event: its key, when it happened, whose it is, and the words that name no person."""

    key: str
    occurred_at: datetime
    subject_id: int | None
    title: str


def drawn_events(keys: Sequence[str]) -> list[Drawn]:
    """Returns the events of some keys, oldest first."""
    rows = list(events_of(keys).annotate(whose=_person()).order_by("occurred_at", "id"))
    systems = dict(System.objects.values_list("pk", "name"))
    return [
        Drawn(
            key=row.key,
            occurred_at=row.occurred_at,
            subject_id=row.whose,
            title=f"{LogType(row.log_type).label} on {systems.get(row.system_id or 0, 'an unknown system')}",
        )
        for row in rows
    ]


def _person() -> Coalesce:
    """Returns whose the event is: by the register at intake, else by the account as it is now."""
    account = Account.objects.filter(pk=OuterRef("account_id"))
    return Coalesce(F("identity_id"), Subquery(account.values("identity_id")[:1]), output_field=BigIntegerField())


def events_of(keys: Sequence[str]) -> QuerySet[AccessEvent]:
    """Returns the stored events of some keys; those whose month was pruned are left out."""
    found = [read for read in map(read_event_key, keys) if read]
    if not found:
        return AccessEvent.sealed.none()
    times = [at for at, _number in found]
    rows = AccessEvent.sealed.filter(received_at__gte=min(times), received_at__lte=max(times))
    return rows.filter(received_at__in=set(times), id__in={number for _at, number in found})
