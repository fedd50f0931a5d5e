"""Tells leaves whose rows a deed of erasure removed from leaves whose rows are simply gone (GDPR Art. 17).

A missing row is explained only where the ledger itself says so: the entry of the deed (kind 05) hashes to its leaf,
names these very leaves by their hash, and two different people. A row that is stored although a deed erased it, and a
deed that the list outside of the database knows and the database does not, are findings of their own.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from evidence.announced import announcement
from evidence.erasures.listed import listed_ids
from evidence.findings import ErasureSeen, FailureClass, LogReport
from ledger.kinds import BatchPlace, LeafKind
from ledger.tiles import TileError
from logs.erasedset import NamedLeaf, digest_of
from logs.models import ErasedLeaf, Erasure, ErasureAnswer
from tenants.models import Tenant

COLUMNS = ("batch_id", "ord", "received_at", "event_id", "quarter")


class ErasedLeaves:
    """The deeds of one tenant that the ledger explains; those that it does not are noted as findings."""

    def __init__(self, tenant: Tenant, using: str, report: LogReport) -> None:
        self.tenant, self.using, self.report = tenant, using, report
        self.known: dict[tuple[UUID, int], ErasureSeen] = {}
        self.ids: set[UUID] = set()
        rows = Erasure.objects.using(using).filter(tenant_id=tenant.pk, answer=ErasureAnswer.CONFIRMED)
        for row in rows.order_by("answered_at", "id"):
            self.ids |= {row.pk, *({row.repeats} if row.repeats else ())}
            self._learn(row)
        for deed in listed_ids(tenant.uuid):
            if deed not in self.ids:
                detail = "the list outside of the database names it, and the database does not know it: run `retain`"
                report.findings.add(FailureClass.ERASED_STORED, f"erasure {deed}", detail)

    def explains(self, place: BatchPlace, ordinal: int) -> bool:
        """Says whether a deed removed the row of a leaf, and counts it."""
        seen = self.known.get((place.id, ordinal))
        if seen is None or not seen.removed:
            return False
        seen.leaves += 1
        self.report.erased += 1
        return True

    def check_stored(self, place: BatchPlace, ordinal: int, name: str) -> None:
        """Notes a row that is stored although a deed was carried out on it."""
        seen = self.known.get((place.id, ordinal))
        if seen is not None and seen.removed:
            detail = f"the deed at ledger entry {seen.leaf} erased it: run `retain`"
            self.report.findings.add(FailureClass.ERASED_STORED, name, detail)

    def _learn(self, row: Erasure) -> None:
        """Takes a deed in where the ledger announced it as it is."""
        leaves = [
            NamedLeaf(*values)
            for values in ErasedLeaf.objects.using(self.using)
            .filter(tenant_id=self.tenant.pk, erasure_id=row.pk)
            .values_list(*COLUMNS)
        ]
        try:
            found = announcement(
                self.tenant, self.using, row.batch_id, LeafKind.ERASURE, {"detail__erasure": str(row.pk)}
            )
        except (LookupError, TileError) as error:
            self._fault(row, str(error).strip("'"))
            return
        told = _told(found.said)
        here = (digest_of(leaves).hex(), len(leaves), row.reason, row.legal_ref, row.asker_user, row.answerer_user)
        if told != here or told[0] != bytes(row.places_sha256).hex() or row.asker_user == row.answerer_user:
            self._fault(row, f"it is not what ledger entry {found.index} announced")
            return
        seen = ErasureSeen(found.index, str(row.pk), row.legal_ref, len(leaves), removed=row.removed_at is not None)
        self.report.erasures.append(seen)
        # A deed that was repeated after a restore is told by the newest entry: that one's removal took the rows.
        self.known |= {(leaf.batch_id, leaf.ord): seen for leaf in leaves}

    def _fault(self, row: Erasure, detail: str) -> None:
        self.report.findings.add(FailureClass.CONTENT_CHANGED, f"erasure {row.pk}", detail)


def _told(said: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(said.get(name) for name in ("places_sha256", "count", "reason", "legal_ref", "asker", "answerer"))
