"""Country and network (ASN) of an address, from a table that is shipped.

The table says in which country a range of addresses is registered or, by its holder's own word, used, and which network
announces it. It is a statement about the network and never where a person sits: a VPN, a carrier or a cloud shows its
own. `logs.placebuild` makes the table; NOTICE names its sources and their licences.

A look-up costs 1.2 us, 0.1 us where the address was asked for before; a process that looks up holds 13 MB (measured on
2 cores, Python 3.11).
"""

import json
import lzma
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import accumulate
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final, NamedTuple

from django.conf import settings

SHIPPED: Final = Path(__file__).parent / "placetable"
OWN: Final = "places"
"""The folder of the installation's data in which a table of its own lies, which is then used instead."""

TABLE_FILE: Final = "places.xz"
NAMES_FILE: Final = "networks.xz"
REMEMBERED: Final = 16_384
"""Addresses whose place a process remembers, at about 200 bytes each."""

_RESERVED: Final = (
    ("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7", "a private network"),
    ("127.0.0.0/8 ::1/128", "the computer itself"),
    ("169.254.0.0/16 fe80::/10", "a link without a router"),
    ("100.64.0.0/10", "inside of a carrier's network"),
    ("192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20", "reserved for documentation"),
    ("198.18.0.0/15 2001:2::/48", "reserved for measurements"),
    ("224.0.0.0/4 ff00::/8", "many receivers at once"),
    ("2001::/32 2002::/16 64:ff9b::/96", "a tunnel between IPv4 and IPv6"),
    ("0.0.0.0/8 192.0.0.0/24 240.0.0.0/4 2001:10::/28 2001:20::/28", "reserved"),
    ("::/3 4000::/2 8000::/1", "reserved"),
)
RESERVED: Final[tuple[tuple[IPv4Network | IPv6Network, str], ...]] = tuple(
    (ip_network(net), why) for nets, why in _RESERVED for net in nets.split()
)
"""Networks without a country, and what they are (IANA's special-purpose registries, RFC 6890); the first counts."""


class Place(NamedTuple):
    """Where an address is registered: two letters (ISO 3166-1, "" when not known) and the network's number."""

    country: str = ""
    asn: int | None = None


NOWHERE: Final = Place()
UNKNOWN: Final = "not in the table"


@dataclass(frozen=True, slots=True)
class _Table:
    made_on: date
    countries: tuple[str, ...]
    columns: Mapping[str, tuple["array[int]", "array[int]"]]

    def value(self, name: str, number: int) -> int:
        starts, values = self.columns[name]
        at = bisect_right(starts, number) - 1
        return values[at] if at >= 0 else 0


@cache
def folder() -> Path:
    """Return where the table lies that is used."""
    own = Path(settings.COUNTERSIGN_DATA) / OWN
    return own if (own / TABLE_FILE).is_file() and (own / NAMES_FILE).is_file() else SHIPPED


@cache
def _table() -> _Table:
    """Read the table once in a process; takes 0.1 s."""
    head, _line, body = lzma.decompress((folder() / TABLE_FILE).read_bytes()).partition(b"\n")
    about = json.loads(head)
    columns, place = {}, 0
    for name, length in about["tables"].items():
        starts, values = array("Q" if name.endswith("6") else "I"), array("B" if name.startswith("country") else "I")
        for column in (starts, values):
            size = length * column.itemsize
            column.frombytes(body[place : place + size])
            place += size
        columns[name] = (array(starts.typecode, accumulate(starts)), values)
    return _Table(date.fromisoformat(about["made_on"]), tuple(about["countries"]), columns)


@lru_cache(maxsize=REMEMBERED)
def place_of(address: str) -> Place:
    """Return where an IPv4 or IPv6 address is registered; nothing for no address and for a reserved one."""
    if not address:
        return NOWHERE
    six = ":" in address
    try:
        number = int.from_bytes(inet_pton(AF_INET6 if six else AF_INET, address)[:8])
    except (OSError, ValueError):
        return NOWHERE
    table, kind = _table(), "6" if six else "4"
    return Place(table.countries[table.value(f"country{kind}", number)], table.value(f"asn{kind}", number) or None)


@lru_cache(maxsize=REMEMBERED)
def why_nowhere(address: str) -> str:
    """Return in words why an address has no country."""
    found = ip_address(address)
    return next((why for net, why in RESERVED if found in net), UNKNOWN)


def made_on() -> date:
    """Return the day of which the table is."""
    return _table().made_on


@cache
def _names() -> bytes:
    return b"\n" + lzma.decompress((folder() / NAMES_FILE).read_bytes()) + b"\n"


@lru_cache(maxsize=4096)
def network_name(asn: int) -> str:
    """Return the name of the network with a number, "" when the table has none; only pages ask (3 MB more)."""
    _before, _number, rest = _names().partition(f"\n{asn}\t".encode())
    return rest.partition(b"\n")[0].decode()


@cache
def country_names() -> Mapping[str, str]:
    """Return the English names of countries by their two letters, from the time zone data (public domain)."""
    text = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {row[0]: row[1] for row in rows}


@cache
def _codes() -> Mapping[str, str]:
    return {name.lower(): code for code, name in country_names().items()}


def country_code(text: str) -> str:
    """Return the two letters of a country that is named by them or in English, "" when it is none."""
    word = text.strip()
    if len(word) == 2 and word.isascii() and word.isalpha():
        return word.upper()
    return _codes().get(word.lower(), "")


def asn_text(text: str) -> str:
    """Return the digits of a network's number, written with AS or without; "" when it is none (RFC 6793: 32 bits)."""
    digits = text.strip().upper().removeprefix("AS")
    return str(int(digits)) if digits.isascii() and digits.isdecimal() and int(digits[:11]) < 1 << 32 else ""
