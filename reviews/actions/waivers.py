"""Has a campaign go on without the list of a system, by a signature over exactly that."""

from django.db import transaction
from django.utils import timezone

from ledger.kinds import LeafKind
from reviews.actions.moves import locked
from reviews.actions.plans import collect_snapshots
from reviews.kinds import Authentication, meaning_of_waiver
from reviews.models import Campaign, ScopeLine, Waiver
from reviews.policies import can_sign_at, can_waive_system
from reviews.queries.standing import signing_minimum
from reviews.queries.waivers import waiver_statement
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@transaction.atomic
def waive_system(
    *, line: ScopeLine, reason: str, by: Actor, printed_name: str, shown_digest: str, proof: Authentication
) -> Campaign:
    """Signs that a campaign goes on without a system's list; reason and signature are printed in the evidence.

    Raises:
        Refused: after the snapshots are taken, without a reason, or when the proof of identity is old or too weak.
    """
    line, reason = ScopeLine.objects.select_related("system", "campaign").get(pk=line.pk), reason.strip()
    line.campaign = locked(line.campaign)
    enforce(can_waive_system(by, line.campaign, reason=reason))
    enforce(can_sign_at(proof.level, signing_minimum()))
    text, digest = waiver_statement(line, reason, by.name)
    if shown_digest != digest:
        raise Refused(denied("This is not the statement that was shown. Read it again and sign it."))
    assert by.user_id is not None  # noqa: S101 -- the policy saw to it
    fresh = Waiver(
        campaign=line.campaign,
        system=line.system,
        reason=reason,
        manifest=text,
        digest=digest,
        signer_user=by.user_id,
        signed_by=by.name,
        printed_name=printed_name.strip() or by.name,
        meaning=meaning_of_waiver(line.system.name),
        level=proof.level,
        methods=list(proof.methods),
        authentication=dict(proof.detail),
        authenticated_at=proof.authenticated_at,
        signed_at=timezone.now(),
    )
    with as_refusal():
        fresh.save(force_insert=True)
        line.snapshot, line.waiver_reason, line.waived_by, line.waiver = None, reason, by.name, fresh
        line.save(update_fields=["snapshot", "waiver_reason", "waived_by", "waiver"])
    detail = {"campaign": line.campaign_id, "why": reason, "digest": digest, "level": proof.level}
    detail |= {"assertion": proof.detail.get("assertion_sha256")}
    audit("campaign.waive", by=by, target=f"system {line.system.key}", detail=detail, kind=LeafKind.DECISION)
    return collect_snapshots(campaign=line.campaign, by=by)
