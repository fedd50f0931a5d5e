"""Answers where a reviewer stands in a campaign: their items, the last decision of each, and whether they signed."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet

from identities.models import Identity
from reviews.manifest import manifest_digest, manifest_text, moment
from reviews.models import Assignment, Campaign, Decision, ReviewItem, SignOff


def heads(campaign_id: int) -> QuerySet[Decision]:
    """Returns the decisions of a campaign that no later one supersedes."""
    return Decision.objects.filter(campaign_id=campaign_id, superseded_by__isnull=True)


def head_of(item: ReviewItem) -> Decision | None:
    """Returns the decision about an item that counts now."""
    return Decision.objects.filter(item=item, superseded_by__isnull=True).first()


def heads_of(item_ids: Collection[int]) -> dict[int, Decision]:
    """Returns the decisions that count now, by item."""
    found = Decision.objects.filter(item_id__in=item_ids, superseded_by__isnull=True)
    return {decision.item_id: decision for decision in found}


def assigned_reviewers(item_ids: Collection[int]) -> dict[int, int]:
    """Returns to whom each item is put now."""
    rows = Assignment.objects.filter(item_id__in=item_ids, until__isnull=True)
    return dict(rows.values_list("item_id", "reviewer_id"))


def has_signed(campaign: Campaign, reviewer: Identity | None) -> bool:
    """Returns whether the reviewer signed in the present round of the campaign."""
    if reviewer is None:
        return False
    return SignOff.objects.filter(campaign=campaign, round=campaign.round, reviewer=reviewer).exists()


def undecided_items(campaign: Campaign) -> QuerySet[ReviewItem]:
    """Returns the items of a campaign without any decision."""
    decided = Decision.objects.filter(item=OuterRef("pk"))
    return ReviewItem.objects.filter(~Exists(decided), campaign=campaign)


def undecided_count(campaign: Campaign, reviewer: Identity) -> int:
    """Returns how many of a reviewer's items have no decision."""
    decided = Decision.objects.filter(item=OuterRef("item"))
    rows = Assignment.objects.filter(~Exists(decided), campaign=campaign, reviewer=reviewer, until__isnull=True)
    return rows.count()


def decisions_of_reviewer(campaign: Campaign, reviewer: Identity) -> QuerySet[Decision]:
    """Returns the reviewer's decisions that count now, in the order of their items."""
    rows = heads(campaign.pk).filter(reviewer=reviewer)
    return rows.select_related("item__account", "item__entitlement", "item__system", "item__subject").order_by(
        "item__n"
    )


def statement(campaign: Campaign, reviewer: Identity) -> tuple[str, str, int]:
    """Returns the canonical statement over the reviewer's decisions, its digest, and how many decisions it holds."""
    decisions = [
        {
            "n": decision.item.n,
            "item": decision.item_id,
            "decision": decision.pk,
            "system": decision.item.system.key,
            "account": decision.item.account.ref,
            "entitlement": decision.item.entitlement.key,
            "privileged": decision.privileged,
            "advice": str(decision.advice),
            "outcome": str(decision.outcome),
            "reason": decision.reason,
            "decided_at": moment(decision.decided_at),
        }
        for decision in decisions_of_reviewer(campaign, reviewer)
    ]
    text = manifest_text(
        campaign={"id": campaign.pk, "name": campaign.name, "round": campaign.round, "stage": 1},
        reviewer={"id": reviewer.pk, "external_id": reviewer.external_id},
        decisions=decisions,
    )
    return text, manifest_digest(text), len(decisions)
