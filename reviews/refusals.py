"""Turns what the database refuses into the sentence that a person can act on.

The actions look first and refuse with a policy; the constraints and triggers hold when two people act at once, or
when somebody writes around the actions. Triggers run before checks, so both the SQLSTATE and the constraint's name
are read.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError, transaction

from tenants.kinds import Refused, denied

AGAIN = "Confirm your identity again: a signature follows it within five minutes."
CONSTRAINTS = {
    "plan_has_a_trigger_or_a_recurrence": "A campaign has a trigger or comes back by the calendar, not both.",
    "absence_ends_after_it_begins": "The last day lies before the first. Change one of them.",
    "reassignment_has_a_reason": "Write a reason of at least 10 characters.",
    "nobody_answers_about_their_own_access": "This is your own access. Nobody answers about their own access.",
    "answer_has_reason_time_and_person": "Write a reason of at least 10 characters.",
    "extension_says_why": "Write a reason of at least 10 characters.",
    "nobody_reviews_their_own_access": "Nobody reviews their own access. Ask for another reviewer.",
    "nobody_is_assigned_their_own_access": "Nobody reviews their own access. Name another reviewer.",
    "decision_copies_its_item": "The decision does not fit its item.",
    "decision_gives_a_reason_where_one_is_asked_for": "Write a reason of at least 10 characters.",
    "no_bulk_decision_on_privileged_or_advised_against": "Privileged access is decided one by one.",
    "only_a_single_abstention_is_postponed": "What is postponed is decided about on its day, one by one.",
    "decision_history_has_one_root": "This item was decided in another window. Load the page again.",
    "decision_is_superseded_once": "This decision was changed in another window. Load the page again.",
    "reviews_decision_supersedes_id_key": "This decision was changed in another window. Load the page again.",
    "risk_is_signed_by_a_second_person": "You asked for this yourself. A second person signs it.",
    "nobody_signs_their_own_risk": "This is your own access. Nobody accepts the risk of their own access.",
    "reviews_risksignature_proposal_id_key": "This is signed already.",
    "risk_signature_follows_its_authentication": AGAIN,
    "nobody_asks_themselves": "Ask somebody else: the owner of the system or the manager.",
    "reviewer_signs_once": "You have signed this campaign already.",
    "signature_follows_its_authentication": AGAIN,
    "one_campaign_for_each_period_of_a_plan": "This period of the plan has its campaign already.",
    "kept_conflict_names_its_compensating_control": "Name the compensating control in at least 10 characters.",
    "conflict_is_in_force_once": "These two sides are in conflict already.",
    "log_schedule_name_is_unique": "Another schedule has this name. Choose a name of its own.",
    "log_schedule_has_two_reviewers": "Name two people: the second reviews what is about the first.",
    "log_review_has_two_reviewers": "Name two people: the second reviews what is about the first.",
    "nobody_disposes_of_their_own_events": "This is about yourself. The other reviewer of this period looks at it.",
    "disposition_gives_a_reason_where_one_is_asked_for": "Write a reason of at least 10 characters.",
    "disposition_history_has_one_root": "This item was looked at in another window. Load the page again.",
    "reviews_disposition_supersedes_id_key": "This item was looked at in another window. Load the page again.",
    "log_reviewer_signs_once": "You have signed this period already.",
    "log_signature_follows_its_authentication": AGAIN,
    "system_is_waived_once": "This system is left out already.",
    "waiver_follows_its_authentication": AGAIN,
    "plan_name_is_unique": "Another plan has this name. Choose a name of its own.",
}


@contextmanager
def as_refusal() -> Iterator[None]:
    """Runs a write in a savepoint; raises Refused with a sentence where a rule of this room refuses it."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        sentence = refusal(error)
        if not sentence:
            raise
        raise Refused(denied(sentence)) from error


def refusal(error: DatabaseError) -> str:
    """Returns the sentence for a refusal by a rule of this room, or an empty string for any other error."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return ""
    if (cause.sqlstate or "").startswith("UA"):
        return cause.diag.message_primary or ""
    return CONSTRAINTS.get(cause.diag.constraint_name or "", "")
