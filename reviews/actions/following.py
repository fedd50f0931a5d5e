"""Begins what follows a campaign: its next stage, or a follow-up of what a closed one left unreviewed."""

from django.db import transaction
from django.utils import timezone

from reviews.actions.moves import locked
from reviews.actions.plans import collect_snapshots
from reviews.kinds import REASON_MAX, REASON_MIN
from reviews.models import Campaign, ScopeLine
from reviews.policies import can_begin_stage, can_follow_up
from reviews.queries.following import left_over, passed_on
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@transaction.atomic
def begin_stage(*, campaign: Campaign, by: Actor) -> Campaign:
    """Makes the campaign of the next stage, over the same snapshots; it reviews what this stage did not revoke.

    Signed waivers count for it too; one from before waivers were signed does not.

    Raises:
        Refused: before every reviewer of this stage signed, after its last stage, or when nothing is left to review.
    """
    campaign = locked(campaign)
    later = list(campaign.definition.get("later_stages", []))
    enforce(can_begin_stage(by, campaign, later=len(later)))
    if not passed_on(campaign):
        raise Refused(denied("This stage revoked every grant; nothing is left for the next."))
    stage = later[0]
    definition = {**campaign.definition, **stage, "later_stages": later[1:]}
    name = f"{campaign.name.split(' (stage ')[0]} (stage {campaign.stage + 1})"
    fresh = Campaign(
        plan=campaign.plan,
        follows=campaign,
        stage=campaign.stage + 1,
        name=name[:160],
        occurrence_at=campaign.occurrence_at,
        definition=definition,
        created_by=by.name,
    )
    with as_refusal():
        fresh.save(force_insert=True)
    lines = ScopeLine.objects.filter(campaign=campaign)
    ScopeLine.objects.bulk_create(
        [
            ScopeLine(
                campaign=fresh,
                system_id=line.system_id,
                snapshot_id=line.snapshot_id,
                waiver_reason=line.waiver_reason if line.waiver_id else "",
                waived_by=line.waived_by if line.waiver_id else "",
                waiver_id=line.waiver_id,
            )
            for line in lines
        ]
    )
    audit("campaign.begin_stage", by=by, target=f"campaign {fresh.name}", detail={"follows": campaign.pk, **stage})
    return collect_snapshots(campaign=fresh, by=by)


@transaction.atomic
def follow_up(*, campaign: Campaign, reason: str, by: Actor) -> Campaign:
    """Makes a campaign over what a closed one left undecided, with the newest snapshots; it points back.

    Raises:
        Refused: when the campaign is not closed, everything in it was decided, or the reason is missing.
    """
    campaign = locked(campaign)
    enforce(can_follow_up(by, campaign))
    if not REASON_MIN <= len(reason.strip()) <= REASON_MAX:
        raise Refused(denied(f"Write in {REASON_MIN} to {REASON_MAX} characters why it is followed up."))
    if not left_over(campaign):
        raise Refused(denied("Everything in this campaign was decided. Plan a new campaign instead."))
    fresh = Campaign(
        plan=campaign.plan,
        follows=campaign,
        name=f"Follow-up of {campaign.name}"[:160],
        occurrence_at=timezone.now(),
        definition={**campaign.definition, "follow_up": reason.strip()},
        created_by=by.name,
    )
    with as_refusal():
        fresh.save(force_insert=True)
    systems = ScopeLine.objects.filter(campaign=campaign).values_list("system_id", flat=True)
    ScopeLine.objects.bulk_create([ScopeLine(campaign=fresh, system_id=system) for system in systems])
    detail = {"follows": campaign.pk, "why": reason.strip()}
    audit("campaign.follow_up", by=by, target=f"campaign {fresh.name}", detail=detail)
    return collect_snapshots(campaign=fresh, by=by)
