"""Opens the demo's campaigns: a small one that went the whole way, and a larger one that is half decided."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from allauth.mfa.totp.internal import auth as totp
from django.db import transaction
from django.utils import timezone

from identities.models import Identity, System
from portal.demo.cast import SignIns
from reviews.actions import (
    PlanFacts,
    answer_question,
    ask,
    claim_remediation,
    close_campaign,
    create_campaign,
    create_plan,
    decide,
    open_campaign,
    set_care_rule,
    sign_off,
    verify_remediations,
)
from reviews.kinds import Advice, Authentication, Choice, Outcome, Strategy
from reviews.models import Assignment, Campaign, ItemAnswer, Remediation, ReviewItem
from reviews.quality import figures_of
from reviews.queries.questions import askable
from reviews.queries.standing import statement
from reviews.reauthentication import by_code
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.queries import actor_for
from tenants.work import Progress

_SECONDS: Final = (14, 22, 9, 31, 17, 12, 26)
"""How long the demo's reviewers looked at an item, in turn."""
_AT_ONCE: Final = "A demonstration decides all at once: the time between two of its decisions tells nothing."


@dataclass(frozen=True, slots=True)
class Round:
    """What a demo campaign is called and covers; ``systems`` are keys."""

    name: str
    systems: Sequence[str]
    due_days: int
    privileged_only: bool = False


@transaction.atomic
def open_round(what: Round, tenant: Tenant, fallback: Identity, by: Actor, progress: Progress) -> Campaign:
    """Plan a campaign and open it."""
    facts = PlanFacts(
        name=what.name,
        systems=list(System.objects.filter(key__in=what.systems)),
        fallback=fallback,
        time_zone=tenant.time_zone,
        starts_on=timezone.localdate(timezone=tenant.zone),
        strategy=Strategy.MANAGER,
        privileged_only=what.privileged_only,
        due_days=what.due_days,
        purpose="Demonstration",
    )
    plan = create_plan(facts=facts, by=by)
    set_care_rule(plan=plan, figures={**figures_of({}), "gap_seconds": 0}, reason=_AT_ONCE, by=by)
    campaign = create_campaign(plan=plan, occurrence_at=timezone.now(), by=by)
    return open_campaign(campaign=campaign, by=by, progress=progress)


def decide_items(campaign: Campaign, tenant: Tenant, *, share: float) -> int:
    """Let each reviewer decide the first part of their items as the evidence advises; returns how many."""
    decided = 0
    for reviewer, items in _by_reviewer(campaign).items():
        actor = actor_of(reviewer, tenant)
        for item in items[: max(1, int(len(items) * share))]:
            decide(item=item, choice=_choice(item, decided), by=actor)
            decided += 1
    return decided


@transaction.atomic
def sign_all(campaign: Campaign, tenant: Tenant, sign_ins: SignIns) -> None:
    """Let every reviewer of a decided campaign sign."""
    for reviewer in _by_reviewer(campaign):
        user = user_of(reviewer)
        proof = proof_of(user, sign_ins.password(user.email))
        _text, digest, _count = statement(campaign, reviewer)
        if proof is not None:
            actor = actor_of(reviewer, tenant)
            sign_off(campaign=campaign, by=actor, printed_name=user.name, shown_digest=digest, proof=proof)


def proof_of(user: User, password: str) -> Authentication | None:
    """Prove who signs with the password and a code of an authenticator app.

    The app is taken away again: whoever tries the demonstration logs in with the password alone.
    """
    secret = totp.generate_totp_secret()
    app = totp.TOTP.activate(user, secret)
    proof = None
    for _attempt in range(2):  # on a busy machine the half-minute of a code can end while the password is checked
        if proof is None:
            code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
            proof = by_code(user, password, code)
    app.instance.delete()
    return proof


@transaction.atomic
def claim_all(campaign: Campaign, by: Actor) -> list[Remediation]:
    """Say of each revocation that it was carried out; only a later snapshot will prove it."""
    todo = list(Remediation.objects.filter(campaign=campaign))
    return [
        claim_remediation(remediation=remediation, ticket=f"OPS-{4200 + number}", by=by)
        for number, remediation in enumerate(todo, start=1)
    ]


@transaction.atomic
def ask_about_one(campaign: Campaign, tenant: Tenant) -> ItemAnswer | None:
    """Let a reviewer ask about an undecided item and the person asked answer, where somebody can be asked."""
    rows = Assignment.objects.filter(campaign=campaign).exclude(item__decisions__isnull=False)
    for put in rows.select_related("reviewer", "item__campaign", "item__system", "item__subject").order_by("item__n"):
        for one in askable(put.item, put.reviewer):
            asked = ask(
                item=put.item, asked=one.person, text="Is this still needed?", by=actor_of(put.reviewer, tenant)
            )
            text = "Yes, until the migration ends."
            return answer_question(question=asked, text=text, by=actor_of(one.person, tenant))
    return None


@transaction.atomic
def finish(campaign: Campaign, by: Actor) -> Campaign:
    """Verify the revocations against the newest snapshots and close the campaign."""
    verify_remediations(by=by)
    campaign.refresh_from_db()
    return close_campaign(campaign=campaign, by=by)


def _by_reviewer(campaign: Campaign) -> dict[Identity, list[ReviewItem]]:
    assigned: dict[Identity, list[ReviewItem]] = defaultdict(list)
    rows = Assignment.objects.filter(campaign=campaign).select_related(
        "reviewer", "item__entitlement", "item__campaign"
    )
    for row in rows.order_by("reviewer__name", "item__n"):
        assigned[row.reviewer].append(row.item)
    return assigned


def user_of(reviewer: Identity) -> User:
    """Return the user that a reviewer of the register logs in as."""
    return User.objects.get(identities=reviewer)


def actor_of(reviewer: Identity, tenant: Tenant) -> Actor:
    """Return a reviewer as they act in the tenant."""
    actor = actor_for(user_of(reviewer), tenant)
    if actor is None:
        message = f"{reviewer} has no role in {tenant} any more."
        raise LookupError(message)
    return actor


def _choice(item: ReviewItem, number: int) -> Choice:
    seconds = _SECONDS[number % len(_SECONDS)]
    if item.advice == Advice.REVOKE:
        return Choice(Outcome.REVOKE, f"Not needed any more. {item.advice_reason}", seconds)
    reason = "Needed for the present duties; confirmed with the team." if item.privileged or item.advice else ""
    return Choice(Outcome.CERTIFY, reason, seconds)
