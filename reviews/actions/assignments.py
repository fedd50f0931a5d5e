"""Puts items to other reviewers, and reminds reviewers of what waits for them."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from reviews.kinds import REASON_MIN, Basis
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.policies import can_manage_campaigns, can_reassign
from reviews.queries.reviewers import eligible_reviewers
from reviews.queries.standing import undecided_items
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@transaction.atomic
def reassign_items(*, items: Sequence[ReviewItem], reviewer: Identity, reason: str, by: Actor) -> int:
    """Puts items to another reviewer; returns how many changed. The earlier assignments stay, ended.

    Raises:
        Refused: when one of the items is about the new reviewer, or the reason is missing.
    """
    enforce(can_manage_campaigns(by))
    for item in items:
        enforce(can_reassign(by, item, reviewer))
    if len(reason.strip()) < REASON_MIN:
        raise Refused(denied(f"Write in at least {REASON_MIN} characters why the items change their reviewer."))
    if reviewer.pk not in eligible_reviewers():
        raise Refused(denied(f"{reviewer.name} may not review in this tenant. Give them the role of reviewer first."))
    now = timezone.now()
    Assignment.objects.filter(item__in=items, until__isnull=True).update(until=now)
    fresh = [
        Assignment(
            campaign_id=item.campaign_id,
            item=item,
            reviewer=reviewer,
            subject_key=item.subject_key,
            privileged=item.privileged,
            advice=item.advice,
            basis=Basis.REASSIGNED,
            reason=reason.strip(),
            since=now,
            by=by.name,
        )
        for item in items
    ]
    with as_refusal():
        Assignment.objects.bulk_create(fresh)
    detail = {"items": [item.n for item in items], "to": reviewer.external_id, "why": reason}
    audit("item.reassign", by=by, target=f"{len(fresh)} items to {reviewer.name}", detail=detail)
    return len(fresh)


@transaction.atomic
def remind_reviewers(*, campaign: Campaign, by: Actor) -> int:
    """Mails every reviewer who has undecided items, after the commit; returns how many were mailed."""
    enforce(can_manage_campaigns(by))
    if campaign.state != CampaignState.OPEN or campaign.due_at is None:
        raise Refused(denied("Reviewers are reminded only while the campaign is open."))
    waiting = Assignment.objects.filter(campaign=campaign, until__isnull=True, item__in=undecided_items(campaign))
    counts = Counter(waiting.values_list("reviewer_id", flat=True))
    reviewers = Identity.objects.filter(pk__in=counts, user__isnull=False).select_related("user")
    for reviewer in reviewers:
        if reviewer.user is not None:
            transaction.on_commit(partial(_mail, campaign, reviewer.user.email, counts[reviewer.pk]))
    detail = {"campaign": campaign.pk, "reviewers": len(reviewers), "items": sum(counts.values())}
    audit("campaign.remind", by=by, target=f"campaign {campaign.name}", detail=detail)
    return len(reviewers)


def _mail(campaign: Campaign, address: str, count: int) -> None:
    """Sends one reminder; it names no person and no account."""
    due = f"{campaign.due_at:%d %B %Y %H:%M} UTC" if campaign.due_at else "soon"
    send_mail(
        subject=f"{count} grants wait for your decision: {campaign.name}",
        message=f"{count} grants of the access review '{campaign.name}' wait for your decision. They are due {due}.\n",
        from_email=None,
        recipient_list=[address],
    )
