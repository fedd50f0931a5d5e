"""The client's home: who touched their data, how fresh the sources are, what is shared, and what is not covered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.utils import timezone

from alerts.models import Alert
from alerts.queries import AlertFilters, alerts_page
from evidence.models import EvidencePack
from evidence.states import PackState
from identities.models import Identity, System
from ledger.kinds import LeafKind
from logs.kinds import LogType
from logs.models import AccessEvent
from logs.queries import Filters, SourceLine, search_events, source_lines, visible_source_ids
from portal.templatetags.portal import count
from tenants.kinds import Actor, Permission
from tenants.models import AuditEntry
from tenants.sharing import visible

FEED_DAYS: Final = 30
FEED_LINES: Final = 20
SHOWN: Final = 5
LOOKS_SHOWN: Final = 10
SAID: Final = {
    "room.look": "opened the auditor's room of",
    "request.look": "read",
    "population.look": "looked at the population:",
    "population.download": "downloaded the population",
    "sample.look": "looked at the sample:",
    "sample.download": "downloaded the sample",
    "document.download": "downloaded the document",
    "pack.download": "downloaded the evidence",
    "feed.look": "opened the page",
    "page.look": "opened the page",
    "event.look": "looked at events:",
    "event.export": "exported",
    "export.finish": "took away",
    "alert.look": "opened the alert",
}
"""What somebody did, in words that the name of the thing completes."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One access to the client's data, in words: who, to which system, what, why, from where."""

    event: AccessEvent
    person: str
    system: str
    what: str
    kind: str

    @property
    def why(self) -> str:
        """The ticket or justification that the log carries; empty when it carries none."""
        return self.event.ticket_ref

    @property
    def origin(self) -> str:
        """The address, else the host, from which it came; empty when the log does not say."""
        return self.event.src_ip or self.event.src_host


@dataclass(frozen=True, slots=True)
class Feed:
    """The newest accesses, and a tag that changes exactly when they do."""

    touches: Sequence[Touch]

    @property
    def tag(self) -> str:
        """An ETag of the feed: a late record may come in below the first line, so that every line counts."""
        keys = " ".join(touch.event.key for touch in self.touches)
        return sha256(keys.encode()).hexdigest()[:32] if keys else "none"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the client's data in plain words, with the SHA-256 of the file that was taken, if one was."""

    who: str
    words: str
    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClientHome:
    """What a client sees on the first page."""

    feed: Feed
    sources: Sequence[SourceLine]
    alerts: Sequence[Alert]
    packs: Sequence[EvidencePack]
    looks: Sequence[Look]
    uncovered: Sequence[str]

    @property
    def silent(self) -> int:
        """How many sources should have delivered by now and have not."""
        return sum(line.late for line in self.sources)

    @property
    def last_received_at(self) -> datetime | None:
        """When the newest record of any shared source arrived; None when nothing ever did."""
        return max((at for line in self.sources if (at := line.source.last_received_at)), default=None)


def client_home(by: Actor) -> ClientHome:
    """Return the home of a client: only sources and packs that are shared with the person."""
    sources = source_lines(by)
    return ClientHome(
        feed=feed(by),
        sources=sources,
        alerts=alerts_page(AlertFilters(), limit=SHOWN)[:SHOWN] if by.may(Permission.ALERT_VIEW) else (),
        packs=list(visible(by, EvidencePack.objects.filter(state=PackState.ISSUED)).order_by("-issued_at")[:SHOWN]),
        looks=looks(),
        uncovered=uncovered(sources),
    )


def looks() -> list[Look]:
    """Return the newest looks at what the tenant holds, by whomever, in plain words."""
    rows = AuditEntry.objects.filter(leaf_kind=LeafKind.LOOKED).order_by("-at", "id")[:LOOKS_SHOWN]
    return [
        Look(row.actor_name, f"{SAID.get(row.verb, 'looked at')} {row.target}", row.detail.get("sha256", ""), row.at)
        for row in rows
    ]


def feed(by: Actor) -> Feed:
    """Return the newest accesses of the last 30 days in the sources that the actor may see."""
    now = timezone.now()
    asked = Filters(since=now - timedelta(days=FEED_DAYS), until=now, source_ids=visible_source_ids(by))
    events = search_events(asked, limit=FEED_LINES).events
    people = _names(Identity, {event.identity_id for event in events})
    systems = _names(System, {event.system_id for event in events})
    return Feed([_touch(event, people, systems) for event in events])


def _names(model: type[Identity] | type[System], ids: Collection[int | None]) -> dict[int, str]:
    wanted = [one for one in ids if one is not None]
    return dict(model.objects.filter(pk__in=wanted).values_list("pk", "name"))


def _touch(event: AccessEvent, people: dict[int, str], systems: dict[int, str]) -> Touch:
    thing = event.table or event.resource or event.database or event.target_name
    account = event.actor_name or event.actor_uid or "unnamed account"
    person = people.get(event.identity_id or 0, "")
    return Touch(
        event=event,
        person=f"{person} ({account})" if person else account,
        system=systems.get(event.system_id or 0, event.app or "unnamed system"),
        what=" ".join(part for part in (event.action, thing) if part) or "access",
        kind=str(LogType(event.log_type).label),
    )


def uncovered(sources: Sequence[SourceLine]) -> list[str]:
    """Return in sentences what the pages cannot show: kinds without a source, gaps, sources without a schedule."""
    delivered = {kind for line in sources for kind in line.source.log_types}
    told = [f"No source delivers this kind of log: {kind.label}." for kind in LogType if kind not in delivered]
    for line in sources:
        gaps = line.coverage.gaps
        if gaps:
            hours = round(sum((end - start).total_seconds() for start, end in gaps) / 3600)
            told.append(f"{line.source.name}: {hours} of {line.coverage.expected_hours} hours are missing this week.")
        if not line.source.expected:
            told.append(f"{line.source.name} has no delivery schedule: its silence would not be noticed.")
        if line.quarantined:
            told.append(f"{line.source.name}: could not be read this week: {count(line.quarantined, 'record')}.")
    return told
