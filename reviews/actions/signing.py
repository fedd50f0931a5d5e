"""Signs decisions, reopens what was signed, extends, and closes campaigns."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.care import ask_second_looks
from reviews.actions.controls import judge_controls
from reviews.actions.findings import find_abstained, write_finding
from reviews.actions.moves import locked, move, remember_and_save, shift
from reviews.actions.remediation import begin_remediations
from reviews.agreement import quarter
from reviews.causes import Cause
from reviews.kinds import REASON_MIN, Authentication, FindingKind, Level, meaning_of_signature
from reviews.models import Campaign, SigningRule, SignOff
from reviews.policies import can_extend_campaign, can_manage_campaigns, can_reopen_campaign, can_sign, can_sign_at
from reviews.queries.campaigns import times_extended
from reviews.queries.controls import undecided_controls
from reviews.queries.quality import care_lines, reciprocal_pairs
from reviews.queries.standing import (
    decisions_of_reviewer,
    has_signed,
    heads,
    signing_minimum,
    statement,
    undecided_count,
    undecided_items,
)
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@transaction.atomic
def sign_off(*, campaign: Campaign, by: Actor, printed_name: str, shown_digest: str, proof: Authentication) -> SignOff:
    """Signs exactly the decisions that the reviewer was shown; revocations begin to be carried out at once.

    The last signature brings the campaign to the carrying out of what was revoked.

    Raises:
        Refused: when items are undecided, the decisions changed since they were shown, or the proof of identity is old
            or weaker than the tenant asks for.
    """
    campaign, reviewer = locked(campaign), identity_of_user(by.user_id)
    text, digest, count = statement(campaign, reviewer) if reviewer else ("", "", 0)
    undecided = undecided_count(campaign, reviewer) + undecided_controls(campaign, reviewer) if reviewer else 0
    signed = has_signed(campaign, reviewer)
    enforce(can_sign(by, campaign, reviewer=reviewer, undecided=undecided, decided=count, signed=signed))
    enforce(can_sign_at(proof.level, signing_minimum()))
    if digest != shown_digest:
        raise Refused(denied("The decisions changed since they were shown. Read the statement again and sign it."))
    fresh = SignOff(
        campaign=campaign,
        round=campaign.round,
        reviewer=reviewer,
        meaning=meaning_of_signature(count),
        **signature_fields(by, printed_name, proof, (text, digest, count)),
    )
    with as_refusal():
        fresh.save(force_insert=True)
    begin_remediations(campaign, decisions_of_reviewer(campaign, fresh.reviewer), fresh.signed_at)
    _judge_care(campaign, fresh)
    judge_controls(campaign, fresh)
    detail = {"campaign": campaign.pk, "digest": digest, "count": count, "methods": list(proof.methods)}
    detail |= {"second_looks": ask_second_looks(campaign, fresh)}
    detail |= {"level": proof.level, "assertion": proof.detail.get("assertion_sha256")}
    audit("campaign.sign", by=by, target=f"campaign {campaign.name}", detail=detail, kind=LeafKind.DECISION)
    finish_signing(campaign, by=by)
    return fresh


def signature_fields(
    by: Actor, printed_name: str, proof: Authentication, signed: tuple[str, str, int]
) -> dict[str, Any]:
    """Returns what every signature stores: who, how proved, when, and the statement with its digest and count."""
    text, digest, count = signed
    return {
        "printed_name": printed_name.strip() or by.name,
        "level": proof.level,
        "methods": list(proof.methods),
        "authentication": dict(proof.detail),
        "authenticated_at": proof.authenticated_at,
        "signed_at": timezone.now(),
        "count": count,
        "manifest": text,
        "digest": digest,
    }


def _judge_care(campaign: Campaign, signature: SignOff) -> None:
    """Stores a finding where the figures of the signed decisions are beyond the plan's thresholds.

    It names nobody: the figures by person are on a page for the officer alone.
    """
    for line in care_lines(campaign, signature.reviewer_id):
        if line.concerns:
            words = "; ".join(line.concerns)
            sentence = f"Of the {signature.count} decisions of one reviewer in '{campaign.name}': {words}."
            cause = Cause(FindingKind.HASTY_REVIEW, f"signature {signature.pk}", sentence)
            write_finding(cause, at=signature.signed_at, campaign=campaign)
    _judge_pairs(campaign, signature)


def _judge_pairs(campaign: Campaign, signature: SignOff) -> None:
    """Stores a finding for each other reviewer with whom the signer kept each other's access in one quarter."""
    assert campaign.opened_at is not None  # noqa: S101 -- nobody signs a campaign that was never opened
    for pair in reciprocal_pairs(campaign.opened_at, {signature.reviewer_id}):
        first, _end = quarter(campaign.opened_at)
        sentence = (
            f"Two reviewers kept each other's access in campaigns opened in one quarter, the last of them "
            f"'{campaign.name}': the one kept {pair.one_kept} of the other's grants, the other {pair.other_kept}."
        )
        key = f"pair {pair.one} {pair.other} quarter {first:%Y-%m}"
        write_finding(Cause(FindingKind.RECIPROCAL, key, sentence), at=signature.signed_at, campaign=campaign)


