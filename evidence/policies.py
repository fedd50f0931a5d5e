"""Who may compute controls, settle their parameters, and ask for, build, see and fetch evidence packs."""

from evidence.kinds import Control, Parameter
from evidence.models import EvidencePack
from evidence.states import PACK_MOVES, PackState
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit


def can_compute_controls(by: Actor) -> Verdict:
    """Whether the actor may evaluate the catalogue."""
    return permit(by, Permission.CONTROL_COMPUTE, to="evaluate the controls")


def can_set_parameter(by: Actor, parameter: Parameter | None, reason: str) -> Verdict:
    """Whether the actor may change a parameter: it exists, and the change says why."""
    verdict = permit(by, Permission.CONTROL_COMPUTE, to="change a parameter of the controls")
    if verdict.allowed and parameter is None:
        return denied("The catalogue has no such parameter.")
    return _with_reason(verdict, reason)


def can_put_log_type_aside(by: Actor, reason: str) -> Verdict:
    """Whether the actor may put a log type out of scope."""
    return _with_reason(permit(by, Permission.CONTROL_COMPUTE, to="put a log type out of scope"), reason)


def can_put_row_aside(by: Actor, control: Control | None, reason: str) -> Verdict:
    """Whether the actor may set a row aside: of HIPAA's rows only the addressable ones (45 CFR 164.306(d)(3))."""
    verdict = permit(by, Permission.CONTROL_COMPUTE, to="set a control aside")
    if verdict.allowed and control is None:
        return denied("The catalogue has no such control.")
    if verdict.allowed and control and control.framework == "hipaa" and control.requirement != "addressable":
        return denied("This HIPAA specification is required: it cannot be set aside. Only addressable ones can.")
    return _with_reason(verdict, reason)


def can_verify_ledger(by: Actor) -> Verdict:
    """Whether the actor may have everything stored hashed again."""
    return permit(by, Permission.CONTROL_COMPUTE, to="verify the ledger")


def can_request_pack(by: Actor) -> Verdict:
    """Whether the actor may ask for an evidence pack."""
    return permit(by, Permission.PACK_BUILD, to="build an evidence pack")


def can_move_pack(by: Actor, pack: EvidencePack, to: PackState) -> Verdict:
    """Whether the pack may go to another state."""
    verdict = permit(by, Permission.PACK_BUILD, to="build an evidence pack")
    if verdict.allowed and to not in PACK_MOVES[PackState(pack.state)]:
        return denied(f"The pack is {pack.get_state_display().lower()}: it cannot become {to.label.lower()}.")
    return verdict


def can_download_pack(by: Actor, pack: EvidencePack, *, shared: bool) -> Verdict:
    """Whether the actor may fetch the pack's file."""
    verdict = permit(by, Permission.PACK_VIEW, to="download an evidence pack")
    if verdict.allowed and not shared:
        return denied("This pack is not shared with you.")
    if verdict.allowed and pack.state == PackState.DRAFT and not by.may(Permission.PACK_BUILD):
        return denied("This pack is a draft: it is for those who sign it off.")
    if verdict.allowed and pack.state not in {PackState.DRAFT, PackState.ISSUED}:
        return denied("This pack is not built: there is nothing to download.")
    return verdict


def can_share_pack(by: Actor, pack: EvidencePack) -> Verdict:
    """Whether the actor may let an outsider see the pack: only one that was signed off."""
    verdict = permit(by, Permission.SHARE_MANAGE, to="share an evidence pack")
    if verdict.allowed and pack.state != PackState.ISSUED:
        return denied("Only an issued pack is shared: two people sign it off first.")
    return verdict


def can_let_one_person_sign(by: Actor, reason: str) -> Verdict:
    """Whether the actor may say that one person is enough to sign packs off."""
    return _with_reason(permit(by, Permission.CONTROL_COMPUTE, to="change who signs packs off"), reason)


def can_give_out_pack(by: Actor, pack: EvidencePack, sha256: str, sealed: str) -> Verdict:
    """Whether what is stored may be handed to the actor: only the very bytes that the ledger's entry names."""
    verdict = permit(by, Permission.PACK_VIEW, to="download an evidence pack")
    if verdict.allowed and {sha256, sealed} != {pack.sha256}:
        return denied(
            "The stored file of this pack is not the one that was made: its SHA-256 differs, so it is not given out. "
            "Tell whoever runs the portal; the file that was made is in its backups."
        )
    return verdict


def _with_reason(verdict: Verdict, reason: str) -> Verdict:
    """Ask for a reason of at least ten characters, since packs print it."""
    if verdict.allowed and len(reason.strip()) < 10:
        return denied("Give a reason of at least 10 characters: every evidence pack prints it.")
    return verdict if not verdict.allowed else ALLOWED
