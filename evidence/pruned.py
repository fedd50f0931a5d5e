"""Tells leaves whose rows retention removed from leaves whose rows are simply gone.

A missing row is explained by a removal only where the ledger itself says so: the announcing entry (kind 06) hashes to
its leaf, names the very places by their hash, the delivery was received in the month that it names, and that month was
past its shortest term when the entry was written. Anything else stays a missing leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evidence.announced import announcement, leaf_of, tiles_of
from evidence.findings import FailureClass, LogReport, PruneSeen
from ledger.kinds import BatchPlace, LeafKind
from ledger.tiles import TileError, root_over
from logs.kinds import LogType
from logs.leafsets import Places, PlacesError, unpack
from logs.models import RetentionPrune
from logs.terms import later, month_of, shortest
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Explained:
    """A removal that the ledger announced: its epoch and places, and what the report says about it."""

    epoch: int
    places: Places
    seen: PruneSeen
    quarantined: bool
    root: bytes


class PrunedLeaves:
    """The removals of one tenant that the ledger explains; those that it does not are noted as findings."""

    def __init__(self, tenant: Tenant, using: str, report: LogReport) -> None:
        self.tenant, self.using, self.report = tenant, using, report
        self.known: list[Explained] = []
        rows = RetentionPrune.objects.using(using).filter(tenant_id=tenant.pk).order_by("announced_at", "month", "id")
        for row in rows.iterator(chunk_size=20):
            self._learn(row)

    def check_roots(self, epoch: int) -> None:
        """Hashes the leaves of each removal again, as the announcing entry has them."""
        for one in self.known:
            if one.epoch != epoch or not one.places:
                continue
            try:
                same = root_over(self._leaves(epoch, one.places)) == one.root
            except TileError as error:
                self._fault(FailureClass.TREE_INCONSISTENT, one.seen.month, str(error))
                continue
            if not same:
                self._fault(FailureClass.TREE_INCONSISTENT, one.seen.month, "other leaves lie at the announced places")

    def unexplained(self, place: BatchPlace, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yields the ordinals, as (begin, end), of a batch's missing rows that no removal explains; counts the rest."""
        month = f"{month_of(place.received_at):%Y-%m}"
        known = [one for one in self.known if one.epoch == place.epoch and one.seen.month == month]
        at = begin
        for ordinal in range(begin, end):
            found = next((one for one in known if place.first_index + ordinal in one.places), None)
            if found is None:
                continue
            if at < ordinal:
                yield at, ordinal
            at = ordinal + 1
            found.seen.leaves += 1
            self.report.pruned += 1
        if at < end:
            yield at, end

    def blanks(self, received_at: datetime) -> bool:
        """Says whether records that could not be read lost their bytes by a removal of the month of their receipt."""
        month = f"{month_of(received_at):%Y-%m}"
        return any(one.quarantined and one.seen.month == month for one in self.known)

    def _learn(self, row: RetentionPrune) -> None:
        """Takes a removal in where the ledger announced it as it is."""
        month = f"{row.month:%Y-%m}"
        try:
            places = unpack(bytes(row.places))
            found = announcement(self.tenant, self.using, row.batch_id, LeafKind.PRUNE, {"detail__prune": str(row.pk)})
        except (PlacesError, LookupError, TileError) as error:
            self._fault(FailureClass.CONTENT_CHANGED, month, str(error).strip("'"))
            return
        leaf, said = found.index, found.said
        told = (said.get("places_sha256"), said.get("count"), said.get("month"), said.get("epoch"))
        if told != (hashlib.sha256(bytes(row.places)).hexdigest(), len(places), month, row.epoch):
            self._fault(FailureClass.CONTENT_CHANGED, month, f"it is not what ledger entry {leaf} announced")
            return
        if later(row.month, 1 + _least_months(said)) > month_of(found.at):
            self._fault(FailureClass.LEAF_MISSING, month, f"ledger entry {leaf} was written before the term had passed")
            return
        seen = PruneSeen(leaf=leaf, month=month, announced=len(places))
        root = bytes.fromhex(str(said.get("removed_root")))
        self.report.prunes.append(seen)
        self.known.append(Explained(row.epoch, places, seen, bool(said.get("quarantined")), root))

    def _leaves(self, epoch: int, places: Places) -> Iterator[bytes]:
        tiles = tiles_of(self.tenant, epoch, self.using)
        return (leaf_of(tiles, index) for index in places)

    def _fault(self, failure: FailureClass, month: str, detail: str) -> None:
        self.report.findings.add(failure, f"removal of {month}", detail)


def _least_months(said: dict[str, Any]) -> int:
    """Returns the shortest term that the entry names, but never less than a kind of log may be kept."""
    labels = {str(kind.label): kind for kind in LogType}
    terms = [
        max(int(rule["months"]), shortest(labels[rule["log_type"]]))
        for rule in said.get("rules", ())
        if rule.get("log_type") in labels
    ]
    return min(terms, default=max(shortest(kind) for kind in LogType))
