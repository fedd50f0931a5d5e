"""Builds the table of `logs.places` from lists of address ranges. Pure but for the reading of the lists.

A list is CSV without a header: first and last address of a range (dotted, with colons, or as numbers), then its value.
A table is a sorted list of (first address, value): a value holds up to the next entry, and an empty one means that
nothing is known. Of an IPv6 address only the first 64 bits count: no provider gives less than that to one customer.
"""

import csv
import json
import lzma
import tarfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from hashlib import sha256, sha512
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from logs.places import NAMES_FILE, RESERVED, TABLE_FILE

SHIFT: Final = {4: 0, 6: 64}
BROKEN: Final = "AU"
"""What the list says of IPv6 blocks that stand in the Asian registry's own name (measured in June 2026: WIDE and NTT in
Japan, carriers of Bangladesh, Indonesia and Thailand): there the registries' delegations are believed instead."""

NAME_CHARS: Final = 60
Table = list[tuple[int, str]]
Range = tuple[int, int, str]


def table_of(ranges: Iterable[Range], bits: int) -> Table:
    """Return the table of ranges (first, last, value), of which the earlier one wins where two overlap."""
    found: Table = []
    end, value = -1, ""
    for first, last, one in sorted(ranges, key=lambda row: row[:2]):
        begin = max(first, end + 1)
        if last < begin:
            continue
        if begin > end + 1 and value:
            found.append((end + 1, ""))
            value = ""
        if one != value:
            found.append((begin, one))
        end, value = last, one
    if end >= 0 and end + 1 < 1 << bits and value:
        found.append((end + 1, ""))
    return found


def shortened(table: Table, bits: int) -> Table:
    """Return the table of the addresses without their last bits; in one block the last entry wins."""
    return _joined({first >> bits: value for first, value in table}.items())


def combined(one: Table, other: Table, choose: Callable[[str, str], str]) -> Table:
    """Return the table of what ``choose`` takes of the two values at each address."""
    changes = sorted([(first, 0, value) for first, value in one] + [(first, 1, value) for first, value in other])
    now, found = ["", ""], {}
    for first, which, value in changes:
        now[which] = value
        found[first] = choose(*now)
    return _joined(found.items())


def _joined(entries: Iterable[tuple[int, str]]) -> Table:
    """Leave out entries that change nothing."""
    found: Table = []
    for first, value in entries:
        if value != (found[-1][1] if found else ""):
            found.append((first, value))
    return found


def without_reserved(table: Table, version: int) -> Table:
    """Return the table with nothing in the networks that belong to no country."""
    nets = [net for net, _why in RESERVED if net.version == version]
    ranges = ((int(net.network_address), int(net.broadcast_address), "x") for net in nets)
    cleared = shortened(table_of(ranges, 32 if version == 4 else 128), SHIFT[version])
    return combined(table, cleared, lambda value, reserved: "" if reserved else value)


def countries(listed: Table, delegated: Table, version: int) -> Table:
    """Return who holds what: as listed, but by the registries' delegations where the list is known to be wrong."""
    if version == 6:
        listed = combined(listed, delegated, lambda one, other: other or one if one == BROKEN else one)
    return without_reserved(listed, version)


def read_list(lines: Iterable[str], version: int) -> tuple[Table, dict[int, str]]:
    """Return the table of a CSV list, and the names that stand in a fourth column.

    Raises:
        ValueError: a line is no range of addresses; the message names the line.
    """
    names: dict[int, str] = {}

    def ranges() -> Iterator[Range]:
        for number, row in enumerate(csv.reader(lines), start=1):
            try:
                first, last, value = _address(row[0], version), _address(row[1], version), row[2]
            except (ValueError, IndexError) as error:
                message = f"Line {number} is no range of IPv{version} addresses with a value: {','.join(row)[:80]}"
                raise ValueError(message) from error
            if len(row) > 3:
                names.setdefault(int(value), row[3][:NAME_CHARS])
            yield first, last, value

    table = table_of(ranges(), 32 if version == 4 else 128)
    return shortened(table, SHIFT[version]), names


def _address(text: str, version: int) -> int:
    number = int(text) if text.isdecimal() else int(ip_address(text))
    if not 0 <= number < 1 << (32 if version == 4 else 128):
        raise ValueError(text)
    return number


def pack(tables: dict[str, Table], made_on: date) -> bytes:
    """Return the file of `logs.places`: a line of JSON, then the tables as little-endian arrays, compressed."""
    codes = sorted({value for name in ("country4", "country6") for _first, value in tables[name]} | {""})
    place = {code: number for number, code in enumerate(codes)}
    head: dict[str, Any] = {"made_on": made_on.isoformat(), "countries": codes, "tables": {}}
    body = b""
    for name, table in tables.items():
        starts = [first for first, _value in table]
        steps = array("Q" if name.endswith("6") else "I", _steps(starts))
        if name.startswith("country"):
            values = array("B", [place[value] for _first, value in table])
        else:
            values = array("I", [int(value or 0) for _first, value in table])
        head["tables"][name] = len(table)
        body += steps.tobytes() + values.tobytes()
    return lzma.compress(json.dumps(head).encode() + b"\n" + body, preset=9)


def _steps(starts: Sequence[int]) -> list[int]:
    """Return each number's distance from the one before: it compresses twice as well, and is summed up in C."""
    return [after - before for before, after in pairwise((0, *starts))]


def pack_names(names: dict[int, str]) -> bytes:
    """Return the file of the networks' names: a line for each, number and name, compressed."""
    lines = (f"{number}\t{' '.join(names[number].split())}" for number in sorted(names))
    return lzma.compress("\n".join(lines).encode(), preset=9)


def build(packages: dict[str, Path], into: Path) -> dict[str, Any]:
    """Write the table from npm's tarballs ``country``, ``delegated`` and ``asn``; return what it was made of."""
    made, tables = [], {}
    names: dict[int, str] = {}
    lists: dict[str, dict[int, Table]] = {}
    for role, path in packages.items():
        with tarfile.open(path) as tar:
            about = json.loads(_member(tar, "package/package.json"))
            stem = about["name"].rpartition("/")[2]
            lists[role] = {}
            for version in SHIFT:
                text = _member(tar, f"package/{stem}-ipv{version}-num.csv").decode()
                lists[role][version], found = read_list(text.splitlines(), version)
                names = found | names
        digest = sha512(path.read_bytes()).hexdigest()
        made.append({"name": about["name"], "version": about["version"], "license": about["license"], "sha512": digest})
    for version in SHIFT:
        tables[f"country{version}"] = countries(lists["country"][version], lists["delegated"][version], version)
        tables[f"asn{version}"] = without_reserved(lists["asn"][version], version)
    made_on = min(_date(package["version"]) for package in made)
    files = {TABLE_FILE: pack(tables, made_on), NAMES_FILE: pack_names(names)}
    for name, data in files.items():
        fresh = into / f"{name}.new"
        fresh.write_bytes(data)
        fresh.replace(into / name)
    sums = {name: sha256(data).hexdigest() for name, data in files.items()}
    return {"made_on": made_on.isoformat(), "files": sums, "packages": made}


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    handle = tar.extractfile(name)
    if handle is None:
        message = f"The package has no file {name}."
        raise ValueError(message)
    return handle.read()


def _date(version: str) -> date:
    """Return the day that stands in a version such as 2.3.2026061719."""
    digits = version.rpartition(".")[2]
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
