"""Answers what a campaign leaves to the next: stages that are to begin, and what stayed undecided."""

from django.db.models import Exists, OuterRef

from reviews.models import Campaign
from reviews.queries.scope import LEFT_OVER, PASSED_ON
from reviews.queries.standing import heads
from reviews.states import CampaignState


def passed_on(campaign: Campaign) -> int:
    """Returns how many grants the next stage reviews."""
    return heads(campaign.pk).filter(outcome__in=PASSED_ON).exclude(silence__answer="revoke").count()


def left_over(campaign: Campaign) -> int:
    """Returns how many grants a follow-up reviews, if the newest snapshots still list them."""
    return heads(campaign.pk).filter(outcome__in=LEFT_OVER).exclude(silence__answer="revoke").count()


def stages_due() -> list[Campaign]:
    """Returns the campaigns that every reviewer signed and whose next stage is not made yet."""
    made = Campaign.objects.filter(follows=OuterRef("pk"), stage__gt=1)
    signed = Campaign.objects.filter(~Exists(made), state__in=[CampaignState.REMEDIATING, CampaignState.CLOSED])
    waiting = [campaign for campaign in signed.order_by("id") if campaign.definition.get("later_stages")]
    return [campaign for campaign in waiting if passed_on(campaign)]
