"""The qualifiers of the query language: their names, what each is called on a page, and the values it takes. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from logs.kinds import LogType, StatusDetail
from logs.places import asn_text, country_code


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What a qualifier is called on the page and which values it takes.

    ``choices`` maps each word that it takes to the word that is kept; empty for any text. ``shape`` is text, address or
    time. ``read`` gives of a value the one that is kept, "" when it takes none such; ``hint`` then says what to write.
    """

    label: str
    choices: Mapping[str, str] = field(default_factory=dict)
    shape: str = "text"
    read: Callable[[str], str] | None = None
    hint: str = ""

    @property
    def is_time(self) -> bool:
        """Whether it bounds the time of the events."""
        return self.shape == "time"


TYPES: Final = {
    "login": LogType.SYSTEM_LOGIN,
    "application": LogType.APPLICATION,
    "database": LogType.DATABASE,
    "remote": LogType.REMOTE,
    "admin": LogType.ADMIN,
    "failed": LogType.FAILED_LOGIN,
    "session": LogType.SESSION,
}
_KINDS: Final = {word: word for word in TYPES} | {str(int(kind)): word for word, kind in TYPES.items()}
_YES: Final = {"yes": "yes", "no": "no"}


def _same(*words: str) -> dict[str, str]:
    return {word: word for word in words}


QUALIFIERS: Final[Mapping[str, Qualifier]] = {
    "user": Qualifier("Account"),
    "person": Qualifier("Person"),
    "ip": Qualifier("From", shape="address"),
    "country": Qualifier(
        "Country", read=country_code, hint="write two letters (ISO 3166-1) or an English name: country:PH"
    ),
    "asn": Qualifier("Network", read=asn_text, hint="write the network's number: asn:4775 or asn:AS4775"),
    "type": Qualifier("Kind", {**_KINDS, "vpn": "remote"}),
    "outcome": Qualifier("Outcome", _same("allowed", "denied", "unstated")),
    "action": Qualifier("Action"),
    "app": Qualifier("Application"),
    "object": Qualifier("Object"),
    "resource": Qualifier("Resource"),
    "database": Qualifier("Database"),
    "table": Qualifier("Table"),
    "target": Qualifier("Target"),
    "device": Qualifier("Device"),
    "host": Qualifier("Host"),
    "session": Qualifier("Session"),
    "source": Qualifier("Source"),
    "system": Qualifier("System"),
    "reason": Qualifier("Reason", _same(*StatusDetail.values)),
    "ticket": Qualifier("Ticket"),
    "who": Qualifier("Who", _same("people", "machines")),
    "hours": Qualifier("Hours", _same("in", "out")),
    "mfa": Qualifier("Second factor", _YES),
    "after": Qualifier("From", shape="time"),
    "before": Qualifier("Before", shape="time"),
    "on": Qualifier("On", shape="time"),
}
ALIASES: Final = {
    "actor": "user",
    "account": "user",
    "address": "ip",
    "network": "ip",
    "from": "ip",
    "kind": "type",
    "application": "app",
    "agent": "device",
    "since": "after",
    "until": "before",
}
