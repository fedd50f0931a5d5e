"""Draws what a second person looks at, and says how far two people agree; finds who keeps whose access. Pure.

The second sample is drawn from what the first reviewer kept *and* from what they took away: drawn from kept access
alone, the second reviewer would know the first answer and nothing would be blind, and kappa would be 0 whatever they
say, since a rater who always says the same agrees by chance as often as in fact.

Sources: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960)
37-46; M. L. McHugh, "Interrater reliability: the kappa statistic", Biochemia Medica 22 (2012) 276-282, which asks for
30 comparisons or more.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reviews.kinds import Outcome

LEAST_FOR_KAPPA: Final = 30
"""Fewest pairs of decisions over which kappa is given."""


def drawn(seed: str, items: Iterable[int], percent: int) -> list[int]:
    """Returns the items that a seed draws: so many of a hundred, rounded up, so that one is drawn where there is one.

    Items are ranked by SHA-256 over seed and id; anybody who knows the seed draws the same again.
    """
    ranked = sorted(set(items), key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).digest())
    return sorted(ranked[: -(-len(ranked) * percent // 100)])


@dataclass(frozen=True, slots=True)
class Agreement:
    """Holds how far second decisions agree with the first ones; None where there is nothing to say."""

    asked: int
    answered: int
    agreed: int
    share: float | None
    kappa: float | None

    @property
    def waiting(self) -> int:
        """Returns how many were not answered yet."""
        return self.asked - self.answered

    @property
    def differed(self) -> int:
        """Returns how many second decisions say something else."""
        return self.answered - self.agreed


def takes_away(outcome: str) -> bool:
    """Returns whether an outcome takes access away, wholly or in part; agreement is over this alone."""
    return outcome in {Outcome.REVOKE, Outcome.MODIFY}


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Returns how far pairs of (first, second) outcomes agree; an empty second one was not answered yet."""
    told = [(takes_away(first), takes_away(second)) for first, second in pairs if second]
    agreed = sum(first == second for first, second in told)
    share = agreed / len(told) if told else None
    return Agreement(len(pairs), len(told), agreed, share, _kappa(told))


def _kappa(told: Sequence[tuple[bool, bool]]) -> float | None:
    """Returns Cohen's kappa, or None below 30 pairs and where both always say the same thing."""
    n = len(told)
    if n < LEAST_FOR_KAPPA:
        return None
    first, second = sum(one for one, _other in told) / n, sum(other for _one, other in told) / n
    by_chance = first * second + (1 - first) * (1 - second)
    if by_chance == 1:
        return None
    return (sum(one == other for one, other in told) / n - by_chance) / (1 - by_chance)


@dataclass(frozen=True, slots=True)
class Reciprocal:
    """Holds that two reviewers kept each other's access, with how many grants each kept; the lower id stands first."""

    one: int
    other: int
    one_kept: int
    other_kept: int


def reciprocal(kept: Mapping[tuple[int, int], int]) -> list[Reciprocal]:
    """Returns the pairs that kept each other's access, of how many grants each reviewer kept of each subject."""
    return [
        Reciprocal(one, other, n, kept[other, one])
        for (one, other), n in sorted(kept.items())
        if one < other and kept.get((other, one))
    ]


def quarter(at: datetime) -> tuple[datetime, datetime]:
    """Returns the beginning and the end of the calendar quarter that holds an aware moment, in its own zone."""
    first = at.replace(month=(at.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
    later = first.month + 3
    end = first.replace(year=first.year + 1, month=1) if later > 12 else first.replace(month=later)
    return first, end
