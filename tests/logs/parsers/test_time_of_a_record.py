"""The time of an event comes from its record and the source's settings, and is the same whenever it is read."""

import json
from datetime import UTC, datetime

import pytest

from logs.kinds import ClockQuality, Format, ParseError, SourceSettings
from logs.parsers.times import epoch_time, iso_time, postgres_time, zone
from tests.logs.parsers.reading import drafts, one, read, reason

SSH = Format.SSHD_SYSLOG


def line(when: str, host: str = "web") -> str:
    return f"{when} {host} sshd[7]: Failed password for root from 192.0.2.7 port 4711 ssh2"


def test_december_turns_to_january_of_the_next_year_and_back() -> None:
    body = [line("Dec 31 23:59:59"), line("Jan  1 00:00:01"), line("Dec 31 23:59:58"), line("Jan  1 00:00:02")]
    events = drafts(read(SSH, *body, settings=SourceSettings(year=2025)))
    assert [event.occurred_at.year for event in events] == [2025, 2026, 2025, 2026]
    assert {event.clock_quality for event in events} == {ClockQuality.YEAR_SET}


@pytest.mark.parametrize(
    ("received", "written", "year"),
    [
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Dec 31 23:59:59", 2025),
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Jan  1 00:04:59", 2026),
        (datetime(2025, 12, 31, 23, 59, tzinfo=UTC), "Jan  1 00:00:10", 2026),
        (datetime(2026, 3, 1, tzinfo=UTC), "Feb 29 10:00:00", 2024),
        (datetime(2026, 8, 5, tzinfo=UTC), "Aug  7 10:00:00", 2025),
    ],
)
def test_the_year_is_the_latest_that_is_not_after_receipt(received: datetime, written: str, year: int) -> None:
    event = one(SSH, line(written), settings=SourceSettings(received_at=received))
    assert event.occurred_at.year == year
    assert event.clock_quality == ClockQuality.YEAR_INFERRED


def test_a_line_without_any_year_is_quarantined() -> None:
    assert "no year" in reason(SSH, line("Aug  4 10:00:01"), settings=SourceSettings())


def test_the_zone_of_the_source_is_used_on_both_sides_of_a_clock_change() -> None:
    settings = SourceSettings(year=2026, time_zone="Europe/Warsaw")
    summer, winter = drafts(read(SSH, line("Jul  1 12:00:00"), line("Dec  1 12:00:00"), settings=settings))
    assert (summer.occurred_at.hour, winter.occurred_at.hour) == (10, 11)


def test_the_hour_that_comes_twice_is_read_as_its_first_and_the_one_that_never_came_as_an_hour_later() -> None:
    settings = SourceSettings(year=2026, time_zone="Europe/Warsaw")
    written = [line(when) for when in ("Mar 29 02:30:00", "Oct 25 02:30:00", "Oct 25 03:00:00")]
    events = drafts(read(SSH, *written, settings=settings))
    assert [(event.occurred_at.hour, event.occurred_at.minute) for event in events] == [(1, 30), (0, 30), (2, 0)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-08-04T10:00:01.250+02:00", datetime(2026, 8, 4, 8, 0, 1, 250000, tzinfo=UTC)),
        ("2026-08-04T10:00:01+0200", datetime(2026, 8, 4, 8, 0, 1, tzinfo=UTC)),
        ("2026-08-04T08:00:01Z", datetime(2026, 8, 4, 8, 0, 1, tzinfo=UTC)),
    ],
)
def test_it_reads_the_dated_form_of_rsyslog_and_journalctl(written: str, expected: datetime) -> None:
    event = one(SSH, line(written), settings=SourceSettings())
    assert (event.occurred_at, event.clock_quality) == (expected, ClockQuality.ZONE_KNOWN)


@pytest.mark.parametrize("before", [" \ufeff", "  "], ids=["marked", "of rsyslog"])
def test_it_reads_rfc_5424_with_structured_data(before: str) -> None:
    data = '[ex@1 a="b]\\" c"][other@2 d="e"]'
    message = f"{before}Failed password for root from ::1 port 1 ssh2"
    text = f"<86>1 2026-08-04T08:00:01.5Z web sshd-session 7 - {data}{message}"
    event = one(SSH, text, settings=SourceSettings())
    assert (event.occurred_at.microsecond, event.src_ip, event.dst_host) == (500000, "::1", "web")


def test_the_hour_that_comes_twice_is_told_apart_by_postgresql_s_abbreviation() -> None:
    first, quality = postgres_time("2026-10-25 02:30:00.000 CEST", "Europe/Warsaw")
    second, _ = postgres_time("2026-10-25 02:30:00.000 CET", "Europe/Warsaw")
    assert ((second - first).total_seconds(), quality) == (3600, ClockQuality.ZONE_ASSUMED)
    assert postgres_time("2026-08-04 10:00:00.123 +05:30", "UTC")[0] == datetime(
        2026, 8, 4, 4, 30, 0, 123000, tzinfo=UTC
    )


def test_it_reads_unix_times_exactly() -> None:
    assert epoch_time("1785837601")[0] == datetime(2026, 8, 4, 10, 0, 1, tzinfo=UTC)
    assert epoch_time(1785837601123, 1000)[0].microsecond == 123000
    assert epoch_time(1785837601.5)[0].microsecond == 500000
    assert epoch_time(1785837601000000123, 1_000_000_000)[0].second == 1


@pytest.mark.parametrize("time", [1785837601, 1785837601.25])
def test_an_ocsf_time_in_seconds_is_quarantined_and_no_day_of_1970(time: float) -> None:
    assert "year 1970" in reason(Format.OCSF, json.dumps({"class_uid": 3002, "activity_id": 1, "time": time}))


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z", "x"]
)
def test_it_refuses_a_time_that_no_log_can_mean(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        iso_time(text)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**30, "1e400", -1])
def test_it_refuses_a_number_that_is_no_time(value: float | str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        epoch_time(value)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "a\x00b"])
def test_it_names_a_zone_that_does_not_exist(name: str) -> None:
    with pytest.raises(ParseError, match="no time zone named"):
        zone(name)
