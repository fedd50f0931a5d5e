"""Brings a campaign from one state to the next, and remembers who did it and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from reviews.models import Campaign, CampaignMove
from reviews.policies import can_move_campaign
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.kinds import Actor, enforce

MANY: Final = 500
"""Rows written at once of which the planner is told: with old statistics, 10,000 made the next question take 30 s."""


def locked(campaign: Campaign) -> Campaign:
    """Returns the campaign as it is now, its row locked until the transaction ends."""
    return Campaign.objects.select_for_update().select_related("plan").get(pk=campaign.pk)


def move(campaign: Campaign, new: CampaignState, *, by: Actor, reason: str = "", **fields: Any) -> Campaign:
    """Changes the state of a locked campaign, with the fields that go with it; the database holds the gates.

    Raises:
        Refused: when the move is not in the table, or a gate is not met.
    """
    enforce(can_move_campaign(by, campaign, new))
    return shift(campaign, new, by=by, reason=reason, **fields)


def shift(campaign: Campaign, new: CampaignState, *, by: Actor, reason: str = "", **fields: Any) -> Campaign:
    """Changes the state as a consequence of a deed that was allowed already, such as the last signature."""
    old, old_due_at = campaign.state, campaign.due_at
    for name, value in {"state": new, **fields}.items():
        setattr(campaign, name, value)
    remember_and_save(campaign, ["state", *fields], old=old, old_due_at=old_due_at, by=by, reason=reason)
    return campaign


def remember_and_save(
    campaign: Campaign, fields: Sequence[str], *, old: str, old_due_at: datetime | None, by: Actor, reason: str
) -> None:
    """Writes the row that says what changes, then the change: the database moves no due time without the row."""
    with as_refusal():
        CampaignMove.objects.create(
            campaign=campaign,
            old=old,
            new=campaign.state,
            old_due_at=old_due_at,
            new_due_at=campaign.due_at,
            reason=reason,
            at=timezone.now(),
            by=by.name,
        )
        campaign.save(update_fields=fields)


def refresh_statistics(written: int) -> None:
    """Tells the planner about the rows that were just written, where they are many, before the database checks them."""
    if written >= MANY:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reviews_refresh_statistics()")
