"""Which events an erasure would take, what stays, and what stands against it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connections

from alerts.kinds import OPEN_STATES
from alerts.models import Alert
from evidence.erasures.kinds import ErasureScope, Found
from identities.personfield import person_named
from identities.queries import people
from logs.erasedset import MOST, NamedLeaf, quarter_of
from logs.kinds import LogType
from logs.models import Erasure, ErasureKind, LastUse, RetentionTerm, read_event_key
from logs.queries.erasures import ErasureShown, with_places
from logs.queries.people import Person, person_of
from logs.queries.retention import terms_in_force
from logs.queries.search import SKEW
from logs.querylang import address_of
from logs.watched import actor_key
from reviews.models import LogItem, ReviewItem
from reviews.states import WORKING
from tenants.scope import current_tenant_id

Key = tuple[datetime, int]
"""Receipt and number of an event."""

_NAMED: Final = """(e.identity_id = %(identity)s OR lower(e.target_name) = ANY (%(keys)s) OR EXISTS (
    SELECT FROM unnest(%(keys)s::text[], %(systems)s::bigint[]) AS who (key, system)
    WHERE e.actor_key = who.key AND (who.system IS NULL OR e.system_id = who.system)))"""
_WHEN: Final = "e.occurred_at >= %(since)s AND e.occurred_at < %(until)s AND e.received_at >= %(received)s"
_WHERE: Final = {
    ErasureKind.EVENT: "e.received_at = %(received)s AND e.id = %(number)s",
    ErasureKind.ADDRESS: f"e.src_ip = %(address)s AND {_WHEN}",
    ErasureKind.PERSON: f"{_NAMED} AND {_WHEN}",
}
_FOUND: Final = """
WITH RECURSIVE hit AS (
    SELECT e.received_at, e.id FROM logs_accessevent e WHERE e.tenant_id = %(tenant)s AND {where}
    UNION
    SELECT x.received_at, x.id FROM hit CROSS JOIN LATERAL (
        SELECT s.by_received_at AS received_at, s.by_id AS id FROM logs_superseded s
        WHERE s.tenant_id = %(tenant)s AND s.received_at = hit.received_at AND s.event_id = hit.id
        UNION ALL
        SELECT s.received_at, s.event_id FROM logs_superseded s
        WHERE s.tenant_id = %(tenant)s AND s.by_received_at = hit.received_at AND s.by_id = hit.id
    ) AS x
)
SELECT e.batch_id, e.ord, e.received_at, e.id, e.occurred_at, e.log_type, s.by_received_at, s.by_id, EXISTS (
    SELECT FROM logs_legalhold h WHERE h.tenant_id = %(tenant)s AND h.lifted_at IS NULL
    AND (h.kind = 'tenant' OR (h.kind = 'source' AND h.source_id = e.source_id)
        OR (h.kind = 'person' AND (h.identity_id = e.identity_id OR e.actor_key = ANY (h.actor_keys)
            OR lower(e.target_name) = ANY (h.actor_keys))))) AS held,
    EXISTS (SELECT FROM alerts_alertevent a WHERE a.tenant_id = %(tenant)s AND a.event_received_at = e.received_at
        AND a.event_id = e.id) AS cited
FROM hit JOIN logs_accessevent e ON e.tenant_id = %(tenant)s AND e.received_at = hit.received_at AND e.id = hit.id
LEFT JOIN logs_superseded s ON s.tenant_id = e.tenant_id AND s.received_at = e.received_at AND s.event_id = e.id
LIMIT %(most)s
"""
"""Every reading of a record goes with it. What is held is said here and in the function that removes, which counts."""
_ALERTS: Final = "SELECT DISTINCT alert_id FROM alerts_alertevent WHERE tenant_id = %(tenant)s AND {keys}"

_UNREAD: Final = """
SELECT count(*) FROM logs_quarantinedline q WHERE q.tenant_id = %(tenant)s AND q.received_at >= %(received)s
AND octet_length(q.raw) > 0
AND NOT EXISTS (SELECT FROM logs_resolvedline r WHERE r.tenant_id = q.tenant_id AND r.line_id = q.id)
AND EXISTS (SELECT FROM unnest(%(words)s::text[]) AS word WHERE position(
    lower(encode(convert_to(word, 'UTF8'), 'escape')) IN lower(encode(q.raw, 'escape'))) > 0)
