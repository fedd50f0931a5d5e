"""The shape in which every reader answers, and what they share: keys that fit, and one row for one grant. Pure.

A grant list has one row for each account and entitlement. A directory often says the same grant several times, once
directly and once for each group on the way; those become one row that names every way.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from identities.csvtable import BadFile
from identities.kinds import AccountKind, GrantRow

LONGEST = 200
DIRECTLY = "held directly"
ACCOUNT = "account"
"""Entitlement of an account that its system lists and that holds nothing else: it must be in the population too."""


@dataclass(frozen=True, slots=True)
class Population:
    """Holds what a system exported: the grants in sealed order, and how many records of the system they come from."""

    rows: tuple[GrantRow, ...]
    records: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Holds an account as a system describes it, before its grants are known."""

    line: int
    name: str
    kind: AccountKind = AccountKind.HUMAN
    enabled: bool = True
    person: str = ""

    def holds(
        self, entitlement: str, *, via: str = "", privileged: bool = False, title: str = "", meaning: str = ""
    ) -> GrantRow:
        """Returns the row that says that this account holds an entitlement, directly or through what `via` names."""
        return GrantRow(
            line=self.line,
            account=fitting(self.name),
            entitlement=fitting(entitlement),
            person=self.person[:100],
            kind=self.kind,
            enabled=self.enabled,
            privileged=privileged,
            title=title[:LONGEST],
            meaning=meaning,
            inherited_via=fitting(via),
        )


def fitting(name: str) -> str:
    """Returns a name of at most 200 characters; a longer one is cut and told apart by its SHA-256.

    Raises:
        BadFile: where the name holds control characters, which no page could show.
    """
    name = " ".join(name.split(" ")).strip()
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        raise BadFile(f"The name {name[:60]!r} holds control characters. Correct it in the system and export again.")
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 14]}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def population(rows: Iterable[GrantRow], records: int, noun: str) -> Population:
    """Returns the rows as a population: one for each grant, in order of account and entitlement.

    Raises:
        BadFile: where the file holds no record at all, because an empty export is nearly always a failed one.
    """
    if not records:
        raise BadFile(f"The file names no {noun}. Export it again; an empty list proves nothing.")
    merged: dict[tuple[str, str], GrantRow] = {}
    ways: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        known = merged.setdefault(row.key, row)
        ways.setdefault(row.key, set()).add(row.inherited_via)
        if row.privileged and not known.privileged:
            merged[row.key] = replace(known, privileged=True)
    return Population(
        tuple(replace(row, inherited_via=_ways(ways[key])) for key, row in sorted(merged.items())), records
    )


def _ways(ways: set[str]) -> str:
    """Returns the ways on which a grant is held as one text: empty where it is held directly only."""
    if ways == {""}:
        return ""
    names = sorted(ways - {""}) + ([DIRECTLY] if "" in ways else [])
    text = "; ".join(names)
    return text if len(text) <= LONGEST else fitting(text)
