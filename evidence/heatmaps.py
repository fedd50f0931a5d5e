"""Draws the report's two maps as SVG: use by weekday and hour, and which days each source covered. Pure.

Each is one tagged image with its content in words (PDF/UA-1, 7.3). A cell's lightness says how much, its shape what it
is, so that a grey print and an eye that does not tell colours read the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from itertools import pairwise
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from evidence.charts import fitted, image
from evidence.kinds import Cell, Table
from evidence.languages import iso_day, told, whole
from evidence.report import Figure

WIDTH: Final = 720
LEFT: Final = 140
INK: Final = "#14324f"
LINE: Final = "#5a6475"
LEVELS: Final = ("#ffffff", "#cfdae6", "#8fa9c4", "#4f7398", INK)
DAYS: Final = (
    *(noop("Monday"), noop("Tuesday"), noop("Wednesday"), noop("Thursday"), noop("Friday"), noop("Saturday")),
    noop("Sunday"),
)
HOURS: Final = 24
MOST_SOURCES: Final = 30
MOST_COLUMNS: Final = 92
ROW: Final = 15
_STEPS: Final = {
    1: (
        noop("Coverage calendar: each day of every source, {first} to {last}"),
        noop("empty: nothing expected. A column is one day."),
    ),
    7: (
        noop("Coverage calendar: each week of every source, {first} to {last}"),
        noop("empty: nothing expected. A column is one week."),
    ),
    28: (
        noop("Coverage calendar: each four weeks of every source, {first} to {last}"),
        noop("empty: nothing expected. A column is four weeks."),
    ),
    364: (
        noop("Coverage calendar: each 52 weeks of every source, {first} to {last}"),
        noop("empty: nothing expected. A column is 52 weeks."),
    ),
}
"""By the days of a column: the caption, and what the legend says."""
FULL, SOME, NONE = noop("all expected hours there"), noop("some missing"), noop("none there")


def use_map(table: Table, zone: str) -> Figure:
    """Draw how many events each hour of the week saw; the table holds weekday (1 is Monday), hour and events."""
    counts = {(_whole(day), _whole(hour)): _whole(events) for day, hour, events in table.rows}
    most, wide, high = max(counts.values(), default=0), (WIDTH - LEFT) / HOURS, 18
    steps = [most * part // 4 for part in range(5)]
    parts = [_text(LEFT + (hour + 0.5) * wide, 10, f"{hour:02d}", "middle") for hour in range(HOURS)]
    for day in range(7):
        top = 16 + day * high
        parts.append(_text(LEFT - 8, top + 12, _(DAYS[day])))
        for hour in range(HOURS):
            shade = LEVELS[_level(counts.get((day + 1, hour), 0), steps)]
            parts.append(_box(LEFT + hour * wide, top, wide - 1.5, high - 1.5, shade))
    spans = [(_span(low + 1, up), LEVELS[n]) for n, (low, up) in enumerate(pairwise(steps), 1) if up > low]
    parts += _legend(16 + 7 * high + 8, [(_("no event"), LEVELS[0]), *spans], _("events"))
    caption = _("Use: events by weekday and hour of the day, the whole period together ({zone})").format(zone=zone)
    words = "; ".join(_day_in_words(number, counts) for number in range(1, 8))
    alt = _("Heat map. {caption}. {words}.").format(caption=caption, words=words)
    return Figure(caption, image("".join(parts), WIDTH, 16 + 7 * high + 26), alt)


def coverage_calendar(table: Table, sources: Sequence[str]) -> Figure:
    """Draw the days of each source; the table holds source, day, expected and received hours.

    `sources` are all sources: one of which nothing is expected has an empty row. Long periods are drawn by weeks.
    """
    found: dict[str, dict[date, tuple[int, int]]] = {name: {} for name in sources}
    for name, day, expected, received in table.rows:
        found.setdefault(str(name), {})[date.fromisoformat(str(day))] = (_whole(expected), _whole(received))
    shown = dict(sorted(found.items(), key=lambda item: _missing(item[1]), reverse=True)[:MOST_SOURCES])
    days = [day for by_day in found.values() for day in by_day]
    first, last = min(days), max(days)
    step = next(size for size in (1, 7, 28, 364) if (last - first).days // size < MOST_COLUMNS or size == 364)
    columns = (last - first).days // step + 1
    wide, parts = min(16.0, (WIDTH - LEFT) / columns), _dates(first, step, columns)
    for number, (name, by_day) in enumerate(shown.items()):
        top = 16 + number * ROW
        parts.append(_text(LEFT - 8, top + 10, fitted(name, LEFT - 8)))
        for column, hours in _stepped(by_day, first, step).items():
            parts.append(_day_mark(LEFT + column * wide, top, wide, *hours))
    top = 16 + len(shown) * ROW + 8
    form, unit = _STEPS[step]
    parts += [_day_mark(LEFT, top, 12, 2, 2), _text(LEFT + 16, top + 10, _(FULL), "start")]
    parts += [_day_mark(LEFT + 140, top, 12, 2, 1), _text(LEFT + 156, top + 10, _(SOME), "start")]
    parts += [_day_mark(LEFT + 240, top, 12, 2, 0), _text(LEFT + 256, top + 10, _(NONE), "start")]
    parts.append(_text(LEFT + 330, top + 10, _(unit), "start"))
    caption = _(form).format(first=iso_day(first.isoformat()), last=iso_day(last.isoformat()))
    others = len(found) - len(shown)
    words = "; ".join(f"{name}: {_days_in_words(by_day)}" for name, by_day in shown.items())
    alt = _("Calendar. {caption}. {words}.").format(caption=caption, words=words)
    if others:
        alt += " " + _("{count} sources that miss less stand in the table only.").format(count=others)
    return Figure(caption, image("".join(parts), WIDTH, top + 18), alt)


def _stepped(by_day: Mapping[date, tuple[int, int]], first: date, step: int) -> dict[int, tuple[int, int]]:
    """Return expected and received hours by column."""
    sums: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for day, (expected, received) in by_day.items():
        column = (day - first).days // step
        sums[column] = (sums[column][0] + expected, sums[column][1] + received)
    return sums


def _day_mark(left: float, top: float, wide: float, expected: int, received: int) -> str:
    """Draw a cell: filled where all is there, half filled where some is, a crossed box where nothing is."""
    gap = 1.0 if wide > 4 else 0.3
    side, high = wide - gap, ROW - 3
    if received >= expected:
        return _box(left, top, side, high, INK)
    if received:
        half = high / 2
        return _box(left, top, side, high, "#ffffff") + _box(left, top + half, side, half, LEVELS[3])
    cross = f"M{left:.2f} {top} l{side:.2f} {high} M{left + side:.2f} {top} l-{side:.2f} {high}"
    return _box(left, top, side, high, "#ffffff") + f'<path d="{cross}" stroke="{INK}" stroke-width="0.8"/>'


def _dates(first: date, step: int, columns: int) -> list[str]:
    """Write the dates over the columns, about every 60 points."""
    wide = min(16.0, (WIDTH - LEFT) / columns)
    every = max(1, round(72 / wide))
    return [
        _text(LEFT + column * wide, 10, iso_day((first + timedelta(days=column * step)).isoformat()), "start")
        for column in range(0, columns, every)
        if LEFT + column * wide + 52 <= WIDTH
    ]


def _legend(top: float, entries: Sequence[tuple[str, str]], unit: str) -> list[str]:
    """Draw what the shades mean, in numbers with their unit."""
    parts = []
    for number, (words, shade) in enumerate(entries):
        left = LEFT + number * 104
        parts += [_box(left, top, 12, 11, shade), _text(left + 16, top + 10, words, "start")]
    return [*parts, _text(LEFT - 8, top + 10, unit)]


def _level(count: int, steps: Sequence[int]) -> int:
    """Return the shade of a count: 0 for none, then four equal steps up to the most."""
    return next((level for level, most in enumerate(steps) if count <= most), 4)


def _day_in_words(day: int, counts: Mapping[tuple[int, int], int]) -> str:
    """Say what a weekday saw in all, and when most."""
    mine = {hour: counts.get((day, hour), 0) for hour in range(HOURS)}
    total, busiest = sum(mine.values()), max(mine, key=lambda hour: (mine[hour], -hour))
    if not total:
        return _("{day}: no event").format(day=_(DAYS[day - 1]))
    return _("{day}: {total} events, most from {hour} to {end} ({most})").format(
        day=_(DAYS[day - 1]),
        total=told(whole(total)),
        hour=f"{busiest:02d}",
        end=f"{busiest + 1:02d}",
        most=told(whole(mine[busiest])),
    )


def _span(low: int, up: int) -> str:
    """Say which counts a shade stands for."""
    return _("{low} to {up}").format(low=told(whole(low)), up=told(whole(up)))


def _days_in_words(by_day: Mapping[date, tuple[int, int]]) -> str:
    """Say how many days of a source are covered."""
    if not by_day:
        return _("nothing expected")
    covered = sum(received >= expected for expected, received in by_day.values())
    none = sum(not received for _hours, received in by_day.values())
    return _("{covered} days covered, {part} in part, {none} not at all").format(
        covered=covered, part=len(by_day) - covered - none, none=none
    )


def _missing(by_day: Mapping[date, tuple[int, int]]) -> int:
    return sum(expected - received for expected, received in by_day.values())


def _text(left: float, top: float, words: str, anchor: str = "end") -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _box(left: float, top: float, wide: float, high: float, shade: str) -> str:
    return (
        f'<rect x="{left:.2f}" y="{top:.2f}" width="{wide:.2f}" height="{high:.2f}" fill="{shade}" stroke="{LINE}" '
        'stroke-width="0.4"/>'
    )


def _whole(value: Cell) -> int:
    return int(value) if isinstance(value, int | float) else 0
