"""Answers which risks were proposed and accepted, to those who may weigh them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from identities.models import Identity
from reviews.models import Remediation, RiskProposal, RiskSignature
from reviews.states import RemediationState
from tenants.kinds import Actor, Permission

_SHOWN = (
    *("signature", "remediation__campaign", "remediation__decision", "remediation__item__account"),
    *("remediation__item__entitlement", "remediation__item__system", "remediation__item__subject"),
)
OPEN = (RemediationState.OPEN, RemediationState.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class RiskLine:
    """Holds one accepted or proposed risk of the list."""

    proposal: RiskProposal
    standing: str


def risks_for(by: Actor, person: Identity | None) -> QuerySet[RiskProposal]:
    """Returns the risks that somebody may weigh, newest first: all for those who run campaigns, else of own systems."""
    rows = RiskProposal.objects.select_related(*_SHOWN).order_by("-id")
    if by.may(Permission.CAMPAIGN_MANAGE):
        return rows
    return rows.filter(remediation__item__system__owner=person) if person else rows.none()


def risks_to_sign(by: Actor, person: Identity | None, at: datetime) -> QuerySet[RiskProposal]:
    """Returns the proposals that wait for a second person and that somebody may sign."""
    rows = risks_for(by, person).filter(signature__isnull=True, until__gt=at, remediation__state__in=OPEN)
    own = Q(asker_user=by.user_id) | (Q(subject_key=person.pk) if person else Q())
    return rows.exclude(own)


def signature_of(proposal: RiskProposal) -> RiskSignature | None:
    """Returns the second signature, or None."""
    return RiskSignature.objects.filter(proposal=proposal).first()


def risk_lines(proposals: Iterable[RiskProposal], at: datetime) -> list[RiskLine]:
    """Returns proposals with where they stand; the signatures come with the proposals."""
    return [RiskLine(one, standing_of(one, signed=hasattr(one, "signature"), at=at)) for one in proposals]


def standing_of(proposal: RiskProposal, *, signed: bool, at: datetime) -> str:
    """Returns "accepted" or "proposed" while it may hold, else "ended", or "lapsed" where nobody signed."""
    fix: Remediation = proposal.remediation
    if signed:
        return "accepted" if proposal.until > at and fix.state == RemediationState.RISK_ACCEPTED else "ended"
    return "proposed" if proposal.until > at and fix.state in OPEN else "lapsed"
