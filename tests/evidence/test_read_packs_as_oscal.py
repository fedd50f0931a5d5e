"""The OSCAL file against compliance-trestle: a heavy package, so it runs in an environment of its own, made by uv."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from evidence.bundle import canonical
from evidence.oscal import FILE, STATUS, assessment_results
from tests.evidence.facts import source
from tests.house import ROOT

UV = shutil.which("uv") or str(ROOT / ".data" / "uv" / "bin" / "uv")
TRESTLE = (UV, "run", "-q", "--no-project", "--with", "compliance-trestle==5.2.0")


def test_it_keeps_the_six_states_and_satisfies_nothing_by_silence() -> None:
    document = assessment_results(source(), "ab" * 32)
    assert assessment_results(source(), "ab" * 32) == document
    found = document["assessment-results"]["results"][0]["findings"]
    told = {(row["props"][0]["value"], *row["target"]["status"].values()) for row in found}
    assert {state for state, *_ in told} >= {"pass", "fail", "no_data"}
    assert all(STATUS[state] == (satisfied, reason) for state, satisfied, reason in told)
    assert ("no_data", "not-satisfied", "other") in told


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the environment that holds trestle."""
    return subprocess.run([*TRESTLE, *command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("COUNTERSIGN_TRESTLE"), reason="COUNTERSIGN_TRESTLE is not set: fetches 41 packages, takes 20 s"
)
def test_trestle_accepts_it(tmp_path: Path) -> None:
    space, document = tmp_path / "space", assessment_results(source(), "ab" * 32)
    space.mkdir()
    if not Path(UV).exists() or run(space, "trestle", "init", "--local").returncode:
        pytest.skip("uv could not fetch compliance-trestle and its 41 packages: no network, or no uv")
    (tmp_path / FILE).write_bytes(canonical(document))
    found = run(space, "trestle", "import", "-f", f"../{FILE}", "-o", "good")
    assert found.returncode == 0, found.stdout + found.stderr
    document["assessment-results"]["results"][0]["findings"][0]["target"]["target-id"] = "5(1)(b)"
    (tmp_path / FILE).write_bytes(canonical(document))
    assert run(space, "trestle", "import", "-f", f"../{FILE}", "-o", "bad").returncode != 0
