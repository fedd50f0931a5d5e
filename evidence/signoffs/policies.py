"""Who may sign a pack off: two people who may build packs, and who are not the same person under two log-ins."""

from collections.abc import Collection

from evidence.models import EvidencePack
from evidence.signoffs.kinds import SignRole
from evidence.signoffs.models import PackSignOff
from evidence.states import PackState
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit


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


def can_issue_pack(by: Actor, pack: EvidencePack, signed: Collection[PackSignOff]) -> Verdict:
    """Whether a draft may be issued: everybody who is asked for has signed."""
    verdict = permit(by, Permission.PACK_BUILD, to="issue an evidence pack")
    if verdict.allowed and (pack.state != PackState.DRAFT or len(signed) < max(1, pack.people)):
        return denied("A pack is issued when everybody who is asked for has signed it.")
    return verdict
