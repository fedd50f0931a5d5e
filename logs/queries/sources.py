"""Log sources: what they delivered, how fresh they are, what lies in quarantine, and whose token it is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from logs.answers import SourceCoverage
from logs.coverage import schedule_of
from logs.models import (
    Delivery,
    DeliveryAck,
    LogSource,
    QuarantinedLine,
    SourceCertificate,
    SourceHour,
    SourceToken,
    TypeDay,
)
from logs.queries.coverage import coverage
from logs.strips import Strip, week
from tenants.kinds import Actor
from tenants.sharing import shared_ids
from tenants.tokens import digest, well_formed

COVERAGE_DAYS = 7
UNREADABLE_LIMIT = 0.01
"""Part of a week's records that may be unreadable before somebody has to look (ingest.md 7, 13)."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of the sources page; `quarantined` and `read` are records of the last week, `events` of all time."""

    source: LogSource
    coverage: SourceCoverage
    events: int
    quarantined: int
    read: int

    @property
    def unreadable(self) -> float:
        """The part of the week's records that could not be read, 0 to 1; of all where only old ones were delivered."""
        return self.quarantined / ((self.read or self.events) + self.quarantined) if self.quarantined else 0.0

    @property
    def garbled(self) -> bool:
        """Whether more could not be read than a source that is set up well delivers."""
        return self.unreadable > UNREADABLE_LIMIT

    @property
    def late(self) -> bool:
        """Whether the source is silent: switched on, and the last hours that it should have filled hold nothing."""
        return self.source.enabled and self.coverage.silent


def visible_source_ids(by: Actor) -> set[int] | None:
    """Return the ids of the sources whose events the actor may see; None for all of the tenant."""
    return None if by.sees_all_shareable else shared_ids(by, LogSource)


def visible_sources(by: Actor) -> QuerySet[LogSource]:
    """Return the sources that the actor may see."""
    ids = visible_source_ids(by)
    rows = LogSource.objects.select_related("system")
    return rows if ids is None else rows.filter(pk__in=ids)


def source_lines(by: Actor) -> list[SourceLine]:
    """Return the sources that the actor may see with a week's coverage and counts; a constant number of queries."""
    sources = list(visible_sources(by).order_by("name", "id"))
    ids = [source.pk for source in sources]
    now = timezone.now()
    week = now - timedelta(days=COVERAGE_DAYS)
    covered = {answer.source_id: answer for answer in coverage(since=week, until=now, source_ids=ids)}
    totals = TypeDay.objects.filter(source_id__in=ids).values("source_id").annotate(n=Sum("events"))
    events = {row["source_id"]: row["n"] for row in totals}
    hours = SourceHour.objects.filter(source_id__in=ids, hour__gte=week).values_list("source_id")
    lately = {pk: (bad, read) for pk, bad, read in hours.annotate(bad=Sum("quarantined"), read=Sum("events"))}
    return [
        SourceLine(source, covered[source.pk], events.get(source.pk, 0), *lately.get(source.pk, (0, 0)))
        for source in sources
    ]


def deliveries_of(source: LogSource, limit: int = 20) -> list[Delivery]:
    """Return the newest deliveries of a source."""
    return list(Delivery.objects.filter(source=source).defer("core", "salts").order_by("-received_at")[:limit])


def tokens_of(source: LogSource) -> list[SourceToken]:
    """Return the tokens of a source, newest first."""
    return list(SourceToken.objects.filter(source=source).order_by("-created_at", "-id"))


def certificates_of(source: LogSource) -> list[SourceCertificate]:
    """Return the certificates that were registered for a source, newest first."""
    return list(SourceCertificate.objects.filter(source=source).order_by("-registered_at", "-id"))


@dataclass(frozen=True, slots=True)
class Opened:
    """The source that a token or certificate was given for, and whether it still opens it."""

    source: LogSource
    live: bool


def source_by_token(text: str) -> Opened | None:
    """Return whose token this is in the open tenant, None for any other text; one query."""
    if not well_formed(text, "src"):
        return None
    token = SourceToken.objects.filter(digest=digest(text)).select_related("source__tenant").first()
    return Opened(token.source, token.is_live(timezone.now())) if token else None


def source_by_certificate(fingerprint: bytes) -> Opened | None:
    """Return for which source of the open tenant this certificate is registered, None for any other; one query."""
    rows = SourceCertificate.objects.filter(fingerprint=fingerprint).select_related("source__tenant")
    found = rows.order_by(F("revoked_at").desc(nulls_first=True)).first()
    return Opened(found.source, found.revoked_at is None) if found else None


def quarantine(
    source_ids: Collection[int] | None,
    *,
    source_id: int | None = None,
    before: tuple[datetime, int] | None = None,
    resolved: bool = False,
) -> QuerySet[QuarantinedLine]:
    """Return quarantined records that may be seen, newest first, after a place in the list: open or resolved ones."""
    rows = QuarantinedLine.objects.select_related("source", "resolved__batch").order_by("-received_at", "-id")
    rows = rows.filter(resolved__isnull=not resolved)
    if source_ids is not None:
        rows = rows.filter(source_id__in=list(source_ids))
    if source_id is not None:
        rows = rows.filter(source_id=source_id)
    if before:
        at, number = before
        rows = rows.filter(Q(received_at__lt=at) | Q(received_at=at, id__lt=number))
    return rows


def source_week(source: LogSource, now: datetime) -> Strip:
    """Return the strip of a source's last seven days."""
    rows = SourceHour.objects.filter(source_id=source.pk, hour__gte=now - timedelta(days=8))
    return week(dict(rows.values_list("hour", "events")), schedule_of(source.expected, source.zone), source.zone, now)


def acknowledged(source: LogSource, channel: str, asked: Collection[int]) -> set[int]:
    """Return which of the ids were given to the channel of the source: all of them are committed."""
    sound = [number for number in asked if 0 <= number < 2**63]
    rows = DeliveryAck.objects.filter(source=source, channel=channel, pk__in=sound)
    return set(rows.filter(given_at__gt=timezone.now() - timedelta(hours=24)).values_list("pk", flat=True))
