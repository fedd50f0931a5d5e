"""Accepts for a time that a revocation is not carried out: one person asks, another signs over the same statement."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.remediation import is_changed, locked_remediation, name_of
from reviews.kinds import OWNERLESS, Authentication, RiskStanding, meaning_of_acceptance
from reviews.manifest import canonical_text, manifest_digest, moment
from reviews.models import Remediation, RiskProposal, RiskSignature
from reviews.policies import can_sign_at
from reviews.queries.standing import signing_minimum
from reviews.refusals import as_refusal
from reviews.remedypolicies import can_propose_risk, can_sign_risk
from reviews.states import RemediationState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@transaction.atomic
def propose_risk(*, remediation: Remediation, until: datetime, reason: str, by: Actor) -> RiskProposal:
    """Asks to leave a revocation undone until a time; the clock runs on until a second person signs.

    Raises:
        Refused: when the time is past or beyond the campaign's rules, the reason is missing, or others weigh it.
    """
    remediation, now, reason = locked_remediation(remediation), timezone.now(), reason.strip()
    person = identity_of_user(by.user_id)
    standing = _standing(remediation, person)
    enforce(can_propose_risk(by, remediation, until=until, at=now, reason=reason, standing=standing))
    assert by.user_id is not None  # noqa: S101 -- the policy saw to it
    fresh = RiskProposal(
        remediation=remediation,
        until=until,
        reason=reason,
        asked_at=now,
        asked_by=by.name,
        asker_user=by.user_id,
        asker_key=person.pk if person else OWNERLESS,
        subject_key=remediation.item.subject_key,
    )
    fresh.manifest = risk_statement(fresh)
    fresh.digest = manifest_digest(fresh.manifest)
    with as_refusal():
        fresh.save(force_insert=True)
    detail = {"remediation": remediation.pk, "until": until, "why": reason, "digest": fresh.digest}
    audit("risk.propose", by=by, target=name_of(remediation), detail=detail, kind=LeafKind.DECISION)
    return fresh


def risk_statement(proposal: RiskProposal) -> str:
    """Returns the canonical statement that says exactly what is accepted, by whom it was asked for, and until when."""
    fix = proposal.remediation
    item, decision = fix.item, fix.decision
    return canonical_text(
        {
            "version": 1,
            "kind": "risk",
            "remediation": fix.pk,
            "campaign": {"id": fix.campaign_id, "name": fix.campaign.name},
            "item": {"id": item.pk, "n": item.n, "privileged": item.privileged},
            "system": item.system.key,
            "account": item.account.ref,
            "entitlement": item.entitlement.key,
            "decision": {"id": decision.pk, "outcome": decision.outcome, "reason": decision.reason},
            "due_at": moment(fix.due_at),
            "until": moment(proposal.until),
            "reason": proposal.reason,
            "asked_by": proposal.asked_by,
            "asked_at": moment(proposal.asked_at),
        }
    )


@transaction.atomic
def sign_risk(
    *, proposal: RiskProposal, by: Actor, printed_name: str, shown_digest: str, proof: Authentication
) -> RiskSignature:
    """Signs as the second person; from now on the revocation stands still until the end that the statement names.

    Raises:
        Refused: for the one who asked, when it is too late, or the proof of identity is old or too weak.
    """
    proposal = RiskProposal.objects.get(pk=proposal.pk)
    proposal.remediation = locked_remediation(proposal.remediation)
    now, person = timezone.now(), identity_of_user(by.user_id)
    key = person.pk if person else OWNERLESS
    same = by.user_id == proposal.asker_user or (key != OWNERLESS and key == proposal.asker_key)
    standing = _standing(proposal.remediation, person)
    enforce(can_sign_risk(by, proposal, at=now, same=same, standing=standing))
    enforce(can_sign_at(proof.level, signing_minimum()))
    if shown_digest != proposal.digest:
        raise Refused(denied("This is not the statement that was shown. Read it again and sign it."))
    assert by.user_id is not None  # noqa: S101 -- the policy saw to it
    fresh = RiskSignature(
        proposal=proposal,
        remediation=proposal.remediation,
        asker_user=proposal.asker_user,
        asker_key=proposal.asker_key,
        subject_key=proposal.subject_key,
        digest=proposal.digest,
        signer_user=by.user_id,
        signer_key=key,
        signed_by=by.name,
        printed_name=printed_name.strip() or by.name,
        meaning=meaning_of_acceptance(f"{proposal.until:%-d %B %Y %H:%M} UTC"),
        level=proof.level,
        methods=list(proof.methods),
        authentication=dict(proof.detail),
        authenticated_at=proof.authenticated_at,
        signed_at=now,
    )
    with as_refusal():
        fresh.save(force_insert=True)
        _stand_still(proposal, by)
    detail = {"remediation": proposal.remediation_id, "proposal": proposal.pk, "digest": proposal.digest}
    detail |= {"level": proof.level, "assertion": proof.detail.get("assertion_sha256"), "until": proposal.until}
    audit("risk.sign", by=by, target=name_of(proposal.remediation), detail=detail, kind=LeafKind.DECISION)
    return fresh


def _stand_still(proposal: RiskProposal, by: Actor) -> None:
    """Stops the clock of the revocation until the end of the signed acceptance."""
    fix = proposal.remediation
    fix.state, fix.accepted_until = RemediationState.RISK_ACCEPTED, proposal.until
    fix.accepted_reason, fix.accepted_by = proposal.reason, by.name
    fix.save(update_fields=["state", "accepted_until", "accepted_reason", "accepted_by"])


def _standing(remediation: Remediation, person: Identity | None) -> RiskStanding:
    """Returns how a person stands to a revocation."""
    item = remediation.item
    return RiskStanding(
        owner=person is not None and person.pk == item.system.owner_id,
        own=person is not None and person.pk == item.subject_key,
        changed=is_changed(remediation),
    )
