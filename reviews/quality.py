"""Measures how carefully a reviewer decided, from the decisions alone. Pure.

The time that an item was in view is measured by the page and sent with the decision: it is evidence and never a right.
The pace is taken from the server's own clock, and so shows where that time cannot be true. Zero seconds means that
nothing was measured. Decisions taken together (bulk) have no time of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any, Final

from reviews.kinds import Advice, Outcome


@dataclass(frozen=True, slots=True)
class Look:
    """Holds what is known of one decision; `seconds` is how long the item was in view."""

    seconds: int
    outcome: str
    advice: str
    privileged: bool
    bulk: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Quality:
    """Holds the figures of one reviewer; None where there is nothing to count, which never reads as good."""

    decisions: int
    single: int
    measured: int
    median_seconds: float | None
    median_gap_seconds: float | None
    kept: float | None
    kept_in_bulk: float | None
    follows_advice: float | None
    last_day: float | None
    hasty_privileged: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Holds what makes a finding; a plan's frozen definition may set its own under `quality`."""

    least_decisions: int = 30
    median_seconds: float = 5
    kept: float = 0.95
    privileged_seconds: int = 5
    last_day: float = 0.8


AGREES: Final[dict[str, set[str]]] = {
    Advice.KEEP: {Outcome.CERTIFY},
    Advice.REVOKE: {Outcome.REVOKE, Outcome.MODIFY},
}
"""Outcomes that follow an advice; without enough data there is none to follow."""


def thresholds_of(definition: Mapping[str, object]) -> Thresholds:
    """Returns the thresholds of a campaign's frozen definition, or the usual ones."""
    told = definition.get("quality")
    return Thresholds(**told) if isinstance(told, dict) else Thresholds()


def care_terms(figures: Mapping[str, int]) -> dict[str, object]:
    """Returns the figures of a care rule as a campaign's definition holds them: thresholds apart, shares as parts."""
    return {
        "quality": {
            "least_decisions": figures["least_decisions"],
            "median_seconds": figures["median_seconds"],
            "kept": figures["kept_percent"] / 100,
            "privileged_seconds": figures["privileged_seconds"],
            "last_day": figures["last_day_percent"] / 100,
        },
        "second_percent": figures["second_percent"],
        "control_items": figures["control_items"],
    }


def figures_of(definition: Mapping[str, Any]) -> dict[str, int]:
    """Returns the figures of a definition as a care rule holds them; without one, the usual thresholds alone."""
    limits = thresholds_of(definition)
    return {
        "least_decisions": limits.least_decisions,
        "median_seconds": int(limits.median_seconds),
        "kept_percent": round(limits.kept * 100),
        "privileged_seconds": limits.privileged_seconds,
        "last_day_percent": round(limits.last_day * 100),
        "second_percent": int(definition.get("second_percent", 0)),
        "control_items": int(definition.get("control_items", 0)),
    }


def measure(looks: Sequence[Look], due_at: datetime | None, limits: Thresholds) -> Quality:
    """Returns the figures over the decisions of one reviewer that count."""
    single = [look for look in looks if not look.bulk]
    seen = [look for look in single if look.seconds]
    times = sorted(look.decided_at for look in single)
    advised = [look for look in looks if look.advice in AGREES]
    kept = [look for look in looks if look.outcome == Outcome.CERTIFY]
    last = [look for look in looks if due_at is not None and look.decided_at >= due_at - timedelta(days=1)]
    return Quality(
        decisions=len(looks),
        single=len(single),
        measured=len(seen),
        median_seconds=median(look.seconds for look in seen) if seen else None,
        median_gap_seconds=median((b - a).total_seconds() for a, b in pairwise(times)) if len(times) > 1 else None,
        kept=_share(len(kept), len(looks)),
        kept_in_bulk=_share(sum(look.bulk for look in kept), len(kept)),
        follows_advice=_share(sum(look.outcome in AGREES[look.advice] for look in advised), len(advised)),
        last_day=_share(len(last), len(looks)),
        hasty_privileged=sum(look.privileged and look.seconds < limits.privileged_seconds for look in seen),
    )


def _share(part: int, whole: int) -> float | None:
    """Returns a share between 0 and 1, or None of nothing."""
    return part / whole if whole else None


def concerns(found: Quality, limits: Thresholds) -> list[str]:
    """Returns in words what is beyond the thresholds; empty where nothing is."""
    many = found.decisions >= limits.least_decisions
    fast, kept = found.median_seconds, found.kept or 0
    lines = []
    if many and fast is not None and fast < limits.median_seconds and kept > limits.kept:
        lines.append(f"{int(100 * kept)} % were kept, at a median of {fast:g} s an item")
    if many and found.measured * 2 < found.single:
        lines.append(f"the time in view is known of {found.measured} of {found.single} alone")
    if many and (found.last_day or 0) > limits.last_day:
        lines.append(f"{int(100 * (found.last_day or 0))} % were decided on the last day")
    if found.hasty_privileged:
        lines.append(f"{found.hasty_privileged} about privileged access in less than {limits.privileged_seconds} s")
    return lines
