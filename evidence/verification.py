"""Verifies a tenant's ledger against what is stored: hashes every row again, outside of the database engine.

What a database administrator could do is looked for from the rows upwards: stored bytes against leaves, shown columns
against stored bytes, leaves against tiles, tiles against the head, the head and every checkpoint against the signer's
signatures and its own state. One snapshot is read, so that deliveries may go on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from django.db import connections, transaction
from django.utils import timezone

from evidence.findings import FailureClass, LogReport
from evidence.signaturecheck import SignatureCheck
from evidence.storedrows import StoredRow, StoredRows
from evidence.treecheck import TreeCheck
from ledger import queries
from ledger.kinds import BatchPlace
from ledger.notes import Verifier
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress, Silent

PAGE_LEAVES: Final = 10_000
PAGE_BATCHES: Final = 500
SHOWN_STRAYS: Final = 20
SILENCE: Final = timedelta(minutes=65)
"""A heartbeat follows the last entry within an hour."""
UNSIGNED_LIMIT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """What a reader brings along, which no administrator here can change: keys, and checkpoints by file name."""

    keys: tuple[Verifier, ...] = ()
    notes: Mapping[str, bytes] = field(default_factory=dict)


NOTHING_HELD: Final = HeldElsewhere()


def verify_tenant(
    tenant: Tenant,
    *,
    progress: Progress | None = None,
    using: str = "default",
    held: HeldElsewhere = NOTHING_HELD,
) -> LogReport:
    """Verifies everything that a tenant's ledger covers and returns what was found, by class.

    Raises:
        Cancelled: The person who asked for it no longer wants it.
    """
    started = time.monotonic()
    with _snapshot(tenant, using):
        try:
            report = _Verification(tenant, using, progress or Silent(), held).run()
        except queries.UnknownLogError as error:
            report = LogReport(tenant=tenant.slug)
            report.findings.add(FailureClass.LOG_ROLLED_BACK, "head", f"the log's head is gone: {error}")
    report.seconds = time.monotonic() - started
    return report


def verify_as_work(progress: Progress, tenant: Tenant) -> dict[str, object]:
    """Verifies as a piece of long work; the report is the work's result."""
    return verify_tenant(tenant, progress=progress).as_json()


@contextmanager
def _snapshot(tenant: Tenant, using: str) -> Iterator[None]:
    """Opens the tenant's scope over one read-only snapshot; inside another transaction, over that one."""
    connection = connections[using]
    own = not connection.in_atomic_block
    with transaction.atomic(using=using):
        if own:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with tenant_scope(tenant, using=using):
            yield


