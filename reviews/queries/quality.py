"""Answers how carefully the reviewers of a campaign decided; figures by person are for the officer alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, QuerySet

from identities.models import Identity
from reviews.agreement import Agreement, Reciprocal, quarter, reciprocal
from reviews.kinds import CARE_LIMITS, Outcome
from reviews.models import Campaign, CampaignPlan, CareRule, Decision, SignOff
from reviews.quality import Look, Quality, concerns, measure, thresholds_of
from reviews.queries.controls import caught_by_reviewer
from reviews.queries.second_looks import agreements
from reviews.queries.standing import heads
from tenants.models import Tenant
from tenants.scope import current_tenant_id

_COLUMNS = ("seen_seconds", "outcome", "advice", "privileged", "bulk", "decided_at")


@dataclass(frozen=True, slots=True)
class CareLine:
    """Holds the figures of one reviewer of a campaign, and what of them is beyond the thresholds."""

    reviewer_id: int
    name: str
    quality: Quality
    concerns: list[str]
    second: Agreement | None = None
    controls: tuple[int, int] | None = None


def care_lines(campaign: Campaign, reviewer_id: int | None = None) -> list[CareLine]:
    """Returns the figures of a campaign's reviewers by name, or of one of them; two queries."""
    rows = heads(campaign.pk).filter(reviewer__isnull=False).order_by("reviewer__name", "reviewer_id")
    if reviewer_id is not None:
        rows = rows.filter(reviewer_id=reviewer_id)
    limits = thresholds_of(campaign.definition)
    looks: dict[tuple[int, str], list[Look]] = {}
    for pk, name, seconds, outcome, advice, privileged, bulk, at in rows.values_list(
        "reviewer_id", "reviewer__name", *_COLUMNS
    ):
        looks.setdefault((pk, name), []).append(Look(seconds, outcome, advice, privileged, bulk, at))
    found = {key: measure(mine, campaign.due_at, limits) for key, mine in looks.items()}
    second, controls = agreements(campaign), caught_by_reviewer(campaign)
    return [
        CareLine(pk, name, one, concerns(one, limits), second.get(pk), controls.get(pk))
        for (pk, name), one in found.items()
    ]


def care_figures(plan: CampaignPlan) -> dict[str, int] | None:
    """Returns the figures of a plan's care rule that counts, or None where nobody set one."""
    rule = care_rules(plan).first()
    return {name: int(getattr(rule, name)) for name in CARE_LIMITS} if rule else None


def care_rules(plan: CampaignPlan) -> QuerySet[CareRule]:
    """Returns the care rules of a plan, the one that counts first."""
    return CareRule.objects.filter(plan=plan).order_by("-pk")


@dataclass(frozen=True, slots=True)
class ReciprocalPair:
    """Holds two reviewers who kept each other's access in the campaigns of one quarter, by name."""

    pair: Reciprocal
    one: str
    other: str


def reciprocal_pairs(at: datetime, among: Collection[int]) -> list[Reciprocal]:
    """Returns who kept each other's access, by signed decisions, in the campaigns opened in the quarter of a moment.

    Only pairs with one of the given people are returned; the quarter is that of the tenant's clock.
    """
    first, end = quarter(at.astimezone(Tenant.objects.get(pk=current_tenant_id()).zone))
    signed = SignOff.objects.filter(
        campaign=OuterRef("campaign"), reviewer=OuterRef("reviewer"), round=OuterRef("campaign__round")
    )
    rows = Decision.objects.filter(
        Exists(signed),
        campaign__opened_at__gte=first,
        campaign__opened_at__lt=end,
        superseded_by__isnull=True,
        outcome=Outcome.CERTIFY,
    )
    either = rows.filter(reviewer__in=among) | rows.filter(subject_key__in=among)
    kept = either.order_by().values_list("reviewer_id", "subject_key").annotate(n=Count("pk"))
    by_pair: Mapping[tuple[int, int], int] = {(one, other): n for one, other, n in kept if one is not None}
    return reciprocal(by_pair)


def named_pairs(campaign: Campaign) -> list[ReciprocalPair]:
    """Returns the pairs of a campaign's quarter that have one of its reviewers, with their names."""
    if campaign.opened_at is None:
        return []
    reviewers = heads(campaign.pk).filter(reviewer__isnull=False).values_list("reviewer_id", flat=True).distinct()
    pairs = reciprocal_pairs(campaign.opened_at, {one for one in reviewers if one is not None})
    ids = {pk for pair in pairs for pk in (pair.one, pair.other)}
    names = dict(Identity.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [ReciprocalPair(pair, names[pair.one], names[pair.other]) for pair in pairs]
