"""The demonstration offers the machine's own access log where there is one."""

from pathlib import Path

from portal.demo.offer import offers


def test_an_auth_log_is_offered_with_the_command_that_takes_it_in(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("Nov  3 08:01:12 bastion sshd[1]: Accepted publickey for mira from 192.0.2.17 port 1 ssh2\n")
    (command,) = offers("harbour", logs=(log,), journals=())
    assert f"ingest {log} --tenant harbour" in command


def test_a_machine_without_logs_is_offered_nothing(tmp_path: Path) -> None:
    assert offers("harbour", logs=(tmp_path / "auth.log",), journals=(tmp_path / "journal",)) == []
