"""Events as rows of a page: words instead of numbers, and the timelines they lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Final

from identities.models import Identity
from logs.devices import device_of
from logs.forms import Asked
from logs.kinds import LogType, StatusDetail
from logs.models import AccessEvent, LogSource
from logs.places import country_names, network_name
from logs.qualifiers import TYPES
from logs.queries.people import person_key
from logs.querylang import Query, add, only, term, written_term

AROUND: Final = timedelta(minutes=10)
_REASONS: Final = dict(StatusDetail.choices)
_TYPES: Final = {int(kind): word for word, kind in TYPES.items()}
_OUTCOMES: Final = {1: "allowed", 2: "denied"}


@dataclass(frozen=True, slots=True)
class Links:
    """Links that add one value of a row to the query, or leave it out, and the value as the query writes it."""

    words: str
    plus: str
    minus: str


class LinksByName(dict[str, Links]):
    """Links by qualifier, None where there is none: a missing key costs a template three exceptions."""

    def __missing__(self, name: str) -> None:
        return None


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
    object: str
    place: str
    network: str
    client: str
    links: LinksByName
    around: str


class Narrowing:
    """Makes the links of a page's rows; a value that stands in many rows is written once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._made: dict[tuple[str, str], Links] = {}

    def links(self, event: AccessEvent, source: LogSource | None, person: Identity | None) -> LinksByName:
        """Return the links of one event by qualifier; none for empty values."""
        values = {
            "user": event.actor_key,
            "person": person.external_id if person else "",
            "action": event.action,
            "type": _TYPES[event.log_type],
            "app": event.app,
            "outcome": _OUTCOMES.get(event.status_id, "unstated"),
            "reason": event.status_detail,
            "hours": "out" if event.out_of_hours else "",
            "ip": event.src_ip or "",
            "country": event.src_country,
            "asn": str(event.src_asn or ""),
            "device": event.client,
            "host": "" if event.src_ip else event.src_host,
            "object": object_of(event),
            "source": source.key if source else "",
        }
        return LinksByName({name: self._one(name, value) for name, value in values.items() if value.strip()})

    def _one(self, name: str, value: str) -> Links:
        made = self._made.get((name, value))
        if made is None:
            asked, one = self._asked, term(name, value)
            plus = asked.url(only(asked.query, one))
            minus = asked.url(add(asked.query, replace(one, negated=True)))
            made = self._made[(name, value)] = Links(written_term(one), plus, minus)
        return made

    def around(self, event: AccessEvent) -> str:
        """Return the link to everything within ten minutes of an event."""
        ends = {"after": event.occurred_at - AROUND, "before": event.occurred_at + AROUND}
        terms = (term(name, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}") for name, at in ends.items())
        return self._asked.url(Query(tuple(terms)))


def object_of(event: AccessEvent) -> str:
    """Return the name of what was accessed."""
    found = (event.target_name, event.resource, event.table, event.database, event.dst_host)
    return next((name for name in found if name), "")


def place_words(event: AccessEvent) -> str:
    """Return the country that the table named at intake, "" when it named none."""
    return country_names().get(event.src_country, event.src_country)


def network_words(asn: int | None) -> str:
    """Return a network's number and name."""
    return f"AS{asn} {network_name(asn)}".strip() if asn else ""


def event_lines(events: Sequence[AccessEvent], asked: Asked | None = None) -> list[EventLine]:
    """Return the rows of a page; two queries however many there are. With a search each row gets narrowing links."""
    narrowing = Narrowing(asked) if asked else None
    sources = LogSource.objects.in_bulk({event.source_id for event in events})
    people = Identity.objects.in_bulk({event.identity_id for event in events if event.identity_id})
    return [_line(event, sources, people, narrowing) for event in events]


def _line(
    event: AccessEvent,
    sources: Mapping[int, LogSource],
    people: Mapping[int, Identity],
    narrowing: Narrowing | None,
) -> EventLine:
    outcome, look = {1: ("Allowed", "good"), 2: ("Denied", "bad")}.get(event.status_id, ("Not stated", "none"))
    source, person = sources.get(event.source_id), people.get(event.identity_id or 0)
    return EventLine(
        event=event,
        kind=str(LogType(event.log_type).label),
        outcome=outcome,
        look=look,
        reason=str(_REASONS.get(event.status_detail, event.status_detail)),
        source=source.name if source else "A source that is gone",
        person=person.name if person else "",
        person_key=person_key(event),
        object=object_of(event),
        place=place_words(event),
        network=network_words(event.src_asn),
        client=event.client or device_of(event.user_agent),
        links=narrowing.links(event, source, person) if narrowing else LinksByName(),
        around=narrowing.around(event) if narrowing else "",
    )
