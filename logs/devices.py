"""What a user agent says about browser and device, in plain words. Pure.

The rules are those of the project uap-core (package ua-parser, Apache-2.0). A user agent is the client's own word
and is easily forged; browsers freeze parts of it (Windows 11 calls itself Windows 10, new Macs Mac OS X 10.15).
"""

from functools import lru_cache
from typing import Final

import ua_parser
from ua_parser import OS, UserAgent

REMEMBERED: Final = 8192
"""User agents whose words a process remembers: parsing one costs 8 to 30 us, and a delivery holds few of them."""

READ_CHARS: Final = 512
SHOWN_CHARS: Final = 80
OTHER: Final = 99
_OCSF_TYPES: Final = {"Windows": 100, "Android": 201, "Mac OS X": 300, "iOS": 301, "Solaris": 400} | dict.fromkeys(
    ("Linux", "Ubuntu", "Debian", "Fedora", "Red Hat", "CentOS", "SUSE"), 200
)
_WITH_MINOR: Final = {"Mac OS X"}
_WITHOUT_NUMBER: Final = {"Chrome OS"}


@lru_cache(maxsize=REMEMBERED)
def device_of(user_agent: str) -> str:
    """Return words such as "Chrome 126 on Windows 10"; "" where the rules know neither the client nor the system."""
    if not user_agent:
        return ""
    found = ua_parser.parse(user_agent[:READ_CHARS])
    client, system = _client(found.user_agent), _system(found.os)
    words = f"{client} on {system}" if client and system else client or system
    if found.device and found.os and found.os.family == "Android":
        words = f"{words}, {found.device.family}"
    return " ".join(words.split())[:SHOWN_CHARS]


def os_of(user_agent: str) -> tuple[str, int] | None:
    """Return the operating system's name and its number in OCSF (``os.type_id``), None where none is named."""
    found = ua_parser.parse_os(user_agent[:READ_CHARS]) if user_agent else None
    return (_system(found), _OCSF_TYPES.get(found.family, OTHER)) if found else None


def _client(found: UserAgent | None) -> str:
    return f"{found.family} {found.major or ''}".strip() if found else ""


def _system(found: OS | None) -> str:
    if found is None:
        return ""
    number = "" if found.family in _WITHOUT_NUMBER else found.major or ""
    if number and found.minor and found.family in _WITH_MINOR:
        number = f"{number}.{found.minor}"
    return f"{found.family} {number}".strip()
