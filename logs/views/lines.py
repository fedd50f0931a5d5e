"""Events as rows of a page: words instead of numbers, and the timelines they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass

from identities.models import Identity
from logs.kinds import LogType, StatusDetail
from logs.models import AccessEvent, LogSource
from logs.queries.people import person_key


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


def event_lines(events: Sequence[AccessEvent]) -> list[EventLine]:
    """Return the rows of a page; two queries however many there are."""
    sources = dict(LogSource.objects.filter(pk__in={event.source_id for event in events}).values_list("pk", "name"))
    people = dict(
        Identity.objects.filter(pk__in={event.identity_id for event in events if event.identity_id}).values_list(
            "pk", "name"
        )
    )
    return [_line(event, sources, people) for event in events]


def _line(event: AccessEvent, sources: dict[int, str], people: dict[int, str]) -> EventLine:
    outcome, look = {1: ("Allowed", "good"), 2: ("Denied", "bad")}.get(event.status_id, ("Not stated", "none"))
    reasons = dict(StatusDetail.choices)
    return EventLine(
        event=event,
        kind=str(LogType(event.log_type).label),
        outcome=outcome,
        look=look,
        reason=str(reasons.get(event.status_detail, event.status_detail)),
        source=sources.get(event.source_id, "A source that is gone"),
        person=people.get(event.identity_id or 0, ""),
        person_key=person_key(event),
    )
