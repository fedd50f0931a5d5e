"""The sessions of a person, an account, a name or an address, rebuilt from their newest events."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, connections

from logs.models import LogSource
from logs.places import country_names
from logs.queries.people import Person
from logs.queries.search import SKEW
from logs.sessions import Deed, Session, sessions_from
from tenants.scope import current_tenant_id

MOST_EVENTS: Final = 300
SHOWN: Final = 10

_COLUMNS: Final = (
    "occurred_at, source_id, actor_key, class_uid, activity_id, status_id, session_uid, coalesce(host(src_ip), ''), "
    "coalesce(nullif(device_uid, ''), nullif(client, ''), user_agent), app, dst_host, duration_ms, src_country"
)
_WINDOW: Final = (
    "tenant_id = %(tenant)s AND occurred_at >= %(since)s AND occurred_at < %(until)s AND received_at >= %(received)s "
    "AND (%(sources)s::bigint[] IS NULL OR source_id = ANY(%(sources)s))"
)
_BY_NAME: Final = f"""
SELECT e.* FROM unnest(%(keys)s::text[], %(systems)s::bigint[]) AS who (key, system) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM logs_currentevent
    WHERE {_WINDOW} AND actor_key = who.key AND (who.system IS NULL OR system_id = who.system)
    ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
) AS e ORDER BY occurred_at DESC LIMIT %(limit)s
"""  # noqa: S608 -- constant texts
_BY_ADDRESS: Final = f"""
SELECT {_COLUMNS} FROM logs_currentevent WHERE {_WINDOW} AND src_ip = %(address)s::inet
ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608 -- constant texts

_SEEN: Final = """
SELECT EXISTS (SELECT FROM logs_typeday WHERE tenant_id = %(tenant)s AND log_type IN (1, 4, 7) AND events > 0
    AND day >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
    AND day <= (%(until)s::timestamptz AT TIME ZONE 'UTC')::date)
"""
DEEDS: Final = f"""
SELECT {_COLUMNS} FROM logs_currentevent
WHERE tenant_id = %(tenant)s AND log_type IN (1, 4, 7) AND occurred_at >= %(since)s AND occurred_at < %(until)s
    AND received_at >= %(received)s
ORDER BY actor_key, occurred_at
"""  # noqa: S608 -- constant texts
"""Log-ins, remote access and session activity of a period, one name after the other."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One session as a row of a page, with its source's name."""

    session: Session
    source: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The newest sessions of a window, how many there are in all, and since when the events were looked at.

    ``since`` is later than asked where there were more than `MOST_EVENTS` events: older sessions are then not rebuilt.
    """

    lines: Sequence[SessionLine]
    total: int
    since: datetime
    cut: bool

    @property
    def looked_at(self) -> int:
        """Returns how many events were looked at, where there are more."""
        return MOST_EVENTS


def sessions_of(
    person: Person, *, since: datetime, until: datetime, source_ids: Collection[int] | None = None
) -> Sessions:
    """Return the sessions of a person in a window of time; two queries, over at most `MOST_EVENTS` events."""
    asked: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "keys": [name for name, _system in person.names],
        "systems": [system for _name, system in person.names],
        "address": person.address or None,
        "since": since,
        "until": until,
        "received": since - SKEW,
        "sources": None if source_ids is None else list(source_ids),
        "limit": MOST_EVENTS,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_BY_ADDRESS if person.address else _BY_NAME, asked)
        deeds = [Deed(*row) for row in cursor.fetchall()]
    found = sessions_from(deeds)
    names = dict(LogSource.objects.filter(pk__in={one.source_id for one in found[:SHOWN]}).values_list("pk", "name"))
    lines = [
        SessionLine(
            one, names.get(one.source_id, "A source that is gone"), country_names().get(one.country, one.country)
        )
        for one in found[:SHOWN]
    ]
    cut = len(deeds) == MOST_EVENTS
    return Sessions(lines, len(found), deeds[-1].occurred_at if cut else since, cut)


def deeds_by_actor(*, since: datetime, until: datetime) -> Iterator[Deed]:
    """Yield what sessions are rebuilt from, of the whole tenant, one name after the other; read in pieces.

    Where the roll-ups hold no such event, the table of events is not looked at: it may hold millions of others.
    """
    asked: dict[str, Any] = {"tenant": current_tenant_id(), "since": since, "until": until, "received": since - SKEW}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, asked)
        if not cursor.fetchone()[0]:
            return
    with connection.chunked_cursor() as cursor:
        cursor.execute(DEEDS, asked)
        while rows := cursor.fetchmany(2000):
            yield from (Deed(*row) for row in rows)
