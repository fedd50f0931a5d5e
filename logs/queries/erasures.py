"""What was erased under GDPR Art. 17: the deeds, with their places in the ledger, and which of them took an event."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from ledger import queries as ledger
from ledger.kinds import LeafKind
from logs.models import ErasedLeaf, Erasure, ErasureAnswer, read_event_key
from logs.queries.retention import removals_of_event
from tenants.models import AuditEntry
from tenants.scope import current_scope


@dataclass(frozen=True, slots=True)
class ErasureShown:
    """A deed with the place of its ledger entry; None before it is announced, or where the entry cannot be found."""

    erasure: Erasure
    leaf: int | None

    @property
    def word(self) -> str:
        """Where the deed stands."""
        if self.erasure.removed_at:
            return "Erased"
        if self.erasure.answer == ErasureAnswer.DECLINED:
            return "Declined"
        return "Confirmed" if self.erasure.answer else "Asked for"


def with_places(erasures: Sequence[Erasure]) -> Sequence[ErasureShown]:
    """Return deeds with the places of their ledger entries, in two queries whatever their number."""
    batches = {erasure.batch_id for erasure in erasures if erasure.batch_id}
    entries = AuditEntry.objects.filter(batch_id__in=batches, leaf_kind=LeafKind.ERASURE)
    said = {entry.detail.get("erasure"): entry for entry in entries}
    firsts = ledger.first_indexes(current_scope().log_id, batches)
    shown = []
    for erasure in erasures:
        entry = said.get(str(erasure.pk))
        leaf = firsts[entry.batch_id] + entry.ord if entry and entry.batch_id in firsts else None
        shown.append(ErasureShown(erasure, leaf))
    return shown


def erasures_of_events(places: Collection[tuple[datetime, int]]) -> Sequence[ErasureShown]:
    """Return the deeds that were carried out on events, given by receipt and number; oldest first."""
    wanted = Q(pk__in=[])
    for received_at, number in places:
        wanted |= Q(received_at=received_at, event_id=number)
    deeds = ErasedLeaf.objects.filter(wanted).exclude(erasure__removed_at=None).values("erasure_id")
    return with_places(list(Erasure.objects.filter(pk__in=deeds).order_by("removed_at", "id")))


def erasures_of_event(key: str) -> Sequence[ErasureShown]:
    """Return the deeds that took the event of an address; none where the key names no receipt."""
    place = read_event_key(key)
    return erasures_of_events([place]) if place else ()


def why_gone(key: str) -> dict[str, Any]:
    """Return the deeds and removals that may have taken the event of an address; empty where none did.

    A deed names the event itself, so that no removal of its month is told beside it.
    """
    if erasures := erasures_of_event(key):
        return {"erasures": erasures}
    removals = removals_of_event(key)
    return {"removals": removals} if removals else {}


def erasures_in(since: datetime, until: datetime) -> Sequence[tuple[ErasureShown, int]]:
    """Return the deeds that took events which occurred in a period, each with how many leaves, oldest first."""
    rows = ErasedLeaf.objects.filter(quarter__gte=since, quarter__lt=until).exclude(erasure__removed_at=None)
    counts = dict(rows.values_list("erasure_id").annotate(n=Count("id")).order_by())
    shown = with_places(list(Erasure.objects.filter(pk__in=counts).order_by("removed_at", "id")))
    return [(one, counts[one.erasure.pk]) for one in shown]


def confirmed_erasures() -> Sequence[Erasure]:
    """Return the deeds that two people want and that nobody carried out yet, oldest first."""
    return list(Erasure.objects.filter(answer=ErasureAnswer.CONFIRMED, removed_at=None).order_by("answered_at", "id"))
