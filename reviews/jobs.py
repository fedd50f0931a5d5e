"""Runs the long and the regular work of reviews: each job opens the scope; all are safe to run twice."""

from typing import Any

from django.utils import timezone

from reviews.actions import (
    begin_stage,
    close_deciding,
    collect_snapshots,
    create_due_campaigns,
    create_postponed_campaigns,
    create_triggered_campaigns,
    find_causes,
    find_conflicts_of_list,
    hand_over,
    open_campaign,
    open_log_review,
    request_opening,
    stand_in,
    verify_remediations,
    write_day_mails,
    write_notices,
    write_tickets,
)
from reviews.models import Campaign
from reviews.posting import send_day_mails, send_due
from reviews.queries.campaigns import collecting, overdue, to_open, working
from reviews.queries.duties import lists_to_search
from reviews.queries.following import stages_due
from reviews.queries.logreviews import schedules_due
from reviews.states import CampaignState
from reviews.ticketing import hand_over_tickets
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.queries import actor_for
from tenants.scope import tenant_scope
from tenants.work import Progress

SCHEDULER = "scheduler"


def open_campaign_job(
    progress: Progress, tenant: Tenant, campaign_id: int, user_id: int | None = None
) -> dict[str, Any]:
    """Opens a campaign for the person who asked for it, or for the scheduler."""
    with tenant_scope(tenant):
        campaign = Campaign.objects.get(pk=campaign_id)
        if campaign.state == CampaignState.OPEN:
            return {"campaign": campaign.pk}
        actor = actor_for(User.objects.get(pk=user_id), tenant) if user_id else Actor.system(SCHEDULER, tenant.pk)
        if actor is None:
            raise PermissionError("The person who asked for the opening is no longer a member of this tenant.")
        return {"campaign": open_campaign(campaign=campaign, by=actor, progress=progress).pk}


def create_due(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Makes the campaigns whose time has come, and opens those of recurring plans that are ready."""
    actor = Actor.system(SCHEDULER, tenant.pk)
    with tenant_scope(tenant):
        made = [*create_due_campaigns(by=actor), *create_triggered_campaigns(by=actor)]
        made += create_postponed_campaigns(by=actor)
        waiting = collecting()
        for n, campaign in enumerate(waiting, start=1):
            progress.step(n, len(waiting), campaign.name)
            collect_snapshots(campaign=campaign, by=actor)
        for campaign in stages_due():
            begin_stage(campaign=campaign, by=actor)
        opening = to_open()
        for campaign in opening:
            request_opening(campaign=campaign, by=actor)
    return {"made": len(made), "opening": len(opening)}


def open_log_reviews(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Opens the periods of log reviews that are over, also those missed while nothing ran, one transaction each."""
    with tenant_scope(tenant):
        due = schedules_due(timezone.now())
    opened = 0
    for n, schedule in enumerate(due, start=1):
        progress.step(n, len(due), schedule.name)
        while True:
            with tenant_scope(tenant):
                review = open_log_review(schedule=schedule, by=Actor.system(SCHEDULER, tenant.pk))
            if review is None:
                break
            opened += 1
    return {"opened": opened}


def close_overdue(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Ends the time to decide of campaigns that are due."""
    with tenant_scope(tenant):
        late = overdue()
        for n, campaign in enumerate(late, start=1):
            progress.step(n, len(late), campaign.name)
            close_deciding(campaign=campaign, by=Actor.system(SCHEDULER, tenant.pk))
    return {"closed": len(late)}


def verify(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Compares revocations with the newest snapshots, and looks for what is wrong with access now."""
    actor = Actor.system(SCHEDULER, tenant.pk)
    with tenant_scope(tenant):
        progress.step(0, 2, "Comparing revocations with the newest snapshots")
        checked = verify_remediations(by=actor)
        progress.step(1, 2, "Looking for what is wrong with access now")
        found = find_causes(by=actor)
    return {"verified": checked.verified, "failed": checked.failed, "opened": found.opened, "resolved": found.resolved}


def search_lists(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Looks for conflicts of duties in each list that was sealed since the last look, one transaction each."""
    actor, opened = Actor.system(SCHEDULER, tenant.pk), 0
    with tenant_scope(tenant):
        waiting = lists_to_search(timezone.now())
    for n, snapshot in enumerate(waiting, start=1):
        progress.step(n, len(waiting), str(snapshot))
        with tenant_scope(tenant):
            opened += find_conflicts_of_list(snapshot=snapshot, by=actor)
    return {"lists": len(waiting), "opened": opened}


def remind(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Hands over what absent reviewers hold, writes the mails that are due, and sends them; run every hour."""
    actor, written = Actor.system(SCHEDULER, tenant.pk), 0
    with tenant_scope(tenant):
        at_work = working()
    for n, campaign in enumerate(at_work, start=1):
        progress.step(n, len(at_work), campaign.name)
        with tenant_scope(tenant):
            hand_over(campaign=campaign, by=actor)
            written += write_notices(campaign=campaign, by=actor)
    with tenant_scope(tenant):
        stand_in(by=actor)
        written += write_day_mails(by=actor)
    return {"written": written, **send_notices(progress, tenant)}


def send_tickets(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Writes the tickets about revocations that are due, and sends them."""
    with tenant_scope(tenant):
        written = write_tickets(by=Actor.system(SCHEDULER, tenant.pk))
    progress.step(0, 1, "Sending tickets")
    return {"written": written, "taken": hand_over_tickets(tenant)}


def send_notices(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Sends the mails of campaigns that are due, and those of the day."""
    progress.step(0, 1, "Sending mails")
    return {"mailed": send_due(tenant) + send_day_mails(tenant)}
