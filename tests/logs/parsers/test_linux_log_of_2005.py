"""A real log of 2005 (Loghub, https://github.com/logpai/loghub): counts checked by hand with grep."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from logs.kinds import Draft, Format, LogType, Outcome, SourceSettings
from logs.parsers import PARSERS, guess_format
from tests.logs.parsers.reading import counted, drafts, shared


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    with shared("linux/Linux_2k.log").open("rb") as log:
        return list(PARSERS[Format.SSHD_SYSLOG].parse(log, SourceSettings(year=2005, time_zone="America/New_York")))


def of(outcomes: list[Outcome], app: str, kind: LogType) -> list[Draft]:
    return [event for event in drafts(outcomes) if event.app == app and event.log_type == kind]


def test_every_line_of_it_is_accounted_for_once(outcomes: list[Outcome]) -> None:
    assert counted(outcomes) == (761, 0, 1239)
    assert sorted(outcome.position for outcome in outcomes) == list(range(2000))
    with shared("linux/Linux_2k.log").open("rb") as log:
        lines = log.read().split(b"\n")
    assert all(outcome.raw == lines[outcome.position] for outcome in outcomes)


def test_it_counts_each_of_the_489_refused_ssh_attempts_once(outcomes: list[Outcome]) -> None:
    failed = of(outcomes, "sshd", LogType.FAILED_LOGIN)
    assert len(failed) == 489  # grep -c 'sshd(pam_unix).*authentication failure'
    assert Counter(event.status_detail for event in failed) == {"bad_password": 372, "unknown_user": 116, "other": 1}
    assert sum(event.actor_name == "root" for event in failed) == 351  # grep -c 'sshd.*rhost=.*user=root'


def test_it_finds_the_sessions_of_sshd_su_and_the_console(outcomes: list[Outcome]) -> None:
    assert len(of(outcomes, "sshd", LogType.SYSTEM_LOGIN)) == 36
    assert len(of(outcomes, "su", LogType.ADMIN)) == 86
    assert {event.target_name for event in of(outcomes, "su", LogType.ADMIN)} == {"news", "cyrus"}
    (console,) = of(outcomes, "login", LogType.SYSTEM_LOGIN)
    assert (console.actor_name, console.is_remote) == ("root", False)


def test_it_reads_the_first_attempt_as_the_file_writes_it(outcomes: list[Outcome]) -> None:
    first = min(of(outcomes, "sshd", LogType.FAILED_LOGIN), key=lambda event: event.position)
    assert first.occurred_at == datetime(2005, 6, 14, 19, 16, 1, tzinfo=UTC)  # 15:16:01 in New York in summer
    assert first.src_ip == "218.188.2.4"
    assert first.dst_host == "combo"
    assert first.raw.endswith(b"\r")


def test_it_keeps_a_host_name_apart_from_an_address(outcomes: list[Outcome]) -> None:
    named = [event for event in drafts(outcomes) if event.src_host == "220-135-151-1.hinet-ip.hinet.net"]
    assert named
    assert all(event.src_ip is None for event in named)


def test_it_is_guessed_to_be_syslog() -> None:
    with shared("linux/Linux_2k.log").open("rb") as log:
        assert guess_format([next(log) for _ in range(10)]) is Format.SSHD_SYSLOG
