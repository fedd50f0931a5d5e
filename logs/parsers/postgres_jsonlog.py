"""PostgreSQL's jsonlog (15 and later): log-ins, refusals, statements and the end of sessions.

Of a statement its command tag, table and role are kept; its text may hold values of people's data and stays in the raw
record only. Source of the fields: PostgreSQL documentation, "Using JSON-Format Log Output".
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from logs.kinds import ActorType, Draft, Ignored, LogType, OcsfClass, Outcome, Quarantined, SourceSettings, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import LOGOFF, Facts, Parser, deed, logoff, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, json_records
from logs.parsers.pgaudit import PREFIX, read_audit
from logs.parsers.sql import Deed, read_sql
from logs.parsers.text import address, clean, port_number, record_id, sentence
from logs.parsers.times import postgres_time


class _Row(msgspec.Struct, gc=False):
    """The fields of a jsonlog line that are read."""

    timestamp: str
    message: str = ""
    user: str | None = None
    dbname: str | None = None
    pid: int | None = None
    remote_host: str | None = None
    remote_port: int | str | None = None
    session_id: str | None = None
    line_num: int | None = None
    error_severity: str = ""
    state_code: str | None = None
    detail: str | None = None
    statement: str | None = None
    application_name: str | None = None
    backend_type: str | None = None


_decoder = msgspec.json.Decoder(_Row)

_AUTHORIZED = re.compile(
    r"(?:replication )?connection authorized: user=(.*?)(?: database=(.*?))?(?: application_name=(.*?))?"
    r"( SSL enabled.*)?$",
    re.DOTALL,
)
_AUTHENTICATED = re.compile(r'connection authenticated: (?:identity|user)="(.*)" method=(\S+)', re.DOTALL)
_CLOSED = re.compile(
    r"disconnection: session time: (\d{1,9}):(\d\d):(\d\d)\.(\d{3}) "
    r"user=(.*) database=(.*) host=(.*?)(?: port=(\d+))?$",
    re.DOTALL,
)
_RUN = re.compile(r"(?:duration: [\d.]+ ms  )?(?:statement: |execute [^:]{0,80}: |parse [^:]{0,80}: )(.*)", re.DOTALL)
_QUOTED_USER = re.compile(r'(?:user|role) "([^"]{1,512})"')

_LOGIN_CODES = frozenset({"28P01", "28000"})
_CONNECT_CODES = frozenset({"3D000", "53300", "55000", "57P03"})
_REASONS = (
    ("does not exist", Why.UNKNOWN_USER),
    ("is not permitted to log in", Why.DISABLED),
    ("no pg_hba.conf entry", Why.POLICY_DENIED),
    ("pg_hba.conf rejects", Why.POLICY_DENIED),
    ("expired password", Why.EXPIRED_PASSWORD),
    ("certificate", Why.CERT_INVALID),
    ("password", Why.BAD_PASSWORD),
)
_METHODS = {"gss": 2, "sspi": 2, "ldap": 12, "radius": 10, "oauth": 6}
_KEPT_METHODS = 65536
_MAX_HELD = 8192
_LONGEST_OWN = 4096
"""Longest message about a connection that is looked at; PostgreSQL's names have 63 bytes. Keeps patterns linear."""


_REFUSED, _AUDITED = "twin of a refusal that is counted", "twin of pgAudit's line, which says more"


class _Held(NamedTuple):
    """The last success of a session: what it ran, and whether pgAudit or the log of statements wrote it."""

    draft: Draft
    words: str
    audited: bool
    logged: bool

    def given(self, twin: str) -> Outcome:
        """Give the draft, or why it is ignored."""
        return Ignored(self.draft.raw, twin, self.draft.position) if twin else self.draft


def _same(one: str, other: str) -> bool:
    """Tell whether two texts are one statement."""
    if len(one) > len(other) + 8 or len(other) > len(one) + 8:
        return False
    return one == other or one.strip(" ;\r\n\t") == other.strip(" ;\r\n\t")


