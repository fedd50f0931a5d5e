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
from itertools import groupby, zip_longest
from typing import Final

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from evidence.anchorfolder import anchor_files, file_of
from evidence.erased import ErasedLeaves
from evidence.findings import FailureClass, LogReport
from evidence.pruned import PrunedLeaves
from evidence.signaturecheck import SignatureCheck
from evidence.storedreadings import reading_faults
from evidence.storedrows import StoredRow, StoredRows
from evidence.treecheck import TreeCheck
from ledger import queries
from ledger.kinds import BatchPlace, Head
from ledger.notes import Verifier
from ledger.signermemory import signed_epochs
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress, Silent

PAGE_LEAVES: Final = 10_000
PAGE_BATCHES: Final = 500
SHOWN_STRAYS: Final = 20
ANCHORS: Final = 4000
"""Ten years of daily anchors."""
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
        self.heads = queries.heads(tenant.uuid, using=using)
        if not self.heads:
            raise queries.UnknownLogError("it has no epoch.")
        self.total = sum(head.size for head in self.heads)
        self.report = LogReport(tenant.slug, self.heads[-1].origin, self.total, epochs=len(self.heads))
        self.findings = self.report.findings
        self.rows = StoredRows(tenant.pk, tenant.uuid, using)
        self.erased = ErasedLeaves(tenant, using, self.report)
        self.pruned = PrunedLeaves(tenant, using, self.report)
        self.newest_at: datetime | None = None
        self.done = 0
        self.unsigned_since: datetime | None = None

    def run(self) -> LogReport:
        """Checks each epoch's tree, signatures and rows, and then rows that belong nowhere."""
        before: Verifier | None = None
        for head, after in zip_longest(self.heads, self.heads[1:]):
            before = self._check_epoch(head, after, before)
        self._check_strays()
        self._check_readings()
        self._check_age()
        return self.report

    def _check_epoch(self, head: Head, after: Head | None, before: Verifier | None) -> Verifier | None:
        """Checks one epoch; returns its newest key, which the next one's first checkpoint must carry."""
        self.head, self.unsigned_since = head, None
        self.tree = TreeCheck(head, self.report, self.using)
        self.signatures = SignatureCheck(self.tree, self.report, self.using, self.held.keys, before)
        self.progress.step(self.done, self.total, "Checking the tree")
        self.tree.check_tiles()
        self.pruned.check_roots(head.epoch)
        self.progress.step(self.done, self.total, "Checking signatures")
        self.signatures.loss_explained = after is not None and self._explained(head, after)
        self.signatures.check()
        self.signatures.check_held({**anchor_files(self.tenant.uuid), **self.held.notes})
        self._check_anchors(head)
        self.report.signed_size += self.signatures.signed_size
        if after is None:
            self._check_end(head)
        for page in self._pages():
            self._check_page(page)
            self.done += sum(place.n for place in page)
            self.progress.step(self.done, self.total, f"{self.done:,} of {self.total:,} leaves hashed again")
        self._check_rotations()
        return self.signatures.terms[-1].verifier if self.signatures.terms else None

    def _explained(self, closed: Head, after: Head) -> bool:
        """Says whether the first entry of the next epoch says what is left of this one; notes what does not fit."""
        start = self.rows.epoch_start(after.epoch)
        told = (start.get("closed"), start.get("surviving_size"), start.get("surviving_root"))
        if told == (closed.origin, closed.size, closed.root.hex()):
            return True
        what = "its first entry does not say which epoch it continues" if not start else "the epoch before was changed"
        self._tree_fault(f"epoch {after.epoch}", what)
        return False

    def _check_anchors(self, head: Head) -> None:
        """Notes checkpoints that were put into the anchors' folder and are gone from it."""
        if not settings.COUNTERSIGN_ANCHOR_FOLDER:
            return
        for row in queries.anchors(self.tenant.uuid, epoch=head.epoch, limit=ANCHORS, using=self.using):
            if row.kind == "folder" and not file_of(row.log_id, row.epoch, row.size).exists():
                self.findings.add(FailureClass.ANCHOR_MISSING, f"checkpoint {row.size}", f"{row.place} is gone")

    def _check_end(self, newest: Head) -> None:
        """Notes an epoch that the signer has signed and that is gone."""
        signed = signed_epochs(self.tenant.uuid)
        if signed and signed[-1] > newest.epoch:
            detail = f"epoch {signed[-1]} was signed, the log ends with epoch {newest.epoch}"
            self.findings.add(FailureClass.LOG_ROLLED_BACK, "signer's record", detail)

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
        while places := self._batches(after):
            for place in places:
                if place.first_index != expected:
                    self._tree_fault(f"batch {place.id}", f"it begins at {place.first_index}, not at {expected}")
                expected = place.first_index + place.n
                self._listen(place.received_at)
                if expected > self.signatures.signed_size and self.unsigned_since is None:
                    self.unsigned_since = place.received_at
                yield place
            after = places[-1].first_index + 1
        if expected != self.head.size:
            self._tree_fault("head", f"the batches hold {expected} leaves, the head says {self.head.size}")

    def _batches(self, first_index: int) -> list[BatchPlace]:
        log_id, epoch = self.tenant.uuid, self.head.epoch
        return queries.batches(log_id, epoch=epoch, first_index=first_index, limit=1000, using=self.using)

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
        for batch_id, fault in self.rows.quarantine_faults(list(manifests), self.pruned.blanks):
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
            self.erased.check_stored(place, row.ord, row.name)
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
        """Notes leaves without a row, but for those that a deed erased or retention removed."""
        if begin >= end:  # so it is before nearly every event: a tenth of a verification went into asking
            return
        for first, stop in self._unexplained(place, begin, end):
            what = "manifest" if first == place.n - 1 else "row"
            where = f"leaves {place.first_index + first} to {place.first_index + stop - 1}"
            detail = f"no {what} of batch {place.id} is stored"
            self.findings.add(FailureClass.LEAF_MISSING, where, detail, stop - first)

    def _unexplained(self, place: BatchPlace, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yields the ordinals of missing rows, as (begin, end), that neither a deed nor a removal explains."""
        at = begin
        for ordinal in range(begin, end):
            if self.erased.explains(place, ordinal):
                yield from self.pruned.unexplained(place, at, ordinal)
                at = ordinal + 1
        yield from self.pruned.unexplained(place, at, end)

    def _tree_fault(self, where: str, detail: str) -> None:
        self.findings.add(FailureClass.TREE_INCONSISTENT, where, detail)

    def _check_strays(self) -> None:
        """Notes rows that no batch of the log covers; counted first, because looking for them is slow."""
        self.progress.step(self.done, self.total, "Looking for rows that were never sealed")
        report = self.report
        if self.rows.totals() != (report.events, report.deliveries, report.deeds):
            for name in self.rows.strays(SHOWN_STRAYS):
                self.findings.add(FailureClass.ROW_UNSEALED, name, "its batch is not in the log")

    def _check_readings(self) -> None:
        """Notes what the pages leave out, or count twice, against what sealed events say of their older readings."""
        self.progress.step(self.done, self.total, "Comparing what was read again")
        for where, detail in reading_faults(self.tenant.pk, self.using):
            self.findings.add(FailureClass.PROJECTION_DIFFERS, where, detail)

    def _check_rotations(self) -> None:
        """Notes a key that signs although no entry of the log announced it."""
        for term in self.signatures.terms[1:]:
            if term.verifier.vkey not in self.rows.announced_keys():
                detail = f"no entry of the log announces the key that signs from {term.since} leaves on"
                self.findings.add(FailureClass.SIGNATURE_INVALID, "key", detail)

    def _check_age(self) -> None:
        """Notes leaves that wait too long for a signature."""
        since = self.unsigned_since
        if self.signatures.signed_size < self.head.size and since and timezone.now() - since > UNSIGNED_LIMIT:
            waiting = self.head.size - self.signatures.signed_size
            detail = f"{waiting:,} leaves have no signed checkpoint since {since:%Y-%m-%d %H:%M:%S} UTC"
            self.findings.add(FailureClass.UNSIGNED_TOO_LONG, "head", detail)
