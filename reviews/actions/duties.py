"""Keeps which entitlements conflict: they are added and ended, never changed."""

from django.db import transaction
from django.utils import timezone

from identities.models import Entitlement
from reviews.models import DutyConflict
from reviews.policies import can_add_conflict, can_end_conflict
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def add_conflict(*, one: Entitlement, other: Entitlement, why: str, by: Actor) -> DutyConflict:
    """Says that one person must not hold two entitlements together, and why.

    Raises:
        Refused: for an entitlement with itself, without a reason, or where the two are in conflict already.
    """
    enforce(can_add_conflict(by, same=one.pk == other.pk, why=why.strip()))
    first, second = sorted((one, other), key=lambda right: right.pk)
    with as_refusal():
        made = DutyConflict.objects.create(
            first=first, second=second, why=why.strip(), added_at=timezone.now(), added_by=by.name
        )
    audit("conflict.add", by=by, target=_name(first, second), detail={"conflict": made.pk, "why": made.why})
    return made


@transaction.atomic
def end_conflict(*, conflict: DutyConflict, reason: str, by: Actor) -> DutyConflict:
    """Ends a conflict from now on; it stays in the list with who ended it and why."""
    enforce(can_end_conflict(by, conflict, reason=reason.strip()))
    conflict.ended_at, conflict.ended_by, conflict.end_reason = timezone.now(), by.name, reason.strip()
    with as_refusal():
        conflict.save(update_fields=["ended_at", "ended_by", "end_reason"])
    detail = {"conflict": conflict.pk, "why": conflict.end_reason}
    audit("conflict.end", by=by, target=_name(conflict.first, conflict.second), detail=detail)
    return conflict


def _name(first: Entitlement, second: Entitlement) -> str:
    """Returns how the audit trail names a conflict."""
    return f"{first.key} and {second.key}"[:200]
