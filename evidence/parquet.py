"""Has tables written as Parquet beside their CSV: the same cells in the same order, with types.

Needs the extra `parquet` (package pyarrow), which only `evidence/parquetwriter.py` loads, in a process of its own. It
reads the cells back from the CSV: an empty cell is null, a text stands as the CSV spells it. The same CSV gives the
same bytes under the same version of pyarrow.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from evidence.kept import Kept, kept_file
from evidence.kinds import Table
from evidence.tables import csv_bytes, types_of

MISSING: Final = (
    "Parquet files need the extra `parquet`: whoever runs the portal installs it with "
    "`uv sync --inexact --extra parquet`."
)
EXIT_FULL: Final = 4
SECONDS: Final = 300
_PROJECT: Final = Path(__file__).resolve().parent.parent


class ParquetError(RuntimeError):
    """The files could not be written; the message says why."""


def is_installed() -> bool:
    """Say whether the extra is there, without loading it."""
    return find_spec("pyarrow") is not None


def parquet_files(tables: Sequence[Table], folder: Path) -> dict[str, Kept]:
    """Write every table as Parquet into the folder; returns the files under their names in the pack.

    Raises:
        ParquetError: The extra is not installed, or its program failed.
        OSError: The disk was full.
    """
    if not is_installed():
        raise ParquetError(MISSING)
    wanted = {table.name: folder / f"{table.name}.parquet" for table in tables}
    job = folder / "parquet.json"
    job.write_text(json.dumps([_told(table, wanted[table.name]) for table in tables]))
    _run(job)
    return {f"tables/{name}.parquet": kept_file(path) for name, path in wanted.items()}


def _told(table: Table, target: Path) -> dict[str, object]:
    """Return what the program is told about a table; one that is not long is laid beside as CSV first."""
    source = table.kept.path if table.kept else None
    if source is None:
        source = target.with_suffix(".csv")
        source.write_bytes(csv_bytes(table))
    return {"csv": str(source), "types": [kind.__name__ for kind in types_of(table)], "parquet": str(target)}


def _run(job: Path) -> None:
    """Run the program over a job."""
    command = [sys.executable, "-m", "evidence.parquetwriter", str(job)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(job.parent), "LC_ALL": "C.UTF-8"}
    try:
        ran = subprocess.run(command, cwd=_PROJECT, env=environment, capture_output=True, check=False, timeout=SECONDS)  # noqa: S603 -- our own program
    except subprocess.TimeoutExpired as fault:
        raise ParquetError(f"The Parquet files were not ready after {SECONDS} seconds.") from fault
    if ran.returncode == EXIT_FULL:
        raise OSError(errno.ENOSPC, "The Parquet files could not be written")
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1][:300] if said else f"their program ended with code {ran.returncode}"
        raise ParquetError(f"The Parquet files could not be written: {reason}.")
