"""The tenant scope: one tenant, one transaction, one append to its ledger.

`tenant_scope` opens a transaction, names the tenant to row security by a literal ``SET LOCAL`` and, when the outermost
scope ends, appends what the transaction stored to the tenant's ledger as its last statement. What is committed is
therefore in the log, and what is rolled back is not.

`client_scope` opens, inside a BPO's scope and its transaction, the rows of one of its clients (docs/adr/0304). At any
moment one tenant's rows are open; at the end each tenant's leaves go to its own ledger, all or nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from django.db import connections, models, transaction
from django.utils import timezone

from ledger import actions as ledger
from ledger.entries import leaf_hash, seal
from ledger.kinds import LeafBatch, LeafKind

if TYPE_CHECKING:
    from tenants.models import Tenant


class NoScopeError(RuntimeError):
    """A tenant's rows were asked for while no tenant scope was open."""


@dataclass(slots=True)
class Scope:
    """One open scope: whose rows, on which connection, and what waits for the ledger.

    ``engagement_id`` narrows it to what an external auditor may read (docs/adr/0506).
    """

    tenant_id: int
    log_id: UUID
    using: str
    depth: int
    opened_at: datetime
    audit_batch_id: UUID = field(default_factory=uuid4)
    audited: int = 0
    batches: list[LeafBatch] = field(default_factory=list)
    clients: dict[int, "Scope"] = field(default_factory=dict)
    engagement_id: int | None = None


_open: ContextVar[dict[str, Scope] | None] = ContextVar("tenant_scope", default=None)


def _scopes() -> dict[str, Scope]:
    return _open.get() or {}


def current_scope(using: str = "default") -> Scope:
    """Return the open scope of a connection.

    Raises:
        NoScopeError: no scope is open.
    """
    scope = _scopes().get(using)
    if scope is None:
        message = "No tenant scope is open: wrap the code in tenant_scope(tenant)."
        raise NoScopeError(message)
    return scope


def current_tenant_id() -> int:
    """Return the id of the tenant whose scope is open; raises `NoScopeError` when there is none."""
    scopes = _scopes()
    return (scopes.get("default") or next(iter(scopes.values()), None) or current_scope()).tenant_id


@contextmanager
def tenant_scope(tenant: "Tenant", *, using: str = "default") -> Iterator[Scope]:
    """Open the scope of one tenant for a transaction; nested use with the same tenant joins the open scope.

    Raises:
        RuntimeError: another tenant's scope is open on the same connection.
    """
    scopes = _scopes()
    outer = scopes.get(using)
    if outer is not None:
        if outer.tenant_id != tenant.pk:
            message = "Another tenant's scope is open: one transaction belongs to one tenant."
            raise RuntimeError(message)
        with transaction.atomic(using=using):
            yield outer
        return
    connection = connections[using]
    with transaction.atomic(using=using):
        scope = Scope(tenant.pk, tenant.uuid, using, len(connection.savepoint_ids), timezone.now())
        _name(scope)
        token = _open.set({**scopes, using: scope})
        try:
            yield scope
            if not connection.needs_rollback:
                _seal(scope)
                if scope.depth:
                    _forget(using)
        finally:
            _open.reset(token)


@contextmanager
def client_scope(client: "Tenant", *, using: str = "default") -> Iterator[Scope]:
    """Open the rows of a client of the open BPO in a savepoint of its transaction; the BPO's are closed meanwhile.

    What the block audits goes to the client's ledger when the outermost scope ends. Whoever writes to several clients
    visits them by ascending id, so that two transactions never wait for each other in a circle.

    Raises:
        NoScopeError: no scope is open.
        RuntimeError: the tenant is no client of the open one.
    """
    host = current_scope(using)
    if client.parent_id != host.tenant_id:
        message = "Only a client of the open tenant is reached from its scope."
        raise RuntimeError(message)
    connection = connections[using]
    visited = host.clients.get(client.pk) or Scope(client.pk, client.uuid, using, host.depth, host.opened_at)
    host.clients[client.pk] = visited
    with transaction.atomic(using=using):
        _name(visited)
        token = _open.set({**_scopes(), using: visited})
        try:
            yield visited
        finally:
            _open.reset(token)
        # After an error the savepoint's roll-back names the host again by itself.
        if not connection.needs_rollback:
            _name(host)


