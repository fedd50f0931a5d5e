r"""MariaDB's and MySQL's server_audit lines: log-ins, refusals, statements, tables, the end of connections.

``20260804 10:00:00,db1,bob,192.0.2.7,12,345,QUERY,crm,'SELECT 1',0``; from MariaDB 12 the host has a port; Amazon's
variant counts microseconds of Unix time; by syslog the header's time is the line's. Names are not quoted: a connection
whose line holds more commas than fields is quarantined, because its user could name any address. Of a statement its
command, table and role are kept; its text stays in the raw record only. Source of the fields: MariaDB documentation,
"Audit Plugin Log Format".
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from logs.kinds import ActorType, Ignored, LogType, OcsfClass, Outcome, ParseError, Quarantined, SourceSettings, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts, Parser, deed, logoff, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, numbered_lines
from logs.parsers.sql import CREATE, DELETE, READ, UPDATE, WRITE, Deed, read_sql
from logs.parsers.syslog import LineReader
from logs.parsers.text import Address, address, clean, decode, port_number, said, sentence
from logs.parsers.times import Moment, epoch_time, iso_time

MAX_RECORD_BYTES = 32_768
"""Longest record that is read, in bytes; the plugin cuts statements at 1,024 unless it is told otherwise."""

_HEAD = re.compile(r"(\d{8} {1,2}\d{1,2}:\d\d:\d\d|\d{16}),")
_FIELDS = re.compile(r"([^,]*),([^,]*),([^,]*),(\d{1,20}),(\d{1,20}),([A-Z_]{1,40}),(.*)", re.DOTALL)
_QUERY = re.compile(r"([^,]*),'(.*)',(\d{1,10})(?:,[^']*)?\s*", re.DOTALL)
_CUT_QUERY = re.compile(r"([^,]*),'?(.*?)'?(?:,(\d{1,10}))?\s*", re.DOTALL)
_WITH_PORT = re.compile(r"(.*):(\d{1,5})")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_ACCOUNT = re.compile(r"['`]?([\w.$-]{1,80})['`]?@['`]?[\w.%:-]{1,255}['`]?")
_PROGRAM = "mysql-server_auditing"

_CONNECTIONS = frozenset({"CONNECT", "DISCONNECT", "FAILED_CONNECT", "CHANGEUSER", "CHANGE_USER"})
_TABLES = {"READ": READ, "WRITE": WRITE, "CREATE": CREATE, "ALTER": UPDATE, "RENAME": UPDATE, "DROP": DELETE}
_QUERIES = frozenset({"QUERY", "QUERY_DDL", "QUERY_DML", "QUERY_DML_NO_SELECT", "QUERY_DCL", "STATEMENT"})
_FIELDS_OF_CONNECTION = 9

_REASONS = {
    "1044": Why.POLICY_DENIED,
    "1045": Why.BAD_PASSWORD,
    "1129": Why.POLICY_DENIED,
    "1130": Why.POLICY_DENIED,
    "1226": Why.POLICY_DENIED,
    "1698": Why.BAD_PASSWORD,
    "1820": Why.EXPIRED_PASSWORD,
    "1862": Why.EXPIRED_PASSWORD,
    "3118": Why.LOCKED,
    "3955": Why.LOCKED,
    "4151": Why.LOCKED,
}
"""Server error of a refused connection. 1045 does not tell an unknown user from a wrong password, on purpose."""

_FORBIDDEN = frozenset({"1044", "1142", "1143", "1227", "1370"})
_KEPT_CONNECTIONS = 65536
_ADMINS = frozenset({"root", "mariadb.sys", "mysql.sys"})


class _Line(NamedTuple):
    """The fields before the operation, and the rest of the line after it."""

    moment: Moment
    server: str
    user: str
    host: str
    connection: str
    query: str
    operation: str
    rest: str


@lru_cache(maxsize=4096)
def _time(text: str, zone: str) -> Moment:
    """Read "20260804 10:00:00" in the source's zone, or microseconds of Unix time. Raises ValueError."""
    if len(text) == 16 and text.isdecimal():
        return epoch_time(int(text), 1_000_000)
    clock = text[8:].strip().zfill(8)
    return iso_time(f"{text[:4]}-{text[4:6]}-{text[6:8]} {clock}", zone)


