"""Names the states of campaigns and remediations, and which moves between them are allowed."""

from typing import Final

from django.db.models import TextChoices


class CampaignState(TextChoices):
    """Says where a campaign stands."""

    DRAFT = "draft", "Draft"
    COLLECTING = "collecting", "Collecting snapshots"
    READY = "ready", "Ready to open"
    OPEN = "open", "Open"
    SIGNING = "signing", "Signing"
    REMEDIATING = "remediating", "Carrying out revocations"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"


_C = CampaignState
CAMPAIGN_MOVES: Final[dict[CampaignState, frozenset[CampaignState]]] = {
    _C.DRAFT: frozenset({_C.COLLECTING, _C.CANCELLED}),
    _C.COLLECTING: frozenset({_C.READY, _C.CANCELLED}),
    _C.READY: frozenset({_C.OPEN, _C.COLLECTING, _C.CANCELLED}),
    _C.OPEN: frozenset({_C.SIGNING, _C.CANCELLED}),
    _C.SIGNING: frozenset({_C.OPEN, _C.REMEDIATING}),
    _C.REMEDIATING: frozenset({_C.CLOSED}),
    _C.CLOSED: frozenset(),
    _C.CANCELLED: frozenset(),
}
"""Closed and cancelled are final: a later campaign follows up, it does not reopen."""

WORKING: Final = frozenset({_C.OPEN, _C.SIGNING, _C.REMEDIATING})


class RemediationState(TextChoices):
    """Says where the carrying out of a revocation stands."""

    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    CLAIMED_DONE = "claimed_done", "Said to be done"
    VERIFIED = "verified", "Verified"
    FAILED = "failed", "Failed"
    RISK_ACCEPTED = "risk_accepted", "Risk accepted for a time"


_R = RemediationState
REMEDIATION_MOVES: Final[dict[RemediationState, frozenset[RemediationState]]] = {
    _R.OPEN: frozenset({_R.IN_PROGRESS, _R.CLAIMED_DONE, _R.VERIFIED, _R.RISK_ACCEPTED}),
    _R.IN_PROGRESS: frozenset({_R.OPEN, _R.CLAIMED_DONE, _R.VERIFIED, _R.RISK_ACCEPTED}),
    _R.CLAIMED_DONE: frozenset({_R.VERIFIED, _R.FAILED}),
    _R.VERIFIED: frozenset({_R.FAILED}),
    _R.FAILED: frozenset({_R.OPEN}),
    _R.RISK_ACCEPTED: frozenset({_R.OPEN, _R.VERIFIED}),
}
"""Done is a claim until a later complete snapshot verifies it; use afterwards makes a verified one fail."""


class LogReviewState(TextChoices):
    """Says where the log review of a period stands: filled, put to its reviewers, signed."""

    COLLECTING = "collecting", "Being filled"
    OPEN = "open", "Open"
    CLOSED = "closed", "Signed"


class NoticeState(TextChoices):
    """Says where a mail stands."""

    WAITING = "waiting", "Waiting"
    FAILED = "failed", "Failed, tried again"
    SENT = "sent", "Sent"
    GIVEN_UP = "given_up", "Given up"
    DROPPED = "dropped", "Not needed any more"


def may_move(old: str, new: str) -> bool:
    """Returns whether a campaign may move from one state to another."""
    return CampaignState(new) in CAMPAIGN_MOVES[CampaignState(old)]


def may_remediate(old: str, new: str) -> bool:
    """Returns whether a remediation may move from one state to another."""
    return RemediationState(new) in REMEDIATION_MOVES[RemediationState(old)]