def narrow_scope(engagement_id: int, using: str = "default") -> None:
    """Narrow the open scope to an external auditor's engagement, in the database too, until it ends."""
    scope = current_scope(using)
    scope.engagement_id = engagement_id
    _name(scope)


def _name(scope: Scope) -> None:
    """Name the tenant and its log to row security, until the transaction or the savepoint is rolled back or ends."""
    tenant_id, log_id = int(scope.tenant_id), UUID(str(scope.log_id))
    engagement = "" if scope.engagement_id is None else int(scope.engagement_id)
    with connections[scope.using].cursor() as cursor:
        cursor.execute(
            f"SET LOCAL app.tenant = '{tenant_id}'; SET LOCAL app.log = '{log_id}'; "
            f"SET LOCAL app.engagement = '{engagement}'"
        )


def _forget(using: str) -> None:
    """Close the scope in the database too, where an outer transaction goes on (a roll-back does so by itself).

    The append made the deferred constraints immediate; whatever comes next in the outer transaction defers them again.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SET LOCAL app.tenant = ''; SET LOCAL app.log = ''; SET LOCAL app.engagement = ''; "
            "SET CONSTRAINTS ALL DEFERRED"
        )


def add_batch(batch: LeafBatch, using: str = "default", *, client_id: int | None = None) -> None:
    """Hand leaves over to the ledger, of a visited client where one is named; appended when the outermost scope ends.

    Raises:
        RuntimeError: called inside a savepoint, whose roll-back would leave leaves without rows.
        KeyError: the client was not visited.
    """
    scope = current_scope(using)
    if len(connections[using].savepoint_ids) != scope.depth:
        message = "Events are recorded outside of savepoints: their leaves could not be taken back."
        raise RuntimeError(message)
    (scope if client_id is None else scope.clients[client_id]).batches.append(batch)


def _seal(scope: Scope) -> None:
    """Append to each ledger that has got something: heads are locked last, by ascending log id (ledger.md 3.2)."""
    waiting = []
    for one in (scope, *scope.clients.values()):
        if one is not scope:
            _name(one)
        if batches := [*one.batches, *_audit_batch(one)]:
            waiting.append((one, batches))
    for one, batches in sorted(waiting, key=lambda pair: pair[0].log_id):
        if scope.clients:
            _name(one)
        ledger.append(log_id=one.log_id, batches=batches, using=one.using)


def _audit_batch(scope: Scope) -> Sequence[LeafBatch]:
    """Return the leaves of the audit entries that survived: read back, so that rolled back savepoints do not count."""
    if not scope.audited:
        return ()
    with connections[scope.using].cursor() as cursor:
        cursor.execute(
            "SELECT leaf_kind, core, subj, salts FROM tenants_auditentry "
            "WHERE tenant_id = %s AND batch_id = %s ORDER BY ord",
            [scope.tenant_id, scope.audit_batch_id],
        )
        leaves = [
            leaf_hash(seal(LeafKind(kind), bytes(core), subj=bytes(subj), raw=None, salts=bytes(salts)))
            for kind, core, subj, salts in cursor.fetchall()
        ]
    if not leaves:
        return ()
    return (LeafBatch(id=scope.audit_batch_id, leaves=leaves, received_at=scope.opened_at),)


M = TypeVar("M", bound=models.Model)


class TenantManager(models.Manager[M]):
    """Filters by the open scope's tenant and raises without one: the first of the two walls."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Return the rows of the open scope's tenant."""
        return super().get_queryset().filter(tenant_id=current_tenant_id())


class AppTenant(models.Func):
    """The SQL function ``app_tenant()``, as the default of the tables that libraries write."""

    function = "app_tenant"
    output_field = models.IntegerField()
    arity = 0


class TenantOwned(models.Model):
    """A row that belongs to exactly one tenant; declare ``objects: ClassVar[TenantManager["X"]]`` beside it."""

    tenant: Any = models.ForeignKey(
        "tenants.Tenant", on_delete=models.PROTECT, editable=False, default=current_tenant_id, related_name="+"
    )

    class Meta:
        """Abstract: every room derives its own tables."""

        abstract = True
