"""Looking at logs is a deed: each page view and each export leaves one entry in the ledger."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from ledger.kinds import LeafKind
from logs.policies import can_export_events, can_look_at_events, can_look_at_quarantine
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def look_at_events(*, what: str, asked: Mapping[str, Any], shown: int, by: Actor) -> None:
    """Record that somebody looked at events: which page, what was asked for, how many were shown."""
    enforce(can_look_at_events(by))
    audit("event.look", by=by, target=what, detail={**asked, "shown": shown}, kind=LeafKind.LOOKED)


@transaction.atomic
def look_at_quarantine(*, asked: Mapping[str, Any], shown: int, by: Actor) -> None:
    """Record that somebody looked at records in quarantine, whose text may hold anything."""
    enforce(can_look_at_quarantine(by))
    audit("quarantine.look", by=by, target="Quarantine", detail={**asked, "shown": shown}, kind=LeafKind.LOOKED)


@transaction.atomic
def export_events(*, export_id: UUID, form: str, asked: Mapping[str, Any], by: Actor) -> None:
    """Record that somebody takes events out of the portal; the entry is in the ledger before the first row leaves."""
    enforce(can_export_events(by))
    audit(
        "event.export", by=by, target=f"Events as {form}", detail={**asked, "export": export_id}, kind=LeafKind.LOOKED
    )