"""
"""Records that wait in quarantine and hold a name or an address anywhere, the case of ASCII letters aside."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose events: kind, words for the officers, the parameters of the query, and the person of the register."""

    kind: ErasureKind
    title: str
    values: dict[str, Any]
    identity_id: int | None = None


def subject_key(text: str) -> str:
    """Return the key of what somebody typed or followed a link for: an event, a network address, or a person.

    Raises:
        ValidationError: nobody and nothing is called that.
    """
    text = text.strip()
    kind, _dash, rest = text.partition("-")
    if kind == "event" and read_event_key(rest):
        return text
    if address := address_of(text) or (address_of(rest) if kind == "ip" else None):
        return f"ip-{address}"
    if kind in {"identity", "account"} and rest.isdecimal() and person_of(text):
        return text
    name = actor_key(rest if kind == "name" and rest else text)
    if LastUse.objects.filter(actor_key=name).exists() and kind == "name":
        return f"name-{name}"
    try:
        return f"identity-{person_named(people, text).pk}"
    except ValidationError:
        if LastUse.objects.filter(actor_key=name).exists():
            return f"name-{name}"
    raise ValidationError("Nobody is called that in the register or the logs, and it is no network address.")


def found_for(scope: ErasureScope) -> Found:
    """Return what an erasure of this scope would take, and what stands against it; reads every row of the span."""
    subject = _subject(scope)
    with connections["default"].cursor() as cursor:
        cursor.execute(_FOUND.format(where=_WHERE[subject.kind]), subject.values)
        rows = cursor.fetchall()
    pairs = [((row[2], row[3]), (row[6], row[7])) for row in rows if row[6] is not None]
    drawn = _drawn()
    held = _spread({(row[2], row[3]) for row in rows if row[8]}, pairs)
    cited = _spread({(row[2], row[3]) for row in rows if row[9] or (row[2], row[3]) in drawn}, pairs) - held
    stays = held if scope.with_cited else held | cited
    going = [row for row in rows if (row[2], row[3]) not in stays]
    leaves = [NamedLeaf(row[0], row[1], row[2], row[3], quarter_of(row[4])) for row in going]
    older = {old for old, _new in pairs}
    return Found(
        kind=subject.kind,
        title=subject.title,
        leaves=leaves,
        older=sum((row[2], row[3]) in older for row in going),
        held=len(held - older),
        cited=len(cited - older),
        kinds=dict(Counter(str(LogType(row[5]).label) for row in going if (row[2], row[3]) not in older)),
        against=_against(subject, going, held - older, cited - older, drawn),
        too_many=len(rows) > MOST,
    )


def _subject(scope: ErasureScope) -> _Subject:
    """Return the subject that a key names, with the parameters of its query."""
    values: dict[str, Any] = {"tenant": current_tenant_id(), "most": MOST + 1, "since": scope.since}
    kind, _dash, rest = scope.subject.partition("-")
    place = read_event_key(rest) if kind == "event" else None
    if place:
        values |= {"received": place[0], "number": place[1]}
        return _Subject(ErasureKind.EVENT, f"The event {rest}", values)
    if scope.since is None or scope.until is None:
        raise ValidationError("Say from which day to which day.")
    values |= {"until": scope.until, "received": scope.since - SKEW}
    person = person_of(scope.subject)
    if person is None:
        raise ValidationError("Nobody is called that.")
    if person.address:
        return _Subject(ErasureKind.ADDRESS, person.address, values | {"address": person.address})
    return _of_person(person, values)


def _of_person(person: Person, values: dict[str, Any]) -> _Subject:
    identity = person.identity.pk if person.identity and person.kind != "Account" else None
    values |= {"identity": identity, "keys": [key for key, _system in person.names]}
    values["systems"] = [system for _key, system in person.names]
    return _Subject(ErasureKind.PERSON, person.title, values, identity)


def _spread(marked: set[Key], pairs: Sequence[tuple[Key, Key]]) -> set[Key]:
    """Return the marked events with every other reading of the same records."""
    while more := {b for a, b in pairs if a in marked} | {a for a, b in pairs if b in marked}:
        if more <= marked:
            break
        marked = marked | more
    return marked


