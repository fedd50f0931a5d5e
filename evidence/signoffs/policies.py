"""Who may sign a pack off: two people who may build packs, and who are not the same person under two log-ins."""

from collections.abc import Collection

from evidence.models import EvidencePack
from evidence.signoffs.kinds import SignRole
from evidence.signoffs.models import PackSignOff
from evidence.states import PackState
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit
from tenants.models import Work

REASON_MIN = 10


def can_sign_pack(
    by: Actor, pack: EvidencePack, role: SignRole | None, *, identity: int, signed: Collection[PackSignOff]
) -> Verdict:
    """Whether the actor may sign in this role: the next one that is open, and as nobody who signed already."""
    verdict = permit(by, Permission.PACK_BUILD, to="sign an evidence pack off")
    if not verdict.allowed:
        return verdict
    if by.user_id is None:
        return denied("A person signs a pack off, not a process or a token.")
    if pack.state != PackState.DRAFT:
        return denied(f"The pack is {pack.get_state_display().lower()}: only a draft is signed.")
    if role is None:
        return denied("Everybody who has to sign has signed: the pack is being issued.")
    if any(one.signer == by.user_id or (identity and one.identity == identity) for one in signed):
        return denied("You have signed this pack yourself: another person approves it.")
    return ALLOWED


def can_retry_issue(by: Actor, pack: EvidencePack, signed: Collection[PackSignOff], work: Work | None) -> Verdict:
    """Whether the actor may have the issue of a pack tried again: everybody has signed, and no try is under way."""
    verdict = can_issue_pack(by, pack, signed)
    if verdict.allowed and work is not None and not work.is_over:
        return denied("The pack is being issued: wait until this try has ended.")
    return verdict


def can_withdraw_pack(by: Actor, pack: EvidencePack, reason: str, work: Work | None) -> Verdict:
    """Whether the actor may withdraw a draft: with a reason, and while nothing issues it."""
    verdict = permit(by, Permission.PACK_BUILD, to="withdraw an evidence pack")
    if not verdict.allowed:
        return verdict
    if pack.state != PackState.DRAFT:
        return denied(f"The pack is {pack.get_state_display().lower()}: only a draft is withdrawn.")
    if work is not None and not work.is_over:
        return denied("The pack is being issued: it cannot be withdrawn any more.")
    if len(reason) < REASON_MIN:
        return denied(f"Say in at least {REASON_MIN} characters why it is withdrawn: the list of packs shows it.")
    return ALLOWED


def can_issue_pack(by: Actor, pack: EvidencePack, signed: Collection[PackSignOff]) -> Verdict:
    """Whether a draft may be issued: everybody who is asked for has signed."""
    verdict = permit(by, Permission.PACK_BUILD, to="issue an evidence pack")
    if verdict.allowed and (pack.state != PackState.DRAFT or len(signed) < max(1, pack.people)):
        return denied("A pack is issued when everybody who is asked for has signed it.")
    return verdict
