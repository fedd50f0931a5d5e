"""Carries erasures out, in the ledger's order: announced, signed and handed over, listed outside, removed.

A restored database has forgotten deeds and has their rows again: what the list outside of it names, and what is stored
all the same, is announced anew and goes with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections

from evidence.erasures.actions import repeat_erasure
from evidence.erasures.listed import ListedError, list_deed, listed_deed, listed_ids
from ledger import queries as ledger
from ledger.kinds import LeafKind
from ledger.models import Checkpoint
from ledger.notes import Verifier, parse_vkey
from ledger.signermemory import known_keys
from logs.erasedset import NamedLeaf
from logs.models import ErasedLeaf, Erasure
from logs.queries.erasures import confirmed_erasures
from logs.retaining import NotSettledError
from logs.retentionrole import alone, called
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant
from tenants.scope import current_tenant_id, tenant_scope

_STORED = """
SELECT who.batch_id, who.ord, e.received_at, e.id, who.quarter
FROM unnest(%(batches)s::uuid[], %(ords)s::int[], %(at)s::timestamptz[], %(ids)s::bigint[], %(quarters)s::timestamptz[])
    AS who (batch_id, ord, received_at, id, quarter)
JOIN logs_accessevent e ON e.tenant_id = %(tenant)s AND e.received_at = who.received_at AND e.id = who.id
    AND e.batch_id = who.batch_id AND e.ord = who.ord
"""


def carry_out(
    tenants: Sequence[Tenant], *, settle: Callable[[Tenant], object], say: Callable[[str], object]
) -> list[str]:
    """Carry out every confirmed erasure, and again every listed one whose rows are stored; return what failed.

    Raises:
        BusyError: another program is removing.
    """
    faults: list[str] = []
    with alone():
        for tenant in tenants:
            try:
                _of_tenant(tenant, settle, say, faults)
            except NotSettledError as fault:
                faults.append(f"{tenant.slug}: nothing was erased: {fault}")
            except OperationalError as fault:
                faults.append(f"{tenant.slug}: erasures wait: {str(fault).strip().splitlines()[0]}")
    return faults


def _of_tenant(
    tenant: Tenant, settle: Callable[[Tenant], object], say: Callable[[str], object], faults: list[str]
) -> None:
    """Carry out the erasures of one tenant."""
    for deed in listed_ids(tenant.uuid):
        _repeat(tenant, deed, say, faults)
    with tenant_scope(tenant):
        waiting = confirmed_erasures()
    if waiting:
        settle(tenant)
    for erasure in waiting:
        with tenant_scope(tenant):
            _list(tenant, erasure)
        gone = called("SELECT erasure_remove(%s)", [erasure.pk], tenant=tenant)
        if gone is None:
            say(f"{tenant.slug}: the erasure {erasure.pk} waits: a hold came in between, or its entry is not signed.")
        else:
            say(f"{tenant.slug}: {gone:,} records are erased by the deed {erasure.pk}.")


def _repeat(tenant: Tenant, deed: UUID, say: Callable[[str], object], faults: list[str]) -> None:
    """Announce a listed deed anew where its rows are stored and nothing waits to remove them."""
    by = Actor.system("retention", tenant.pk)
    with tenant_scope(tenant):
        if any(deed in (erasure.pk, erasure.repeats) for erasure in confirmed_erasures()):
            return
        try:
            listed = listed_deed(tenant.uuid, deed, _verifiers(tenant))
        except ListedError as fault:
            faults.append(f"{tenant.slug}: {fault}")
            return
        stored = still_stored(listed.leaves)
        if stored:
            repeat_erasure(deed=deed, told=listed.told, leaves=stored, by=by)
    if stored:
        say(f"{tenant.slug}: {len(stored):,} records that the deed {deed} erased are stored again: announced anew.")


def still_stored(leaves: Sequence[NamedLeaf]) -> list[NamedLeaf]:
    """Return those leaves of a deed whose rows are stored in the open tenant."""
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "batches": [leaf.batch_id for leaf in leaves],
        "ords": [leaf.ord for leaf in leaves],
        "at": [leaf.received_at for leaf in leaves],
        "ids": [leaf.event_id for leaf in leaves],
        "quarters": [leaf.quarter for leaf in leaves],
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_STORED, values)
        return [NamedLeaf(*row) for row in cursor.fetchall()]


def _list(tenant: Tenant, erasure: Erasure) -> None:
    """Write a deed into the list outside of the database, with its proof under the newest checkpoint."""
    if erasure.batch_id is None:
        raise NotSettledError("it was never announced.")
    entry = AuditEntry.objects.get(
        batch_id=erasure.batch_id, leaf_kind=LeafKind.ERASURE, detail__erasure=str(erasure.pk)
    )
    place = ledger.batch(tenant.uuid, entry.batch_id)
    rank = AuditEntry.objects.filter(batch_id=entry.batch_id, ord__lt=entry.ord).count()
    signed = ledger.latest_checkpoint(tenant.uuid, epoch=place.epoch)
    if signed is None:
        raise NotSettledError("its entry has no signed checkpoint.")
    proof = ledger.proof_bundle(tenant.uuid, place.first_index + rank, signed)
    rows = ErasedLeaf.objects.filter(erasure=erasure).order_by("batch_id", "ord")
    columns = ("batch_id", "ord", "received_at", "event_id", "quarter")
    list_deed(tenant.uuid, erasure.pk, entry, proof, [NamedLeaf(*row) for row in rows.values_list(*columns)])


def _verifiers(tenant: Tenant) -> list[Verifier]:
    """Return every key that signed for the log, as the database and the signer's own files know them."""
    keys = set(Checkpoint.objects.filter(log_id=tenant.uuid).values_list("vkey", flat=True))
    verifiers = {key: parse_vkey(key) for key in keys}
    for head in ledger.heads(tenant.uuid):
        verifiers |= {term.verifier.vkey: term.verifier for term in known_keys(head.origin)}
    return list(verifiers.values())