def _drawn() -> dict[Key, tuple[str, bool]]:
    """Return the events that log reviews drew, with the review's name and whether it is closed."""
    rows = LogItem.objects.exclude(event_key="").values_list("event_key", "review__name", "review__closed_at")
    found = {}
    for key, name, closed_at in rows.iterator():
        if place := read_event_key(key):
            found[place] = (name, closed_at is not None)
    return found


def _against(
    subject: _Subject,
    going: Sequence[tuple[Any, ...]],
    held: set[Key],
    cited: set[Key],
    drawn: dict[Key, tuple[str, bool]],
) -> list[str]:
    """Return what the portal says against the erasure, in sentences that name no person: the officers decide."""
    said = []
    if held:
        said.append(f"{_n(len(held))} under a legal hold and stay, until the hold is lifted.")
    reviews = sorted(
        {f"{name} ({'closed' if closed else 'open'})" for key in cited & drawn.keys() for name, closed in [drawn[key]]}
    )
    if alerts := len(cited - drawn.keys()):
        number = _open_alerts(cited)
        still = f"{number} of these alerts {'is' if number == 1 else 'are'} open" if number else "none of them is open"
        said.append(f"{_n(alerts)} behind alerts; {still}.")
    if reviews:
        said.append(f"{_n(len(cited & drawn.keys()))} drawn in log reviews: {', '.join(reviews)}.")
    if unread := _unread(subject):
        said.append(
            f"{'1 record' if unread == 1 else f'{unread:,} records'} in quarantine may be about the same: the name or "
            "address stands in what could not be read. That stays. Read it again with a format or mapping that fits, "
            "and ask again for what it turns out to be; what is never read goes with its month."
        )
    said += _terms(Counter(LogType(row[5]) for row in going))
    if subject.identity_id is not None:
        items = ReviewItem.objects.filter(subject_id=subject.identity_id, campaign__state__in=WORKING)
        if names := sorted(set(items.values_list("campaign__name", flat=True))):
            said.append(
                f"Campaigns at work have items about this person: {', '.join(names)}. The use that was frozen for them "
                "stays there as numbers; the events behind them can then no longer be opened."
            )
    return said


def _unread(subject: _Subject) -> int:
    """Return how many records in quarantine, received since the scope begins, hold a name or the address."""
    words = [word for word in (*subject.values.get("keys", ()), subject.values.get("address", "")) if word]
    if not words:
        return 0
    with connections["default"].cursor() as cursor:
        cursor.execute(_UNREAD, subject.values | {"words": words})
        return int(cursor.fetchone()[0])


def _n(number: int) -> str:
    return "1 event is" if number == 1 else f"{number:,} events are"


def _open_alerts(cited: Iterable[Key]) -> int:
    """Return how many open alerts stand on any of these events."""
    keys = list(cited)
    statement = _ALERTS.format(
        keys="(event_received_at, event_id) IN (SELECT * FROM unnest(%(at)s::timestamptz[], %(ids)s::bigint[]))"
    )
    with connections["default"].cursor() as cursor:
        values: dict[str, Any] = {
            "tenant": current_tenant_id(),
            "at": [at for at, _id in keys],
            "ids": [number for _at, number in keys],
        }
        cursor.execute(statement, values)
        ids = [row[0] for row in cursor.fetchall()]
    return Alert.objects.filter(pk__in=ids, state__in=OPEN_STATES).count()


def _terms(kinds: Counter[LogType]) -> list[str]:
    """Return by which terms the events would be kept longer."""
    terms = terms_in_force()
    lines = []
    for kind, number in sorted(kinds.items()):
        term = RetentionTerm.objects.filter(log_type=kind, months=terms[kind]).first()
        who = f"set by {term.set_by}: {term.reason}" if term else "the default"
        lines.append(f"{number:,} of {kind.label.lower()}, kept {terms[kind]} months ({who})")
    if not lines:
        return []
    return [
        f"They are within their retention term: {'; '.join(lines)}. A legal duty to keep them, or claims, can stand "
        "against erasure (Art. 17(3)(b) and (e) GDPR): whether one does is yours to decide."
    ]


def erasures(limit: int = 100) -> Sequence[ErasureShown]:
    """Return the newest deeds with their places in the ledger."""
    return with_places(list(Erasure.objects.all()[:limit]))


def erasure_by_id(erasure_id: Any) -> Erasure | None:
    """Return one deed of the open tenant."""
    return Erasure.objects.filter(pk=erasure_id).first()
