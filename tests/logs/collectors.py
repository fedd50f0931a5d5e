"""Collectors and servers for live tests: fetched into `.data` by `.ci/set-up test`, else of this machine."""

import os
import platform
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DOORS: Final = Path(__file__).resolve().parents[2] / "docs" / "doors.md"
FETCHED: Final = Path(__file__).resolve().parents[2] / ".data" / "collectors" / "root"
_LIB: Final = f"usr/lib/{platform.machine()}-linux-gnu"
ABSENT: Final = "is not installed, and `.ci/set-up test` could not fetch it (it needs Debian's package lists)"


def _found(name: str, *places: str) -> Path | None:
    """Return the fetched program, which has all its modules, or else this machine's own."""
    candidates = [top / place / name for top in (FETCHED, Path("/")) for place in places]
    installed = shutil.which(name)
    return next((one for one in candidates if one.exists()), Path(installed) if installed else None)


RSYSLOG: Final = _found("rsyslogd", "usr/sbin")
SYSLOG_NG: Final = _found("syslog-ng", "usr/sbin")
JOURNAL_REMOTE: Final = _found("systemd-journal-remote", "lib/systemd")
JOURNAL_UPLOAD: Final = _found("systemd-journal-upload", "lib/systemd")
SLAPD: Final = _found("slapd", "usr/sbin")


def _top(program: Path | None) -> Path:
    return FETCHED if program and program.is_relative_to(FETCHED) else Path("/")


RSYSLOG_MODULES: Final = _top(RSYSLOG) / _LIB / "rsyslog"
SLAPD_HOME: Final = _top(SLAPD)
SYSLOG_NG_MODULES: Final = next(iter((_top(SYSLOG_NG) / "usr/lib/syslog-ng").glob("[0-9]*")), None)


def environment() -> dict[str, str]:
    """Return the environment in which fetched programs find their libraries."""
    folders = (FETCHED / _LIB, FETCHED / "usr/lib/syslog-ng", FETCHED / _LIB / "systemd", FETCHED / "lib" / _LIB[8:])
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))} if FETCHED.exists() else dict(os.environ)


def doors_text(words: str, filled: Mapping[str, str]) -> str:
    """Return the one text of docs/doors.md that holds the words, with what is an installation's own filled in."""
    texts = re.findall(r"^```\w*\n(.*?)^```", DOORS.read_text(), re.MULTILINE | re.DOTALL)
    (text,) = (one for one in texts if words in one)
    for written, meant in filled.items():
        assert written in text, f"docs/doors.md does not say {written} any more"
        text = text.replace(written, meant)
    return str(text)


def hand(home: Path, messages: bytes) -> None:
    """Give lines of syslog to the collector that reads the socket `in` of this folder, once it does."""
    with socket.socket(socket.AF_UNIX) as into:
        # A socket that is there is not listened to yet.
        assert waits_for(lambda: into.connect_ex(str(home / "in")) == 0)
        into.sendall(messages)


def rsyslog_command(home: Path, settings: str) -> list[str]:
    """Write rsyslog's settings and return the command that runs it in the foreground, reading the socket `in`."""
    file = home / "rsyslog.conf"
    reads = f'module(load="imptcp")\ninput(type="imptcp" path="{home}/in")\n'
    file.write_text(f'global(workDirectory="{home}")\n{reads}{settings}')
    assert RSYSLOG
    return [str(RSYSLOG), "-n", "-M", str(RSYSLOG_MODULES), "-f", str(file), "-i", str(home / "rsyslog.pid")]


def syslog_ng_command(home: Path, settings: str, *destinations: str) -> list[str]:
    """Write syslog-ng's settings and return the command that runs it in the foreground, reading the socket `in`."""
    file = home / "syslog-ng.conf"
    reads = f'source auth {{ unix-stream("{home}/in" flags(expect-hostname)); }};\n'
    sends = "".join(f"log {{ source(auth); destination({name}); }};\n" for name in destinations)
    file.write_text(f"@version: 3.38\n{reads}{settings}{sends}")
    own = (f"--persist-file={home}/ng.persist", f"--pidfile={home}/ng.pid", f"--control={home}/ng.ctl")
    return [str(SYSLOG_NG), "-F", "--no-caps", f"--cfgfile={file}", f"--module-path={SYSLOG_NG_MODULES}", *own]


@contextmanager
def running(command: list[str], out: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the end of the block."""
    with out.open("ab") as said:
        program = subprocess.Popen(command, stdout=said, stderr=said, env=environment())
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def waits_for(what: Callable[[], bool], seconds: float = 30) -> bool:
    """Ask again until it is so."""
    pause, until = threading.Event(), time.monotonic() + seconds
    while not (so := what()) and time.monotonic() < until:
        pause.wait(0.1)
    return so
