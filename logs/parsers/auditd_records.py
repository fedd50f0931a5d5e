"""The outside of an audit record of Linux: node, type, time and serial, and the fields inside.

``type=USER_LOGIN msg=audit(1785837600.123:4567): pid=7 uid=0 auid=1000 ses=3 msg='op=login id=1000 ... res=success'``,
with ``node=`` before it, behind a header of syslog (audisp-syslog, the kernel), with numbers for types, and enriched
with names after a group separator. Source: "Audit event fields" and "Understanding audit log files" of Linux Audit.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from logs.parsers.text import clean, decode
from logs.parsers.times import Moment, epoch_time

_RECORD = re.compile(
    r"(?:node=(\S{1,255}) )?type=([A-Z][A-Z0-9_]{1,60}|\d{4}|UNKNOWN\[\d{1,6}\]) "
    r"(?:msg=)?audit\((\d{1,11})\.(\d{3}):(\d{1,20})\): ?(.*)",
    re.DOTALL,
)
_HEADED = re.compile(
    r"(?:<\d{1,3}>1? ?)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,32}) (\S{1,255}) "
    r"(?:audisp-syslog|audispd|auditd|audit|kernel)(?:\[\d{1,10}\])?:?"
    r'(?: \S{1,128} \S{1,32} (?:-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*+")*+\])++))? {1,2}\ufeff?'
    r"(?:\[[ \d.]{1,24}\] )?(?:audit: )?(?=type=|node=)"
)
MAX_RECORD_BYTES = 65_536
"""Longest record that is read, in bytes; the kernel writes 8,970 (MAX_AUDIT_MESSAGE_LENGTH)."""

_FIELD = re.compile(r"""(?<![\w-])([A-Za-z][\w-]{0,40})=("[^"]*"|[^\s"',()\x1d]*)""")
_HEX = re.compile(r"(?:[0-9A-F]{2})+", re.IGNORECASE)

_TYPES = {
    "1100": "USER_AUTH",
    "1101": "USER_ACCT",
    "1102": "USER_MGMT",
    "1103": "CRED_ACQ",
    "1104": "CRED_DISP",
    "1105": "USER_START",
    "1106": "USER_END",
    "1108": "USER_CHAUTHTOK",
    "1109": "USER_ERR",
    "1110": "CRED_REFR",
    "1112": "USER_LOGIN",
    "1113": "USER_LOGOUT",
    "1114": "ADD_USER",
    "1115": "DEL_USER",
    "1116": "ADD_GROUP",
    "1117": "DEL_GROUP",
    "1123": "USER_CMD",
    "1132": "GRP_MGMT",
    "1133": "ACCT_LOCK",
    "1134": "ACCT_UNLOCK",
    "1305": "CONFIG_CHANGE",
}
"""Types by the number that the kernel's own log writes (linux/audit.h)."""

UNSET = frozenset({"4294967295", "-1", "unset", ""})
"""How "nobody logged in" is written."""


class AuditRecord(NamedTuple):
    """One line: where it was written, its type, when, the event that it is part of, and its text of fields."""

    node: str
    kind: str
    moment: Moment
    stamp: str
    text: str


@lru_cache(maxsize=4096)
def _moment(seconds: str, milliseconds: str) -> Moment:
    return epoch_time(int(seconds) * 1000 + int(milliseconds), 1000)


def read_record(raw: bytes) -> AuditRecord:
    """Take a line apart. Raises ValueError with a sentence when it is no audit record."""
    text = decode(raw)
    host, found = "", _RECORD.match(text)
    if not found:
        headed = _HEADED.match(text)
        if headed:
            host, found = headed[1], _RECORD.match(text, headed.end())
    if not found:
        raise ValueError('It does not begin like one ("type=... msg=audit(time:serial):").')
    node, kind, seconds, milliseconds, serial, rest = found.groups()
    where = clean(node or host)
    return AuditRecord(
        where,
        _TYPES.get(kind, kind),
        _moment(seconds, milliseconds),
        f"{where}/{seconds}.{milliseconds}:{serial}",
        rest,
    )


def fields_of(text: str) -> dict[str, str]:
    """Give the fields by name, with their quotes: a quoted value is plain, an unquoted one may be hexadecimal."""
    return dict(_FIELD.findall(text))


def plain(value: str | None) -> str:
    """Give a field as text: without quotes, decoded from hexadecimal, "" for "?" and "(null)"."""
    if not value or value in {"?", '"?"', "(null)", "(none)"}:
        return ""
    if value[0] == '"':
        return clean(value[1:-1])
    if len(value) > 3 and _HEX.fullmatch(value):
        return clean(decode(bytes.fromhex(value)).replace("\0", " "))
    return clean(value)


def is_audit(line: bytes) -> bool:
    """Tell whether a line begins like an audit record."""
    try:
        read_record(line[:2000])
    except ValueError:
        return False
    return True
