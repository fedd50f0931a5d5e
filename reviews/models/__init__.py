"""Stores plans and campaigns with their frozen population, decisions, signatures, and what came of them.

The rules that an auditor relies on are held by the database: constraints in these models, triggers in the migrations
from `0002_row_security` on. Evidence (items, exclusions, decisions, sign-offs) is only ever added.
"""

from reviews.models.absence import Absence
from reviews.models.campaign import Campaign, CampaignMove, CampaignShare, ScopeLine, Waiver
from reviews.models.care import CareRule, ControlAnswer, ControlItem, ControlQuestion, SecondLook
from reviews.models.daymail import DayMail
from reviews.models.decision import Decision, Resumption, SignOff
from reviews.models.duties import CaseGrant, ConflictAnswer, ConflictCase, DutyConflict, DutySide, SearchedList
from reviews.models.logreviews import Disposition, FollowUp, LogItem, LogReview, LogSchedule, LogSignature
from reviews.models.message import Message
from reviews.models.notice import ReviewNotice
from reviews.models.outcome import Finding, Remediation
from reviews.models.plan import CampaignPlan, PlanStage, PlanSystem
from reviews.models.population import AbsentAccount, Assignment, Exclusion, ReviewItem
from reviews.models.question import ItemAnswer, ItemQuestion
from reviews.models.risk import RiskProposal, RiskSignature
from reviews.models.signing import SigningRule
from reviews.models.silence import SilentItem
from reviews.models.ticket import Ticket, TicketRoute, TicketTry

__all__ = [
    "Absence",
    "AbsentAccount",
    "Assignment",
    "Campaign",
    "CampaignMove",
    "CampaignPlan",
    "CampaignShare",
    "CareRule",
    "CaseGrant",
    "ConflictAnswer",
    "ConflictCase",
    "ControlAnswer",
    "ControlItem",
    "ControlQuestion",
    "DayMail",
    "Decision",
    "Disposition",
    "DutyConflict",
    "DutySide",
    "Exclusion",
    "Finding",
    "FollowUp",
    "ItemAnswer",
    "ItemQuestion",
    "LogItem",
    "LogReview",
    "LogSchedule",
    "LogSignature",
    "Message",
    "PlanStage",
    "PlanSystem",
    "Remediation",
    "Resumption",
    "ReviewItem",
    "ReviewNotice",
    "RiskProposal",
    "RiskSignature",
    "ScopeLine",
    "SearchedList",
    "SecondLook",
    "SignOff",
    "SigningRule",
    "SilentItem",
    "Ticket",
    "TicketRoute",
    "TicketTry",
    "Waiver",
]
