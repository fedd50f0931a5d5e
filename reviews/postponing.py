"""Says when one item may be postponed because its person has just moved, and what comes of it. Pure.

Who was put elsewhere is often judged by somebody who does not know yet what they need there. So the reviewer may put
the item off for some days, and nobody waits for it: it counts as undecided, and is reviewed in a campaign of its own.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import TextChoices

from tenants.kinds import ALLOWED, Verdict, denied

MOVED_DAYS: Final = 30
"""Days after the list that told of a person's move in which their items may be postponed; a trigger holds it."""
POSTPONED_DAYS: Final = 30
"""Days ahead to which an item is postponed at most, from the decision on; a trigger holds it."""
POSTPONED_TIMES: Final = 1
"""How often the same account's entitlement is postponed at most, until a signed decision keeps, reduces or revokes it;
a trigger holds it, also where two campaigns review the grant at the same time."""


class Resumed(TextChoices):
    """Says what came of a postponed item on its day."""

    REVIEWED = "reviewed", "Reviewed in a campaign of its own"
    LEFT = "left", "Not reviewed: the person left"
    GONE = "gone", "Not reviewed: the access is gone by the newest list"
    DECIDED = "decided", "Not reviewed: it was decided and signed meanwhile in another campaign"
    CANCELLED = "cancelled", "Not reviewed: the campaign was cancelled"


NOT_REVIEWED: Final = (Resumed.LEFT, Resumed.GONE, Resumed.DECIDED, Resumed.CANCELLED)


@dataclass(frozen=True, slots=True)
class Moved:
    """Holds that a person moved lately: when a list told so, what of their place changed, and what is left to postpone.

    `times` says how often the grant in question was postponed in a row in other campaigns.
    """

    at: datetime
    what: tuple[str, ...]
    times: int

    @property
    def words(self) -> str:
        """Returns what changed, in words."""
        return " and ".join([", ".join(self.what[:-1]), self.what[-1]] if len(self.what) > 1 else self.what)


def latest_day(today: date) -> date:
    """Returns the last day to which an item may be postponed; days are of the campaign's time zone."""
    return today + timedelta(days=POSTPONED_DAYS)


def can_postpone(moved: Moved | None, until: date, *, today: date) -> Verdict:
    """Returns whether an item may be postponed to a day; `moved` is None where its person did not move lately."""
    if moved is None:
        return denied(
            f"Only the access of a person who moved within the last {MOVED_DAYS} days is postponed; the list of people "
            "tells no such move."
        )
    if moved.times >= POSTPONED_TIMES:
        return denied("This access was postponed before and not decided since. Decide about it now.")
    if not today < until <= latest_day(today):
        return denied(f"Choose a day after today and not after {latest_day(today):%-d %B %Y}.")
    return ALLOWED
