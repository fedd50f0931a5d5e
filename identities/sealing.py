"""Writes a snapshot with its rows, and what follows for accounts, entitlements and grants.

The header and its rows are inserted once and never changed (the run-time role has no right to); the constraint
`snapshot_is_full`, checked before the transaction ends, refuses a header whose rows are not as many as it says.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from identities.csvtable import BadFile
from identities.grantlist import account_ref, digest
from identities.kinds import GrantRow, ListFormat, SnapshotUpload
from identities.models import Account, Entitlement, Grant, Identity, Snapshot, SnapshotRow, System
from identities.privileged import why_privileged
from identities.queries import sealed_row
from identities.readers import read_population
from tenants.work import Progress

CHUNK = 1000

Accounts = Mapping[str, Account]
Entitlements = Mapping[str, Entitlement]


def seal_snapshot(
    *, system: System, upload: SnapshotUpload, raw_sha256: str, recorded_by: str, progress: Progress | None
) -> Snapshot:
    """Stores a snapshot from an upload, in the transaction of `import_snapshot`."""
    read = read_population(upload.form, upload.body, upload.mapping)
    grants = read.rows
    counted = None if upload.form == ListFormat.TABLE else read.records
    _check_times(grants, upload.captured_at)
    newer = Snapshot.objects.filter(system=system, complete=True, captured_at__gte=upload.captured_at).exists()
    accounts = _accounts(system, grants, change=not newer)
    entitlements = _entitlements(system, grants, change=not newer)
    rows = _rows(grants, accounts, entitlements)
    snapshot = Snapshot.objects.create(
        system=system,
        captured_at=upload.captured_at,
        recorded_at=timezone.now(),
        recorded_by=recorded_by,
        delivered_by=upload.delivered_by.strip()[:200],
        source_total=upload.source_total,
        row_total=len(rows),
        complete=upload.source_total == (len(rows) if counted is None else counted),
        digest=digest(sealed_row(row, grant.entitlement) for row, grant in zip(rows, grants, strict=True)),
        raw_sha256=raw_sha256,
        raw_name=upload.file_name[:200],
        filters=upload.filters,
        query=upload.query,
        privileged_rule=system.privileged_rule,
        list_format=upload.form,
        mapping=upload.mapping,
        record_total=counted,
    )
    _store_rows(snapshot, rows, progress)
    if snapshot.complete and not newer:
        _update_grants(snapshot, grants, accounts, entitlements)
    if len(rows) >= CHUNK:
        _refresh_statistics()
    return snapshot


def _check_times(grants: Sequence[GrantRow], captured_at: datetime) -> None:
    """Refuses a grant that begins, or was approved, after the list was captured."""
    for grant in grants:
        for deed, at in (("granted", grant.granted_at), ("approved for", grant.approved_at)):
            if at and at > captured_at:
                raise BadFile(
                    f"Line {grant.line} says that '{grant.account}' was {deed} '{grant.entitlement}' "
                    "after the list was captured.",
                    grant.line,
                )


def _accounts(system: System, grants: Sequence[GrantRow], *, change: bool) -> Accounts:
    """Returns the list's accounts by lower-case name; adds new ones and, for the newest list, changes known ones."""
    people = dict(Identity.objects.values_list("external_id", "id"))
    known = {account.name_key: account for account in Account.objects.filter(system=system)}
    fresh: dict[str, Account] = {}
    changed: dict[str, Account] = {}
    for grant in grants:
        key = grant.account.lower()
        account = known.get(key) or fresh.get(key)
        if account is None:
            fresh[key] = _new_account(system, grant, people)
        elif change and key in known and _apply(account, grant, people):
            changed[key] = account
    Account.objects.bulk_create(fresh.values(), batch_size=CHUNK)
    Account.objects.bulk_update(changed.values(), ["identity", "kind", "enabled", "disabled_at"], batch_size=CHUNK)
    return {**known, **fresh}


def _new_account(system: System, grant: GrantRow, people: Mapping[str, int]) -> Account:
    """Returns an account that is not stored yet."""
    salt = secrets.token_bytes(16)
    return Account(
        system=system,
        name=grant.account,
        name_key=grant.account.lower(),
        identity_id=people.get(grant.person),
        kind=grant.kind,
        enabled=grant.enabled,
        disabled_at=None if grant.enabled else timezone.now(),
        salt=salt,
        ref=account_ref(salt, grant.account.lower()),
    )


def _apply(account: Account, grant: GrantRow, people: Mapping[str, int]) -> bool:
    """Takes over what the list says about a known account; returns whether anything changed.

    A list without the person's id does not take an owner away: many systems do not know it.
    """
    identity_id = people.get(grant.person, account.identity_id)
    before = (account.identity_id, account.kind, account.enabled)
    if account.enabled != grant.enabled:
        account.disabled_at = None if grant.enabled else timezone.now()
    account.identity_id, account.kind, account.enabled = identity_id, grant.kind, grant.enabled
    return before != (identity_id, grant.kind, grant.enabled)


