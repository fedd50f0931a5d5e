"""Lines of Wazuh's rule tests (GPL-2.0, read in place): what Wazuh calls a failed or good log-in must be one here."""

import re

import pytest

from logs.kinds import Draft, Format, Outcome
from tests.logs.parsers.reading import read, shared

_LINE = re.compile(r"log \d+ (?:pass|fail) = (.*)")
_RULE = re.compile(r"rule = (\d+)")

FAILED = {5710, 5716, 5758, 5503, 2502, 5401, 5404, 5405, 5301, 5302}
SWITCHED = {5402, 5403, 5305}
SESSIONS = {5501, 5502}


def cases(name: str) -> list[tuple[int, str]]:
    """Give (rule, line) of one file."""
    found: list[tuple[int, str]] = []
    held: list[str] = []
    for text in shared(f"wazuh/{name}.ini").read_text("utf-8").splitlines():
        if line := _LINE.match(text):
            held.append(line[1])
        elif rule := _RULE.match(text):
            found += [(int(rule[1]), line) for line in held]
            held = []
    return found


def read_one(line: str) -> Outcome:
    (outcome,) = read(Format.SSHD_SYSLOG, line)
    return outcome


@pytest.mark.parametrize("name", ["sshd", "pam", "su", "sudo"])
def test_every_line_is_read(name: str) -> None:
    lines = cases(name)
    assert lines
    for rule, line in lines:
        outcome = read_one(line)
        assert outcome.raw == line.encode()
        if rule in FAILED and "input_userauth_request" not in line and "Postponed" not in line:
            assert isinstance(outcome, Draft), line
            assert (outcome.class_uid, outcome.status_id) == (3002, 2), line
        elif rule in SWITCHED:
            assert isinstance(outcome, Draft), line
            assert (outcome.activity_id, outcome.status_id) == (7, 1), line
        elif rule in SESSIONS:
            assert isinstance(outcome, Draft), line


def test_the_files_hold_what_was_counted_by_hand() -> None:
    assert [len(cases(name)) for name in ("sshd", "pam", "su", "sudo")] == [28, 5, 5, 8]  # grep -c "^log"
