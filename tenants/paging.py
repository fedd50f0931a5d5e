"""Pages of a list that grows while it is read: by a cursor on time and id, never by offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from django.db.models import Q, QuerySet

from tenants.models import AuditEntry

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page; the next page starts after it."""

    at: datetime
    id: UUID

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the cursor of an address; None for none or for one that is not ours."""
        moment, _, key = text.partition("_")
        try:
            at = datetime.fromisoformat(moment)
            return cls(at, UUID(key)) if at.tzinfo else None
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.id}"


@dataclass(frozen=True, slots=True)
class Trail:
    """One page of deeds, and the cursor of the next if there is one."""

    rows: Sequence[AuditEntry]
    next: Cursor | None


def page_of_trail(rows: QuerySet[AuditEntry], cursor: Cursor | None) -> Trail:
    """Return the page of deeds after the cursor, newest first; one query."""
    if cursor is not None:
        rows = rows.filter(Q(at__lt=cursor.at) | Q(at=cursor.at, id__gt=cursor.id))
    found = list(rows[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Trail(found[:PAGE], Cursor(last.at, last.id) if last else None)
