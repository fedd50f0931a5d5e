"""What a SQL statement does and to which table, read from its first words; its values are never kept."""

import re
from typing import NamedTuple

from logs.kinds import LogType, OcsfClass

READ, UPDATE, CONNECT, QUERY, WRITE, CREATE, DELETE, LIST = range(1, 9)
"""OCSF 6005 Datastore Activity."""

_SEEN = 4000
"""Characters of a statement that are looked at; the longest statement that people write by hand is shorter."""

_COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|/\*.*?\*/)", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^']|'')*+'?|\$(\w*)\$.*?(?:\$\1\$|$)", re.DOTALL)
_NAME = r'((?:"[^"]{1,128}"|[\w$]{1,128})(?:\.(?:"[^"]{1,128}"|[\w$]{1,128})){0,2})'
_ONLY = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+|ONLY\s+|CONCURRENTLY\s+|TABLE\s+|SCHEMA\s+)*"
_AFTER = re.compile(rf"\b(?:FROM|INTO|UPDATE|JOIN|TABLE|VIEW|ON)\s+{_ONLY}{_NAME}", re.IGNORECASE)
_COPY = re.compile(rf"COPY\s+(?:\(|{_NAME})", re.IGNORECASE)
_ROLE = re.compile(rf"(?:ROLE|USER|GROUP)\s+{_ONLY}{_NAME}", re.IGNORECASE)
_GRANT = re.compile(
    r"(?:GRANT|REVOKE)\s+(?:(?:GRANT|ADMIN)\s+OPTION\s+FOR\s+)?(.{1,200}?)\s+(?:ON|TO|FROM)\b",
    re.IGNORECASE | re.DOTALL,
)
_GRANTEE = re.compile(rf"\b(?:TO|FROM)\s+(?:GROUP\s+)?{_NAME}", re.IGNORECASE)
_MODIFYING = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)

_DATA = {
    "SELECT": QUERY,
    "TABLE": QUERY,
    "VALUES": QUERY,
    "WITH": QUERY,
    "EXPLAIN": QUERY,
    "FETCH": READ,
    "DECLARE": QUERY,
    "SHOW": LIST,
    "INSERT": WRITE,
    "MERGE": UPDATE,
    "UPDATE": UPDATE,
    "DELETE": DELETE,
    "TRUNCATE": DELETE,
    "CREATE": CREATE,
    "DROP": DELETE,
    "ALTER": UPDATE,
    "COMMENT": UPDATE,
    "CALL": QUERY,
    "DO": QUERY,
    "REFRESH": UPDATE,
    "LOCK": UPDATE,
    "IMPORT": CREATE,
    "SECURITY": UPDATE,
    "REASSIGN": UPDATE,
    "EXECUTE": QUERY,
}
_QUIET = frozenset(
    {
        "BEGIN",
        "START",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "SET",
        "RESET",
        "DISCARD",
        "DEALLOCATE",
        "PREPARE",
        "LISTEN",
        "UNLISTEN",
        "NOTIFY",
        "CLOSE",
        "MOVE",
        "CHECKPOINT",
        "VACUUM",
        "ANALYZE",
        "CLUSTER",
        "REINDEX",
        "LOAD",
    }
)
_ROLE_VERBS = {"CREATE": 1, "DROP": 6, "ALTER": 99}
_ADMIN_SETTING = re.compile(
    r"ALTER\s+SYSTEM\b|CREATE\s+EXTENSION\b|ALTER\s+DATABASE\b|DROP\s+DATABASE\b", re.IGNORECASE
)


class Deed(NamedTuple):
    """A statement as an event: log type, OCSF class and activity, its command tag, table, role and privileges."""

    log_type: int
    class_uid: int
    activity_id: int
    tag: str
    table: str = ""
    role: str = ""
    privileges: tuple[str, ...] = ()


def _bare(name: str | None) -> str:
    return (name or "").replace('"', "")


def read_sql(statement: str) -> Deed | None:
    """Give what the statement does, or None for transaction control and settings, which touch no data."""
    text = statement[:_SEEN]
    while found := _COMMENT.match(text):
        text = text[found.end() :]
    text = text.lstrip(" \t\r\n(;")
    word = re.match(r"[A-Za-z]+", text)
    verb = word[0].upper() if word else ""
    if verb in _QUIET or not text:
        return _set_role(text)
    text = _LITERAL.sub("''", text)
    if verb in {"GRANT", "REVOKE"}:
        return _grant(verb, text)
    second = text[len(verb) :].split(None, 1)[:1]
    if verb in _ROLE_VERBS and second and second[0].upper() in {"ROLE", "USER", "GROUP"}:
        return _role(verb, text)
    if verb == "COPY":
        return _copy(text)
    if verb not in _DATA:
        return Deed(LogType.DATABASE, OcsfClass.DATASTORE, 99, verb[:40] or "?")
    return _data(verb, text)


def _data(verb: str, text: str) -> Deed:
    activity = _DATA[verb]
    if verb == "WITH":
        inner = _MODIFYING.search(text)
        activity = _DATA[inner[1].upper()] if inner else activity
    found = _AFTER.search(text)
    table = _bare(found[1]) if found else ""
    if _ADMIN_SETTING.match(text):
        return Deed(LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, 3, " ".join(text.split(None, 2)[:2]).upper())
    return Deed(LogType.DATABASE, OcsfClass.DATASTORE, activity, verb, table)


def _copy(text: str) -> Deed:
    found = _COPY.match(text)
    table = _bare(found[1]) if found else ""
    if not table:
        inner = _AFTER.search(text)
        table = _bare(inner[1]) if inner else ""
    out = re.search(r"\bTO\b", text, re.IGNORECASE) is not None
    return Deed(LogType.DATABASE, OcsfClass.DATASTORE, READ if out else WRITE, "COPY TO" if out else "COPY FROM", table)


def _grant(verb: str, text: str) -> Deed:
    what, table = _GRANT.match(text), _AFTER.search(text)
    roles = _GRANTEE.findall(text)
    privileges = tuple(part.strip()[:80] for part in what[1].split(",")[:20]) if what else ()
    if table:
        privileges = tuple(name.upper() for name in privileges)  # rights on a table; without ON they are roles
    return Deed(
        LogType.ADMIN,
        OcsfClass.USER_ACCESS,
        1 if verb == "GRANT" else 2,
        verb,
        _bare(table[1]) if table and " ON " in text.upper() else "",
        _bare(roles[-1]) if roles else "",
        privileges,
    )


def _role(verb: str, text: str) -> Deed:
    found = _ROLE.search(text)
    activity = _ROLE_VERBS[verb]
    upper = text.upper()
    if verb == "ALTER":
        activity = 4 if " PASSWORD" in upper else 5 if " NOLOGIN" in upper else 2 if " LOGIN" in upper else 99
    privileges = tuple(word for word in ("SUPERUSER", "CREATEROLE", "CREATEDB", "BYPASSRLS") if f" {word}" in upper)
    tag = f"{verb} ROLE"
    return Deed(
        LogType.ADMIN, OcsfClass.ACCOUNT_CHANGE, activity, tag, "", _bare(found[1] if found else ""), privileges
    )


def _set_role(text: str) -> Deed | None:
    found = re.match(
        rf"SET\s+(?:LOCAL\s+|SESSION\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)\s+'?{_NAME}", text, re.IGNORECASE
    )
    if not found or _bare(found[1]).upper() in {"NONE", "DEFAULT"}:
        return None
    return Deed(LogType.ADMIN, OcsfClass.AUTHENTICATION, 7, "SET ROLE", "", _bare(found[1]))
