"""Runs the render process, watches for a cancel, and reads what it made; WeasyPrint is never imported here."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from evidence.bundle import Printed
from evidence.lean import give_back

MEMORY_MIB: Final = 1_024
"""The render process's address space; its resident memory stays under 400 MiB for 2,000 printed rows."""
SECONDS: Final = 120
EXIT_FULL: Final = 4
"""How the render process ends where the disk has no room for the report (evidence/render.py)."""
_PROJECT: Final = Path(__file__).parent.parent
_POLL_SECONDS: Final = 0.2
_MEMORY_SIGNS: Final = ("MemoryError", "<object repr() failed>")
"""What Python writes when memory runs out; the second where not even the error's name could be made."""


class RenderError(RuntimeError):
    """The report could not be rendered; the message is a sentence for the pack's page."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A table that travels inside the PDF."""

    name: str
    description: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """The printed report with what it cost."""

    printed: Printed
    substitutions: int
    peak_rss_mib: int


def render(
    html: str,
    *,
    created: datetime,
    attachments: Sequence[Attachment] = (),
    watch: Callable[[], None] = lambda: None,
    memory_mib: int = MEMORY_MIB,
    inside: Path | None = None,
) -> Rendered:
    """Render HTML in a subprocess with a memory limit, in a folder of its own; `inside` says where that is to be.

    `watch` is called several times a second and may raise: the process is then killed and the exception goes on.

    Raises:
        RenderError: The renderer ran out of memory or time, refused the input or crashed.
        OSError: The disk was full.
    """
    with tempfile.TemporaryDirectory(prefix="countersign-pack-", dir=inside) as name:
        folder = Path(name)
        files = [
            {"path": f"attachment-{n}", "name": a.name, "description": a.description} for n, a in enumerate(attachments)
        ]
        for item, attachment in zip(files, attachments, strict=True):
            (folder / item["path"]).write_bytes(attachment.data)
        (folder / "report.html").write_text(html, encoding="utf-8")
        job = {"created": created.isoformat(), "memory_mib": memory_mib, "attachments": files}
        (folder / "job.json").write_text(json.dumps(job))
        _run(folder, watch, memory_mib)
        return _read(folder)


def _run(folder: Path, watch: Callable[[], None], memory_mib: int) -> None:
    """Start the process and wait; kill it when `watch` raises or the time is up."""
    command = [sys.executable, "-m", "evidence.render", str(folder)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    give_back()
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(command, cwd=_PROJECT, env=environment, stdout=errors, stderr=errors)  # noqa: S603 -- our own program
        deadline = time.monotonic() + SECONDS
        try:
            while _still_running(process):
                watch()
                if time.monotonic() > deadline:
                    raise RenderError(f"The report was not ready after {SECONDS} seconds.")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode == EXIT_FULL:
        raise OSError(errno.ENOSPC, "The report could not be written")
    if process.returncode:
        said = (folder / "stderr").read_text(errors="replace").strip()
        reason = said.splitlines()[-1][:300] if said else f"it ended with code {process.returncode}"
        if process.returncode == 3 or any(sign in said for sign in _MEMORY_SIGNS):
            reason = f"it needs more than {memory_mib} MiB of memory"
        raise RenderError(f"The report could not be rendered: {reason}.")


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment and tell whether the process goes on."""
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _read(folder: Path) -> Rendered:
    """Read the rendered report and its facts."""
    facts = json.loads((folder / "rendered.json").read_text())
    cut = [(int(start), int(end), str(name)) for start, end, name in facts["segments"]]
    pdf = (folder / "report.pdf").read_bytes()
    printed = Printed(pdf=pdf, pages=int(facts["pages"]), segments=cut, renderer=facts["renderer"])
    return Rendered(printed, int(facts["substitutions"]), int(facts["peak_rss_mib"]))
