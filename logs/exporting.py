"""An export from its first row to its manifest: page by page, so that neither its size nor memory is a limit."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from logs.actions import ExportFacts, finish_export
from logs.exports import FORMS
from logs.models import AccessEvent, EventExport
from logs.queries import Filters, search_events
from tenants.audit import rfc3339
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

PAGE: Final = 2000
WHOLE_PAGE: Final = 250
"""Events read at once with their sealed bytes, each up to 1 MiB."""
CHUNK_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Export:
    """What is taken out: its id, of which tenant, in which form, and what was asked for."""

    id: UUID
    tenant: Tenant
    form: str
    q: str
    since: datetime
    until: datetime


class Rows:
    """Lines that count the rows among them while they are given."""

    def __init__(self, lines: Callable[["Rows"], Iterator[str]]) -> None:
        self.count = 0
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        return self._lines(self)


def exported(*, export_id: UUID, tenant: Tenant, form: str, q: str, filters: Filters, by: Actor) -> Iterator[bytes]:
    """Give the bytes of an export of events in pieces; each page is read in a scope of its own."""

    def lines(rows: Rows) -> Iterator[str]:
        pages = _Pages(tenant, filters, rows, whole=FORMS[form].whole)
        return FORMS[form].lines(pages, str(tenant.uuid))

    yield from sealed(Export(export_id, tenant, form, q, filters.since, filters.until), Rows(lines), by=by)


def sealed(export: Export, rows: Rows, *, by: Actor) -> Iterator[bytes]:
    """Give the bytes of an export; after the last one its manifest is stored and a deed in the ledger.

    An export that is broken off has no manifest.
    """
    began_at, digest, sent = timezone.now(), hashlib.sha256(), 0
    for piece in _pieces(iter(rows)):
        digest.update(piece)
        sent += len(piece)
        yield piece
    facts = ExportFacts(
        id=export.id,
        form=export.form,
        q=export.q,
        since=export.since,
        until=export.until,
        rows=rows.count,
        size_bytes=sent,
        sha256=digest.digest(),
        began_at=began_at,
    )
    with tenant_scope(export.tenant):
        finish_export(tenant=export.tenant, facts=facts, by=by)


class _Pages:
    """Every match, page by page; they are counted as rows."""

    def __init__(self, tenant: Tenant, filters: Filters, rows: Rows, *, whole: bool) -> None:
        self.rows = rows
        self._tenant, self._filters, self._whole = tenant, filters, whole

    def __iter__(self) -> Iterator[AccessEvent]:
        cursor, limit = "", WHOLE_PAGE if self._whole else PAGE
        while True:
            with tenant_scope(self._tenant):
                page = search_events(self._filters, cursor=cursor, limit=limit, whole=self._whole)
            self.rows.count += len(page.events)
            yield from page.events
            cursor = page.cursor
            if not cursor:
                return


def _pieces(lines: Iterator[str]) -> Iterator[bytes]:
    """Give the lines as UTF-8 in pieces of about 64 KiB: a server sends few large ones faster than many small ones."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        data = line.encode()
        held.append(data)
        size += len(data)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def manifest(export: EventExport, tenant: Tenant) -> dict[str, Any]:
    """Return what is known of an export, for the file beside it."""
    return {
        "export": str(export.id),
        "tenant": tenant.slug,
        "form": export.form,
        "query": export.q,
        "since": rfc3339(export.since),
        "until": rfc3339(export.until),
        "rows": export.rows,
        "bytes": export.size_bytes,
        "sha256": bytes(export.sha256).hex(),
        "ledger": {
            "log": str(tenant.uuid),
            "size": export.ledger_size,
            "root": bytes(export.ledger_root).hex(),
            "checkpoint": export.checkpoint,
        },
        "by": export.by,
        "began_at": rfc3339(export.began_at),
        "ended_at": rfc3339(export.ended_at),
    }
