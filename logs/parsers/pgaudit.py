"""pgAudit's lines inside PostgreSQL's log: what a statement did, to which object, in which class of access.

``AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.customer,"select ...",<none>[,rows]``: audit type, statement,
substatement, class, command, object type, object name, statement, parameters (pgAudit's README, "Format").
Values of a statement or of its parameters never leave the raw record.
"""

import re
from typing import NamedTuple

from logs.kinds import LogType, OcsfClass
from logs.parsers.facts import Facts, deed
from logs.parsers.sql import CREATE, DELETE, QUERY, READ, UPDATE, WRITE, Deed, read_sql
from logs.parsers.text import clean, said

PREFIX = "AUDIT: "
_HEAD = re.compile(
    r"AUDIT: (SESSION|OBJECT),(\d{1,18}),(\d{1,18}),([A-Z_]{1,20}),([^,\"]{0,80}),([^,\"]{0,60}),", re.DOTALL
)
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"(?:,|$)', re.DOTALL)
_BARE = re.compile(r"([^,]*+)(?:,|$)", re.DOTALL)
_QUIET = frozenset({"MISC", "MISC_SET"})
_OBJECTS = frozenset(
    {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "PARTITIONED TABLE", "SEQUENCE", "INDEX", "TOAST TABLE"}
)
_READS = {"SELECT": QUERY, "COPY TO": READ, "COPY": READ}
_WRITES = {"INSERT": WRITE, "COPY FROM": WRITE, "UPDATE": UPDATE, "DELETE": DELETE, "TRUNCATE TABLE": DELETE}
_VERBS = {"CREATE": CREATE, "DROP": DELETE, "ALTER": UPDATE}


class Audited(NamedTuple):
    """One line: what to store, and the statement as the log of statements writes it, to find its twin there."""

    facts: Facts | str
    statement: str


def read_audit(message: str) -> Audited:
    """Read one message that begins with "AUDIT: "."""
    found = _HEAD.match(message)
    if not found:
        return Audited("server message", "")
    kind, number, part, group, command, object_type = found.groups()
    name, at = _field(message, found.end())
    statement, at = _field(message, at)
    if group in _QUIET and not command.startswith("SET ROLE"):
        return Audited("transaction control or setting", statement)
    what = _deed(group, command, statement)
    facts = deed(LogType(what.log_type), what.class_uid, what.activity_id)
    facts["action"] = said(command) or what.tag
    _put_object(facts, object_type, name, what)
    _, at = _field(message, at)
    rows = message[at : at + 19]
    if rows.isdecimal() and rows.isascii() and len(rows) < 19:
        facts["rows_count"] = int(rows)
    extra: dict[str, object] = {"pgaudit": kind.lower(), "pgaudit_class": group, "statement": int(number)}
    extra["substatement"] = int(part)
    if object_type:
        extra["object_type"] = said(object_type)
    facts["extra"] = extra
    return Audited(facts, statement)


def _field(message: str, at: int) -> tuple[str, int]:
    """Give the field of CSV that begins here, and where the next begins."""
    quoted = _QUOTED.match(message, at)
    if quoted:
        return quoted[1].replace('""', '"'), quoted.end()
    bare = _BARE.match(message, at)
    return (bare[1], bare.end()) if bare else ("", at)


def _deed(group: str, command: str, statement: str) -> Deed:
    """Choose the meaning by class and command; roles, grants and settings by the statement itself."""
    if group in {"READ", "WRITE"}:
        activity = (_READS if group == "READ" else _WRITES).get(command, READ if group == "READ" else UPDATE)
        return Deed(LogType.DATABASE, OcsfClass.DATASTORE, activity, command)
    what = read_sql(statement)
    if group == "FUNCTION":
        return Deed(LogType.DATABASE, OcsfClass.DATASTORE, QUERY, command)
    if what is not None and what.log_type == LogType.ADMIN:
        return what
    if group == "ROLE":
        return Deed(LogType.ADMIN, OcsfClass.ACCOUNT_CHANGE, 99, command)
    verb = command.partition(" ")[0]
    return what or Deed(LogType.DATABASE, OcsfClass.DATASTORE, _VERBS.get(verb, 99), command)


def _put_object(facts: Facts, object_type: str, name: str, what: Deed) -> None:
    """Write table or other object, role and privileges."""
    shown = said(name).replace('"', "")
    if object_type in _OBJECTS:
        facts["table"] = shown
    elif shown:
        facts["resource"] = shown
    if not facts.get("table") and what.table:
        facts["table"] = clean(what.table)
    if what.role:
        facts["target_name"], facts["target_kind"] = clean(what.role), "account"
    facts["privileges"] = tuple(clean(privilege) for privilege in what.privileges)
    if what.log_type == LogType.ADMIN:
        facts["severity_id"] = 2
