"""The audit trail: every deed leaves one entry, sealed for the tenant's ledger."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from ledger.entries import Json, canonical, salts
from ledger.kinds import LeafKind
from tenants.deedlog import write_deed
from tenants.kinds import Actor, PurposeMissing
from tenants.models import AuditEntry, PurposeList
from tenants.scope import current_scope


def audit(
    verb: str,
    *,
    by: Actor,
    target: str = "",
    detail: Mapping[str, Any] | None = None,
    kind: LeafKind = LeafKind.CONFIG,
) -> AuditEntry:
    """Write the entry of one deed; its leaf is appended to the ledger when the scope ends.

    Args:
        verb: ``noun.verb``, such as ``campaign.open``.
        by: who did it.
        target: what it was done to, in words that stay true when the row is gone.
        detail: further facts; dates and numbers are turned into text that the ledger's JSON subset holds.
        kind: the kind of leaf; looking at logs is ``LeafKind.LOOKED``, and holds the purpose that was stated.

    Raises:
        PurposeMissing: the tenant has purposes, and who looks at logs can be asked for theirs and was not yet.
    """
    scope = current_scope()
    stated = _purpose(by) if kind is LeafKind.LOOKED else {}
    at, number, facts = timezone.now(), scope.audited, _plain({**(detail or {}), **stated})
    scope.audited += 1
    entry_id = uuid4()
    core: dict[str, Json] = {"at": rfc3339(at), "id": str(entry_id), "log": str(scope.log_id), "v": 1, "verb": verb}
    subject: dict[str, Json] = {"actor": by.name, "actor_id": by.user_id, "detail": facts, "target": target}
    entry = AuditEntry(
        id=entry_id,
        batch_id=scope.audit_batch_id,
        ord=number,
        leaf_kind=kind,
        at=at,
        verb=verb,
        actor_name=by.name,
        actor_user_id=by.user_id,
        target=target,
        detail=facts,
        core=canonical(core),
        subj=canonical(subject),
        salts=salts(1)[0],
    )
    entry.save(force_insert=True)
    if not by.is_system:
        line = partial(write_deed, verb, actor=by.name, actor_id=by.user_id, tenant=str(scope.log_id))
        transaction.on_commit(partial(line, outcome="success", detail={"target": target}))
    return entry


def _purpose(by: Actor) -> dict[str, str]:
    """Return the stated purpose of a look as its entry holds it."""
    if by.purpose is not None:
        return {"purpose": by.purpose.name, "purpose_reference": by.purpose.reference}
    if by.asked and PurposeList.objects.exists():
        raise PurposeMissing
    return {}


def rfc3339(at: datetime) -> str:
    """Return the UTC time with exactly six digits, as the sealed bytes hold it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: Any) -> Any:
    """Return the value in the ledger's JSON subset: no floats, ASCII keys, times as text."""
    if isinstance(value, Mapping):
        return {str(key).encode("ascii", "backslashreplace").decode(): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, datetime | str):  # a choice of a TextChoices becomes its plain text
        return rfc3339(value) if isinstance(value, datetime) else str(value)
    if isinstance(value, int) and abs(value) < 2**53:
        return int(value)  # a choice of an IntegerChoices becomes its plain number
    if isinstance(value, int | date | Decimal | float | UUID):
        return str(value)
    message = f"An audit detail cannot hold a {type(value).__name__}."
    raise TypeError(message)
