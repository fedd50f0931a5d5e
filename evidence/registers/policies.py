"""Who may keep the registers: the compliance officer; what tools report comes from the command line alone."""

from evidence.kinds import Control
from evidence.registers.kinds import Stand
from evidence.states import ResultState
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit

LEAST = 10
ANSWERED = {ResultState.FAIL, ResultState.ATTENTION, ResultState.NO_DATA}
"""The states to which management says something."""


def can_file_document(by: Actor) -> Verdict:
    """Whether the actor may file a version of a document."""
    return permit(by, Permission.CONTROL_COMPUTE, to="file a document")


def can_record_processing(by: Actor) -> Verdict:
    """Whether the actor may record a version of the record of processing."""
    return permit(by, Permission.CONTROL_COMPUTE, to="change the record of processing")


def can_answer_control(by: Actor, control: Control | None, stand: Stand, state: str, said: str) -> Verdict:
    """Whether the actor may answer a row: one that did not pass, or one whose matter ends."""
    verdict = permit(by, Permission.CONTROL_COMPUTE, to="answer a control")
    if verdict.allowed and control is None:
        return denied("The catalogue has no such control.")
    if verdict.allowed and stand != Stand.END and state not in ANSWERED:
        return denied("Only a row that failed, needs attention or has no data is answered. Evaluate the period first.")
    return _said(verdict, said)


def can_note_gap(by: Actor, said: str, *, known: bool) -> Verdict:
    """Whether the actor may say why a source was silent."""
    verdict = permit(by, Permission.CONTROL_COMPUTE, to="note the cause of a gap")
    if verdict.allowed and not known:
        return denied("This source has no such gap any more: late records may have filled it. Reload the page.")
    return _said(verdict, said)


def can_report_operation(by: Actor) -> Verdict:
    """Whether the actor may report a backup or a restore test: only a tool on the host does."""
    return ALLOWED if by.is_system else denied("Backups and restore tests are reported by manage.py on the host.")


def _said(verdict: Verdict, said: str) -> Verdict:
    if verdict.allowed and len(said.strip()) < LEAST:
        return denied(f"Say it in at least {LEAST} characters: every evidence pack prints it.")
    return verdict
