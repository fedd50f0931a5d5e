"""Events as rows of a page: words instead of numbers, and the timelines they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django.http import QueryDict

from identities.models import Identity
from logs.kinds import LogType, StatusDetail
from logs.models import AccessEvent, LogSource
from logs.queries.people import person_key

_REASONS: Final = dict(StatusDetail.choices)


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event as a row: its words, its look and its links' keys."""

    event: AccessEvent
    kind: str
    outcome: str
    look: str
    reason: str
    source: str
    person: str
    person_key: str
    links: dict[str, str]


class Narrowing:
    """Links that add one value of a row to the page's query, or leave it out.

    The rest of the query is written once for each parameter: a page of 50 rows has 300 such links.
    """

    def __init__(self, query: QueryDict) -> None:
        self._rest = {name: self._without(query, name) for name in ("actor", "action", "address")}

    def links(self, event: AccessEvent) -> dict[str, str]:
        """Return the links of one event: ``actor`` and ``not_actor``, and so on; none for empty values."""
        values = {"actor": event.actor_key, "action": event.action, "address": event.src_ip or ""}
        links = {}
        for name, value in values.items():
            if value:
                links[name] = f"?{self._rest[name]}{name}={quote(value)}"
                links[f"not_{name}"] = f"?{self._rest[name]}not_{name}={quote(value)}"
        return links

    @staticmethod
    def _without(query: QueryDict, name: str) -> str:
        rest = query.copy()
        for gone in (name, f"not_{name}", "cursor"):
            rest.pop(gone, None)
        return f"{rest.urlencode()}&" if rest else ""


def event_lines(events: Sequence[AccessEvent], query: QueryDict | None = None) -> list[EventLine]:
    """Return the rows of a page; two queries however many there are. With a query each row gets narrowing links."""
    narrowing = Narrowing(query) if query is not None else None
    sources = dict(LogSource.objects.filter(pk__in={event.source_id for event in events}).values_list("pk", "name"))
    people = dict(
        Identity.objects.filter(pk__in={event.identity_id for event in events if event.identity_id}).values_list(
            "pk", "name"
        )
    )
    return [_line(event, sources, people, narrowing) for event in events]


def _line(
    event: AccessEvent, sources: dict[int, str], people: dict[int, str], narrowing: Narrowing | None
) -> EventLine:
    outcome, look = {1: ("Allowed", "good"), 2: ("Denied", "bad")}.get(event.status_id, ("Not stated", "none"))
    return EventLine(
        event=event,
        kind=str(LogType(event.log_type).label),
        outcome=outcome,
        look=look,
        reason=str(_REASONS.get(event.status_detail, event.status_detail)),
        source=sources.get(event.source_id, "A source that is gone"),
        person=people.get(event.identity_id or 0, ""),
        person_key=person_key(event),
        links=narrowing.links(event) if narrowing else {},
    )
