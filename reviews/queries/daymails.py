"""Answers what of log reviews and second looks waits for whom, and who is told of it: six queries, whatever waits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q

from identities.models import Identity
from reviews.kinds import LOOK_DAYS, DayKind
from reviews.models import ControlQuestion, DayMail, Disposition, LogItem, LogReview, LogSignature, SecondLook
from reviews.queries.reviewers import deputies
from reviews.queries.tickets import officers_addresses
from reviews.reminding import PUT, TO_MANAGER, TO_OWNER, step_of_day
from reviews.states import WORKING, CampaignState, LogReviewState, NoticeState

TOLD: Final = timedelta(days=100)
"""How far back it is looked up what somebody was told: longer than any period has time (90 days)."""
_PEOPLE: Final = ("user", "manager__user")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Holds what waits for one person: of a log review `count` items or a signature, or one second look."""

    what: DayKind
    pk: int
    name: str
    person: Identity
    since: datetime
    due_at: datetime
    count: int = 1

    @property
    def key(self) -> tuple[str, int, int]:
        """Returns what names it: a period that waits to be signed is the one whose items waited."""
        return ("log" if self.what == DayKind.SIGN else self.what.value, self.pk, self.person.pk)


def waiting_now(now: datetime) -> list[Waiting]:
    """Returns everything of log reviews and second looks that waits for somebody, due soonest first."""
    return sorted([*_periods(now), *_looks(), *_asked()], key=lambda one: (one.due_at, one.pk, one.person.pk))


def _periods(now: datetime) -> Iterable[Waiting]:
    """Yields what waits in the open periods: items for the first reviewer, for the second what is about the first.

    The second stands in for a first who is away. Nothing is signed while an item waits.
    """
    people = [f"{role}__{name}" for role in ("reviewer", "second") for name in _PEOPLE]
    rows = LogReview.objects.filter(state=LogReviewState.OPEN).select_related("schedule", *people)
    periods = list(rows.order_by("due_at", "id"))
    ids = [one.pk for one in periods]
    about = Exists(Disposition.objects.filter(item=OuterRef("pk")))
    counted = LogItem.objects.filter(~about, review__in=ids).order_by().values_list("review_id", "subject_key")
    items: dict[int, Counter[int]] = defaultdict(Counter)
    for review, subject, n in counted.annotate(n=Count("id")):
        items[review][subject] = n
    heads = Disposition.objects.filter(review__in=ids, superseded_by__isnull=True).order_by()
    looked = set(heads.values_list("review_id", "reviewer_id").distinct())
    signed = set(LogSignature.objects.filter(review__in=ids).values_list("review_id", "reviewer_id"))
    away = deputies(now.date())
    for review in periods:
        left = items[review.pk]
        for person, count in _shares(review, left, away=review.reviewer_id in away):
            yield _period(review, DayKind.LOG, person, count)
        if not left:
            for person in _unsigned(review, looked, signed):
                yield _period(review, DayKind.SIGN, person, 0)


def _shares(review: LogReview, left: Counter[int], *, away: bool) -> list[tuple[Identity, int]]:
    """Returns how many waiting items are whose: nobody disposes of what is about themselves."""
    first, second = (review.second, review.reviewer) if away else (review.reviewer, review.second)
    others = left[first.pk]
    shares = ((first, left.total() - others), (second, others))
    return [(person, count) for person, count in shares if count]


def _unsigned(review: LogReview, looked: set[tuple[int, int]], signed: set[tuple[int, int]]) -> list[Identity]:
    """Returns who has to sign a period of which every item is disposed of: whoever disposed, the first where none."""
    both = [one for one in (review.reviewer, review.second) if (review.pk, one.pk) in looked]
    return [one for one in both or [review.reviewer] if (review.pk, one.pk) not in signed]


def _period(review: LogReview, what: DayKind, person: Identity, count: int) -> Waiting:
    return Waiting(what, review.pk, review.name, person, review.opened_at or review.ends_at, review.due_at, count)


def _looks() -> Iterable[Waiting]:
    """Yields the second looks that were not taken."""
    rows = SecondLook.objects.filter(outcome="", decision__superseded_by__isnull=True, campaign__state__in=WORKING)
    for look in rows.select_related("campaign", *(f"second__{name}" for name in _PEOPLE)):
        due_at = look.asked_at + timedelta(days=LOOK_DAYS)
        yield Waiting(DayKind.LOOK, look.pk, look.campaign.name, look.second, look.asked_at, due_at)


