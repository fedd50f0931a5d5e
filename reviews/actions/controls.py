"""Puts control items among those of reviewers, and takes what they say: access that is made up and counts nowhere."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from identities.models import Account, Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.findings import write_finding
from reviews.causes import Cause
from reviews.invented import NAMES, invented_evidence, invented_person
from reviews.kinds import WINDOW_DAYS, Advice, Choice, FindingKind
from reviews.manifest import moment
from reviews.models import Assignment, Campaign, ControlItem, SignOff
from reviews.policies import can_decide_control, is_due
from reviews.queries.standing import has_signed
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce


def make_control_items(campaign: Campaign, now: datetime) -> int:
    """Puts the plan's number of control items to each reviewer of a campaign that is about to open."""
    each = int(campaign.definition.get("control_items", 0))
    if not each:
        return 0
    put = Assignment.objects.filter(campaign=campaign, until__isnull=True).order_by("reviewer_id", "-privileged", "pk")
    names = ("reviewer_id", "item__system_id", "item__entitlement__title", "item__entitlement__key")
    first: dict[int, tuple[int, str]] = {}
    for reviewer, system, title, key in put.values_list(*names):
        first.setdefault(reviewer, (system, title or key))
    taken = _taken()
    ids = iter(_ids(each * len(first)))
    fresh: list[ControlItem] = []
    for reviewer, (system, entitlement) in first.items():
        for _ in range(each):
            person, account = invented_person(len(fresh), taken)
            taken |= {person.lower(), account}
            fresh.append(
                ControlItem(
                    pk=next(ids),
                    campaign=campaign,
                    reviewer_id=reviewer,
                    system_id=system,
                    person_name=person,
                    account_name=account,
                    entitlement_name=entitlement,
                    advice=Advice.REVOKE,
                    advice_reason=f"No successful use in the last {WINDOW_DAYS} days; the logs cover all of that time.",
                    evidence=invented_evidence(moment(now), moment(now)),
                )
            )
    return len(ControlItem.objects.bulk_create(fresh))


def _taken() -> set[str]:
    """Returns which of the invented names and accounts exist, in lower case."""
    accounts = [name.lower().replace(" ", ".") for name in NAMES]
    people = Identity.objects.filter(name__in=NAMES).values_list("name", flat=True)
    known: Iterable[str] = Account.objects.filter(name_key__in=accounts).values_list("name_key", flat=True)
    return {name.lower() for name in people} | set(known)


def _ids(n: int) -> list[int]:
    """Returns numbers from the sequence of the items, so that an address does not tell a control item apart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('reviews_reviewitem_id_seq') FROM generate_series(1, %s)", [n])
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def decide_control(*, control: ControlItem, choice: Choice, by: Actor) -> ControlItem:
    """Records what a reviewer says about a control item, as often as they change their mind before they sign.

    Raises:
        Refused: as for any item: put to somebody else, too late, signed, or without a reason.
    """
    reviewer, now, reason = identity_of_user(by.user_id), timezone.now(), choice.reason.strip()
    signed = has_signed(control.campaign, reviewer)
    enforce(can_decide_control(by, control, reviewer=reviewer, reason=reason, signed=signed))
    enforce(is_due(control.campaign, now))
    control.outcome, control.reason, control.decided_at, control.decided_by = choice.outcome, reason, now, by.name
    control.seen_seconds = min(choice.seen_seconds, 86_400)
    with as_refusal():
        control.save(update_fields=["outcome", "reason", "seen_seconds", "decided_at", "decided_by"])
    detail = {"control_item": control.pk, "outcome": control.outcome, "reason": reason}
    target = f"campaign {control.campaign.name}, control item"
    audit("control_item.decide", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return control


def judge_controls(campaign: Campaign, signature: SignOff) -> None:
    """Stores a finding where the signer kept access that is made up; it names nobody."""
    rows = ControlItem.objects.filter(campaign=campaign, reviewer=signature.reviewer).exclude(outcome="")
    missed = sum(not one.caught for one in rows)
    if missed:
        sentence = (
            f"{missed} of {len(rows)} control items, access that is made up, were not taken away by one reviewer of "
            f"'{campaign.name}'."
        )
        cause = Cause(FindingKind.CONTROL_MISSED, f"signature {signature.pk}", sentence)
        write_finding(cause, at=signature.signed_at, campaign=campaign)
