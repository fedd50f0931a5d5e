"""Keeps which entitlements conflict: they are added and ended, never changed."""

import hashlib
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from identities.models import Entitlement
from reviews.kinds import Side
from reviews.models import DutyConflict, DutySide
from reviews.policies import can_add_conflict, can_end_conflict
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def add_conflict(*, one: Sequence[Entitlement], other: Sequence[Entitlement], why: str, by: Actor) -> DutyConflict:
    """Says that nobody may hold any entitlement of one side together with any of the other, and why.

    Raises:
        Refused: for an entitlement on both sides, an empty side, without a reason, or where it is in force already.
    """
    sides = [sorted({right.pk for right in side}) for side in (one, other)]
    enforce(can_add_conflict(by, first=sides[0], second=sides[1], why=why.strip()))
    with as_refusal():
        made = DutyConflict.objects.create(
            key=conflict_key(*sides),
            first_count=len(sides[0]),
            second_count=len(sides[1]),
            why=why.strip(),
            added_at=timezone.now(),
            added_by=by.name,
        )
        DutySide.objects.bulk_create(
            [
                DutySide(conflict=made, side=side, entitlement_id=right)
                for side, rights in zip((Side.FIRST, Side.SECOND), sides, strict=True)
                for right in rights
            ]
        )
    audit("conflict.add", by=by, target=_name(made), detail={"conflict": made.pk, "why": made.why, "sides": sides})
    return made


def conflict_key(first: Sequence[int], second: Sequence[int]) -> str:
    """Returns what names the sides of a conflict, whichever was said first: SHA-256 over their sorted ids."""
    text = "|".join(",".join(map(str, side)) for side in sorted((list(first), list(second))))
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def end_conflict(*, conflict: DutyConflict, reason: str, by: Actor) -> DutyConflict:
    """Ends a conflict from now on; it stays in the list with who ended it and why."""
    enforce(can_end_conflict(by, conflict, reason=reason.strip()))
    conflict.ended_at, conflict.ended_by, conflict.end_reason = timezone.now(), by.name, reason.strip()
    with as_refusal():
        conflict.save(update_fields=["ended_at", "ended_by", "end_reason"])
    detail = {"conflict": conflict.pk, "why": conflict.end_reason}
    audit("conflict.end", by=by, target=_name(conflict), detail=detail)
    return conflict


def _name(conflict: DutyConflict) -> str:
    """Returns how the audit trail names a conflict: by the entitlements of its sides."""
    rows = DutySide.objects.filter(conflict=conflict).order_by("side", "entitlement__key")
    keys: dict[str, list[str]] = {Side.FIRST: [], Side.SECOND: []}
    for side, key in rows.values_list("side", "entitlement__key"):
        keys[side].append(key)
    return " and ".join(", ".join(keys[side]) for side in Side)[:200]
