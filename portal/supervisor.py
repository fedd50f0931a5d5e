"""Keeps a set of programs running: starts, watches, restarts and stops them, and shows what each one says.

Pure process supervision: it knows neither Django nor the database. Each program leads a process group of its own, so
that Ctrl-C in the terminal reaches the supervisor alone and the stop is an ordered one. All programs carry a mark in
their environment; a supervisor that starts after another one was killed finds and ends what that one left behind.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MARK = "COUNTERSIGN_SUPERVISED_BY"
# A Python program that writes to a pipe keeps its lines back until 8 KB are full or it ends.
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# A program that ran this long was healthy: its next failure is a first one again.
HEALTHY_SECONDS = 60.0
STOP_SECONDS = 8.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Program:
    """One program to keep running; with `once` it may end by itself and is not started again."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False


@dataclass(slots=True)
class _Running:
    """A program's present process and its history of failures; times are of the monotonic clock, in seconds."""

    program: Program
    process: subprocess.Popen[str] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    failures: int = 0
    finished: bool = False


class Supervisor:
    """Runs programs until it is told to stop; `say` gets every line to show, `mark` names this installation."""

    def __init__(self, *, say: Callable[[str], None], mark: str) -> None:
        self.say = say
        self.mark = mark
        self._stopping = threading.Event()
        self._running: list[_Running] = []
        self._width = 8

    def add(self, program: Program) -> None:
        """Adds a program and starts it at the next look."""
        self._width = max(self._width, len(program.name))
        self._running.append(_Running(program))

    def stop(self) -> None:
        """Asks `run` to return; may be called from a signal handler or another thread."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Says whether the stop has been asked for."""
        return self._stopping.is_set()

    def run(self, every_look: Callable[[], None]) -> None:
        """Starts and restarts programs until `stop`, then ends them all; `every_look` is called a few times a second.

        Whatever makes this end, also an exception of `every_look`, no program outlives it.
        """
        try:
            while not self._stopping.is_set():
                for running in self._running:
                    self._look_after(running)
                every_look()
                self._stopping.wait(LOOK_SECONDS)
        finally:
            self._end_all()

    def _look_after(self, running: _Running) -> None:
        """Starts a program whose time has come, or notes that its process has ended."""
        now = time.monotonic()
        if running.process is None:
            if not running.finished and now >= running.next_start_at:
                self._start(running)
            return
        status = running.process.poll()
        if status is None:
            return
        lasted = now - running.started_at
        # A killed server's own workers would keep the port and go on serving beside the new ones.
        _kill_group(running.process.pid)
        running.process = None
        if running.program.once:
            running.finished = True
            if status:
                self._tell(running, f"failed ({_how(status)}); it is not started again.")
            return
        running.failures = 1 if lasted >= HEALTHY_SECONDS else running.failures + 1
        delay = restart_delay(running.failures)
        running.next_start_at = now + delay
        times = "" if running.failures == 1 else f" This was failure {running.failures} in a row."
        self._tell(running, f"ended ({_how(status)}) after {lasted:.1f} s; it starts again in {delay:g} s.{times}")

    def _start(self, running: _Running) -> None:
        """Starts a program's process and the thread that passes its lines on."""
        running.started_at = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 -- the programs are the caller's own list
            running.program.command,
            env={**os.environ, **UNBUFFERED, **running.program.environment, MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,
        )
        running.process = process
        running.reader = threading.Thread(target=self._pass_on, args=(running.program.name, process), daemon=True)
        running.reader.start()

    def _pass_on(self, name: str, process: subprocess.Popen[str]) -> None:
        """Shows a process's lines, each with the program's name before it."""
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                self.say(f"{name:<{self._width}} | {line.rstrip()}")

    def _tell(self, running: _Running, sentence: str) -> None:
        self.say(f"{running.program.name:<{self._width}} ! {sentence}")

    def _end_all(self) -> None:
        """Ends all programs: first politely and all at once, after eight seconds by force, with their own children."""
        living = [running for running in self._running if running.process is not None]
        for running in living:
            _signal_leader(running.process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for running in living:
            if running.process is None:
                continue
            try:
                running.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell(running, f"did not stop within {STOP_SECONDS:g} s and is killed.")
            _kill_group(running.process.pid)
            running.process.wait()
            if running.reader is not None:
                running.reader.join(1.0)


def restart_delay(failures: int) -> float:
    """Returns the seconds to wait before the next start: 0.5 s, doubled with every failure in a row, 30 s at most."""
    return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 10))


def left_behind(mark: str) -> list[int]:
    """Returns the processes that a killed supervisor with this mark left behind; empty where there is no /proc."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(entry.name) != os.getpid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def end_left_behind(mark: str, *, say: Callable[[str], None]) -> None:
    """Ends what a killed supervisor left behind: politely, after five seconds by force."""
    found = left_behind(mark)
    if not found:
        return
    say(f"Ends {len(found)} processes that an earlier run left behind.")
    _signal_all(found, signal.SIGTERM)
    deadline = time.monotonic() + 5.0
    while left_behind(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    _signal_all(left_behind(mark), signal.SIGKILL)


def _signal_all(processes: Sequence[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _signal_leader(process: subprocess.Popen[str] | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)


def _kill_group(leader: int) -> None:
    """Kills what is left of a program's process group, its leader dead or alive."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _how(status: int) -> str:
    """Says how a process ended: its exit status, or the signal that killed it."""
    if status >= 0:
        return f"status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
