"""Reads a roster from CSV: who is planned to work from when to when. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from identities.csvtable import BadFile, read_table
from identities.kinds import RosterRow

REQUIRED = ("external_id", "since", "until")
COLUMNS = (*REQUIRED, "site", "remote")
LONGEST = timedelta(hours=24)
MOST_ROWS = 100_000


def read_roster(body: bytes) -> list[RosterRow]:
    """Returns the shifts of a CSV file in file order; a time without an offset is in the person's own zone.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    lines = read_table(body, required=REQUIRED, known=COLUMNS).lines
    if len(lines) > MOST_ROWS:
        raise BadFile(f"The file has {len(lines):,} shifts; at most {MOST_ROWS:,} are read. Split it by weeks.")
    if not lines:
        raise BadFile("The file holds no shift below its header line.")
    return [_row(number, cells) for number, cells in lines]


def _row(line: int, cells: Mapping[str, str]) -> RosterRow:
    """Returns one line as a shift."""
    if not cells["external_id"]:
        raise BadFile(f"Line {line}, column 'external_id' is empty.", line)
    since, until = _moment(line, "since", cells), _moment(line, "until", cells)
    if (since.tzinfo is None) != (until.tzinfo is None):
        raise BadFile(f"Line {line} gives an offset for one end of the shift only; give both or none.", line)
    if not since < until <= since + LONGEST:
        raise BadFile(f"Line {line} is no shift: it must end after it begins, within 24 hours.", line)
    home = cells.get("remote", "").lower() in {"yes", "true", "1"}
    return RosterRow(line, cells["external_id"], since, until, "home" if home else cells.get("site", "")[:100])


def _moment(line: int, column: str, cells: Mapping[str, str]) -> datetime:
    """Returns the time of a cell, such as 2026-11-20T22:00 or 2026-11-20T22:00+08:00."""
    text = cells[column]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFile(
            f"Line {line}, column '{column}' is '{text}'; write a time such as 2026-11-20T22:00+08:00.", line
        ) from error
    if not 1990 <= found.year < 2200 or len(text) < 12:
        raise BadFile(f"Line {line}, column '{column}' is '{text}', which is no time of a shift.", line)
    return found