def _entitlements(system: System, grants: Sequence[GrantRow], *, change: bool) -> Entitlements:
    """Returns the entitlements of the list by key; decides for each whether it is privileged, and why."""
    said = {grant.entitlement for grant in grants if grant.privileged}
    lines = {grant.entitlement: grant for grant in reversed(grants)}
    known = {right.key: right for right in Entitlement.objects.filter(system=system)}
    fresh: list[Entitlement] = []
    changed: list[Entitlement] = []
    for key, grant in lines.items():
        why = why_privileged(system.privileged_rule, key, file_says_so=key in said)
        right = known.get(key)
        if right is None:
            fresh.append(
                Entitlement(
                    system=system,
                    key=key,
                    title=grant.title,
                    meaning=grant.meaning,
                    privileged=bool(why),
                    privileged_why=why,
                )
            )
        elif change and (right.privileged_why != why or (grant.title and right.title != grant.title)):
            right.privileged, right.privileged_why = bool(why), why
            right.title, right.meaning = grant.title or right.title, grant.meaning or right.meaning
            changed.append(right)
    Entitlement.objects.bulk_create(fresh, batch_size=CHUNK)
    Entitlement.objects.bulk_update(changed, ["privileged", "privileged_why", "title", "meaning"], batch_size=CHUNK)
    return {**known, **{right.key: right for right in fresh}}


def _rows(grants: Sequence[GrantRow], accounts: Accounts, entitlements: Entitlements) -> list[SnapshotRow]:
    """Returns the rows in sealed order, without their snapshot."""
    rows = []
    for n, grant in enumerate(grants, start=1):
        account, right = accounts[grant.account.lower()], entitlements[grant.entitlement]
        rows.append(
            SnapshotRow(
                n=n,
                account=account,
                entitlement=right,
                identity_id=account.identity_id,
                account_ref=account.ref,
                account_kind=grant.kind,
                enabled=grant.enabled,
                privileged=right.privileged,
                inherited_via=grant.inherited_via,
                origin=grant.origin,
            )
        )
    return rows


def _store_rows(snapshot: Snapshot, rows: Sequence[SnapshotRow], progress: Progress | None) -> None:
    """Inserts the rows in chunks, reports each, and checks that the snapshot is full."""
    for row in rows:
        row.snapshot = snapshot
    for start in range(0, len(rows), CHUNK):
        SnapshotRow.objects.bulk_create(rows[start : start + CHUNK])
        done = min(start + CHUNK, len(rows))
        if progress:
            progress.step(done, len(rows), f"Stored {done:,} of {len(rows):,} grants")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS snapshot_is_full IMMEDIATE; SET CONSTRAINTS snapshot_is_full DEFERRED")


def _refresh_statistics() -> None:
    """Tells the planner about the new rows: it would plan for an empty table until autovacuum comes by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT identities_refresh_statistics()")


def _update_grants(
    snapshot: Snapshot, grants: Sequence[GrantRow], accounts: Accounts, entitlements: Entitlements
) -> None:
    """Opens the grants that are new, ends those that are gone, and marks the rest as seen again."""
    listed = {(accounts[g.account.lower()].pk, entitlements[g.entitlement].pk): g for g in grants}
    held = {
        (grant.account_id, grant.entitlement_id): grant.pk
        for grant in Grant.objects.filter(entitlement__system=snapshot.system, until__isnull=True)
    }
    gone = [pk for pair, pk in held.items() if pair not in listed]
    seen = [pk for pair, pk in held.items() if pair in listed]
    Grant.objects.filter(pk__in=gone).update(until=snapshot.captured_at)
    Grant.objects.filter(pk__in=seen).update(last_snapshot=snapshot)
    ended = {
        (row["account_id"], row["entitlement_id"]): row["last"]
        for row in Grant.objects.filter(entitlement__system=snapshot.system, until__isnull=False)
        .values("account_id", "entitlement_id")
        .annotate(last=Max("until"))
    }
    Grant.objects.bulk_create(
        [
            Grant(
                account_id=pair[0],
                entitlement_id=pair[1],
                since=_begin(grant.granted_at, ended.get(pair), snapshot.captured_at),
                granted_by=grant.granted_by,
                approved_by=grant.approved_by,
                approved_at=grant.approved_at,
                origin=grant.origin,
                inherited_via=grant.inherited_via,
                first_snapshot=snapshot,
                last_snapshot=snapshot,
            )
            for pair, grant in listed.items()
            if pair not in held
        ],
        batch_size=CHUNK,
    )


def _begin(granted_at: datetime | None, ended_at: datetime | None, captured_at: datetime) -> datetime:
    """Returns when a grant begins: as the system says, else when it was first seen."""
    if granted_at is None or (ended_at is not None and granted_at < ended_at):
        return captured_at
    return granted_at
