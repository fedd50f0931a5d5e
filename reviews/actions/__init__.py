"""Deeds of reviews: planning, opening, deciding, signing, carrying out."""

from reviews.actions.absences import AbsenceFacts, delegate_items, end_absence, hand_over, note_absence
from reviews.actions.assignments import reassign_items
from reviews.actions.bulk import decide_in_bulk, undo_bulk
from reviews.actions.care import put_second_look, set_care_rule, take_second_look
from reviews.actions.conflicts import decide_conflict
from reviews.actions.controls import answer_about_control, ask_about_control, decide_control
from reviews.actions.daymails import claim_day_mail, finish_day_mail, stand_in, write_day_mails
from reviews.actions.decisions import close_deciding, decide
from reviews.actions.duties import add_conflict, end_conflict
from reviews.actions.findings import find_causes, find_conflicts_of_list, resolve_finding
from reviews.actions.following import begin_stage, follow_up
from reviews.actions.logdispositions import close_follow_up, dispose, sign_log_review
from reviews.actions.logschedules import (
    LogScheduleFacts,
    change_log_reviewers,
    create_log_schedule,
    end_log_schedule,
    open_log_review,
)
from reviews.actions.notices import claim_notice, finish_notice, remind_reviewers, write_notices
from reviews.actions.opening import open_campaign, request_opening
from reviews.actions.plans import (
    PlanFacts,
    cancel_campaign,
    collect_snapshots,
    create_campaign,
    create_due_campaigns,
    create_plan,
    end_plan,
)
from reviews.actions.questions import answer_question, ask
from reviews.actions.remediation import claim_remediation, verify_remediations
from reviews.actions.risks import propose_risk, sign_risk
from reviews.actions.signing import close_campaign, extend_campaign, reopen_campaign, set_signing_rule, sign_off
from reviews.actions.silence import answer_silence
from reviews.actions.tickets import claim_ticket, finish_ticket, retry_tickets, set_ticket_route, write_tickets
from reviews.actions.triggers import create_postponed_campaigns, create_triggered_campaigns
from reviews.actions.urgent import carry_out_now
from reviews.actions.waivers import waive_system

__all__ = [
    "AbsenceFacts",
    "LogScheduleFacts",
    "PlanFacts",
    "add_conflict",
    "answer_about_control",
    "answer_question",
    "answer_silence",
    "ask",
    "ask_about_control",
    "begin_stage",
    "cancel_campaign",
    "carry_out_now",
    "change_log_reviewers",
    "claim_day_mail",
    "claim_notice",
    "claim_remediation",
    "claim_ticket",
    "close_campaign",
    "close_deciding",
    "close_follow_up",
    "collect_snapshots",
    "create_campaign",
    "create_due_campaigns",
    "create_log_schedule",
    "create_plan",
    "create_postponed_campaigns",
    "create_triggered_campaigns",
    "decide",
    "decide_conflict",
    "decide_control",
    "decide_in_bulk",
    "delegate_items",
    "dispose",
    "end_absence",
    "end_conflict",
    "end_log_schedule",
    "end_plan",
    "extend_campaign",
    "find_causes",
    "find_conflicts_of_list",
    "finish_day_mail",
    "finish_notice",
    "finish_ticket",
    "follow_up",
    "hand_over",
    "note_absence",
    "open_campaign",
    "open_log_review",
    "propose_risk",
    "put_second_look",
    "reassign_items",
    "remind_reviewers",
    "reopen_campaign",
    "request_opening",
    "resolve_finding",
    "retry_tickets",
    "set_care_rule",
    "set_signing_rule",
    "set_ticket_route",
    "sign_log_review",
    "sign_off",
    "sign_risk",
    "stand_in",
    "take_second_look",
    "undo_bulk",
    "verify_remediations",
    "waive_system",
    "write_day_mails",
    "write_notices",
    "write_tickets",
]
