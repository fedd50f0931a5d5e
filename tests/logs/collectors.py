"""Collectors and servers for live tests: fetched into `.data` by `.ci/set-up test`, else of this machine."""

import os
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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


def rsyslog_command(home: Path, settings: str) -> list[str]:
    """Write rsyslog's settings and return the command that runs it in the foreground."""
    file = home / "rsyslog.conf"
    file.write_text(settings)
    assert RSYSLOG
    return [str(RSYSLOG), "-n", "-M", str(RSYSLOG_MODULES), "-f", str(file), "-i", str(home / "rsyslog.pid")]


def syslog_ng_command(home: Path, settings: str) -> list[str]:
    """Write syslog-ng's settings and return the command that runs it in the foreground."""
    file = home / "syslog-ng.conf"
    file.write_text(settings)
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