def _asked() -> Iterable[Waiting]:
    """Yields the questions about control items that nobody answered, while there is time to decide."""
    rows = ControlQuestion.objects.exclude(asked=None).filter(answers__isnull=True, campaign__state=CampaignState.OPEN)
    for one in rows.select_related("campaign", *(f"asker__{name}" for name in _PEOPLE)):
        due_at = one.campaign.due_at or one.at
        yield Waiting(DayKind.ASKED, one.pk, one.campaign.name, one.asker, one.at, due_at)


@dataclass(frozen=True, slots=True)
class Due:
    """Holds that one address is to be told of something, why now, and who it is of the register, where they are."""

    address: str
    to: Identity | None
    step: str
    about: Waiting

    def cover(self) -> dict[str, object]:
        """Returns what the mail keeps of it."""
        what, pk, whose = self.about.key
        return {"what": what, "id": pk, "whose": whose, "step": self.step}


def address_of(person: Identity) -> str:
    """Returns the mail address of a person: of their user, else of the register."""
    return person.user.email if person.user else person.email


def to_tell(now: datetime, zone: ZoneInfo) -> dict[tuple[str, int | None], list[Due]]:
    """Returns whom to tell today of what, by address (and person, where there is none): what they were not told yet."""
    rows = waiting_now(now)
    officers, told = officers_addresses() if rows else [], _told(now)
    found: dict[tuple[str, int | None], list[Due]] = defaultdict(list)
    for one in rows:
        for due in _of(one, officers, now, zone):
            key = (due.address.lower(), None if due.address or due.to is None else due.to.pk)
            before = told.get(key, {}).get(one.key, set())
            fresh = due.step not in before if due.step != PUT else not before
            if fresh:
                found[key].append(due)
    return found


def _of(one: Waiting, officers: Sequence[str], now: datetime, zone: ZoneInfo) -> list[Due]:
    """Returns who is told of one thing: its reviewer at each step, their manager once, at last who runs campaigns."""
    if one.what == DayKind.ASKED:
        return [Due(address, None, PUT, one) for address in officers]
    step = step_of_day(one.due_at, since=one.since, now=now, zone=zone)
    found = [Due(address_of(one.person), one.person, step.name if step else PUT, one)]
    manager = one.person.manager
    if step and step.name == TO_MANAGER and manager is not None:
        found.append(Due(address_of(manager), manager, step.name, one))
    if step and (step.name == TO_OWNER or now >= one.due_at):
        found += [Due(address, None, step.name, one) for address in officers if address != found[0].address]
    return found


def _told(now: datetime) -> Mapping[tuple[str, int | None], dict[tuple[str, int, int], set[str]]]:
    """Returns the steps that each address, or person without one, was told of each thing."""
    rows = DayMail.objects.filter(created_at__gte=now - TOLD).exclude(state=NoticeState.DROPPED)
    rows = rows.exclude(~Q(address=""), state=NoticeState.GIVEN_UP)
    told: dict[tuple[str, int | None], dict[tuple[str, int, int], set[str]]] = {}
    for address, person, covers in rows.values_list("address", "person_id", "covers"):
        mine = told.setdefault((address.lower(), None if address else person), {})
        for cover in covers:
            mine.setdefault((cover["what"], cover["id"], cover["whose"]), set()).add(cover["step"])
    return told


def still_there(mail: DayMail, now: datetime) -> list[Waiting]:
    """Returns what of a mail still waits for whom it said, so that nobody is mailed about what is done or moved on."""
    said = {(cover["what"], cover["id"], cover["whose"]) for cover in mail.covers}
    return [one for one in waiting_now(now) if one.key in said]


@dataclass(frozen=True, slots=True)
class LateDesk:
    """Holds what one person is late with: a log review, or the second looks of a campaign."""

    reviewer: str
    what: str
    due_at: datetime
    items: int


def overdue_desk(now: datetime) -> list[LateDesk]:
    """Returns what is overdue of log reviews and second looks, longest overdue first; second looks by campaign."""
    found: dict[tuple[str, str], LateDesk] = {}
    for one in waiting_now(now):
        if one.due_at > now:
            break
        if one.what == DayKind.ASKED:
            continue
        kind = {DayKind.LOOK: "second looks", DayKind.SIGN: "signature", DayKind.LOG: "log review"}[one.what]
        what = f"{one.name}, {kind}"
        first = found.get((one.person.name, what))
        items = max(one.count, 1) + (first.items if first else 0)
        found[one.person.name, what] = LateDesk(one.person.name, what, first.due_at if first else one.due_at, items)
    return list(found.values())