class _Reader:
    """Reads the lines of one body in order; remembers when connections began, for their duration."""

    def __init__(self, settings: SourceSettings) -> None:
        self._zone = settings.time_zone
        self._syslog = LineReader(settings)
        self._begun: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def read(self, record: Record) -> Outcome:
        """Give what one line says."""
        try:
            line = self._fields(record)
        except (ValueError, ParseError) as error:
            why = f"The line is no server_audit record that can be read. {sentence(error)}"
            return Quarantined(record.raw, why, record.position)
        facts = self._facts(line)
        if isinstance(facts, str):
            if facts.endswith("."):
                return Quarantined(record.raw, facts, record.position)
            return Ignored(record.raw, facts, record.position)
        self._surroundings(facts, line)
        return make_draft(line.moment, record.raw, record.position, facts)

    def _fields(self, record: Record) -> _Line:
        text = decode(record.raw)
        found = _HEAD.match(text)
        if found:
            moment, rest = _time(found[1], self._zone), text[found.end() :]
        else:
            line = self._syslog.read(record.raw, record.position)
            if not line.program.startswith(_PROGRAM):
                raise ValueError("It begins with no time, and with no syslog header of mysql-server_auditing.")
            moment, rest = (line.at, line.quality), line.message.strip()
        fields = _FIELDS.match(rest)
        if not fields:
            raise ValueError("It does not hold server, user, host, connection, query and operation.")
        return _Line(moment, *fields.groups())

    def _facts(self, line: _Line) -> Facts | str:
        if line.operation in _CONNECTIONS:
            return self._connection(line)
        if line.operation in _QUERIES:
            return _statement(line)
        if line.operation in _TABLES:
            return _table(line)
        return "line of the server"

    def _connection(self, line: _Line) -> Facts | str:
        rest = line.rest.rstrip("\r\n")
        if rest.count(",") != 2:
            return "The names of the line hold commas: who connected from where cannot be told."
        database, _, code = rest.split(",")
        key = (line.server, line.connection)
        if line.operation == "DISCONNECT":
            facts = logoff()
            begun = self._begun.pop(key, None)
            if begun is not None:
                facts["duration_ms"] = max(0, (line.moment[0] - begun) // timedelta(milliseconds=1))
        elif line.operation == "FAILED_CONNECT" or code not in {"0", ""}:
            facts = refused(_REASONS.get(code, Why.OTHER), clean(code))
        else:
            facts = logon(LogType.DATABASE)
            self._begun[key] = line.moment[0]
            if len(self._begun) > _KEPT_CONNECTIONS:
                self._begun.popitem(last=False)
        facts["database"], facts["action"] = said(database), line.operation
        return facts

    def _surroundings(self, facts: Facts, line: _Line) -> None:
        facts["actor_name"] = clean(line.user)
        facts["actor_type"] = ActorType.ADMIN if line.user in _ADMINS else ActorType.USER
        facts["app"], facts["dst_host"] = "mysql", said(line.server)
        source = _source(line.host)
        put_source(facts, source)
        facts["is_remote"] = source.host != "localhost"
        facts["session_uid"] = f"{clean(line.server)}/{line.connection}"


def _source(host: str) -> Address:
    """Read the host field: an address or a name, since MariaDB 12 with a port."""
    found = _WITH_PORT.fullmatch(host)
    if found and found[1].count(":") in {0, 7}:
        return address(found[1])._replace(port=port_number(found[2]))
    return address(host)


def _statement(line: _Line) -> Facts | str:
    """Read QUERY: database,'statement',retcode. The plugin may cut the statement and its end quote."""
    found = _QUERY.fullmatch(line.rest) or _CUT_QUERY.fullmatch(line.rest)
    if not found:
        return "The statement of the line cannot be found."
    database, statement, code = found[1], found[2], found[3] or ""
    what = read_sql(_standard(statement[:4000]))
    if what is None:
        return "transaction control or setting"
    facts = _done(what)
    facts["database"] = said(database)
    if code not in {"0", ""}:
        facts["status_id"], facts["status_code"] = Status.FAILURE, code
        if code in _FORBIDDEN:
            facts["status_detail"], facts["severity_id"] = Why.POLICY_DENIED, 2
        if what.class_uid == OcsfClass.AUTHENTICATION:
            facts["log_type"] = LogType.FAILED_LOGIN
    return facts


def _standard(statement: str) -> str:
    """Write a statement as standard SQL: strings out of double quotes, accounts and names out of their own."""
    text = _ESCAPED.sub(_plain, statement) if "\\" in statement else statement
    if '"' in text:
        text = _STRING.sub("''", text)
    if "@" in text:
        text = _ACCOUNT.sub(r'"\1"', text)
    return text.replace("`", '"')


def _plain(found: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1])


def _done(what: Deed) -> Facts:
    facts = deed(LogType(what.log_type), what.class_uid, what.activity_id)
    facts["action"], facts["table"] = what.tag, clean(what.table.replace("`", ""))
    if what.role:
        facts["target_name"], facts["target_kind"] = clean(what.role.strip("'`")), "account"
    facts["privileges"] = tuple(clean(name) for name in what.privileges)
    if what.log_type == LogType.ADMIN:
        facts["severity_id"] = 2
    return facts


def _table(line: _Line) -> Facts:
    """Read READ, WRITE, CREATE, ALTER, RENAME, DROP, after which stand database and table."""
    database, _, rest = line.rest.partition(",")
    facts = deed(LogType.DATABASE, OcsfClass.DATASTORE, _TABLES[line.operation])
    facts["database"], facts["table"] = said(database), said(rest.rstrip("\r\n").rstrip(","))
    facts["action"] = f"table {line.operation}"
    return facts


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of server_audit lines; every line gives one draft, one quarantined or one ignored record."""
    reader = _Reader(settings)
    for record in numbered_lines(body, MAX_RECORD_BYTES):
        yield reader.read(record) if isinstance(record, Record) else record


def is_mysql_audit(line: bytes) -> bool:
    """Tell whether a line looks like one of server_audit's."""
    text = decode(line[:2000])
    found = _HEAD.match(text)
    return found is not None and _FIELDS.match(text[found.end() :]) is not None


PARSER = Parser("mysql_audit", "1", "MariaDB and MySQL server_audit", parse)
