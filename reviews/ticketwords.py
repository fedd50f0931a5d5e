"""Words what other systems are told about a revocation: JSON for a webhook, text for a mail. Pure.

The webhook carries what it takes to carry the revocation out. Mails may pass servers of others, so they name the system
and the item and no account and no person: the link does, after the log-in.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reviews.agreement import takes_away
from reviews.kinds import Outcome, TicketEvent
from reviews.letters import Letter
from reviews.manifest import moment

_SUBJECTS: Final = {
    TicketEvent.OPENED: "To be revoked: item {n} of {campaign}, on {system}",
    TicketEvent.OVERDUE: "Late: item {n} of {campaign}, on {system}",
    TicketEvent.REOPENED: "Open again: item {n} of {campaign}, on {system}",
    TicketEvent.VERIFIED: "Verified: item {n} of {campaign}, on {system}",
    TicketEvent.CHANGED: "Carry out no more of this: item {n} of {campaign}, on {system}",
    TicketEvent.GIVEN_UP: "A ticket could not be handed over: item {n} of {campaign}",
}
_CLOSING: Final = (
    "Closing this ticket in another system closes nothing here: a revocation ends when a later complete list of the "
    "system lacks the access."
)
_CHANGED: Final = (
    "The decision behind this ticket was changed to '{to}'. Carry out no more of it. What was taken away already stays "
    "so until somebody gives it back: ask those who run the campaign."
)
_CHANGED_AGAIN: Final = (
    "The decision behind this ticket was changed to '{to}'. Carry out no more by this ticket: what is to be done "
    "instead is told in another one once it is signed."
)
_GIVEN_UP: Final = (
    "A ticket about this revocation was given up after {tries} attempts. Look at where tickets go, then have it tried "
    "again; further ones may have failed the same way."
)


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """Holds what a ticket says about one revocation."""

    event: TicketEvent
    tenant: str
    remediation: int
    campaign: str
    n: int
    system_key: str
    system: str
    account: str
    entitlement: str
    privileged: bool
    owner: str | None
    outcome: str
    reason: str
    state: str
    due_at: datetime
    at: datetime
    link: str
    changed_to: str = ""
    changed_reason: str = ""
    """The outcome and the reason of the decision that took the place of the revocation; empty where none did."""


def ticket_json(facts: TicketFacts) -> str:
    """Returns the body of a webhook in the shape that the Standard Webhooks specification recommends."""
    data: dict[str, object] = {
        "id": facts.remediation,
        "tenant": facts.tenant,
        "campaign": facts.campaign,
        "item": facts.n,
        "system": {"key": facts.system_key, "name": facts.system},
        "account": facts.account,
        "entitlement": facts.entitlement,
        "privileged": facts.privileged,
        "owner": facts.owner,
        "decision": {"outcome": facts.outcome, "reason": facts.reason},
        "state": facts.state,
        "due_at": moment(facts.due_at),
        "link": facts.link,
        "note": _note(facts),
    }
    if facts.changed_to:
        data["changed_to"] = {"outcome": facts.changed_to, "reason": facts.changed_reason}
    body = {"type": f"remediation.{facts.event}", "timestamp": moment(facts.at), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _note(facts: TicketFacts) -> str:
    """Returns the sentence that tells the receiver what to do with the ticket."""
    if not facts.changed_to:
        return _CLOSING
    words = _CHANGED_AGAIN if takes_away(facts.changed_to) else _CHANGED
    return words.format(to=Outcome(facts.changed_to).label)


def ticket_text(facts: TicketFacts, *, tries: int = 0) -> str:
    """Returns the text of a mail: its subject in the first line, as `letter_of` reads it back."""
    words = {"n": facts.n, "campaign": facts.campaign, "system": facts.system}
    subject = " ".join(_SUBJECTS[facts.event].format(**words).split())
    what = _GIVEN_UP.format(tries=tries) if facts.event == TicketEvent.GIVEN_UP else _note(facts)
    due = f"{facts.due_at:%d %B %Y %H:%M} UTC"
    return (
        f"{subject}\n\nDue {due}. State: {facts.state}.\n{what}\n\nOpen it (you are asked to log in):\n{facts.link}\n"
    )


def letter_of(text: str) -> Letter:
    """Returns the mail that a kept text is."""
    subject, _blank, body = text.partition("\n\n")
    return Letter(f"[Countersign] {' '.join(subject.split())}"[:200], body)
