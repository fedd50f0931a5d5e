"""The supervisor restarts what dies, says so, and leaves nothing behind."""

import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.supervisor import Program, Supervisor, end_left_behind, left_behind, restart_delay

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); " + SLEEPER


class Stage:
    """Collects the lines a supervisor says and stops it when a condition over them holds."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.mark = f"test-{uuid.uuid4()}"
        self.supervisor = Supervisor(say=self.lines.append, mark=self.mark)

    def python(self, name: str, code: str, *, once: bool = False) -> None:
        self.supervisor.add(Program(name, (sys.executable, "-c", code), once=once))

    def run_until(self, reached: Callable[[], bool]) -> None:
        guard = threading.Timer(20, self.supervisor.stop)
        guard.start()
        self.supervisor.run(lambda: self.supervisor.stop() if reached() else None)
        guard.cancel()
        assert reached(), self.lines

    def count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_it_shows_each_line_with_the_programs_name(stage: Stage) -> None:
    stage.python("web", SLEEPER)
    stage.run_until(lambda: stage.count("up") == 1)
    assert stage.lines[0] == "web      | up"


def test_it_shows_a_line_that_the_program_keeps_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    stage.python("demo", "import time; print('step 1'); time.sleep(600)")
    stage.run_until(lambda: stage.count("step 1") == 1)


def test_it_starts_a_killed_program_again_and_says_how_it_ended(stage: Stage) -> None:
    stage.python("worker", SLEEPER)
    killed: list[int] = []

    def kill_the_first() -> bool:
        if stage.count("| up") == 1 and not killed:
            killed.extend(left_behind(stage.mark))
            os.kill(killed[0], signal.SIGKILL)
        return stage.count("| up") == 2

    stage.run_until(kill_the_first)
    assert stage.count("worker   ! ended (killed by SIGKILL)") == 1


def test_a_crash_loop_is_visible_and_slows_down(stage: Stage) -> None:
    stage.python("alerts", "raise SystemExit(3)")
    stage.run_until(lambda: stage.count("failure 2 in a row") == 1)
    assert stage.count("ended (status 3)") == 2
    assert [restart_delay(n) for n in (1, 2, 3, 7, 50)] == [0.5, 1.0, 2.0, 30.0, 30.0]


def test_a_program_that_runs_once_is_not_started_again(stage: Stage) -> None:
    stage.python("demo", "print('seeded', flush=True)", once=True)
    stage.python("broken", "raise SystemExit(4)", once=True)
    looks: list[int] = []
    stage.run_until(lambda: looks.append(1) or (stage.count("seeded") == 1 and len(looks) > 8))  # type: ignore[func-returns-value]  # counts
    assert stage.count("broken   ! failed (status 4); it is not started again.") == 1
    assert stage.count("seeded") == 1


def test_stopping_takes_grandchildren_along(stage: Stage) -> None:
    stage.python("parent", PARENT)
    stage.run_until(lambda: stage.count("| up") == 2)
    assert left_behind(stage.mark) == []


@pytest.mark.slow
def test_a_program_that_ignores_the_stop_is_killed(stage: Stage) -> None:
    stage.python("stubborn", STUBBORN)
    stage.run_until(lambda: stage.count("| up") == 1)
    assert stage.count("did not stop within 8 s and is killed.") == 1
    assert left_behind(stage.mark) == []


def test_an_error_in_the_look_ends_the_programs_too(stage: Stage) -> None:
    stage.python("web", SLEEPER)

    def fail_when_up() -> None:
        if stage.count("up"):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        stage.supervisor.run(fail_when_up)
    assert left_behind(stage.mark) == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_the_leftovers_of_a_killed_supervisor_are_ended(stage: Stage) -> None:
    code = (
        "import sys; from portal.supervisor import Program, Supervisor; "
        f"s = Supervisor(say=lambda line: print(line, flush=True), mark={stage.mark!r}); "
        f"s.add(Program('web', (sys.executable, '-c', {SLEEPER!r}))); s.run(lambda: None)"
    )
    stage.python("outer", code)

    def orphaned() -> bool:
        return stage.count("web      | up") == 1

    stage.run_until(orphaned)
    assert left_behind(stage.mark) != []
    end_left_behind(stage.mark, say=stage.lines.append)
    assert left_behind(stage.mark) == []
