"""Routing rules: to which client an event of a shared source belongs. Pure: a draft or a stored event in, a name out.

An ordered list of rules; the first whose conditions all hold names the receiving tenant (by its UUID as text). Where
none does the event stays with the operator, the BPO that owns the source. So every event goes to exactly one tenant.

The language is small on purpose: a condition names a field and patterns, one of which must match. A pattern is a text
in which ``*`` stands for any characters and ``?`` for one, in any case; for the address it is an address or a network.
A field that the record leaves empty matches nothing.
"""

import fnmatch
import hashlib
import ipaddress
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.entries import Json, canonical

OPERATOR: Final = ""
"""What a router answers for an event that no rule takes: it stays with the owner of the source."""

ADDRESS: Final = "address"
FIELDS: Final[Mapping[str, str]] = {
    "user": "User name",
    "user_id": "User id",
    "group": "Group, realm or unit",
    ADDRESS: "Source address",
    "source_host": "Source host",
    "device": "Device",
    "host": "Destination host",
    "application": "Application",
    "resource": "Resource",
    "database": "Database",
    "target": "Target account",
    "action": "Action",
}
"""The fields that conditions may name, with their words."""

GROUP_KEYS: Final = ("group", "groups", "realm", "ou", "organization", "domain", "vd", "common_name")
"""Unmapped fields in which parsers keep what a gateway calls group, realm, unit or virtual domain."""

MOST_RULES: Final = 100
MOST_CONDITIONS: Final = 3
MOST_PATTERNS: Final = 20
MOST_CHARS: Final = 200
MOST_STARS: Final = 6
"""Stars in a pattern: matching stays linear in practice, whatever a sender writes into a field."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where one of the patterns matches the field."""

    field: str
    patterns: tuple[str, ...]

    def __str__(self) -> str:
        words = " or ".join(self.patterns)
        return f"{FIELDS[self.field]} is in {words}" if self.field == ADDRESS else f"{FIELDS[self.field]} is {words}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Sends what all conditions hold for to a tenant, named by its UUID as text."""

    receiver: str
    conditions: tuple[Condition, ...]


Rules = tuple[Rule, ...]


def problem_of(rules: Sequence[Rule], receivers: Collection[str]) -> str:
    """Return the sentence that says what is wrong with a rule set, "" when it can be used.

    ``receivers`` are the UUIDs of the owner's clients and the owner's own.
    """
    if len(rules) > MOST_RULES:
        return f"A source has at most {MOST_RULES} rules: join some, with several patterns in a condition."
    seen: dict[frozenset[Condition], int] = {}
    for number, rule in enumerate(rules, start=1):
        if rule.receiver not in receivers:
            return f"Rule {number} names no client of this tenant: choose one of its own clients, or the tenant itself."
        if problem := _conditions_problem(rule.conditions):
            return f"Rule {number} {problem}"
        first = seen.setdefault(frozenset(rule.conditions), number)
        if first != number:
            return f"Rule {number} never takes anything: rule {first} has the same conditions and stands before it."
    return ""


def _conditions_problem(conditions: Sequence[Condition]) -> str:
    if not conditions:
        return "has no condition, so it would take every event: name at least one field and pattern."
    if len(conditions) > MOST_CONDITIONS:
        return f"has more than {MOST_CONDITIONS} conditions: leave some out."
    return next((problem for one in conditions if (problem := _condition_problem(one))), "")


def _condition_problem(condition: Condition) -> str:
    if condition.field not in FIELDS:
        return "names a field that events do not have: choose one of the list."
    words, patterns = FIELDS[condition.field], condition.patterns
    if not patterns or not all(pattern.strip() for pattern in patterns):
        return f"has no pattern for {words.lower()}: write what it has to be, such as *@client.example."
    if len(patterns) > MOST_PATTERNS:
        return f"has more than {MOST_PATTERNS} patterns for {words.lower()}: use * to join some."
    return next((problem for one in patterns if (problem := _pattern_problem(condition.field, one))), "")


