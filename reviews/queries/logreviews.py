"""Answers how log reviews stand: schedules, periods, what is open in one, and the statement that a reviewer signs."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from identities.models import Identity
from logs.models import AccessEvent
from reviews.kinds import SETTLE_HOURS, Disposed, LogItemKind
from reviews.manifest import manifest_digest, manifest_text, moment
from reviews.models import Disposition, FollowUp, LogItem, LogReview, LogSchedule, LogSignature
from reviews.queries.logpopulation import events_of
from reviews.recurrence import openings
from reviews.states import LogReviewState
from tenants.kinds import Actor, Permission

MIDNIGHT: Final = time(0)
SETTLES: Final = timedelta(hours=SETTLE_HOURS)


def boundaries(schedule: LogSchedule) -> Iterator[datetime]:
    """Yields the moments (UTC) at which periods of a schedule begin and end, from its begin to its end."""
    for at in openings(schedule.rule, schedule.starts_on, MIDNIGHT, ZoneInfo(schedule.time_zone)):
        if schedule.ends_at is not None and at > schedule.ends_at:
            return
        if at >= schedule.begins_at:
            yield at


def period_after(schedule: LogSchedule, end: datetime | None) -> tuple[datetime, datetime] | None:
    """Returns begin and end of the period that begins at an end, or of the first; None after the last."""
    begins = schedule.begins_at if end is None else end
    later = next((at for at in boundaries(schedule) if at > begins), None)
    return (begins, later) if later else None


def newest(schedule: LogSchedule) -> LogReview | None:
    """Returns the last period of a schedule that was opened."""
    return LogReview.objects.filter(schedule=schedule).order_by("-begins_at").first()


def schedules_due(now: datetime) -> list[LogSchedule]:
    """Returns the schedules of which a period has ended that was not opened yet."""
    found = []
    for schedule in LogSchedule.objects.order_by("id"):
        last = newest(schedule)
        following = period_after(schedule, last.ends_at if last else None)
        if following and following[1] + SETTLES <= now:
            found.append(schedule)
    return found


def unopened(schedule: LogSchedule, until: datetime) -> list[tuple[datetime, datetime]]:
    """Returns begin and end of each period that ended before a moment and was never opened."""
    last = newest(schedule)
    begins = last.ends_at if last else schedule.begins_at
    return list(pairwise(at for at in _boundaries_before(schedule, until) if at >= begins))


def _boundaries_before(schedule: LogSchedule, until: datetime) -> Iterator[datetime]:
    """Yields the boundaries of a schedule before a moment."""
    return takewhile(lambda at: at < until, boundaries(schedule))


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """Holds a schedule with the period that runs now."""

    schedule: LogSchedule
    runs: tuple[datetime, datetime] | None


def schedule_lines(now: datetime) -> list[ScheduleLine]:
    """Returns the schedules with the period that each is in."""
    rows = LogSchedule.objects.select_related("reviewer", "second").order_by("name")
    return [ScheduleLine(row, _running(row, now)) for row in rows]


def _running(schedule: LogSchedule, now: datetime) -> tuple[datetime, datetime] | None:
    """Returns the period that a moment lies in, the first where none has begun, None after the last."""
    begun = [schedule.begins_at, *_boundaries_before(schedule, now)]
    return period_after(schedule, begun[-1])


def reviews_for(by: Actor, me: Identity | None) -> QuerySet[LogReview]:
    """Returns the periods that the actor may see: all by role, else those that they review; open ones first."""
    rows = LogReview.objects.exclude(state=LogReviewState.COLLECTING)
    if not by.may(Permission.CAMPAIGN_VIEW):
        rows = rows.filter(Q(reviewer=me) | Q(second=me)) if me else rows.none()
    order = Case(When(state=LogReviewState.OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    return rows.select_related("schedule", "reviewer", "second").order_by(order, "-ends_at", "-id")


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """Holds a period with how far it is."""

    review: LogReview
    waiting: int
    overdue: bool


def review_lines(reviews: Sequence[LogReview], now: datetime) -> list[ReviewLine]:
    """Returns the periods of one page with their counts; one query."""
    rows = LogItem.objects.filter(~Exists(_about()), review__in=[one.pk for one in reviews])
    waiting = dict(rows.order_by().values_list("review_id").annotate(Count("id")))
    return [ReviewLine(one, waiting.get(one.pk, 0), one.is_overdue(now)) for one in reviews]


def inbox_lines(me: Identity, now: datetime) -> list[ReviewLine]:
    """Returns the open periods that one person reviews, due soonest first."""
    rows = LogReview.objects.filter(Q(reviewer=me) | Q(second=me), state=LogReviewState.OPEN).order_by("due_at", "id")
    return review_lines(list(rows), now)


def _about() -> QuerySet[Disposition]:
    """Returns the dispositions of the item of the outer query."""
    return Disposition.objects.filter(item=OuterRef("pk"))


def undisposed(review: LogReview) -> QuerySet[LogItem]:
    """Returns the items of a period that wait for a disposition."""
    return LogItem.objects.filter(~Exists(_about()), review=review)


def items_of(review: LogReview, show: str = "") -> QuerySet[LogItem]:
    """Returns the items of a period: alerts, the gravest first, gaps, then the samples."""
    order = Case(
        When(kind=LogItemKind.ALERT, then=Value(0)),
        When(kind=LogItemKind.GAP, then=Value(1)),
        When(kind=LogItemKind.PRIVILEGED, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    rows = undisposed(review) if show == "open" else LogItem.objects.filter(review=review)
    rows = rows.select_related("review", "alert__system", "source", "subject")
    return rows.order_by(order, "-severity", "n")


def heads(review: LogReview) -> QuerySet[Disposition]:
    """Returns the dispositions of a period that count now."""
    return Disposition.objects.filter(review=review, superseded_by__isnull=True)


def head_of(item: LogItem) -> Disposition | None:
    """Returns the disposition of an item that counts now."""
    rows = Disposition.objects.filter(item=item, superseded_by__isnull=True)
    return rows.select_related("reviewer").first()


def log_signers(review: LogReview) -> set[int]:
    """Returns who signed a period."""
    return set(LogSignature.objects.filter(review=review).values_list("reviewer_id", flat=True))


def signatures_of(review: LogReview) -> QuerySet[LogSignature]:
    """Returns the signatures of a period, oldest first."""
    return LogSignature.objects.filter(review=review).select_related("reviewer").order_by("signed_at")


def follow_ups_of(review: LogReview) -> QuerySet[FollowUp]:
    """Returns what a period's review had followed up, most urgent first."""
    return FollowUp.objects.filter(review=review).select_related("disposition__item").order_by("due_at", "id")


