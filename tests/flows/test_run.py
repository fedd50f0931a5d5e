"""`manage.py run` starts everything, refuses a second start, survives kills, and stops within ten seconds."""

import os
import signal
import time

import pytest

from portal.supervisor import left_behind
from tests.flows.running import ROOT, Portal


@pytest.mark.slow
def test_run_serves_refuses_a_second_start_survives_kills_and_stops(running: Portal) -> None:
    assert running.status() == 200
    second = running.start(str(ROOT / "manage.py"), "run", "--no-demo", "--port", str(running.port + 1))
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "Countersign runs already" in said

    os.kill(running.postmaster(), signal.SIGKILL)
    assert running.says("accepts connections again", within=60), running.lines
    assert running.status() == 200

    os.kill(running.processes("granian")[0], signal.SIGKILL)
    assert running.says("web      ! ended (killed by SIGKILL)", within=30), running.lines

    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert left_behind(str(running.data)) == []
    assert not (running.data / "postgres" / "postmaster.pid").exists()
