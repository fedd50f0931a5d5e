"""Readers of vendor-native access logs: pure functions from the bytes of a body to what each record says.

`PARSERS[format].parse(body, settings)` gives exactly one `Draft`, `Quarantined` or `Ignored` for every record that is
not blank, with the record's exact bytes; it never raises over a record. A mapping that cannot be used (formats csv and
json) raises `ParseError` before anything is read, and so does a JSON document of millions of values. Drafts may come
later than their position (`logs.parsers.twins`).
"""

from codecs import BOM_UTF8
from collections.abc import Sequence

import msgspec

from logs.kinds import Format
from logs.parsers import cloudtrail, csv_mapped, json_mapped, okta, portal, postgres_jsonlog, sshd_syslog, windows
from logs.parsers.facts import Parser
from logs.parsers.mapping import check_mapping
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
)
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
    if not sample:
        return None
    if _is_syslog(sample):
        return Format.SSHD_SYSLOG
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


def _is_syslog(sample: list[bytes]) -> bool:
    """Tell whether most of the lines begin like syslog."""
    return sum(is_syslog(line) for line in sample) * 2 > len(sample)


def _is_table(sample: list[bytes]) -> bool:
    """Tell whether the lines have the same number of delimiters, at least one."""
    for delimiter in (b",", b";", b"\t", b"|"):
        counts = {line.count(delimiter) for line in sample if b'"' not in line}
        if len(counts) == 1 and counts != {0}:
            return True
    return False
