"""Compares a list of people with what was known before: who joined, moved, leaves, is missing, came back. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from identities.kinds import PersonChangeKind, PersonRow

MOVES = ("department", "manager", "programme", "site")
"""What makes a mover when it changes: each of them decides which access a person needs."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Holds what the register knew of a person before a list: `in_last` says that the list before named them."""

    values: Mapping[str, str]
    employed_until: date | None
    in_last: bool


@dataclass(frozen=True, slots=True)
class Change:
    """Holds one thing that a list tells of a person."""

    external_id: str
    kind: PersonChangeKind
    field: str = ""
    before: str = ""
    after: str = ""
    effective_on: date | None = None


def changes(rows: Sequence[PersonRow], known: Mapping[str, KnownPerson]) -> Iterator[Change]:
    """Yields what a list tells against what was known before, in the order of the list, then who is missing."""
    for row in rows:
        before = known.get(row.external_id)
        if before is None:
            end = row.employed_until.isoformat() if row.employed_until else ""
            told = "employed_until" if end else ""
            yield Change(row.external_id, PersonChangeKind.JOINED, told, "", end, row.employed_from)
            continue
        if not before.in_last:
            yield Change(row.external_id, PersonChangeKind.RETURNED, effective_on=row.employed_from)
        yield from _moves(row, before)
        if row.employed_until != before.employed_until:
            yield _end(row, before)
    listed = {row.external_id for row in rows}
    for external_id, person in known.items():
        if person.in_last and external_id not in listed:
            yield Change(external_id, PersonChangeKind.MISSING)


def _moves(row: PersonRow, before: KnownPerson) -> Iterator[Change]:
    """Yields what of a person's place changed; a department that was never told before is no move."""
    for field in MOVES:
        was, now = before.values.get(field, ""), str(getattr(row, field))
        if was != now and (was or field != "department"):
            yield Change(row.external_id, PersonChangeKind.MOVED, field, was, now)


def _end(row: PersonRow, before: KnownPerson) -> Change:
    """Returns that a person's last day is told, moved or taken back."""
    was = before.employed_until
    return Change(
        row.external_id,
        PersonChangeKind.LEFT if row.employed_until else PersonChangeKind.RETURNED,
        "employed_until",
        was.isoformat() if was else "",
        row.employed_until.isoformat() if row.employed_until else "",
        row.employed_until,
    )
