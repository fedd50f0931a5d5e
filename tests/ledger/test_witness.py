"""The witness that a client runs: a real process over HTTP that cosigns growth and nothing else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.cosignatures import WitnessKey, open_cosignature, parse_witness_key, with_cosignatures
from ledger.notes import NoteError, SignatureError, open_checkpoint
from tests.ledger.conftest import leaves
from tests.ledger.witnesses import MemoryLog, Process, command, serving

pytestmark = pytest.mark.usefixtures("socket_enabled")
LOG = MemoryLog(leaves(600))
FORK = MemoryLog([*leaves(300), *leaves(300, 5000)])


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Process]:
    """A witness that has taken up the log and cosigned its first 300 entries."""
    with serving(tmp_path / "home") as process:
        yield begun(process)


@pytest.fixture(scope="module")
def unmoved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The same, for requests that must all leave it where it was."""
    with serving(tmp_path_factory.mktemp("witness") / "home") as process:
        yield process


def begun(process: Process) -> Process:
    """Let it take up the log at 300 entries."""
    process.trust(LOG.vkey)
    assert process.post(LOG.request(0, 300))[0] == 200
    return process


def test_it_cosigns_growth_with_a_time(witness: Process) -> None:
    status, _kind, line = witness.post(LOG.request(300, 513))
    cosigned = open_cosignature(LOG.checkpoint(513), line, parse_witness_key(witness.vkey))
    assert (status, cosigned.line) == (200, line)
    whole = with_cosignatures(LOG.checkpoint(513), [line])
    assert open_checkpoint(whole, [LOG.signer.verifier]).size == 513
    with pytest.raises(SignatureError, match="is wrong"):
        open_cosignature(LOG.checkpoint(512), line, cosigned.witness)
    with pytest.raises(SignatureError, match="did not sign"):
        open_cosignature(LOG.checkpoint(513), line, WitnessKey("other", bytes(32)))


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (LOG.request(0, 513), 409, "300\n"),
        (LOG.request(200, 513), 409, "300\n"),
        (LOG.request(0, 200), 409, "300\n"),
        (LOG.request(300, 300).replace(LOG.checkpoint(300), LOG.checkpoint(200)), 400, "larger"),
        (FORK.request(300, 513).replace("old 300", "old 301"), 409, "300\n"),
        (MemoryLog(leaves(300, 1)).request(300, 300), 409, "300\n"),
        (MemoryLog(leaves(600, 1)).request(300, 513), 422, "does not show"),
        (LOG.request(300, 513).replace(LOG.request(300, 513).split("\n")[2], "A" * 43 + "="), 422, "does not show"),
        (MemoryLog(leaves(600), seed=8).request(300, 513), 403, "No key"),
        (MemoryLog(leaves(600), origin="portal.example/t/two/1").request(0, 513), 404, "not known"),
        ("old 300\n\nnonsense\n", 400, "no checkpoint"),
        ("old 0300" + LOG.request(300, 513)[7:], 400, "leading zeros"),
    ],
)
def test_it_refuses_what_is_no_growth(unmoved: Process, body: str, status: int, told: str) -> None:
    if not (unmoved.home / "trusted.txt").exists():
        begun(unmoved)
    found, kind, text = unmoved.post(body)
    assert (found, told in text) == (status, True)
    assert (kind == "text/x.tlog.size") is (status == 409)
    assert unmoved.post(LOG.request(1, 513))[2] == "300\n", "its memory stays"


def test_it_keeps_what_convicts_the_log(witness: Process) -> None:
    fork = MemoryLog(leaves(600, 1)).request(300, 513)
    assert witness.post(fork)[0] == 422
    (kept,) = (witness.home / "refused").iterdir()
    assert kept.read_text(encoding="utf-8") == fork
    assert kept.stat().st_mode & 0o077 == 0


def test_its_memory_outlives_a_kill(witness: Process) -> None:
    assert witness.post(LOG.request(300, 400))[0] == 200
    witness.kill()
    witness.start()
    assert witness.post(LOG.request(300, 513))[::2] == (409, "400\n")
    assert witness.post(FORK.request(300, 513))[::2] == (409, "400\n")
    assert witness.post(LOG.request(400, 513))[0] == 200


def test_two_requests_at_once_never_take_it_back(witness: Process) -> None:
    from_here = [LOG.request(300, size) for size in range(301, 309)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(witness.post, from_here))
    assert sorted(status for status, _kind, _text in answers) == [200] + [409] * 7
    cosigned = next(at for at, answer in enumerate(answers) if answer[0] == 200)
    assert witness.post(LOG.request(0, 513))[2] == f"{301 + cosigned}\n"


def test_by_hand_it_does_the_same(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "trust" in command(home, "check", _file(tmp_path, LOG.checkpoint(200))).stderr
    vkey = command(home, "key", "--name", "auditor.example").stdout.strip()
    assert command(home, "key", "--name", "another").stdout.strip() == vkey, "a key is made once"
    command(home, "trust", LOG.vkey)
    told = command(home, "check", _file(tmp_path, LOG.checkpoint(200)))
    line = told.stdout.split("\n", 1)[1]
    assert open_cosignature(LOG.checkpoint(200), line, parse_witness_key(vkey)).witness.name == "auditor.example"
    later = _file(tmp_path, LOG.checkpoint(513))
    assert "from 200 to 513 entries" in command(home, "check", later).stderr
    growth = _file(tmp_path, LOG.request(200, 513), "growth.txt")
    assert command(home, "check", later, growth).returncode == 0
    refused = command(home, "check", _file(tmp_path, MemoryLog(leaves(600, 1)).checkpoint(513)))
    assert (refused.returncode, "two histories" in refused.stderr) == (1, True)


def test_a_key_that_is_no_witness_is_refused() -> None:
    with pytest.raises(NoteError, match="no key of a witness"):
        parse_witness_key(LOG.vkey)


def _file(folder: Path, text: str, name: str = "checkpoint.txt") -> str:
    """Write a file for a command."""
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)
