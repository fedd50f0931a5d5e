"""Draws small charts as SVG for pages and the PDF: no script or style, with a sentence for screen readers. Pure.

WeasyPrint does not apply page CSS inside SVG, so that the light colour stands in the attribute; the class lets the
page's dark theme override it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

BAR, GAP, HEIGHT = 8, 2, 44
FILL, FAINT, LINE = "#1b4f9c", "#d5d9e0", "#6b7280"


def weeks_chart(weeks: Sequence[int]) -> SafeString:
    """Returns bars for the successful uses in each week, oldest first; a week without use is a faint tick."""
    top, used = max([*weeks, 1]), sum(1 for count in weeks if count)
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" fill="{}"/>',
        (
            (
                "chart-bar" if count else "chart-none",
                place * (BAR + GAP),
                HEIGHT - _height(count, top),
                BAR,
                _height(count, top),
                FILL if count else FAINT,
            )
            for place, count in enumerate(weeks)
        ),
    )
    words = f"Used in {used} of {len(weeks)} weeks; most in one week: {max([*weeks, 0]):,} successful uses."
    width = len(weeks) * (BAR + GAP) - GAP
    return format_html(
        '<svg class="cs-chart" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>',
        max(width, 1),
        HEIGHT,
        max(width, 1),
        HEIGHT,
        words,
        bars,
    )


def _height(count: int, top: int) -> int:
    """Returns a bar's height: 2 for none, at least 6 for any use, so that rare use is seen."""
    return 2 if count <= 0 else max(6, round(count / top * HEIGHT))


def burn_down_chart(
    points: Sequence[tuple[datetime, int]], due_at: datetime | None, *, ended: bool = False
) -> SafeString:
    """Returns the undecided items as a line, and the even pace to the due time as a dashed one; as far as it went."""
    if not points:
        return SafeString("")
    start, total = points[0]
    end = points[-1][0] if ended else max(points[-1][0], due_at or points[-1][0])
    span = max((end - start).total_seconds(), 1.0)
    width, height, edge = 480, 120, 4

    def place(at: datetime, left: float) -> str:
        x = edge + (at - start).total_seconds() / span * (width - 2 * edge)
        y = edge + (1 - left / max(total, 1)) * (height - 2 * edge)
        return f"{x:.1f},{y:.1f}"

    steps: list[str] = []
    for at, left in points:
        if steps:
            steps.append(f"{place(at, left).split(',')[0]},{steps[-1].split(',')[1]}")
        steps.append(place(at, left))
    pace = ""
    if due_at:
        goal = min(due_at, end)
        pace = (
            f"{place(start, total)} {place(goal, total * (due_at - goal) / max(due_at - start, timedelta(seconds=1)))}"
        )
    words = f"{points[-1][1]:,} of {total:,} items are undecided."
    return format_html(
        '<svg class="cs-chart cs-chart-wide" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<polyline class="chart-pace" points="{}" fill="none" stroke="{}" stroke-width="1.5" stroke-dasharray="4 4"/>'
        '<polyline class="chart-line" points="{}" fill="none" stroke="{}" stroke-width="2.5"/></svg>',
        width,
        height,
        words,
        pace,
        LINE,
        " ".join(steps),
        FILL,
    )
