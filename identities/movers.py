"""Answers what lists of people told: joiners, movers, leavers, and who is missing. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from identities.kinds import PersonChangeKind
from identities.listmodels import PersonChange
from identities.models import Identity, PeopleFeed

FEEDS = 20
WORDS = {"employed_until": "Last day"}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """Holds one change as a page shows it; a manager is named by name where the register still knows the id."""

    change: PersonChange
    what: str
    before: str
    after: str


def people_feeds() -> list[PeopleFeed]:
    """Returns the newest deliveries of the list of people, newest first."""
    return list(PeopleFeed.objects.order_by("-delivered_at", "-id")[:FEEDS])


def changes_told(feed: PeopleFeed | None, kind: str = "") -> QuerySet[PersonChange]:
    """Returns what a list told, by kind and name of the person."""
    told = PersonChange.objects.filter(feed=feed) if feed else PersonChange.objects.none()
    if kind:
        told = told.filter(kind=kind)
    return told.select_related("identity__manager").order_by("kind", "identity__name", "id")


def change_counts(feed: PeopleFeed | None) -> list[tuple[PersonChangeKind, int]]:
    """Returns how many people a list told something of, for each kind of change."""
    rows = PersonChange.objects.filter(feed=feed).values("kind").annotate(n=Count("identity_id", distinct=True))
    found = {row["kind"]: row["n"] for row in rows.order_by()} if feed else {}
    return [(kind, found.get(kind.value, 0)) for kind in PersonChangeKind]


def changes_in_words(changes: Sequence[PersonChange]) -> list[ChangeLine]:
    """Returns changes as a page shows them; one query for the names of managers."""
    ids = {text for one in changes if one.field == "manager" for text in (one.before, one.after) if text}
    names = dict(Identity.objects.filter(external_id__in=ids).values_list("external_id", "name"))

    def named(one: PersonChange, text: str) -> str:
        return f"{names[text]} ({text})" if one.field == "manager" and text in names else text

    return [
        ChangeLine(one, WORDS.get(one.field, one.field.capitalize()), named(one, one.before), named(one, one.after))
        for one in changes
    ]