class _Verification:
    """One run over one log."""

    def __init__(self, tenant: Tenant, using: str, progress: Progress, held: HeldElsewhere) -> None:
        self.tenant, self.using, self.progress, self.held = tenant, using, progress, held
        self.head = queries.head(tenant.uuid, using=using)
        self.report = LogReport(tenant=tenant.slug, origin=self.head.origin, size=self.head.size)
        self.findings = self.report.findings
        self.rows = StoredRows(tenant.pk, tenant.uuid, using)
        self.tree = TreeCheck(self.head, self.report, using)
        self.signatures = SignatureCheck(self.tree, self.report, using, held.keys)
        self.newest_at: datetime | None = None
        self.done = 0
        self.unsigned_since: datetime | None = None

    def run(self) -> LogReport:
        """Checks tree, signatures, rows, and rows that belong nowhere."""
        self.progress.step(0, self.head.size, "Checking the tree")
        self.tree.check_tiles()
        self.progress.step(0, self.head.size, "Checking signatures")
        self.signatures.check()
        self.signatures.check_held(self.held.notes)
        for page in self._pages():
            self._check_page(page)
            self.done += sum(place.n for place in page)
            self.progress.step(self.done, self.head.size, f"{self.done:,} of {self.head.size:,} leaves hashed again")
        self._check_strays()
        self._check_rotations()
        self._check_age()
        return self.report

    def _pages(self) -> Iterator[list[BatchPlace]]:
        """Yields batches in the order of the log, some at a time; a large one alone."""
        page: list[BatchPlace] = []
        for place in self._places():
            if page and (sum(held.n for held in page) + place.n > PAGE_LEAVES or len(page) == PAGE_BATCHES):
                yield page
                page = []
            page.append(place)
        if page:
            yield page

    def _places(self) -> Iterator[BatchPlace]:
        """Yields every batch and checks that each begins where the one before ends."""
        expected = after = 0
        while places := queries.batches(self.tenant.uuid, first_index=after, limit=1000, using=self.using):
            for place in places:
                if place.first_index != expected:
                    self._tree_fault(f"batch {place.id}", f"it begins at {place.first_index}, not at {expected}")
                expected = place.first_index + place.n
                self._listen(place.received_at)
                if expected > self.report.signed_size and self.unsigned_since is None:
                    self.unsigned_since = place.received_at
                yield place
            after = places[-1].first_index + 1
        if expected != self.head.size:
            self._tree_fault("head", f"the batches hold {expected} leaves, the head says {self.head.size}")

    def _listen(self, at: datetime) -> None:
        """Counts the times when nothing was written, not even a heartbeat."""
        if self.newest_at is not None and at - self.newest_at > SILENCE:
            self.report.silences += 1
            self.report.longest_silence = max(self.report.longest_silence, (at - self.newest_at).total_seconds())
        self.newest_at = at if self.newest_at is None else max(at, self.newest_at)

    def _check_page(self, page: list[BatchPlace]) -> None:
        """Checks the rows of some batches."""
        manifests, deeds = self.rows.manifests(page), self.rows.deeds(page)
        self.report.deliveries += len(manifests)
        open_places = {place.id: place for place in page}
        deliveries = [place for place in page if place.id not in deeds]
        for batch_id, rows in groupby(self.rows.events(deliveries), key=lambda row: row.batch_id):
            self._check_delivery(open_places.pop(batch_id), rows, manifests.get(batch_id))
        for place in open_places.values():
            if place.id in deeds:
                self._check_deeds(place, deeds[place.id])
            else:
                self._check_delivery(place, (), manifests.get(place.id))
        for batch_id, fault in self.rows.quarantine_faults(list(manifests)):
            self.findings.add(FailureClass.CONTENT_CHANGED, f"delivery {batch_id}", fault)

    def _check_delivery(self, place: BatchPlace, events: Iterable[StoredRow], manifest: StoredRow | None) -> None:
        """Checks a delivery: the events of ordinals 0 to n - 2, then the manifest."""
        last = place.n - 1
        expected = 0
        for row in events:
            self.report.events += 1
            if not expected <= row.ord < last:
                self.findings.add(FailureClass.ROW_UNSEALED, row.name, f"the log has no leaf {row.ord} for it")
                continue
            self._missing(place, expected, row.ord)
            self._compare(place.first_index + row.ord, row)
            expected = row.ord + 1
        self._missing(place, expected, last)
        if manifest is None:
            self._missing(place, last, place.n)
        else:
            self._compare(place.first_index + last, manifest)

    def _check_deeds(self, place: BatchPlace, rows: list[StoredRow]) -> None:
        """Checks a batch of audit entries: leaf k is the k-th row, ordinals may have gaps."""
        self.report.deeds += len(rows)
        leaves = [self.tree.leaf(place.first_index + k) for k in range(place.n)]
        if len(rows) == place.n:
            for k, row in enumerate(rows):
                self._compare(place.first_index + k, row)
            return
        if None not in leaves:
            self._align_deeds(place, rows, leaves)

    def _align_deeds(self, place: BatchPlace, rows: list[StoredRow], leaves: list[bytes | None]) -> None:
        """Finds out which rows of a batch with too few or too many were changed, removed or put in."""
        hashed = {row.leaf for row in rows}
        gone = [place.first_index + k for k, leaf in enumerate(leaves) if leaf not in hashed]
        strange = [row for row in rows if row.leaf not in leaves]
        for row, index in zip(strange, gone, strict=False):
            self._changed(index, row)
        for row in strange[len(gone) :]:
            self.findings.add(FailureClass.ROW_UNSEALED, row.name, "the log has no leaf for it")
        for index in gone[len(strange) :]:
            self.findings.add(FailureClass.LEAF_MISSING, f"leaf {index}", f"no audit entry of batch {place.id} fits it")
        for row in rows:
            if row.leaf in leaves:
                self._check_projection(row)

    def _compare(self, index: int, row: StoredRow) -> None:
        """Compares a row with its leaf, and then what it shows with its bytes."""
        leaf = self.tree.leaf(index)
        if leaf is None:
            return
        if leaf != row.leaf:
            self._changed(index, row)
        else:
            self._check_projection(row)

    def _check_projection(self, row: StoredRow) -> None:
        """Notes columns that do not follow from the sealed bytes."""
        if row.differs:
            self.findings.add(FailureClass.PROJECTION_DIFFERS, row.name, ", ".join(row.differs))

    def _changed(self, index: int, row: StoredRow) -> None:
        """Notes stored bytes that are not what was sealed."""
        self.findings.add(FailureClass.CONTENT_CHANGED, row.name, f"its bytes do not hash to leaf {index}")

    def _missing(self, place: BatchPlace, begin: int, end: int) -> None:
        """Notes leaves without a row."""
        if begin < end:
            what = "manifest" if begin == place.n - 1 else "row"
            where = f"leaves {place.first_index + begin} to {place.first_index + end - 1}"
            self.findings.add(FailureClass.LEAF_MISSING, where, f"no {what} of batch {place.id} is stored", end - begin)

    def _tree_fault(self, where: str, detail: str) -> None:
        self.findings.add(FailureClass.TREE_INCONSISTENT, where, detail)

    def _check_strays(self) -> None:
        """Notes rows that no batch of the log covers; counted first, because looking for them is slow."""
        self.progress.step(self.done, self.head.size, "Looking for rows that were never sealed")
        report = self.report
        if self.rows.totals() != (report.events, report.deliveries, report.deeds):
            for name in self.rows.strays(SHOWN_STRAYS):
                self.findings.add(FailureClass.ROW_UNSEALED, name, "its batch is not in the log")

    def _check_rotations(self) -> None:
        """Notes a key that signs although no entry of the log announced it."""
        for term in self.signatures.terms[1:]:
            if term.verifier.vkey not in self.rows.announced_keys():
                detail = f"no entry of the log announces the key that signs from {term.since} leaves on"
                self.findings.add(FailureClass.SIGNATURE_INVALID, "key", detail)

    def _check_age(self) -> None:
        """Notes leaves that wait too long for a signature."""
        since = self.unsigned_since
        if self.report.signed_size < self.head.size and since and timezone.now() - since > UNSIGNED_LIMIT:
            waiting = self.head.size - self.report.signed_size
            detail = f"{waiting:,} leaves have no signed checkpoint since {since:%Y-%m-%d %H:%M:%S} UTC"
            self.findings.add(FailureClass.UNSIGNED_TOO_LONG, "head", detail)
