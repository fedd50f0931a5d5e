"""Draws the report's few charts as SVG: bars whose numbers all stand in a table beside them. Pure.

A chart is an image with a text alternative, which the printer tags as a figure (PDF/UA-1, 7.3). Shades differ by
lightness too, so that a grey print says the same.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import accumulate
from typing import Final
from unicodedata import normalize
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from evidence.kinds import Cell, Table
from evidence.languages import percent, said, told, whole
from evidence.report import Figure
from evidence.tables import from_rows, spelled
from evidence.words import LATER, LIMITS, NOT_YET, word

WIDTH: Final = 720
ROW: Final = 18
LABELS: Final = 150
FIGURES: Final = 70
INK: Final = "#14324f"
TRACK: Final = "#e4eaf1"
MOST_BARS: Final = 30
DRAWN: Final = 0x52F
"""The last character of Latin, Greek and Cyrillic, which the faces have."""


def bars(caption: str, rows: Sequence[tuple[str, float, str]], whole: float) -> Figure:
    """Draw a bar for each (label, value, value as it is spelled); `whole` is the value that fills the track."""
    shown = rows[:MOST_BARS]
    room = WIDTH - LABELS - FIGURES
    parts = []
    for number, (label, value, spelled_value) in enumerate(shown):
        top, long = number * ROW, max(0.0, min(1.0, value / whole if whole else 0.0)) * room
        parts.append(
            f'<text x="{LABELS - 8}" y="{top + 12}" text-anchor="end">{escape(fitted(label, LABELS - 8))}</text>'
            f'<rect x="{LABELS}" y="{top + 3}" width="{room}" height="11" fill="{TRACK}"/>'
            f'<rect x="{LABELS}" y="{top + 3}" width="{long:.1f}" height="11" fill="{INK}"/>'
            f'<text x="{WIDTH - FIGURES + 6}" y="{top + 12}">{escape(spelled_value)}</text>'
        )
    high = max(1, len(shown)) * ROW
    alt = gettext("Bar chart. {caption}. {values}.").format(
        caption=caption, values="; ".join(f"{label}: {spelled}" for label, _value, spelled in shown)
    )
    if len(rows) > len(shown):
        alt += " " + gettext("{count} more stand in the table only.").format(count=len(rows) - len(shown))
    return Figure(caption, image("".join(parts), WIDTH, high), alt)


def fitted(label: str, room: float) -> str:
    """Cut a label to what fits into the room, in tenths of the type size; a cut one says so.

    What the report's fonts may lack is counted as the nine characters of its spelling, `[U+1F600]`.
    """
    widths = [_width(char) for char in label]
    if sum(widths) <= room:
        return label
    ends = accumulate(widths, initial=_width("…"))
    return label[: sum(end <= room for end in ends) - 1] + "…"


def _width(char: str) -> float:
    """Return an upper estimate of how wide Inter sets a character, in tenths of the type size."""
    if not char.isprintable() or (ord(char) > DRAWN and char != "…"):
        return 60.0
    base = normalize("NFD", char)[0]
    if base in "ijlrtfI.,:;'|()[]/ ":
        return 3.8
    if not base.isascii() or base in "mwMW@%":
        return 10.0
    return 7.6 if base.isupper() else 6.1 if base.islower() else 6.6


def image(parts: str, width: int, height: int) -> str:
    """Return SVG parts as an image in a data URI, in the report's face."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Inter, DejaVu Sans Mono" font-size="10" fill="#1a1a1a">{parts}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def decisions_by_week(decisions: Table, zone: str) -> Table:
    """Count decisions by the Monday of their week in the period's zone, and by outcome; weeks without one say 0."""
    at, how = decisions.columns.index("decided_at"), decisions.columns.index("outcome")
    outcomes = ("certify", "revoke", "modify", "abstain", "not_decided")
    counts: dict[str, dict[str, int]] = {}
    made = Counter((_monday(row[at], zone), row[how]) for row in spelled(decisions))
    if made:
        first, last = min(made)[0], max(made)[0]
        for week in range((last - first).days // 7 + 1):
            monday = first + timedelta(days=7 * week)
            counts[f"{monday:%Y-%m-%d}"] = {outcome: made[monday, outcome] for outcome in outcomes}
    rows: list[list[Cell]] = [[week, sum(found.values()), *found.values()] for week, found in counts.items()]
    return from_rows("decisions_by_week", said("Decisions by week"), ("week_from", "decisions", *outcomes), rows)


def _monday(at: str, zone: str) -> datetime:
    """Return midnight of the Monday of a spelled moment's week, without a zone: a day's name only."""
    day = (
        datetime.fromisoformat(at)
        .astimezone(ZoneInfo(zone))
        .replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    )
    return day - timedelta(days=day.weekday())


def times_to_acknowledge(alerts: Table) -> Table:
    """Count alerts by how long it took until somebody looked: acknowledged them, or closed them at once."""
    place = alerts.columns.index("minutes_to_acknowledge")
    counts = dict.fromkeys((*(label for _limit, label in LIMITS), LATER, NOT_YET), 0)
    for row in alerts.rows:
        minutes = row[place]
        if not isinstance(minutes, int | float):
            counts[NOT_YET] += 1
        else:
            counts[next((label for limit, label in LIMITS if minutes <= limit), LATER)] += 1
    rows: list[list[Cell]] = [[label, count] for label, count in counts.items()]
    title = said("Time until an alert was acknowledged")
    return from_rows("times_to_acknowledge", title, ("time", "alerts"), rows)


def counted(table: Table) -> Figure:
    """Draw a table of counts: its first column names the bar, its second is the count."""
    label = table.columns[0]
    rows = [(word(label, str(row[0])), _number(row[1]), told(whole(round(_number(row[1]))))) for row in table.rows]
    return bars(told(table.title), rows, max((value for _label, value, _told in rows), default=0.0))


def shares(caption: str, table: Table, label: str, ratio: str) -> Figure:
    """Draw a table's shares; one that could not be measured has no bar and says so."""
    name, place = table.columns.index(label), table.columns.index(ratio)
    rows = [(str(row[name]), _number(row[place]), _percent(row[place])) for row in table.rows]
    return bars(caption, rows, 1.0)


def _number(value: Cell) -> float:
    """Return a number; what could not be measured has no length."""
    return float(value) if isinstance(value, int | float) else 0.0


def _percent(value: Cell) -> str:
    """Spell a share."""
    return told(percent(value)) if isinstance(value, int | float) else gettext("no data")
