"""Invents the facts of a control item: privileged access that nobody has, unused, advised to be revoked. Pure."""

from collections.abc import Collection
from typing import Any, Final

from reviews.kinds import WEEKS, WINDOW_DAYS

NAMES: Final = (
    *("Lena Marsh", "Ivo Petrak", "Noor Haddad", "Tomas Vidal", "Grace Obi", "Jonas Falk", "Mira Kovac", "Paul Stern"),
    *("Aisha Rahman", "Diego Luna", "Hanna Virta", "Owen Blake", "Sofia Greco", "Yusuf Demir", "Clara Voss", "Ben Tal"),
    *("Rita Nunes", "Karl Holm", "Zoe Adler", "Emil Roth"),
)
"""People who do not exist; one whom the register knows is passed over."""


def invented_person(n: int, taken: Collection[str]) -> tuple[str, str]:
    """Returns the name of nobody and an account for it; `taken` are names and accounts that exist, in lower case."""
    for name in NAMES[n % len(NAMES) :] + NAMES[: n % len(NAMES)]:
        account = name.lower().replace(" ", ".")
        if name.lower() not in taken and account not in taken:
            return name, account
    name = f"{NAMES[n % len(NAMES)]} {n + 2}"
    return name, name.lower().replace(" ", ".")


def invented_evidence(until: str, captured_at: str) -> dict[str, Any]:
    """Returns evidence in the shape of an item's, marked as that of a control item; times are the manifest's text."""
    return {
        "control": True,
        "window_days": WINDOW_DAYS,
        "until": until,
        "last_used_at": None,
        "days_used": 0,
        "ok_count": 0,
        "denied_count": 0,
        "out_of_hours_count": 0,
        "weeks": [0] * WEEKS,
        "actions": [],
        "coverage_per_mille": 1000,
        "snapshot_captured_at": captured_at,
        "granted_since": None,
        "granted_by": "",
        "origin": "",
        "inherited_via": "",
        "account_kind": "human",
        "enabled": True,
        "peers": None,
        "previous": None,
        "conflicts": [],
    }
