"""Reads a system's list of grants from CSV or Excel, and digests it. Pure.

One line says: this account holds this entitlement. The digest is over pseudonymous content (salted references in
place of account names), so that a name can be erased without breaking it; the same grants give the same digest in any
file order.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from identities.csvtable import BadFile
from identities.kinds import AccountKind, GrantRow
from identities.tables import read_table

REQUIRED = ("account", "entitlement")
COLUMNS = (
    *REQUIRED,
    "person",
    "kind",
    "enabled",
    "privileged",
    "title",
    "meaning",
    "granted_by",
    "granted_at",
    "approved_by",
    "approved_at",
    "origin",
    "inherited_via",
)
YES = frozenset({"yes", "true", "1", "y", "enabled", "active"})
NO = frozenset({"no", "false", "0", "n", "disabled", "inactive"})
LIMITS = {
    "title": 200,
    "granted_by": 200,
    "approved_by": 200,
    "origin": 200,
    "inherited_via": 200,
    "account": 200,
    "entitlement": 200,
    "person": 100,
}


def read_grants(body: bytes) -> list[GrantRow]:
    """Returns the grants of a table, CSV or Excel, in the order of account and entitlement.

    Raises:
        BadFile: with one sentence for the first thing that is wrong; a doubled grant is refused, not merged.
    """
    return rows_of(read_table(body, required=REQUIRED, known=COLUMNS).lines)


def rows_of(lines: Iterable[tuple[int, Mapping[str, str]]]) -> list[GrantRow]:
    """Returns cells in our columns as grants, in the order of account and entitlement.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    rows = [_row(number, cells) for number, cells in lines]
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        first = seen.setdefault(row.key, row.line)
        if first != row.line:
            raise BadFile(
                f"Lines {first} and {row.line} both say that '{row.account}' holds '{row.entitlement}'. "
                "Remove one; the total would not be true.",
                row.line,
            )
    return sorted(rows, key=lambda row: row.key)


def _row(line: int, cells: Mapping[str, str]) -> GrantRow:
    """Returns one line as a grant."""
    for column, limit in LIMITS.items():
        if len(cells.get(column, "")) > limit:
            raise BadFile(f"Line {line}, column '{column}' has more than {limit} characters.", line)
    for column in REQUIRED:
        if not cells[column]:
            raise BadFile(f"Line {line}, column '{column}' is empty.", line)
    return GrantRow(
        line=line,
        account=cells["account"],
        entitlement=cells["entitlement"],
        person=cells.get("person", ""),
        kind=_kind(line, cells.get("kind", "")),
        enabled=_flag(line, "enabled", cells.get("enabled", ""), default=True),
        privileged=_flag(line, "privileged", cells.get("privileged", ""), default=False),
        title=cells.get("title", ""),
        meaning=cells.get("meaning", ""),
        granted_by=cells.get("granted_by", ""),
        granted_at=_moment(line, "granted_at", cells.get("granted_at", "")),
        approved_by=cells.get("approved_by", ""),
        approved_at=_moment(line, "approved_at", cells.get("approved_at", "")),
        origin=cells.get("origin", ""),
        inherited_via=cells.get("inherited_via", ""),
    )


def _kind(line: int, text: str) -> AccountKind:
    """Returns the kind of account a cell names; empty means one person."""
    if not text:
        return AccountKind.HUMAN
    try:
        return AccountKind(text.lower().replace("-", "_"))
    except ValueError as error:
        raise BadFile(
            f"Line {line}, column 'kind' is '{text}'; known are {', '.join(AccountKind.values)}.", line
        ) from error


def _flag(line: int, column: str, text: str, *, default: bool) -> bool:
    """Returns yes or no of a cell."""
    key = text.lower()
    if not key:
        return default
    if key in YES:
        return True
    if key in NO:
        return False
    raise BadFile(f"Line {line}, column '{column}' is '{text}'; write yes or no.", line)


def _moment(line: int, column: str, text: str) -> datetime | None:
    """Returns an ISO 8601 date or time; a time needs its offset, a bare date means midnight UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFile(
            f"Line {line}, column '{column}' is '{text}'; write it as 2026-03-31 or 2026-03-31T08:00:00+00:00.", line
        ) from error
    if moment.tzinfo is None and len(text) > len("2026-03-31"):
        raise BadFile(f"Line {line}, column '{column}' is '{text}', a time without its offset from UTC.", line)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def account_ref(salt: bytes, name_key: str) -> str:
    """Returns the pseudonymous reference of an account: SHA-256 in hex over its 16-byte salt and lower-case name."""
    return hashlib.sha256(salt + name_key.encode()).hexdigest()


def digest(rows: Iterable[Mapping[str, object]]) -> str:
    """Returns SHA-256 in hex over the rows as canonical JSON lines, in the order given."""
    seal = hashlib.sha256()
    for row in rows:
        seal.update(json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        seal.update(b"\n")
    return seal.hexdigest()
