"""Hides people in a room with controlled columns: stable pseudonyms for names, addresses cut. Pure.

The same name gives the same pseudonym in the whole room and another one in every other room. Who has the room's salt
(the portal, never the auditor) can find out who is meant by trying the known names.
"""

import hmac
import ipaddress
from hashlib import sha256
from typing import Final

WITHHELD: Final = "withheld"
"""Stands for free text, which may name people."""

NOBODY: Final = frozenset({"", "no owner", "by the system"})


def pseudonym(name: str, salt: bytes) -> str:
    """Return the pseudonym of a person, an account or an e-mail address; nobody stays nobody."""
    if name in NOBODY:
        return name
    return f"P-{hmac.new(salt, name.casefold().encode(), sha256).hexdigest()[:10]}"


def cut(address: str) -> str:
    """Return the network that an address lies in: /16 of IPv4, /32 of IPv6; nothing for what is no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 16 if found.version == 4 else 32), strict=False))
