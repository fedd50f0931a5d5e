"""Answers which grants of the snapshots a campaign is about, rule by rule: the counts before, the population after.

A campaign's frozen definition names the rules; each has the sentence that an excluded row bears.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from identities.kinds import IdentityKind
from identities.models import Identity, SnapshotRow
from logs.queries import use_of_accounts
from reviews.causes import conflicts_by_grant
from reviews.kinds import Outcome, Strategy
from reviews.models import Campaign, Decision
from reviews.queries.duties import both_sides
from reviews.states import CampaignState

Rule = tuple[Q, str]
"""What a row in scope fulfils, and what an excluded row is told."""

PASSED_ON = (Outcome.CERTIFY, Outcome.ABSTAIN, Outcome.NOT_DECIDED)
LEFT_OVER = (Outcome.ABSTAIN, Outcome.NOT_DECIDED)
"""What a later stage reviews again, and what a follow-up of a closed campaign does."""


def scope_rules(told: Mapping[str, Any], rows: QuerySet[SnapshotRow], now: datetime) -> list[Rule]:
    """Returns the rules of a definition over the rows of its snapshots, in the order in which they are applied."""
    rules: list[Rule] = []
    if told.get("privileged_only"):
        rules.append((Q(privileged=True), "The campaign covers privileged access only; this grant is not privileged."))
    if told.get("entitlements"):
        rules.append((_named(told["entitlements"]), f"The campaign covers '{told['entitlements']}' only."))
    if told.get("programme"):
        words = f"The campaign covers the people of {told['programme']} only."
        rules.append((Q(identity__programme=told["programme"]), words))
    if told.get("conflicts_only"):
        rules.append((_conflicting(rows), "The grant takes part in no conflict of duties."))
    if told.get("accounts"):
        rules.append((Q(account_id__in=told["accounts"]), "The campaign covers the accounts that caused it only."))
    if told.get("dormant_days"):
        days = int(told["dormant_days"])
        used = _used(rows, now - timedelta(days=days), now)
        rules.append((~Q(account_id__in=used), f"The account was used within {days} days."))
    if told.get("strategy") == Strategy.CLIENT:
        programmes = Identity.objects.filter(kind=IdentityKind.CLIENT).exclude(programme="").values("programme")
        rules.append((Q(identity__programme__in=programmes), "The access belongs to no client that co-signs."))
    return rules


def rules_of(campaign: Campaign, rows: QuerySet[SnapshotRow], now: datetime) -> list[Rule]:
    """Returns the rules of a campaign, with what an earlier stage or a closed campaign leaves to it."""
    if postponed := campaign.definition.get("postponed"):
        return [(_put_off(postponed), "The campaign covers what was postponed to its day only.")]
    rules = scope_rules(campaign.definition, rows, now)
    if campaign.follows_id is None:
        return rules
    if campaign.stage > 1:
        return [(_decided(campaign.follows_id, PASSED_ON), f"Settled at stage {campaign.stage - 1}."), *rules]
    return [(_decided(campaign.follows_id, LEFT_OVER), "Decided in the campaign before this one."), *rules]


def _put_off(decisions: Sequence[int]) -> Q:
    """Returns the condition that one of these decisions postponed a grant."""
    same = {"item__account": OuterRef("account"), "item__entitlement": OuterRef("entitlement")}
    return Q(Exists(Decision.objects.filter(pk__in=decisions, **same)))


def _decided(campaign_id: int, outcomes: Sequence[Outcome]) -> Q:
    """Returns the condition that a grant was decided so in another campaign, by the decision that counts."""
    heads = Decision.objects.filter(
        campaign_id=campaign_id,
        superseded_by__isnull=True,
        outcome__in=outcomes,
        item__account=OuterRef("account"),
        item__entitlement=OuterRef("entitlement"),
    ).exclude(silence__answer="revoke")
    return Q(Exists(heads))


def _named(patterns: str) -> Q:
    """Returns the condition that an entitlement's key fits one of the patterns, such as ``admin*, *_dba``."""
    found = Q()
    for pattern in patterns.split(","):
        if pattern.strip():
            found |= Q(entitlement__key__iregex=f"^{_posix(pattern.strip())}$")
    return found


def _conflicting(rows: QuerySet[SnapshotRow]) -> Q:
    """Returns the condition that a grant is one side of a conflict whose other side its holder has too."""
    pairs = conflicts_by_grant(both_sides()).keys()
    near = rows.filter(entitlement_id__in={right for _account, right in pairs}).order_by()
    told = near.values_list("pk", "account_id", "entitlement_id")
    return Q(pk__in=[pk for pk, account, right in told if (account, right) in pairs])


def _posix(pattern: str) -> str:
    """Returns a shell pattern of ``*`` and ``?`` as a regular expression that PostgreSQL understands."""
    plain = fnmatch.translate(pattern)  # (?s:...)\Z
    return plain.removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")


def _used(rows: QuerySet[SnapshotRow], since: datetime, now: datetime) -> list[int]:
    """Returns the accounts of the rows that were used since a moment."""
    accounts = list(rows.order_by().values_list("account_id", flat=True).distinct())
    use = use_of_accounts(accounts, since=since, until=now)
    return [pk for pk, one in use.items() if one.last_used_at is not None and one.last_used_at >= since]


def excluded(rows: QuerySet[SnapshotRow], rules: Sequence[Rule]) -> dict[int, str]:
    """Returns why each row out of scope is out: the first rule that it does not fulfil; one query a rule."""
    reasons: dict[int, str] = {}
    for condition, words in rules:
        inside = set(rows.filter(condition).order_by().values_list("pk", flat=True))
        for pk in rows.order_by().values_list("pk", flat=True):
            if pk not in inside:
                reasons.setdefault(pk, words)
    return reasons


def deciders_before(campaign: Campaign) -> dict[tuple[int, int], frozenset[int]]:
    """Returns who decided each grant at the stages before: the same person does not decide it twice."""
    if campaign.stage == 1:
        return {}
    rows = Decision.objects.filter(
        campaign__plan=campaign.plan_id,
        campaign__occurrence_at=campaign.occurrence_at,
        campaign__stage__lt=campaign.stage,
        superseded_by__isnull=True,
        reviewer__isnull=False,
    ).exclude(campaign__state=CampaignState.CANCELLED)
    found: dict[tuple[int, int], frozenset[int]] = {}
    for account, entitlement, reviewer in rows.values_list("item__account_id", "item__entitlement_id", "reviewer_id"):
        if reviewer is not None:
            found[account, entitlement] = found.get((account, entitlement), frozenset()) | {reviewer}
    return found
