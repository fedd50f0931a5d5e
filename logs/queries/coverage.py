"""Whether the logs are there at all: expected hours against received ones."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Min, QuerySet, Sum
from django.utils import timezone

from logs.answers import SourceCoverage
from logs.coverage import Covered, by_day, cover, schedule_of
from logs.models import LogSource, SourceHour

GRACE = timedelta(hours=1)
"""An hour counts as missing only when it has been over for this long."""


def coverage(
    *,
    since: datetime,
    until: datetime,
    source_ids: Collection[int] | None = None,
    whole_period: bool = False,
) -> list[SourceCoverage]:
    """Return each source's coverage of a period, by name; four queries whatever the number of sources.

    Nothing is expected before the source was added, unless older events were delivered: then from the first of them.
    With ``whole_period`` the time before counts as expected and not received: who asks whether something was *not* used
    must know how much of the period the logs could have shown it.
    """
    sources = LogSource.objects.order_by("name", "id")
    if source_ids is not None:
        sources = sources.filter(pk__in=list(source_ids))
    return [
        _answer(source, begin, end, present, counts)
        for source, begin, end, present, counts in _asked(sources, since, until, whole_period=whole_period)
    ]


def coverage_days(
    *, since: datetime, until: datetime, zone: ZoneInfo
) -> list[tuple[LogSource, dict[date, tuple[int, int]]]]:
    """Return for each source the expected and received hours of each local day; the sums are those of `coverage`."""
    found = []
    sources = LogSource.objects.order_by("name", "id")
    for source, begin, end, present, _counts in _asked(sources, since, until, whole_period=False):
        schedule = schedule_of(source.expected, source.zone)
        covered = cover(schedule, present, begin, end) if schedule else None
        found.append((source, by_day(schedule, covered, begin, end, zone) if schedule and covered else {}))
    return found


def _asked(
    sources: QuerySet[LogSource], since: datetime, until: datetime, *, whole_period: bool
) -> Iterator[tuple[LogSource, datetime, datetime, set[datetime], tuple[int, int]]]:
    """Yield each source with the stretch of time it is asked about, its hours with events, and its sums."""
    found = list(sources)
    ids = [source.pk for source in found]
    hours = SourceHour.objects.filter(source_id__in=ids)
    oldest = hours.filter(events__gt=0).values("source_id").annotate(first=Min("hour"))
    first = {row["source_id"]: row["first"] for row in oldest}
    present: dict[int, set[datetime]] = defaultdict(set)
    within = hours.filter(hour__gte=since - timedelta(hours=1), hour__lt=until)
    for source_id, hour in within.filter(events__gt=0).values_list("source_id", "hour"):
        present[source_id].add(hour)
    sums = within.values("source_id").annotate(events_sum=Sum("events"), bad=Sum("quarantined"))
    counts = {row["source_id"]: (row["events_sum"], row["bad"]) for row in sums}
    until = min(until, timezone.now() - GRACE)
    for source in found:
        known_from = min(source.created_at, first.get(source.pk) or source.created_at)
        begin = since if whole_period else max(since, known_from)
        yield source, begin, until, present[source.pk], counts.get(source.pk, (0, 0))


def system_coverage(system_ids: Collection[int], since: datetime, until: datetime) -> dict[int, float | None]:
    """Return for each system the part of its sources' expected hours that is there; None where none was expected.

    The whole period counts, also the time before a source was added: its logs could not have shown any use.
    """
    ids = LogSource.objects.filter(system_id__in=list(system_ids)).values_list("pk", flat=True)
    totals: dict[int, list[int]] = {system_id: [0, 0] for system_id in system_ids}
    for answer in coverage(since=since, until=until, source_ids=list(ids), whole_period=True):
        if answer.system_id is not None:
            totals[answer.system_id][0] += answer.expected_hours
            totals[answer.system_id][1] += answer.received_hours
    return {key: received / expected if expected else None for key, (expected, received) in totals.items()}


def _answer(
    source: LogSource, since: datetime, until: datetime, present: set[datetime], counts: tuple[int, int]
) -> SourceCoverage:
    schedule = schedule_of(source.expected, source.zone)
    covered = cover(schedule, present, since, until) if schedule else Covered(0, 0, ())
    events, bad = counts
    return SourceCoverage(
        source_id=source.pk,
        system_id=source.system_id,
        name=source.name,
        log_types=tuple(source.log_types),
        expected_hours=covered.expected,
        received_hours=covered.received,
        ratio=covered.received / covered.expected if covered.expected else None,
        gaps=covered.gaps,
        quarantined_ratio=bad / (events + bad) if events + bad else None,
        last_received_at=source.last_received_at,
        silent=covered.silent,
    )
