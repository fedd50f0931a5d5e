"""Who may ask for an erasure, who may answer it, and what may be erased."""

from typing import Final

from evidence.erasures.kinds import Found, Grounds
from logs.erasedset import MOST
from logs.models import Erasure
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit

REASON_MIN: Final = 10
LEGAL_REF_MIN: Final = 3


def can_ask_to_erase(by: Actor, grounds: Grounds, found: Found) -> Verdict:
    """Return whether the actor may ask for the erasure of what was found: with a reason and the law it rests on."""
    verdict = _officer(by, to="have events erased")
    if not verdict.allowed:
        return verdict
    if len(grounds.reason) < REASON_MIN or len(grounds.legal_ref) < LEGAL_REF_MIN:
        return denied(f"Say why in at least {REASON_MIN} characters, and by which law: auditors read both.")
    if found.too_many:
        return denied(f"More than {MOST:,} records would go: ask for shorter spans, one after the other.")
    return ALLOWED if found.leaves else _nothing_goes(found)


def _nothing_goes(found: Found) -> Verdict:
    """Return the refusal of an erasure that would take nothing."""
    if found.held:
        return denied("A legal hold keeps all of these events. It has to be lifted before any of them is erased.")
    if found.cited:
        return denied("All of these events are evidence that people worked with. Choose to erase those, too.")
    return denied("There is no such event: nothing would be erased.")


def can_answer_erasure(by: Actor, erasure: Erasure, *, same: bool) -> Verdict:
    """Return whether the actor may confirm or decline: an officer who is not the one that asked."""
    verdict = _officer(by, to="answer for an erasure")
    if not verdict.allowed:
        return verdict
    if erasure.answer:
        return denied(f"This erasure is {erasure.get_answer_display().lower()} already.")
    return denied("You asked for this erasure: another officer confirms or declines it.") if same else ALLOWED


def _officer(by: Actor, *, to: str) -> Verdict:
    """Return whether the actor is a person who manages retention."""
    if by.user_id is None:
        return denied("Only people ask for an erasure and answer for it.")
    return permit(by, Permission.RETENTION_MANAGE, to=to)


def can_repeat_erasure(by: Actor) -> Verdict:
    """Return whether the actor may carry out again what a restored database forgot: the portal's own program alone."""
    return ALLOWED if by.is_system else denied("Erasures are repeated after a restore by the program `retain` alone.")
