"""The report's charts: the same numbers as the table beside them, in the picture and in words."""

import base64
from datetime import UTC, datetime

from evidence.charts import counted, decisions_by_week, shares, times_to_acknowledge
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
    drawn = shares(
        "Covered", from_rows("coverage", "C", ("source", "ratio"), [["a <b>", 0.5], ["c", None]]), "source", "ratio"
    )
    svg = base64.b64decode(drawn.source.partition(",")[2]).decode()
    assert "a &lt;b&gt;" in svg
    assert "<b>" not in svg
    assert drawn.alt == "Bar chart. Covered. a <b>: 50.0%; c: no data."
    assert 'width="250.0"' in svg
    many = counted(from_rows("weeks", "Weeks", ("week", "n"), [[n, n] for n in range(40)]))
    assert many.alt.endswith("10 more stand in the table only.")
