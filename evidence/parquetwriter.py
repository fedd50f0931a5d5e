"""Program: reads CSV files of a pack and writes each as Parquet. Run as `python -m evidence.parquetwriter JOB.json`.

A process of its own, so that the worker, which makes the next pack too, never holds the library's memory: at 100,000
items worker and renderer together are near their limit already. Imports nothing of the portal.
"""

import csv
import errno
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow
from pyarrow import parquet

GROUP_ROWS: Final = 10_000
EXIT_FULL: Final = 4
KNOWN: Final[dict[str, tuple[Any, Callable[[str], object]]]] = {
    "bool": (pyarrow.bool_(), "true".__eq__),
    "int": (pyarrow.int64(), int),
    "float": (pyarrow.float64(), float),
    "datetime": (pyarrow.timestamp("us", tz="UTC"), datetime.fromisoformat),
    "str": (pyarrow.string(), str),
}
"""By the name of a type: how Parquet holds it, and how a cell of a CSV file becomes a value again."""


def write(source: Path, types: list[str], target: Path) -> None:
    """Write one table, row group after row group."""
    with source.open(encoding="utf-8", newline="") as opened:
        rows = csv.reader(opened)
        fields = [pyarrow.field(name, KNOWN[kind][0]) for name, kind in zip(next(rows), types, strict=True)]
        schema = pyarrow.schema(fields)
        with parquet.ParquetWriter(target, schema, store_schema=False, write_page_checksum=True) as out:
            for columns in _groups(rows, [KNOWN[kind][1] for kind in types]):
                out.write_batch(pyarrow.record_batch(columns, schema=schema), row_group_size=GROUP_ROWS)


def _groups(rows: Iterator[list[str]], readers: list[Callable[[str], object]]) -> Iterator[list[list[object]]]:
    """Yield the columns of one row group after the other; an empty cell is null."""
    while group := list(islice(rows, GROUP_ROWS)):
        columns = zip(readers, zip(*group, strict=True), strict=True)
        yield [[read(text) if text else None for text in column] for read, column in columns]


def main(job: Path) -> int:
    """Write the tables of a job; return the exit code: 0, or 4 when the disk was full."""
    try:
        for table in json.loads(job.read_text()):
            write(Path(table["csv"]), table["types"], Path(table["parquet"]))
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            return EXIT_FULL
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
