"""Which place an approval names, and whether a remote session came from an approved one.

A place is a network or a country. What a session is compared with are the approvals that held when it began: from the
day on which each was given until it was ended. `evidence/metrics/remote_access.py` says the same in SQL; a test
compares both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from logs.places import country_code, country_names


@dataclass(frozen=True, slots=True)
class Approval:
    """One approved place, for one system or (None) for all: a network, or a country by its two letters."""

    network: IPv4Network | IPv6Network | None
    country: str
    system_id: int | None
    approved_at: datetime
    ended_at: datetime | None

    def covers(self, address: str, country: str) -> bool:
        """Return whether an address, registered in a country ("" where none is known), lies in the place."""
        if self.network is not None:
            return ip_address(address) in self.network
        return country == self.country


def read_place(text: str) -> tuple[str, str]:
    """Return the network (CIDR) and the country (two letters) that a text names; one of both is empty.

    Raises:
        ValueError: a sentence that says what is wrong with the text.
    """
    word = text.strip()
    if not any(sign in word for sign in "./:"):
        code = country_code(word)
        if code not in country_names():
            raise ValueError(f"“{word}” is no country: write its two letters, such as ES, or its English name.")
        return "", code
    try:
        network = ip_network(word)
    except ValueError as fault:
        raise ValueError(
            f"“{word}” is no network: write it as 203.0.113.0/24, with zeros behind the network's part, or an address."
        ) from fault
    if network.prefixlen == 0:
        raise ValueError("This network holds every address there is. Name the networks that you mean.")
    return str(network), ""


def approved(
    approvals: Iterable[Approval], *, system_id: int | None, address: str | None, country: str, at: datetime
) -> bool | None:
    """Return whether a session came from an approved place; None before the first approval, and without an address.

    Where every approval has ended, no place is approved.
    """
    begun = [one for one in approvals if one.system_id in {None, system_id} and one.approved_at <= at]
    if not begun or not address:
        return None
    return any(one.covers(address, country) for one in begun if one.ended_at is None or at < one.ended_at)