def _pattern_problem(field: str, pattern: str) -> str:
    if field == ADDRESS:
        said = f"has {pattern[:60]!r}, which is no address and no network like 10.1.0.0/16."
        return "" if _network(pattern) else said
    if len(pattern) > MOST_CHARS or pattern.count("*") > MOST_STARS:
        return f"has a pattern with more than {MOST_CHARS} characters or {MOST_STARS} stars: make it shorter."
    if not pattern.isprintable():
        return "has a pattern with characters that cannot be seen: write it again."
    if not pattern.strip("*? "):
        return f"has the pattern {pattern!r}, which matches everything: write what the client's events have in common."
    return ""


def _network(pattern: str) -> Network | None:
    try:
        return ipaddress.ip_network(pattern.strip(), strict=False)
    except ValueError:
        return None


class Router:
    """A rule set ready for use; says for each event to which tenant it goes."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule.receiver, [_test(one) for one in rule.conditions]) for rule in rules]

    def receiver(self, event: Any) -> str:
        """Return the UUID of the tenant that the event goes to, `OPERATOR` where no rule takes it.

        ``event`` is a `logs.kinds.Draft` or a stored event, whose columns have the same names.
        """
        for receiver, tests in self._rules:
            if all(test(event) for test in tests):
                return receiver
        return OPERATOR


def _test(condition: Condition) -> Test:
    if condition.field == ADDRESS:
        return _in_networks([found for one in condition.patterns if (found := _network(one))])
    read = _READERS[condition.field]
    exact = frozenset(one.strip().lower() for one in condition.patterns if not set(one) & {"*", "?"})
    globs = [_glob(one) for one in condition.patterns if set(one) & {"*", "?"}]
    match = re.compile("|".join(globs), re.DOTALL).fullmatch if globs else None

    def holds(event: Any) -> bool:
        texts = read(event)
        return any(
            text and ((low := text.lower()) in exact or (match is not None and match(low) is not None))
            for text in texts
        )

    return holds


def _glob(pattern: str) -> str:
    """Return the expression of a pattern; only ``*`` and ``?`` are special."""
    return fnmatch.translate(pattern.strip().lower().replace("[", "[[]")).removesuffix("\\Z").removesuffix("\\z")


def _in_networks(networks: Sequence[Network]) -> Test:
    known: dict[str, bool] = {}

    def holds(event: Any) -> bool:
        text = event.src_ip
        if not text:
            return False
        if text not in known:
            if len(known) >= 10_000:
                known.clear()
            address = ipaddress.ip_address(text)
            known[text] = any(address.version == one.version and address in one for one in networks)
        return known[text]

    return holds


def _group(event: Any) -> tuple[str, ...]:
    found: list[str] = []
    for key in GROUP_KEYS:
        value = event.extra.get(key)
        found += [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
    return tuple(found)


_READERS: Final[Mapping[str, Callable[[Any], tuple[str, ...]]]] = {
    "user": lambda event: (event.actor_name,),
    "user_id": lambda event: (event.actor_uid,),
    "group": _group,
    "source_host": lambda event: (event.src_host,),
    "device": lambda event: (event.device_uid,),
    "host": lambda event: (event.dst_host,),
    "application": lambda event: (event.app,),
    "resource": lambda event: (event.resource,),
    "database": lambda event: (event.database,),
    "target": lambda event: (event.target_name,),
    "action": lambda event: (event.action,),
}
COLUMNS: Final = (
    *("actor_name", "actor_uid", "extra", "src_ip", "src_host", "device_uid", "dst_host", "app", "resource"),
    *("database", "target_name", "action"),
)
"""The columns of a stored event that a router reads."""


def as_json(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return the rules as they are stored."""
    return [
        {"to": rule.receiver, "when": [{"field": one.field, "is": list(one.patterns)} for one in rule.conditions]}
        for rule in rules
    ]


def from_json(stored: Sequence[Mapping[str, Any]]) -> Rules:
    """Return the rules that were stored."""
    return tuple(
        Rule(rule["to"], tuple(Condition(one["field"], tuple(one["is"])) for one in rule["when"])) for rule in stored
    )


def digest_of(facts: Mapping[str, Json], salt: bytes) -> bytes:
    """Return the SHA-256 that manifests name a version by.

    It is salted: a client sees the digest, and must not be able to guess the other clients' rules by it.
    """
    return hashlib.sha256(salt + canonical(facts)).digest()
