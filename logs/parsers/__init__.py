"""Readers of vendor-native access logs: pure functions from the bytes of a body to what each record says.

`PARSERS[format].parse(body, settings)` gives exactly one `Draft`, `Quarantined` or `Ignored` for every record that is
not blank, with the record's exact bytes; it never raises over a record. A mapping that cannot be used (formats csv and
json) raises `ParseError` before anything is read, and so does a JSON document of millions of values. Drafts may come
later than their position (`logs.parsers.twins`).
"""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence

import msgspec

from logs.kinds import Format
from logs.parsers import (
    auditd,
    cef,
    cisco_asa,
    cloudtrail,
    csv_mapped,
    ecs,
    fortinet,
    freeradius,
    globalprotect,
    json_mapped,
    leef,
    mysql_audit,
    ocsf,
    okta,
    openvpn,
    portal,
    postgres_jsonlog,
    sshd_syslog,
    windows,
)
from logs.parsers.auditd_records import is_audit
from logs.parsers.facts import Parser
from logs.parsers.mapping import check_mapping
from logs.parsers.mysql_audit import is_mysql_audit
from logs.parsers.saas import SAAS_MARKS, SAAS_PARSERS, TABLES
from logs.parsers.saas.tables import names_columns
from logs.parsers.syslog import is_syslog
from logs.parsers.windows_framing import is_windows

__all__ = ["PARSERS", "Parser", "check_mapping", "guess_format", "table_format"]

PARSERS: dict[Format, Parser] = {
    Format.SSHD_SYSLOG: sshd_syslog.PARSER,
    Format.POSTGRES_JSONLOG: postgres_jsonlog.PARSER,
    Format.CLOUDTRAIL: cloudtrail.PARSER,
    Format.OKTA: okta.PARSER,
    **SAAS_PARSERS,
    Format.CSV: csv_mapped.PARSER,
    Format.JSON: json_mapped.PARSER,
    Format.PORTAL: portal.PARSER,
    Format.WINDOWS: windows.PARSER,
    Format.MYSQL_AUDIT: mysql_audit.PARSER,
    Format.AUDITD: auditd.PARSER,
    Format.CISCO_ASA: cisco_asa.PARSER,
    Format.OPENVPN: openvpn.PARSER,
    Format.FREERADIUS: freeradius.PARSER,
    Format.GLOBALPROTECT: globalprotect.PARSER,
    Format.FORTINET: fortinet.PARSER,
    Format.CEF: cef.PARSER,
    Format.LEEF: leef.PARSER,
    Format.ECS: ecs.PARSER,
    Format.OCSF: ocsf.PARSER,
}

_MARKS: tuple[tuple[Format, tuple[bytes, ...]], ...] = (
    (Format.CLOUDTRAIL, (b'"eventsource"', b'"eventtime"')),
    (Format.OKTA, (b'"published"', b'"eventtype"')),
    (Format.POSTGRES_JSONLOG, (b'"error_severity"', b'"timestamp"')),
    (Format.SSHD_SYSLOG, (b'"__realtime_timestamp"', b'"message"')),
    (Format.WINDOWS, (b'"winlog"', b'"event_id"')),
    (Format.WINDOWS, (b'"event_id"', b'"system_time"')),
    (Format.WINDOWS, (b'"eventid"', b'"channel"')),
    *SAAS_MARKS,
    (Format.PORTAL, (b'"kind"', b'"at"', b'"user"')),
    (Format.OCSF, (b'"class_uid"', b'"metadata"')),
    (Format.ECS, (b'"@timestamp"', b'"event')),
)
_LINE_MARKS: tuple[tuple[Format, re.Pattern[bytes]], ...] = (
    (Format.GLOBALPROTECT, re.compile(rb",GLOBALPROTECT,|\|GLOBALPROTECT\||PanOSEventID=")),
    (Format.CEF, re.compile(rb"CEF:\s?[01]\|")),
    (Format.LEEF, re.compile(rb"LEEF:\s?[12]\.0\|")),
    (Format.CISCO_ASA, re.compile(rb"%(?:ASA|FTD|PIX)-")),
    (Format.FORTINET, re.compile(rb'logid="?\d{8,10}"? .*?type="?(?:event|traffic|utm)')),
    (
        Format.OPENVPN,
        re.compile(
            rb"(?: |ovpn-|/)openvpn[\w@.-]{0,40}\[\d|ovpn-[\w.-]{1,40}\[\d|\] Peer Connection Initiated with \[AF_"
        ),
    ),
    (Format.FREERADIUS, re.compile(rb"Acct-Status-Type = |Packet-Type = Access-|(?:radiusd|freeradius)\[\d|: Auth: ")),
)
"""What one of the first lines holds in formats of text, the narrow ones first."""

_LOOKED_AT = 65536


def guess_format(first_lines: Sequence[bytes]) -> Format | None:
    """Guess the format of a body from its first lines; None when nothing fits.

    JSON without the marks of a vendor is `json`, comma- or semicolon-separated lines are `csv`: both need a mapping.
    """
    seen = b"\n".join(first_lines)[:_LOOKED_AT]
    start = seen.lstrip()[:1]
    if is_windows(seen):
        return Format.WINDOWS
    if start in {b"{", b"["}:
        low = seen.lower()
        found = next((form for form, marks in _MARKS if all(mark in low for mark in marks)), None)
        return found or (Format.JSON if _is_json(first_lines, seen) else None)
    sample = [line for line in first_lines if line.strip()][:20]
    return _of_text(sample) if sample else None


def _of_text(sample: list[bytes]) -> Format | None:
    """Guess the format of lines that are no JSON."""
    if _most(is_audit, sample):
        return Format.AUDITD
    if marked := next((form for form, mark in _LINE_MARKS if any(map(mark.search, sample))), None):
        return marked
    if _most(is_syslog, sample):
        by_mysql = _most(lambda line: b" mysql-server_auditing" in line[:300], sample)
        return Format.MYSQL_AUDIT if by_mysql else Format.SSHD_SYSLOG
    if _most(is_mysql_audit, sample):
        return Format.MYSQL_AUDIT
    return table_format(sample[0]) or (Format.CSV if _is_table(sample) else None)


def table_format(first: bytes) -> Format | None:
    """Give the cloud service whose CSV export begins with this line of column names, or None."""
    start = first.removeprefix(BOM_UTF8).lstrip()
    return next((form for form, columns in TABLES.items() if names_columns(start, columns)), None)


def _is_json(first_lines: Sequence[bytes], seen: bytes) -> bool:
    for text in (next((line for line in first_lines if line.strip()), b""), seen):
        try:
            msgspec.json.decode(text)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _most(looks: Callable[[bytes], bool], sample: list[bytes]) -> bool:
    """Tell whether most of the lines look so."""
    return sum(map(looks, sample)) * 2 > len(sample)


def _is_table(sample: list[bytes]) -> bool:
    """Tell whether the lines have the same number of delimiters, at least one."""
    for delimiter in (b",", b";", b"\t", b"|"):
        counts = {line.count(delimiter) for line in sample if b'"' not in line}
        if len(counts) == 1 and counts != {0}:
            return True
    return False
