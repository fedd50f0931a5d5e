"""Runs the long and the regular work of reviews: each job opens the scope and calls one action; all are safe to run twice."""

from typing import Any

from reviews.actions.assignments import remind_reviewers
from reviews.actions.decisions import close_deciding
from reviews.actions.findings import find_causes
from reviews.actions.opening import open_campaign, request_opening
from reviews.actions.plans import collect_snapshots, create_due_campaigns
from reviews.actions.remediation import verify_remediations
from reviews.models import Campaign
from reviews.queries.campaigns import collecting, overdue, to_remind
from reviews.states import CampaignState
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.queries import actor_for
from tenants.scope import tenant_scope
from tenants.work import Progress

SCHEDULER = "scheduler"


def open_campaign_job(progress: Progress, tenant: Tenant, campaign_id: int, user_id: int | None = None) -> dict[str, Any]:
    """Opens a campaign for the person who asked for it, or for the scheduler."""
    with tenant_scope(tenant):
        campaign = Campaign.objects.get(pk=campaign_id)
        if campaign.state == CampaignState.OPEN:
            return {"campaign": campaign.pk}
        actor = actor_for(User.objects.get(pk=user_id), tenant) if user_id else Actor.system(SCHEDULER, tenant.pk)
        if actor is None:
            raise PermissionError("The person who asked for the opening is no longer a member of this tenant.")
        return {"campaign": open_campaign(campaign=campaign, by=actor, progress=progress).pk}


def create_due(tenant: Tenant) -> None:
    """Makes the campaigns whose time has come, and opens those of recurring plans that are ready."""
    actor = Actor.system(SCHEDULER, tenant.pk)
    with tenant_scope(tenant):
        create_due_campaigns(by=actor)
        for campaign in collecting():
            collected = collect_snapshots(campaign=campaign, by=actor)
            if collected.state == CampaignState.READY and collected.plan.rule:
                request_opening(campaign=collected, by=actor)


def close_overdue(tenant: Tenant) -> None:
    """Ends the time to decide of campaigns that are due."""
    with tenant_scope(tenant):
        for campaign in overdue():
            close_deciding(campaign=campaign, by=Actor.system(SCHEDULER, tenant.pk))


def verify(tenant: Tenant) -> None:
    """Compares revocations with the newest snapshots, and looks for what is wrong."""
    actor = Actor.system(SCHEDULER, tenant.pk)
    with tenant_scope(tenant):
        verify_remediations(by=actor)
        find_causes(by=actor)


def remind(tenant: Tenant) -> None:
    """Mails reviewers 7, 3 and 1 days before the due time and on the day; called once a day."""
    with tenant_scope(tenant):
        for campaign in to_remind():
            remind_reviewers(campaign=campaign, by=Actor.system(SCHEDULER, tenant.pk))
