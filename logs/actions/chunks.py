"""Copying a chunk of drafts; records that the database refuses are found one by one and quarantined."""

from collections.abc import Callable
from typing import Final

from django.db import DataError, transaction
from django.db.backends.utils import CursorWrapper

from logs.actions import stage
from logs.copyrows import Rows
from logs.intake import Chunk, Reading
from logs.kinds import Draft
from logs.watched import Register

Copy = Callable[[CursorWrapper, Rows], None]
_TO_THE_STAGE: Final[Copy] = stage.copy_rows


def keep_chunk(
    cursor: CursorWrapper, reading: Reading, chunk: Chunk, register: Register, copy: Copy = _TO_THE_STAGE
) -> None:
    """Copy a chunk's rows; what the database refuses leaves the chunk's drafts and joins what it rejected."""
    before = reading.mark(chunk)
    try:
        with transaction.atomic():
            copy(cursor, reading.rows(chunk, register.find))
    except DataError:
        reading.undo(before, chunk)
        drafts, chunk.drafts = chunk.drafts, []
        for draft in drafts:
            if problem := _refused(cursor, reading, draft, register, copy):
                reading.reject(chunk, draft.raw, f"The database refuses the record: {problem}", draft.position)
            else:
                chunk.drafts.append(draft)
        copy(cursor, reading.rows(chunk, register.find))


def _refused(cursor: CursorWrapper, reading: Reading, draft: Draft, register: Register, copy: Copy) -> str:
    """Return why the database refuses a record, "" when it takes it; nothing of the try is kept."""
    alone = Chunk(drafts=[draft])
    before = reading.mark(alone)
    try:
        with transaction.atomic():
            copy(cursor, reading.rows(alone, register.find))
            transaction.set_rollback(True)
    except DataError as error:
        return str(error).partition("\n")[0][:200].rstrip(".") + "."
    finally:
        reading.undo(before, alone)
    return ""
