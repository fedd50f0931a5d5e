"""Syslog lines inside JSON: `journalctl -o json`, and what Vector and Fluent Bit wrap around a line."""

import json
from datetime import UTC, datetime

import pytest

from logs.kinds import ClockQuality, Format
from tests.logs.parsers.reading import counted, drafts, one, read, reason

SSH = Format.SSHD_SYSLOG
LINE = "Aug  4 10:00:01 web sshd[7]: Failed password for root from 192.0.2.7 port 4711 ssh2"


def entry(message: object, **members: object) -> str:
    base: dict[str, object] = {
        "__CURSOR": "s=0f;i=1",
        "__REALTIME_TIMESTAMP": "1785837601250000",
        "_HOSTNAME": "web",
        "SYSLOG_IDENTIFIER": "sshd-session",
        "_PID": "7",
        "MESSAGE": message,
    }
    return json.dumps(base | members)


def test_it_reads_an_entry_of_the_journal() -> None:
    event = one(SSH, entry("Failed password for root from 192.0.2.7 port 4711 ssh2"))
    assert event.occurred_at == datetime(2026, 8, 4, 10, 0, 1, 250000, tzinfo=UTC)
    assert (event.clock_quality, event.native_id, event.dst_host) == (ClockQuality.ZONE_KNOWN, "s=0f;i=1", "web")
    assert (event.actor_name, event.src_ip, event.session_uid) == ("root", "192.0.2.7", "web/sshd/7")


def test_it_reads_a_message_that_is_an_array_of_bytes() -> None:
    message = b"Failed password for invalid user \xff\x00 from 192.0.2.7 port 4711 ssh2"
    assert one(SSH, entry(list(message))).actor_name == "\\xff\\x00"


def test_twins_are_matched_in_the_journal_too() -> None:
    outcomes = read(
        SSH,
        entry("Invalid user bob from 192.0.2.7 port 4711", __CURSOR="1"),
        entry("Failed password for invalid user bob from 192.0.2.7 port 4711 ssh2", __CURSOR="2"),
    )
    assert counted(outcomes) == (1, 0, 1)
    assert [event.native_id for event in drafts(outcomes)] == ["2"]


@pytest.mark.parametrize("member", ["message", "log", "msg"])
def test_it_reads_a_line_that_a_shipper_has_wrapped(member: str) -> None:
    wrapped = json.dumps({member: LINE + "\n", "host": "shipper", "source_type": "file"})
    event = one(SSH, wrapped)
    assert (event.dst_host, event.src_ip, event.raw.decode()) == ("web", "192.0.2.7", wrapped)


@pytest.mark.parametrize("line", ['{"a": 1}', '{"message": 5}', "{", entry("x", __REALTIME_TIMESTAMP="soon")])
def test_it_says_why_other_json_is_kept_apart(line: str) -> None:
    assert reason(SSH, line).endswith(".")
