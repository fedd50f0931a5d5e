# ruff: noqa: PLC0415 -- Playwright and the tests' builders are needed for the measuring alone
"""Measures both verifiers on a pack of 100,000 events, each proved by itself, and the drawing of a sample.

The pack is made of synthetic events with real sealed bytes, real proofs and a real report. Bars: verify.py under 30 s,
verify.html in Chromium under 60 s, a sample out of 100,000 ids under 1 s.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.machine import describe

EVENTS = 100_000
PYTHON_SECONDS, PAGE_SECONDS, SAMPLE_SECONDS = 30, 60, 1


def main() -> int:
    """Print the times; return how many bars were not held."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from evidence.verifier import single_file, single_page
    from reviews.sampling import draw

    print(f"verify_pack, {EVENTS:,} events, on {describe()}")
    ids, begun = [f"event-{number:07d}" for number in range(EVENTS)], time.perf_counter()
    draw(ids, seed=bytes(32), size=25)
    sampled = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pack.zip").write_bytes(make_pack())
        (folder / "verify.py").write_bytes(single_file())
        (folder / "verify.html").write_bytes(single_page())
        size = (folder / "pack.zip").stat().st_size
        python, cpu = by_python(folder)
        page = by_page(folder)
    told = f"verify.py {python:.1f} s ({cpu:.1f} CPU s), verify.html {page:.1f} s; sample {sampled:.2f} s"
    print(f"pack of {size / 2**20:.0f} MiB: {told}")
    held = (python < PYTHON_SECONDS, page < PAGE_SECONDS, sampled < SAMPLE_SECONDS)
    print(f"bars of {PYTHON_SECONDS} s, {PAGE_SECONDS} s and {SAMPLE_SECONDS} s: {held}")
    return held.count(False)


def make_pack() -> bytes:
    """Return a pack that holds every event with its sealed bytes and proof, and a table bound to them."""
    from evidence.bundle import Binding, Checkpoint, SealedEntry, build, record_files
    from evidence.tables import from_rows
    from ledger.entries import leaf_hash, seal
    from ledger.kinds import CheckpointBody, LeafKind
    from ledger.merkle import inclusion_path, nodes_of, root_of
    from ledger.notes import checkpoint_text, sign_note
    from tests.evidence.packing import LEDGER_SIGNER, ORIGIN, SIGNER, parts, printed

    sealed = [(core(number), subject(number), number.to_bytes(32, "big")) for number in range(EVENTS)]
    leaves = [leaf_hash(seal(LeafKind.EVENT, one, subj=two, raw=two, salts=salts)) for one, two, salts in sealed]
    root, nodes = root_of(leaves), nodes_of(leaves)
    note = sign_note(checkpoint_text(CheckpointBody(ORIGIN, EVENTS, root)), [LEDGER_SIGNER]).encode()
    entries = [
        SealedEntry(
            at, int(LeafKind.EVENT), f"event {at}", one, two, two, salts, tuple(inclusion_path(at, EVENTS, nodes))
        )
        for at, (one, two, salts) in enumerate(sealed)
    ]
    table = from_rows(
        "events", "Events", ("actor", "action", "ledger_index"), [[f"user{n}", "read", n] for n in range(EVENTS)]
    )
    made = replace(
        parts(0),
        checkpoint=Checkpoint(ORIGIN, EVENTS, root, note, LEDGER_SIGNER.verifier.vkey),
        tables=[table],
        entries=entries,
        bindings={"events": Binding("ledger_index", {"actor": ("subj", "actor_name"), "action": ("core", "action")})},
    )
    return build(made, record_files(made), printed(), SIGNER).data


def core(number: int) -> bytes:
    """Return the clear part of an event of the usual length."""
    from ledger.entries import canonical

    facts = {
        "action": "read",
        "app": "crm",
        "class_uid": 3005,
        "log_type": 4,
        "occurred_at": "2026-03-01T09:00:00.000000Z",
    }
    more = {"native_id": f"{number:032d}", "parser": "postgres_jsonlog", "received_at": "2026-03-01T09:00:01.000000Z"}
    return canonical({**facts, **more, "ord": number, "status_id": 1, "table": "policies", "v": 1})


def subject(number: int) -> bytes:
    """Return the personal part of an event."""
    from ledger.entries import canonical

    return canonical({"actor_name": f"user{number}", "src_ip": "10.0.0.7", "user_agent": "Mozilla/5.0 (X11; Linux)"})


def by_python(folder: Path) -> tuple[float, float]:
    """Return the seconds of verify.py, by the clock and of the processor."""
    begun, spent = time.perf_counter(), os.times()
    subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "pack.zip"], cwd=folder, check=True, stdout=subprocess.PIPE
    )
    now = os.times()
    cpu = now.children_user + now.children_system - spent.children_user - spent.children_system
    return time.perf_counter() - begun, cpu


def by_page(folder: Path) -> float:
    """Return the seconds of verify.html in Chromium, from the choice of the file to the answer."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((folder / "verify.html").as_uri())
        begun = time.perf_counter()
        page.set_input_files("#file", folder / "pack.zip")
        page.locator("#result:not([hidden])").wait_for(timeout=300_000)
        seconds = time.perf_counter() - begun
        assert page.locator("#result.good").count(), page.locator("#lines").text_content()
        browser.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
