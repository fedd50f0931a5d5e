"""Names the words of ours that stand in cells of printed tables (outcomes, states, steps), so that they can be told.

The CSV keeps the keys as they are. A word that is not listed is data and stays. The lists are the choices of the rooms
themselves: a new choice without a message in every language fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import pgettext

from alerts.kinds import CloseReason, IncidentStep, Rule, Severity
from evidence.catalogue import LOG_TYPES
from evidence.languages import iso_day
from reviews.kinds import Advice, Disposed, FindingKind, Level, LogItemKind, Outcome
from reviews.states import CampaignState, RemediationState

LIMITS: Final = ((60, "within 1 hour"), (240, "within 4 hours"), (1_440, "within 24 hours"), (4_320, "within 72 hours"))
LATER: Final = "later"
NOT_YET: Final = "not yet acknowledged"
CONTROL_ITEM: Final = "control item: no access of anybody"
"""How `evidence.rounds` marks a made-up item."""

CAME: Final = frozenset(
    {
        "waits for its day",
        "taken up, not decided yet",
        "taken up and decided",
        "decided before its day, in another campaign",
        "not reviewed: the person left",
        "not reviewed: the access is gone",
        "not reviewed: the campaign was cancelled",
    }
)
"""How `evidence.rounds` says what came of a postponed item."""

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "outcome": frozenset({*Outcome.values, *Disposed.values, "success", "failure", "unknown"}),
    "advice": frozenset(Advice.values),
    "state": frozenset({*CampaignState.values, *RemediationState.values}),
    "from_state": frozenset(CampaignState.values),
    "to_state": frozenset(CampaignState.values),
    "level": frozenset(Level.values),
    "waiver_level": frozenset(Level.values),
    "kind": frozenset({*FindingKind.values, *LogItemKind.values}),
    "rule": frozenset(Rule.values),
    "rule_word": frozenset(str(rule.label) for rule in Rule),
    "severity_word": frozenset(str(severity.label) for severity in Severity),
    "close_reason": frozenset(CloseReason.values),
    "step": frozenset(IncidentStep.values),
    "mark": frozenset({CONTROL_ITEM}),
    "what_came_of_it": CAME,
    "log_type": frozenset(LOG_TYPES),
    "log_types": frozenset(LOG_TYPES),
    "time": frozenset({*(label for _minutes, label in LIMITS), LATER, NOT_YET}),
}
"""The words by the column that they stand in."""
DAYS: Final = frozenset({"month", "week_from"})
"""Columns that hold days or months as a table spells them."""


def word(column: str, text: str) -> str:
    """Tell the word that stands in a column's cell; what is not one of its words stays as it is."""
    if column in DAYS or column.endswith("_on"):
        return iso_day(text)
    known = WORDS.get(column)
    if known is None:
        return text
    context, parts = context_of(column), text.split(", ") if column == "log_types" else [text]
    return ", ".join(pgettext(context, part) if part in known else part for part in parts)


def context_of(column: str) -> str:
    """Return the context of a column's messages: what is advised reads otherwise than what was decided."""
    return {"advice": "advice", "log_type": "log type", "log_types": "log type"}.get(column, "cell")