@dataclass(frozen=True, slots=True)
class LogRow:
    """Holds one row of the list on the screen of a period; ``event`` is None for what is none or was pruned."""

    item: LogItem
    disposition: Disposition | None
    event: AccessEvent | None

    @property
    def who(self) -> str:
        """Returns the name in the record, else the person's, as far as either is known."""
        named = self.event.actor_name if self.event else ""
        return named or (self.item.subject.name if self.item.subject else "an unknown name")


def log_rows(items: Sequence[LogItem]) -> list[LogRow]:
    """Returns items with the disposition that counts now and the event, where one is named; two queries."""
    known = {row.item_id: row for row in _heads_of([item.pk for item in items])}
    keys = [item.event_key for item in items if item.event_key]
    events = {event.key: event for event in events_of(keys)}
    return [LogRow(item, known.get(item.pk), events.get(item.event_key)) for item in items]


def _heads_of(ids: Collection[int]) -> QuerySet[Disposition]:
    return Disposition.objects.filter(item_id__in=ids, superseded_by__isnull=True)


def next_open(review: LogReview, me: Identity, after: LogItem) -> LogItem | None:
    """Returns the next item that waits and is not about the reviewer, from the start again at the end of the list."""
    rows = list(items_of(review).annotate(waits=~Exists(_about())).values_list("pk", "waits", "subject_key"))
    place = next((n for n, row in enumerate(rows) if row[0] == after.pk), 0)
    there = [*rows[place:], *rows[:place]]
    chosen = next((pk for pk, waits, whose in there if waits and whose != me.pk and pk != after.pk), None)
    return items_of(review).get(pk=chosen) if chosen is not None else None


@dataclass(frozen=True, slots=True)
class LogLine:
    """Holds one disposition with what the statement and the page that shows it say about it."""

    item: LogItem
    disposition: Disposition

    @property
    def label(self) -> str:
        """Returns what was found, in words."""
        return str(Disposed(self.disposition.outcome).label)

    def signed(self) -> dict[str, object]:
        """Returns what is signed of the disposition."""
        item, told = self.item, self.disposition
        return {
            "n": item.n,
            "item": item.pk,
            "decision": told.pk,
            "kind": item.kind,
            "about": item.event_key or f"{item.kind} {item.alert_id or item.source_id}",
            "since": moment(item.since),
            "until": moment(item.until),
            "outcome": told.outcome,
            "reason": told.reason,
            "ticket": told.ticket,
            "decided_at": moment(told.disposed_at),
        }


def log_lines(review: LogReview, reviewer: Identity) -> list[LogLine]:
    """Returns the reviewer's dispositions that count now, by item."""
    rows = heads(review).filter(reviewer=reviewer).select_related("item").order_by("item__n")
    return [LogLine(row.item, row) for row in rows]


def log_statement(review: LogReview, reviewer: Identity, lines: Sequence[LogLine]) -> tuple[str, str]:
    """Returns the canonical statement over these dispositions and the sealed period, and its digest."""
    period = {
        "kind": "log_review",
        "id": review.pk,
        "name": review.name,
        "begins_at": moment(review.begins_at),
        "ends_at": moment(review.ends_at),
        "items": review.item_count,
        "seed": review.seed,
        "tree_epoch": review.tree_epoch,
        "tree_size": review.tree_size,
        "population": review.population,
    }
    text = manifest_text(
        campaign=period,
        reviewer={"id": reviewer.pk, "external_id": reviewer.external_id},
        decisions=[line.signed() for line in lines],
    )
    return text, manifest_digest(text)
