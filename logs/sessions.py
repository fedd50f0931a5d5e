"""Sessions, rebuilt from log-ons and log-offs: who, how long, how long idle, from which address and device. Pure.

A log-on and its log-off belong together when the source gives both the same session id; without an id, when they name
the same account and source address. What happened between them is use of the session. A log-off whose log-on was not
seen still ends a session: its begin follows from the stated duration, or is not known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from logs.kinds import OcsfClass, Status

BEGIN, END = 1, 2
"""OCSF activities: 3002 Logon and Logoff, 4014 Open and Close."""

REUSED: Final = timedelta(hours=24)
"""Log-ons under one session id that lie further apart are two sessions: operating systems use their numbers again."""

_CLASSES: Final = frozenset({OcsfClass.AUTHENTICATION.value, OcsfClass.TUNNEL.value})


class Deed(NamedTuple):
    """What of one event matters for sessions; ``occurred_at`` is aware UTC, texts are "" where nothing is said."""

    occurred_at: datetime
    source_id: int
    actor_key: str
    class_uid: int
    activity_id: int
    status_id: int
    session_uid: str
    src_ip: str
    device: str
    app: str
    host: str
    duration_ms: int | None
    country: str = ""

    @property
    def begins(self) -> bool:
        """Whether the event is a log-on that succeeded."""
        return self.class_uid in _CLASSES and self.activity_id == BEGIN and self.status_id == Status.SUCCESS

    @property
    def ends(self) -> bool:
        """Whether the event is a log-off."""
        return self.class_uid in _CLASSES and self.activity_id == END and self.status_id != Status.FAILURE

    @property
    def length(self) -> timedelta | None:
        """The duration that the event states."""
        return timedelta(milliseconds=self.duration_ms) if self.duration_ms else None


@dataclass(slots=True)
class Session:
    """One session of one account on one source.

    ``began_at`` is None where no log-on was seen and none follows from a stated duration; ``ended_at`` is None where no
    log-off was seen. ``idle`` is the longest time between two events of the session. ``stated`` is true where an end
    follows from a duration that the source states, and not from two events.
    """

    source_id: int
    actor_key: str
    session_uid: str
    began_at: datetime | None
    last_at: datetime
    ended_at: datetime | None = None
    src_ip: str = ""
    device: str = ""
    app: str = ""
    host: str = ""
    country: str = ""
    events: int = 1
    idle: timedelta = field(default_factory=timedelta)
    stated: bool = False

    @property
    def duration(self) -> timedelta | None:
        """From log-on to log-off, None while one of them is not known."""
        return self.ended_at - self.began_at if self.ended_at and self.began_at else None

    @property
    def newest_at(self) -> datetime:
        """The last moment that is known of the session."""
        return self.ended_at or self.last_at

    def take(self, deed: Deed) -> None:
        """Count an event as use of the session."""
        self.idle = max(self.idle, deed.occurred_at - self.last_at)
        self.last_at = max(self.last_at, deed.occurred_at)
        self.events += 1
        for name in ("src_ip", "device", "app", "host", "country"):
            if not getattr(self, name):
                setattr(self, name, getattr(deed, name))


_Key = tuple[int, str, str, str]


def sessions_from(deeds: Iterable[Deed]) -> list[Session]:
    """Return the sessions that the events show, newest end first; the events may come in any order."""
    open_now: dict[_Key, Session] = {}
    done: list[Session] = []
    for deed in sorted(deeds, key=lambda one: (one.occurred_at, one.ends)):
        if deed.begins:
            _begin(deed, open_now, done)
        elif deed.ends:
            _end(deed, open_now, done)
        elif (session := open_now.get(_key(deed))) is not None:
            session.take(deed)
    return sorted((*done, *open_now.values()), key=lambda one: one.newest_at, reverse=True)


def _key(deed: Deed) -> _Key:
    if deed.session_uid:
        return deed.source_id, "id", deed.session_uid, ""
    return deed.source_id, "address", deed.actor_key, deed.src_ip


def _begin(deed: Deed, open_now: dict[_Key, Session], done: list[Session]) -> None:
    """Open a session; a second log-on under the same name of a session is use of it, or the end of an old one."""
    key = _key(deed)
    before = open_now.get(key)
    if before is not None and _goes_on(before, deed):
        before.take(deed)
        return
    if before is not None:
        done.append(open_now.pop(key))
    session = _session(deed, deed.occurred_at)
    if deed.length:
        session.ended_at, session.stated = deed.occurred_at + deed.length, True
        done.append(session)
    else:
        open_now[key] = session


def _goes_on(session: Session, deed: Deed) -> bool:
    """Return whether a log-on belongs to a session that is open: only an id says so, and not for ever."""
    same = session.actor_key == deed.actor_key and bool(deed.session_uid)
    return same and deed.occurred_at - session.last_at <= REUSED


def _end(deed: Deed, open_now: dict[_Key, Session], done: list[Session]) -> None:
    key = _key(deed)
    if key not in open_now:
        key = _only_open(deed, open_now) or key
    session = open_now.pop(key, None)
    if session is None:
        session = _session(deed, deed.occurred_at - deed.length if deed.length else None)
        session.stated = deed.length is not None
    else:
        session.take(deed)
    session.ended_at = deed.occurred_at
    done.append(session)


def _only_open(deed: Deed, open_now: dict[_Key, Session]) -> _Key | None:
    """Return the account's only open session, for a log-off that names neither a session nor an address."""
    if deed.session_uid or deed.src_ip:
        return None
    found = [key for key, one in open_now.items() if (key[0], one.actor_key) == (deed.source_id, deed.actor_key)]
    return found[0] if len(found) == 1 else None


def _session(deed: Deed, began_at: datetime | None) -> Session:
    return Session(
        source_id=deed.source_id,
        actor_key=deed.actor_key,
        session_uid=deed.session_uid,
        began_at=began_at,
        last_at=deed.occurred_at,
        src_ip=deed.src_ip,
        device=deed.device,
        app=deed.app,
        host=deed.host,
        country=deed.country,
    )
