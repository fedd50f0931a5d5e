"""Answers how carefully the reviewers of a campaign decided; figures by person are for the officer alone."""

from dataclasses import dataclass

from reviews.models import Campaign
from reviews.quality import Look, Quality, concerns, measure, thresholds_of
from reviews.queries.standing import heads

_COLUMNS = ("seen_seconds", "outcome", "advice", "privileged", "bulk", "decided_at")


@dataclass(frozen=True, slots=True)
class CareLine:
    """Holds the figures of one reviewer of a campaign, and what of them is beyond the thresholds."""

    reviewer_id: int
    name: str
    quality: Quality
    concerns: list[str]


def care_lines(campaign: Campaign, reviewer_id: int | None = None) -> list[CareLine]:
    """Returns the figures of a campaign's reviewers by name, or of one of them; one query."""
    rows = heads(campaign.pk).filter(reviewer__isnull=False).order_by("reviewer__name", "reviewer_id")
    if reviewer_id is not None:
        rows = rows.filter(reviewer_id=reviewer_id)
    limits = thresholds_of(campaign.definition)
    looks: dict[tuple[int, str], list[Look]] = {}
    for pk, name, seconds, outcome, advice, privileged, bulk, at in rows.values_list(
        "reviewer_id", "reviewer__name", *_COLUMNS
    ):
        looks.setdefault((pk, name), []).append(Look(seconds, outcome, advice, privileged, bulk is not None, at))
    found = {key: measure(mine, campaign.due_at, limits) for key, mine in looks.items()}
    return [CareLine(pk, name, one, concerns(one, limits)) for (pk, name), one in found.items()]
