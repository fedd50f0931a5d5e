"""Measures what a hostile record costs: the slowest of thousands of long lines, for each format.

Every format's own line is stretched to the longest that is read with pieces that make patterns try again and again:
quotes, brackets, escapes, keys, blanks, the format's own words. Kept when none costs 10 ms of the processor.
"""

import json
import sys
import time
from collections.abc import Iterator

from bench.device_lines import DEVICES
from bench.machine import describe
from bench.parser_lines import MADE
from bench.parsers import cloud_lines
from logs.kinds import MAX_LINE_BYTES, Format, SourceSettings
from logs.parsers import PARSERS
from logs.parsers.entries import MAX_ENTRY_BYTES
from tests.logs.parsers.device_lines import PIECES, WRAPPED
from tests.logs.parsers.saas_records import RECORDS
from tests.logs.parsers.test_every_record_is_accounted_for import SETTINGS
from tests.logs.parsers.test_okta import event

LIMIT_MS = 10.0
FILLS = (
    *(
        " from ",
        '"',
        "'",
        "[",
        "{",
        "(",
        ")",
        "\\",
        '\\"',
        "=",
        ",",
        "|",
        ";",
        " ",
        "\t",
        "a",
        "é",
        "1 ",
        "--",
        "/*",
        ":: ",
    ),
    *(
        " a=b",
        "user=ana ",
        "<Data Name='x'>",
        "</",
        '{"a":',
        "[1,",
        '"a":1,',
        " port 22",
        "CEF:0|",
        "; ",
        ") (",
        "SELECT ",
    ),
)
SSHD = (
    "Aug  4 10:00:01 web sshd[7]: Failed password for bob from 192.0.2.7 port 22 ssh2",
    "Aug  4 10:00:01 web sudo:   bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls",
)


def bases() -> dict[Format, list[str]]:
    """Return ordinary lines of every format."""
    found: dict[Format, list[str]] = {form: [] for form in Format}
    for made in (*MADE, *DEVICES):
        found[made.form].append(made.line(1))
    for form, text in WRAPPED.items():
        found[form].append(text)
    for form in RECORDS:
        found[form].append(next(cloud_lines(form)).decode())
    found[Format.SSHD_SYSLOG] += SSHD
    found[Format.OKTA].append(_text(event("user.session.start")))
    found[Format.CSV].append("2026-08-04 10:00:00,ana,ok")
    return {form: lines or ['{"id":"1","at":"2026-08-03T10:00:00Z","user":"ana"}'] for form, lines in found.items()}


def _text(made: object) -> str:
    return made.decode() if isinstance(made, bytes) else made if isinstance(made, str) else json.dumps(made)


def hostile(form: Format, base: str, size: int) -> Iterator[bytes]:
    """Give the line stretched in every way: behind, in the middle, in its values, and the filling alone."""
    for fill in (*FILLS, *PIECES.get(form, ())):
        text = fill.replace("\n", " ") * (size // max(1, len(fill)))
        half = len(base) // 2
        ways = [base + text, text, base[:half] + text + base[half:]]
        if base.startswith("{"):
            escaped = json.dumps(text)[1:-1]
            ways = [base[:-1] + ',"z":"' + escaped + '"}', '{"x":"' + escaped + '",' + base[1:]]
            ways += [
                base.replace('": "', '": "' + escaped, 1),
                base.replace('":"', '":"' + escaped, 1),
                *_values(base, escaped),
            ]
        for way in ways:
            yield way.encode("utf-8", "surrogatepass")[:size]
            if base.startswith("{"):
                yield (way[: size - 10] + '"}').encode("utf-8", "surrogatepass")[:size]


def _values(base: str, escaped: str) -> Iterator[str]:
    for key in ("message", "Message", "user", "sql", "eventType", "userAgent"):
        if f'"{key}": "' in base:
            yield base.replace(f'"{key}": "', f'"{key}": "{escaped}', 1)


def worst(form: Format, lines: list[str]) -> tuple[float, bytes]:
    """Return the most milliseconds that one line of a format took, and how it begins."""
    settings, found = SETTINGS.get(form, SourceSettings(year=2026)), (0.0, b"")
    for size in (MAX_ENTRY_BYTES, MAX_LINE_BYTES):
        for base in lines:
            for raw in hostile(form, base, size):
                took = _took(form, raw, settings)
                if took > found[0]:  # again: another process may have had the core meanwhile
                    again = (_took(form, raw, settings) for _ in range(3))
                    found = max(found, (min(took, *again), raw[:60]))
    return found


def _took(form: Format, raw: bytes, settings: SourceSettings) -> float:
    started = time.process_time()
    for _outcome in PARSERS[form].parse([raw], settings):
        pass
    return 1000 * (time.process_time() - started)


def main() -> int:
    """Prints the slowest line of each format; returns how many formats are over the limit."""
    print(f"hostile, on {describe()}\n| format | slowest line, ms | how it begins | kept |\n|---|---|---|---|")
    over = 0
    for form, lines in bases().items():
        took, begin = worst(form, lines)
        over += took > LIMIT_MS
        print(f"| {form.value} | {took:.1f} | `{begin!r}` | {'yes' if took <= LIMIT_MS else 'no'} |")
    return over


if __name__ == "__main__":
    sys.exit(main())