class _Reader:
    """Reads the rows of one body in order; remembers how each session proved who it is.

    PostgreSQL writes "connection authorized" and "statement: ..." before it knows the end. When the session's next row
    refuses exactly that, the refusal is counted and the row before it is its twin; so the last success of a session
    waits for the session's next row or the end of the body.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._zone = settings.time_zone
        self._services, self._programs = settings.services, settings.programs
        self._methods: dict[str, str] = {}
        self._held: OrderedDict[str, _Held] = OrderedDict()

    def read(self, record: Record) -> Iterator[Outcome]:
        """Read one row; give what has become certain by it."""
        raw, position = record.raw, record.position
        try:
            row = _decoder.decode(raw)
            moment = postgres_time(row.timestamp, self._zone)
        except (ValueError, RecursionError) as error:
            yield Quarantined(raw, f"The line is no PostgreSQL jsonlog that can be read. {sentence(error)}", position)
            return
        audited = read_audit(row.message) if row.message.startswith(PREFIX) else None
        facts = audited.facts if audited else self._facts(row)
        if isinstance(facts, str):
            yield Ignored(raw, facts, position)
            return
        self._surroundings(facts, row)
        yield from self._in_turn(make_draft(moment, raw, position, facts), row, audited.statement if audited else None)

    def finish(self) -> Iterator[Outcome]:
        """Give the successes that no later row of the body refused."""
        for held in self._held.values():
            yield held.draft
        self._held.clear()

    def _in_turn(self, draft: Draft, row: _Row, audited: str | None) -> Iterator[Outcome]:
        """Give the session's row before this one, as what it turned out to be, and keep or give this one.

        A statement that pgAudit and the log of statements both write is one event: pgAudit's line says more.
        """
        run = _RUN.match(row.message) if audited is None else None
        words = audited if audited is not None else run[1] if run else "connection"
        before = self._held.pop(draft.session_uid, None)
        if before is not None:
            again = (
                bool(run or before.logged) and before.audited != (audited is not None) and _same(before.words, words)
            )
            if again and audited is None:
                self._held[draft.session_uid] = before
                yield Ignored(draft.raw, _AUDITED, draft.position)
                return
            refused_now = draft.status_id == Status.FAILURE and _same(before.words, row.statement or "connection")
            yield before.given(_REFUSED if refused_now else _AUDITED if again else "")
        if draft.status_id != Status.SUCCESS or not draft.session_uid or draft.activity_id == LOGOFF:
            yield draft
            return
        self._held[draft.session_uid] = _Held(draft, words, audited is not None, run is not None)
        if len(self._held) > _MAX_HELD:
            yield self._held.popitem(last=False)[1].draft

    def _facts(self, row: _Row) -> Facts | str:
        message = row.message
        if row.state_code in _LOGIN_CODES or (row.error_severity == "FATAL" and row.state_code in _CONNECT_CODES):
            return _refused(row)
        if message.startswith("connection auth"):
            return self._connection(row)
        if message.startswith("disconnection: "):
            return _closed(row)
        if row.error_severity in {"ERROR", "FATAL", "PANIC"}:
            return _error(row)
        found = _RUN.match(message)
        if found:
            what = read_sql(found[1])
            return _done(what) if what else "transaction control or setting"
        return "server message"

    def _connection(self, row: _Row) -> Facts | str:
        proof = _AUTHENTICATED.match(row.message)
        if proof:
            if len(self._methods) > _KEPT_METHODS:
                self._methods.clear()
            self._methods[row.session_id or ""] = proof[2]
            return "part of a log-in that is counted"
        found = _AUTHORIZED.match(row.message) if len(row.message) <= _LONGEST_OWN else None
        if not found:
            return "server message"
        facts = logon(LogType.DATABASE)
        facts["action"] = "connection authorized"
        facts["actor_name"] = clean(found[1])
        facts["database"] = clean(found[2] or "")
        facts["user_agent"] = clean(found[3] or "")
        facts["logon_type_id"] = 3
        method = self._methods.pop(row.session_id or "", "")
        facts["status_code"] = clean(method)
        if method in _METHODS:
            facts["auth_protocol_id"] = _METHODS[method]
        if found[4]:
            facts["extra"] = {"tls": True}
        return facts

    def _surroundings(self, facts: Facts, row: _Row) -> None:
        """Write what every row says: who, on which database, from where, in which session."""
        if not facts.get("actor_name"):
            facts["actor_name"] = clean(row.user or "")
        if not facts.get("database"):
            facts["database"] = clean(row.dbname or "")
        if row.application_name and not facts.get("user_agent"):
            facts["user_agent"] = clean(row.application_name)
        facts["actor_type"] = self._kind(facts)
        facts["app"] = "postgresql"
        source = address(row.remote_host)
        if source.ip is None and source.host in {"localhost", ""}:
            source = source._replace(host="localhost")
        put_source(facts, source._replace(port=port_number(row.remote_port)))
        facts["is_remote"] = source.host != "localhost"
        if row.session_id:
            facts["session_uid"] = clean(row.session_id)
            facts["native_id"] = record_id(f"{row.session_id}.{row.line_num}") if row.line_num is not None else ""

    def _kind(self, facts: Facts) -> ActorType:
        """Return what acted: a program that says so and was let in by one of the services' accounts is a service."""
        name = facts["actor_name"]
        named = bool(self._programs) and facts.get("user_agent", "").startswith(self._programs)
        if name in self._services and named and facts.get("action") != "connection refused":
            return ActorType.SERVICE
        return ActorType.ADMIN if name == "postgres" else ActorType.USER