@transaction.atomic
def set_signing_rule(*, minimum: Level, reason: str, by: Actor) -> SigningRule:
    """Sets the weakest level at which reviewers of this tenant sign from now on; earlier rules stay."""
    enforce(can_manage_campaigns(by))
    _check_reason(reason, "the level is changed")
    before = signing_minimum()
    if minimum == before:
        raise Refused(denied("This is the level that is asked for already."))
    rule = SigningRule.objects.create(minimum=minimum, reason=reason.strip(), set_at=timezone.now(), set_by=by.name)
    detail = {"from": before, "to": minimum, "why": rule.reason}
    audit("signing_rule.set", by=by, target="the level of signatures", detail=detail, kind=LeafKind.DECISION)
    return rule


def finish_signing(campaign: Campaign, *, by: Actor) -> Campaign:
    """Brings a campaign on when nothing is undecided and everybody who decided has signed."""
    deciders = set(heads(campaign.pk).filter(reviewer__isnull=False).values_list("reviewer_id", flat=True))
    signers = set(SignOff.objects.filter(campaign=campaign, round=campaign.round).values_list("reviewer_id", flat=True))
    if not deciders <= signers or undecided_items(campaign).exists():
        return campaign
    if campaign.state == CampaignState.OPEN:
        shift(campaign, CampaignState.SIGNING, by=by, reason="Every item is decided.")
    if campaign.state == CampaignState.SIGNING:
        now = timezone.now()
        shift(campaign, CampaignState.REMEDIATING, by=by, reason="Every reviewer signed.", signed_at=now)
        find_abstained(campaign, now)
    return campaign


@transaction.atomic
def reopen_campaign(*, campaign: Campaign, due_at: datetime, reason: str, by: Actor) -> Campaign:
    """Opens a campaign again before its last signature: the signatures of this round are withdrawn and kept.

    Raises:
        Refused: when the due time lies in the past or more than 30 days ahead, or the reason is missing.
    """
    campaign = locked(campaign)
    enforce(can_reopen_campaign(by, campaign, due_at, timezone.now()))
    _check_reason(reason, "the campaign is reopened")
    fields = {"round": campaign.round + 1, "due_at": due_at}
    campaign = move(campaign, CampaignState.OPEN, by=by, reason=reason, **fields)
    detail = {"campaign": campaign.pk, "why": reason, "due_at": due_at, "round": campaign.round}
    audit("campaign.reopen", by=by, target=f"campaign {campaign.name}", detail=detail, kind=LeafKind.DECISION)
    return campaign


@transaction.atomic
def extend_campaign(*, campaign: Campaign, due_at: datetime, reason: str, by: Actor) -> Campaign:
    """Gives reviewers more time, for a reason that is printed in the evidence: a few times, and for days only."""
    campaign = locked(campaign)
    enforce(can_extend_campaign(by, campaign, due_at, times=times_extended(campaign)))
    _check_reason(reason, "the campaign is extended")
    old_due_at, campaign.due_at = campaign.due_at, due_at
    remember_and_save(campaign, ["due_at"], old=campaign.state, old_due_at=old_due_at, by=by, reason=reason)
    detail = {"campaign": campaign.pk, "from": old_due_at, "to": due_at, "why": reason}
    audit("campaign.extend", by=by, target=f"campaign {campaign.name}", detail=detail)
    return campaign


@transaction.atomic
def close_campaign(*, campaign: Campaign, by: Actor) -> Campaign:
    """Closes a campaign for good once every revocation is verified, or its risk accepted for a time.

    Raises:
        Refused: when a revocation is not verified; the database holds the same gate.
    """
    enforce(can_manage_campaigns(by))
    now = timezone.now()
    campaign = move(locked(campaign), CampaignState.CLOSED, by=by, closed_at=now, closed_by=by.name)
    detail = {"campaign": campaign.pk}
    audit("campaign.close", by=by, target=f"campaign {campaign.name}", detail=detail, kind=LeafKind.DECISION)
    return campaign


def _check_reason(reason: str, what: str) -> None:
    """Refuses a reason that is too short to mean anything."""
    if len(reason.strip()) < REASON_MIN:
        raise Refused(denied(f"Write in at least {REASON_MIN} characters why {what}."))
