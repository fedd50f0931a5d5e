"""The report's charts: the same numbers as the table beside them, in the picture and in words."""

import base64
import re
from datetime import UTC, date, datetime, timedelta

from evidence.charts import counted, decisions_by_week, shares, times_to_acknowledge
from evidence.heatmaps import INK, LEVELS, coverage_calendar, use_map
from evidence.report import Figure
from evidence.tables import from_rows


def test_decisions_are_counted_by_the_weeks_of_the_zone_and_an_empty_week_says_so() -> None:
    rows = [[datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "certify"], [datetime(2026, 3, 17, tzinfo=UTC), "revoke"]]
    table = decisions_by_week(from_rows("decisions", "D", ("decided_at", "outcome"), rows), "Europe/Madrid")
    assert [row[:4] for row in table.rows] == [
        ("2026-03-02", 1, 1, 0),
        ("2026-03-09", 0, 0, 0),
        ("2026-03-16", 1, 0, 1),
    ]


def test_an_alert_nobody_looked_at_is_in_no_time() -> None:
    rows = [[12.0], [240.0], [241.0], [99_999.0], [None]]
    table = times_to_acknowledge(from_rows("alerts", "A", ("minutes_to_acknowledge",), rows))
    assert [row[1] for row in table.rows] == [1, 1, 1, 0, 1, 1]


def test_a_chart_says_its_numbers_in_words_and_escapes_names() -> None:
    figure = shares(
        "Covered", from_rows("coverage", "C", ("source", "ratio"), [["a <b>", 0.5], ["c", None]]), "source", "ratio"
    )
    svg = drawn(figure)
    assert "a &lt;b&gt;" in svg
    assert "<b>" not in svg
    assert figure.alt == "Bar chart. Covered. a <b>: 50.0%; c: no data."
    assert 'width="250.0"' in svg
    many = counted(from_rows("weeks", "Weeks", ("week", "n"), [[n, n] for n in range(40)]))
    assert many.alt.endswith("10 more stand in the table only.")


def drawn(figure: Figure) -> str:
    return base64.b64decode(figure.source.partition(",")[2]).decode()


def test_the_map_of_use_shades_by_count_and_says_each_day_in_words() -> None:
    table = from_rows("use_by_hour", "U", ("weekday", "hour", "events"), [[1, 9, 400], [1, 10, 100], [7, 23, 101]])
    figure = use_map(table, "Europe/Madrid")
    shades = re.findall(r'height="16.50" fill="(#\w+)"', drawn(figure))
    assert (len(shades), shades[9], shades[10], shades[6 * 24 + 23]) == (168, LEVELS[4], LEVELS[1], LEVELS[2])
    assert shades.count(LEVELS[0]) == 165, "what saw nothing is white"
    assert "Monday: 500 events, most from 09 to 10 (400); Tuesday: no event; " in figure.alt
    assert "101 to 200</text>" in drawn(figure), "the legend says numbers"


def test_the_calendar_tells_covered_days_from_part_and_none_by_their_shape() -> None:
    days = [["a <b>", f"2026-03-0{day}", 24, got] for day, got in ((1, 24), (2, 5), (3, 0))]
    figure = coverage_calendar(from_rows("coverage_days", "C", ("source", "day", "e", "r"), days), ["a <b>", "quiet"])
    svg = drawn(figure).partition("all expected hours")[0]
    assert "a &lt;b&gt;" in svg
    marks = re.findall(r'<rect x="(\d+)[^>]*fill="(#\w+)"|<path', svg)
    assert marks[:5] == [("140", INK), ("156", "#ffffff"), ("156", LEVELS[3]), ("172", "#ffffff"), ("", "")]
    assert "a <b>: 1 days covered, 1 in part, 1 not at all; quiet: nothing expected" in figure.alt
    year = [["a", f"{date(2026, 1, 1) + timedelta(days=n)}", 1, n != 8] for n in range(365)]
    weeks = coverage_calendar(from_rows("coverage_days", "C", ("source", "day", "e", "r"), year), ["a"])
    assert "A column is one week." in drawn(weeks)
    assert "364 days covered, 0 in part, 1 not at all" in weeks.alt
