"""The whole loop without a browser: a log file goes in, a pack that its own verifier holds to comes out."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.database import FreshDatabase

ROOT = Path(__file__).resolve().parent.parent.parent
REAL = ROOT.parent / "shared" / "data" / "linux" / "Linux_2k.log"
NOT_HERE = f"the real log {REAL.name} of ../shared/data is not on this machine"
LINES = """\
Nov  3 08:01:12 bastion sshd[4101]: Accepted publickey for mira.olsen from 192.0.2.17 port 50122 ssh2
Nov  3 08:01:12 bastion sshd[4101]: pam_unix(sshd:session): session opened for user mira.olsen by (uid=0)
Nov  3 08:04:40 bastion sudo: mira.olsen : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id
Nov  3 08:09:02 bastion sshd[4133]: Failed password for invalid user admin from 198.51.100.9 port 41812 ssh2
Nov  3 08:09:05 bastion sshd[4135]: Failed password for jon.berg from 198.51.100.9 port 41816 ssh2
Nov  3 09:30:11 bastion sshd[4180]: Accepted password for jon.berg from 203.0.113.80 port 40222 ssh2
Nov  3 17:12:09 bastion sshd[4101]: pam_unix(sshd:session): session closed for user mira.olsen
Nov  3 17:12:30 bastion kernel: nothing that anybody did
"""

pytestmark = pytest.mark.slow


def _loop(database: FreshDatabase, log: Path, out: Path) -> str:
    command = [sys.executable, "manage.py", "loop", str(log), "--no-bpo", "--out", str(out)]
    environment = database.environment | {"COUNTERSIGN_LOOP_READY": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("own", "events", "lines"),
    [
        pytest.param(False, "761", "2,000", marks=pytest.mark.skipif(not REAL.exists(), reason=NOT_HERE)),
        pytest.param(True, "6", "8", marks=pytest.mark.skipif(REAL.exists(), reason=f"{REAL.name} goes this way here")),
    ],
)
def test_a_log_becomes_a_pack_that_holds_and_a_changed_byte_is_named(
    own: bool, events: str, lines: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    log = REAL
    if own:
        log = tmp_path / "auth.log"
        log.write_text(LINES, encoding="utf-8")
    said = _loop(fresh_database, log, tmp_path)
    assert f"Stored {events} events of {lines} lines" in said
    assert "HOLDS" in said
    assert "BROKEN" in said
    assert len(list(tmp_path.glob("countersign-pack-*.zip"))) == 1
    again = _loop(fresh_database, log, tmp_path / "of" / "again")
    assert f"Stored 0 events of {lines} lines ({events} were there before" in again
    assert len(list(tmp_path.rglob("countersign-pack-*.zip"))) == 2


def test_a_place_that_holds_no_pack_is_told_before_anything_is_done(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(LINES, encoding="utf-8")
    with pytest.raises(CommandError, match=r"The pack cannot be put into .*auth\.log/here: Not a directory\."):
        call_command("loop", str(log), out=log / "here")
