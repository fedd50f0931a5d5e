"""Measures how carefully a reviewer decided, from the decisions alone. Pure.

The time that an item was in view is measured by the page and sent with the decision: it is evidence and never a right.
The pace is taken from the server's own clock, and so shows where that time cannot be true. Zero seconds means that
nothing was measured. Decisions taken together (bulk) have no time of their own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any, Final
from uuid import UUID

from reviews.kinds import Advice, Outcome


@dataclass(frozen=True, slots=True)
class Look:
    """Holds what is known of one decision; `seconds` is how long the item was in view, `bulk` what it was kept with."""

    seconds: int
    outcome: str
    advice: str
    privileged: bool
    bulk: UUID | None
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
    largest_bulk: int
    advised: int
    follows_advice: float | None
    last_day: float | None
    hasty_privileged: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Holds what makes a finding; a plan's frozen definition may set its own under `quality`.

    Access decided fast is suspicious where it went one way: kept, or as advised. Whoever always follows the advice and
    takes the time does what the evidence says, and makes no finding; whoever seldom does makes one at any pace, since
    then the advice or the review is wrong.
    """

    least_decisions: int = 30
    median_seconds: float = 5
    gap_seconds: float = 5
    kept: float = 0.95
    follows: float = 0.95
    seldom_follows: float = 0.25
    privileged_seconds: int = 5
    bulk_kept: float = 0.9
    bulk_items: int = 50  # a page of the reviewer's list: of more, not all was in view
    last_day: float = 0.8


UNTOLD: Final[dict[str, Any]] = {
    "gap_seconds": 0,
    "follows": 1,
    "seldom_follows": 0,
    "bulk_kept": 1,
    "bulk_items": 10**6,
}
"""Thresholds that definitions from before them do not tell, as values that nothing is beyond."""


AGREES: Final[dict[str, set[str]]] = {
    Advice.KEEP: {Outcome.CERTIFY},
    Advice.REVOKE: {Outcome.REVOKE, Outcome.MODIFY},
}
"""Outcomes that follow an advice; without enough data there is none to follow."""


def thresholds_of(definition: Mapping[str, object]) -> Thresholds:
    """Returns the thresholds of a campaign's frozen definition: what it does not tell judges nobody afterwards."""
    told = definition.get("quality")
    return Thresholds(**{**UNTOLD, **(told if isinstance(told, dict) else {})})


def care_terms(figures: Mapping[str, int]) -> dict[str, object]:
    """Returns the figures of a care rule as a campaign's definition holds them: thresholds apart, shares as parts."""
    return {
        "quality": {
            "least_decisions": figures["least_decisions"],
            "median_seconds": figures["median_seconds"],
            "gap_seconds": figures["gap_seconds"],
            "kept": figures["kept_percent"] / 100,
            "follows": figures["follows_percent"] / 100,
            "seldom_follows": figures["seldom_follows_percent"] / 100,
            "privileged_seconds": figures["privileged_seconds"],
            "bulk_kept": figures["bulk_kept_percent"] / 100,
            "bulk_items": figures["bulk_items"],
            "last_day": figures["last_day_percent"] / 100,
        },
        "second_percent": figures["second_percent"],
        "control_items": figures["control_items"],
    }


def figures_of(definition: Mapping[str, Any]) -> dict[str, int]:
    """Returns the figures of a definition as a care rule holds them; without one, the usual thresholds alone."""
    limits = thresholds_of(definition) if "quality" in definition else Thresholds()
    return {
        "least_decisions": limits.least_decisions,
        "median_seconds": int(limits.median_seconds),
        "gap_seconds": int(limits.gap_seconds),
        "kept_percent": round(limits.kept * 100),
        "follows_percent": round(limits.follows * 100),
        "seldom_follows_percent": round(limits.seldom_follows * 100),
        "privileged_seconds": limits.privileged_seconds,
        "bulk_kept_percent": round(limits.bulk_kept * 100),
        "bulk_items": limits.bulk_items,
        "last_day_percent": round(limits.last_day * 100),
        "second_percent": int(definition.get("second_percent", 0)),
        "control_items": int(definition.get("control_items", 0)),
    }


def measure(looks: Sequence[Look], due_at: datetime | None, limits: Thresholds) -> Quality:
    """Returns the figures over the decisions of one reviewer that count."""
    single = [look for look in looks if look.bulk is None]
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
        kept_in_bulk=_share(sum(look.bulk is not None for look in kept), len(kept)),
        largest_bulk=max(Counter(look.bulk for look in looks if look.bulk is not None).values(), default=0),
        advised=len(advised),
        follows_advice=_share(sum(look.outcome in AGREES[look.advice] for look in advised), len(advised)),
        last_day=_share(len(last), len(looks)),
        hasty_privileged=sum(look.privileged and look.seconds < limits.privileged_seconds for look in seen),
    )


def _share(part: int, whole: int) -> float | None:
    """Returns a share between 0 and 1, or None of nothing."""
    return part / whole if whole else None


def concerns(found: Quality, limits: Thresholds) -> list[str]:
    """Returns in words what is beyond the thresholds; empty where nothing is."""
    many, least = found.decisions >= limits.least_decisions, limits.least_decisions
    hurried = _hurried(found, limits)
    rules = (
        (many and hurried, hurried),
        (
            many and found.measured * 2 < found.single,
            f"the time in view is known of {found.measured} of {found.single} alone",
        ),
        (
            found.advised >= least and (found.follows_advice or 0) < limits.seldom_follows,
            f"{_percent(found.follows_advice)} were decided as advised",
        ),
        (
            many and (found.kept_in_bulk or 0) > limits.bulk_kept,
            f"{_percent(found.kept_in_bulk)} of what was kept was kept together with other access",
        ),
        (found.largest_bulk > limits.bulk_items, f"{found.largest_bulk} were kept in one go"),
        (many and (found.last_day or 0) > limits.last_day, f"{_percent(found.last_day)} were decided on the last day"),
        (
            found.hasty_privileged,
            f"{found.hasty_privileged} about privileged access in less than {limits.privileged_seconds} s",
        ),
    )
    return [words for beyond, words in rules if beyond]


def _hurried(found: Quality, limits: Thresholds) -> str:
    """Returns in words that decisions went one way at a pace at which nobody looks, or an empty text.

    The pace between two decisions counts by itself: the server's clock shows it where the page told another time.
    """
    advised = found.follows_advice if found.advised >= limits.least_decisions else None
    ways = ((found.kept, limits.kept, "kept"), (advised, limits.follows, "decided as advised"))
    gap = found.median_gap_seconds if found.single >= limits.least_decisions else None
    paces = (
        (found.median_seconds, limits.median_seconds, "an item"),
        (gap, limits.gap_seconds, "between two, by the server's clock"),
    )
    way = next((f"{_percent(share)} were {words}" for share, most, words in ways if (share or 0) > most), "")
    fast = [f"at a median of {took:.3g} s {words}" for took, least, words in paces if took is not None and took < least]
    return f"{way}, {' and '.join(fast)}" if way and fast else ""


def _percent(share: float | None) -> str:
    """Returns a share as whole percent, rounded down."""
    return f"{int(100 * (share or 0))} %"
