"""Writes tables as Parquet beside their CSV: the same cells in the same order, with types, for those who compute again.

Needs the extra `parquet` (package pyarrow, 170 MB unpacked), which is loaded only by a process that writes such a file.
The cells are read back from the CSV, row group after row group, so that a long table is never held; an empty cell is
null, a text stands as the CSV spells it. The same CSV gives the same bytes under the same version of pyarrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Final

from evidence.kept import Kept, kept_file
from evidence.kinds import Table
from evidence.tables import spelled, types_of

MISSING: Final = (
    "Parquet files need the extra `parquet`: whoever runs the portal installs it with "
    "`uv sync --inexact --extra parquet`."
)
GROUP_ROWS: Final = 10_000
READ: Final[Mapping[type, Callable[[str], object]]] = {
    bool: "true".__eq__,
    int: int,
    float: float,
    datetime: datetime.fromisoformat,
    str: str,
}
"""How a cell of a CSV file becomes a value again."""


class ParquetMissingError(RuntimeError):
    """The library is not installed; the message says how to."""


def is_installed() -> bool:
    """Say whether the extra is there, without loading it."""
    return find_spec("pyarrow") is not None


def parquet_files(tables: Iterable[Table], folder: Path) -> dict[str, Kept]:
    """Write every table as Parquet into the folder; returns the files under their names in the pack.

    Raises:
        ParquetMissingError: The extra is not installed.
    """
    if not is_installed():
        raise ParquetMissingError(MISSING)
    return {f"tables/{table.name}.parquet": parquet_file(table, folder / f"{table.name}.parquet") for table in tables}


def parquet_file(table: Table, path: Path) -> Kept:
    """Write one table: times as microseconds in UTC, whole numbers, numbers, yes or no; all else is text."""
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    types = types_of(table)
    known = {bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64(), str: arrow.string()}
    known[datetime] = arrow.timestamp("us", tz="UTC")
    fields = [arrow.field(name, known[kind]) for name, kind in zip(table.columns, types, strict=True)]
    schema = arrow.schema(fields)
    with parquet.ParquetWriter(path, schema, store_schema=False, write_page_checksum=True) as out:
        for columns in _groups(spelled(table), types):
            out.write_batch(arrow.record_batch(columns, schema=schema), row_group_size=GROUP_ROWS)
    return kept_file(path)


def _groups(rows: Iterator[list[str]], types: tuple[type, ...]) -> Iterator[list[list[Any]]]:
    """Yield the columns of one row group after the other."""
    while group := list(islice(rows, GROUP_ROWS)):
        yield [
            [READ[kind](text) if text else None for text in column]
            for kind, column in zip(types, zip(*group, strict=True), strict=True)
        ]
