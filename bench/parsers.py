"""Measures each parser: lines a second on one core, beside what json and msgspec need to decode the same lines.

The lines come from the generator (`logs.simulate`), from `bench.parser_lines` and, of cloud services, from the made-up
records of the tests, so everybody measures the same. Kept when every parser reads at least 50,000 lines/s on one core,
XML of Windows 20,000. A second is one of the processor's, so that other work on the machine disturbs little. Each
sample is read whole, one outcome a line; a format that has no sample here is named at the end and fails the run.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial

import msgspec

from bench.device_lines import DEVICES
from bench.machine import describe
from bench.parser_lines import MADE
from bench.parser_lines import lines as made_lines
from logs.kinds import Draft, Format, SourceSettings
from logs.parsers import PARSERS
from logs.parsers.portal import PortalRow
from logs.simulate import Scenario
from tests.logs.parsers.saas_records import RECORDS, line

Parse = Callable[[Iterable[bytes], SourceSettings], Iterable[object]]
LINES = 60_000
ROUNDS = 4
FLOOR = 50_000
"""Lines a second that a format of the demonstration is to reach; `bench.parser_lines` says its own."""


def rate(work: Callable[[], int]) -> float:
    """Returns the best of the rounds, in lines a second of the processor."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        done = work()
        best = max(best, done / (time.process_time() - began))
    return best


def samples() -> dict[Format, tuple[list[bytes], SourceSettings]]:
    """Returns for each format as many lines as are measured, and the settings to read them with."""
    scenario = Scenario(seed=1, agents=400, days=3, start=date(2026, 8, 3), activity=0.5)
    found: dict[Format, tuple[list[bytes], SourceSettings]] = {}
    for source in scenario.sources():
        if source.format in found:
            continue
        lines = list(scenario.lines(source))
        whole = (lines * (LINES // len(lines) + 1))[:LINES]
        found[source.format] = (whole, SourceSettings(year=2026, time_zone=source.time_zone, mapping=source.mapping))
    row = PortalRow(id="1", at="2026-08-03T10:00:00Z", kind="deed", user="ana@example.test", verb="campaign.open")
    found[Format.PORTAL] = ([msgspec.json.encode(row) + b"\n"] * LINES, SourceSettings())
    return found | {form: (list(cloud_lines(form)), SourceSettings()) for form in RECORDS}


def cloud_lines(form: Format) -> Iterator[bytes]:
    """Gives made-up records of a cloud service: 997 people at 250 addresses, and a time of its own each second."""
    record = line(form)
    for number in range(LINES):
        changed = record.replace("bob", f"bob{number % 997}").replace("192.0.2.", f"192.0.{number % 250}.")
        yield changed.replace("10:00:00", f"10:{number // 60 % 60:02}:{number % 60:02}").encode() + b"\n"


def count(items: Iterable[object]) -> int:
    """Returns how many items there are, and keeps none."""
    return sum(1 for _ in items)


def _read(parse: Parse, lines: list[bytes], settings: SourceSettings) -> int:
    return count(parse(lines, settings))


def _decode(decode: Callable[[bytes], object], lines: list[bytes]) -> int:
    return count(map(decode, lines))


def _events(form: Format, lines: list[bytes], settings: SourceSettings) -> int:
    """Returns how many of a hundred lines become events: a sample that is ignored would measure nothing."""
    return sum(isinstance(outcome, Draft) for outcome in PARSERS[form].parse(lines[:100], settings))


def _row(name: str, form: Format, lines: list[bytes], settings: SourceSettings, floor: int) -> str:
    """Returns the row of one kind of lines."""
    mean = sum(map(len, lines)) / len(lines)
    assert _events(form, lines, settings) >= 10, f"The sample of {name} holds no events."
    ours = rate(partial(_read, PARSERS[form].parse, lines, settings))
    cells = ["-", "-", "-"]
    if lines[0].startswith(b"{"):
        plain, fast = rate(partial(_decode, json.loads, lines)), rate(partial(_decode, msgspec.json.decode, lines))
        cells = [f"{plain:,.0f}", f"{fast:,.0f}", f"{ours / fast:.2f}"]
    kept = "yes" if ours >= floor else "no"
    return f"| {name} | {mean:.0f} | {ours:,.0f} | {ours * mean / 1e6:.0f} | {' | '.join(cells)} | {floor:,} | {kept} |"


def main() -> int:
    """Prints one row a format, as a table for RESULTS.md; arguments choose the rows by a part of their names.

    Returns how many formats have no sample.
    """
    wanted = sys.argv[1:] or [""]
    print(f"{describe()}; {LINES:,} lines a format, best of {ROUNDS}, one core.\n")
    print(
        "| format | bytes a line | lines/s | MB/s | json lines/s | msgspec lines/s | parser / msgspec | limit | kept |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for form, (sample, settings) in samples().items():
        if any(word in form.value for word in wanted):
            print(_row(form.value, form, sample, settings, FLOOR))
    for made in (*MADE, *DEVICES):
        if any(word in made.name for word in wanted):
            print(_row(made.name, made.form, list(made_lines(made, LINES)), SourceSettings(year=2026), made.floor))
    missing = set(Format) - set(samples()) - {made.form for made in (*MADE, *DEVICES)}
    print(f"Formats without a sample: {', '.join(sorted(missing)) or 'none'}.")
    return len(missing)


if __name__ == "__main__":
    sys.exit(main())