def _refused(row: _Row) -> Facts:
    words = f"{row.message} {row.detail or ''}"
    why = next((detail for part, detail in _REASONS if part in words), Why.OTHER)
    if row.state_code in _CONNECT_CODES:
        why = Why.OTHER
    facts = refused(why, row.state_code or "")
    facts["action"] = "connection refused"
    named = _QUOTED_USER.search(row.message)
    facts["actor_name"] = clean(row.user or (named[1] if named else ""))
    return facts


def _closed(row: _Row) -> Facts | str:
    found = _CLOSED.match(row.message) if len(row.message) <= _LONGEST_OWN else None
    if not found:
        return "server message"
    hours, minutes, seconds, milliseconds, user, database, _, _ = found.groups()
    facts = logoff()
    facts["action"] = "disconnection"
    facts["actor_name"], facts["database"] = clean(user), clean(database)
    facts["duration_ms"] = ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(milliseconds)
    return facts


def _error(row: _Row) -> Facts | str:
    """Read a statement that the server refused; errors without a statement and a person are the server's own."""
    what = read_sql(row.statement) if row.statement else None
    if what is None:
        return "server message"
    facts = _done(what)
    facts["status_id"] = Status.FAILURE
    facts["status_code"] = clean(row.state_code or "")
    if row.state_code == "42501":
        facts["status_detail"] = Why.POLICY_DENIED
        facts["severity_id"] = 2
    if what.class_uid == OcsfClass.AUTHENTICATION:
        facts["log_type"] = LogType.FAILED_LOGIN
    return facts


def _done(what: Deed) -> Facts:
    facts = deed(LogType(what.log_type), what.class_uid, what.activity_id)
    facts["action"] = what.tag
    facts["table"] = clean(what.table)
    if what.role:
        facts["target_name"], facts["target_kind"] = clean(what.role), "account"
    if what.privileges:
        facts["privileges"] = tuple(clean(name) for name in what.privileges)
    if what.log_type == LogType.ADMIN:
        facts["severity_id"] = 2
    return facts


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of jsonlog; every row gives one draft, one quarantined or one ignored record."""
    reader = _Reader(settings)
    for record in json_records(body):
        if isinstance(record, Record):
            yield from reader.read(record)
        else:
            yield record
    yield from reader.finish()


PARSER = Parser("postgres_jsonlog", "2", "PostgreSQL jsonlog", parse)
