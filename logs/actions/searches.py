"""Keeping views of the search, and sealing what an export took out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from ledger.kinds import LeafKind
from ledger.queries import head, latest_checkpoint
from logs.models import EventExport, SavedSearch
from logs.policies import can_export_events, can_remove_search, can_save_search
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Tenant

MOST_VIEWS = 100
"""Views that one person may keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What left the portal: the export's id and form, what was asked for, and the count, size and hash of the bytes."""

    id: UUID
    form: str
    q: str
    since: datetime
    until: datetime
    rows: int
    size_bytes: int
    sha256: bytes
    began_at: datetime


@transaction.atomic
def save_search(*, name: str, q: str, window: str, shared: bool, by: Actor) -> SavedSearch:
    """Keep a search under a name, instead of the person's own view that has this name.

    Raises:
        ValidationError: the person keeps as many views as there may be.
    """
    enforce(can_save_search(by))
    own = SavedSearch.objects.filter(owner_id=by.user_id)
    if own.exclude(name=name).count() >= MOST_VIEWS:
        message = f"You keep {MOST_VIEWS} views, which is the most there may be. Remove one first."
        raise ValidationError(message)
    facts = {"q": q, "window": window, "shared": shared}
    found, _new = SavedSearch.objects.update_or_create(owner_id=by.user_id, name=name, defaults=facts)
    audit("search.save", by=by, target=name, detail=facts)
    return found


@transaction.atomic
def remove_search(*, search: SavedSearch, by: Actor) -> None:
    """Remove a view."""
    enforce(can_remove_search(by, search))
    audit("search.remove", by=by, target=search.name, detail={"q": search.q, "shared": search.shared})
    search.delete()


@transaction.atomic
def finish_export(*, tenant: Tenant, facts: ExportFacts, by: Actor) -> EventExport:
    """Record that an export came to its end: its manifest, with where the ledger stood then."""
    enforce(can_export_events(by))
    stands, signed = head(tenant.uuid), latest_checkpoint(tenant.uuid)
    export = EventExport.objects.create(
        id=facts.id,
        form=facts.form,
        q=facts.q,
        since=facts.since,
        until=facts.until,
        rows=facts.rows,
        size_bytes=facts.size_bytes,
        sha256=facts.sha256,
        ledger_size=stands.size,
        ledger_root=stands.root,
        checkpoint=signed.note if signed else "",
        by=by.name,
        began_at=facts.began_at,
        ended_at=timezone.now(),
    )
    sums = {"rows": facts.rows, "bytes": facts.size_bytes, "sha256": facts.sha256.hex(), "ledger_size": stands.size}
    audit("export.finish", by=by, target=f"Export {facts.id}", detail=sums, kind=LeafKind.LOOKED)
    return export
