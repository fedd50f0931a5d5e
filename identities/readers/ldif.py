"""Reads LDIF (RFC 2849): the entries of a directory with their attributes, and the count that the tool wrote. Pure."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from identities.csvtable import BadFile, read_text

COUNT: Final = re.compile(r"^# numEntries: (\d+)$", re.MULTILINE)
SAFE: Final = re.compile(rb"[!-9;=-~]([ -~]*[!-~])?")
"""What is written as it is; everything else as base64 (RFC 2849 allows more, such as signs that break lines here)."""

FAILED: Final = re.compile(r"^result: (?!0\b)(\d+) (.*)$", re.MULTILINE)


@dataclass(slots=True)
class Entry:
    """Holds an entry: its line, its name (DN), and its attributes by lower-case name without options."""

    line: int
    dn: str
    values: dict[str, list[bytes]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Returns the first value of an attribute as text, an empty one where there is none."""
        found = self.values.get(name)
        return found[0].decode("utf-8", "replace").strip() if found else ""

    def texts(self, name: str) -> list[str]:
        """Returns all values of an attribute as text."""
        return [value.decode("utf-8", "replace").strip() for value in self.values.get(name, [])]

    @property
    def classes(self) -> frozenset[str]:
        """Returns the object classes in lower case."""
        return frozenset(name.lower() for name in self.texts("objectclass"))


def entries(body: bytes) -> list[Entry]:
    """Returns the entries of an LDIF export in file order.

    Raises:
        BadFile: with one sentence where it is no export: broken lines, changes instead of entries, an answer that the
        server cut off (a size limit, a range of members), or fewer entries than the tool says it wrote.
    """
    text = read_text(body)
    if found := FAILED.search(text):
        raise BadFile(
            f"The directory ended its answer with result {found[1]} ({found[2].strip()[:60]}), so entries are missing. "
            "Ask with paged results (ldapsearch -E pr=1000/noprompt)."
        )
    known: list[Entry] = []
    here: Entry | None = None
    for number, line in _lines(text):
        if not line:
            here = None
        elif here is None and re.match(r"(?i)(version|search|result|ref):", line):
            continue
        elif here is None:
            here = _begun(number, line)
            known.append(here)
        else:
            _take(here, number, line)
    wrote = [int(found[1][:12]) for found in COUNT.finditer(text)]
    if wrote and sum(wrote) != len(known):
        raise BadFile(f"The export says that it has {sum(wrote):,} entries and holds {len(known):,}. Export it again.")
    return known


def written(found: Iterable[tuple[str, Sequence[tuple[str, Sequence[bytes]]]]]) -> bytes:
    """Returns entries (their names, and their attributes with all values) as LDIF with their count at the end."""
    told = [
        b"".join([_line("dn", dn.encode()), *(_line(name, value) for name, values in attributes for value in values)])
        for dn, attributes in found
    ]
    return b"\n".join([*told, b"# numEntries: %d\n" % len(told)])


def _line(name: str, value: bytes) -> bytes:
    """Returns one value as a line: as it is, or as base64."""
    if not value or SAFE.fullmatch(value):
        return b"%s: %s\n" % (name.encode(), value)
    return b"%s:: %s\n" % (name.encode(), base64.b64encode(value))


def _lines(text: str) -> list[tuple[int, str]]:
    """Returns the logical lines with their numbers: folded ones put together, comments left out."""
    logical: list[tuple[int, list[str]]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        if raw.startswith(" ") and logical:
            logical[-1][1].append(raw[1:])
        else:
            logical.append((number, [raw]))
    return [(number, line) for number, parts in logical if not (line := "".join(parts)).startswith("#")]


def _begun(number: int, line: str) -> Entry:
    """Returns the entry that a line begins."""
    name, value = _pair(number, line)
    if name != "dn":
        raise BadFile(f"Line {number} should begin an entry with 'dn:'. Export it as LDIF.", number)
    return Entry(number, value.decode("utf-8", "replace").strip())


def _take(entry: Entry, number: int, line: str) -> None:
    """Takes an attribute into its entry."""
    name, value = _pair(number, line)
    base, _semicolon, option = name.partition(";")
    if base == "changetype":
        raise BadFile(f"Line {number} is a change, not an entry. Export the entries of the directory.", number)
    if option.startswith("range=") and not option.endswith("-*"):
        raise BadFile(
            f"Line {number} holds only a part of '{base}' ({option}): the directory cuts long lists off. "
            "Ask for the users' memberOf instead, or fetch all ranges.",
            number,
        )
    entry.values.setdefault(base, []).append(value)


def _pair(number: int, line: str) -> tuple[str, bytes]:
    """Returns the name and the value of a line."""
    name, colon, rest = line.partition(":")
    if not colon or not name.strip():
        raise BadFile(f"Line {number} is no line of LDIF: '{line[:60]}'.", number)
    if rest.startswith("<"):
        raise BadFile(f"Line {number} takes its value from another file, which is not read. Export it again.", number)
    if not rest.startswith(":"):
        return name.strip().lower(), rest.strip().encode()
    try:
        return name.strip().lower(), base64.b64decode(rest[1:].strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFile(f"Line {number} is not valid base64. The file is damaged: export it again.", number) from error
