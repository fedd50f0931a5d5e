"""What is kept for how long, what is past its term, what is held, and what went."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connections
from django.db.models import Sum

from ledger import queries as ledger
from ledger.kinds import LeafKind
from logs.kinds import LogType
from logs.models import LegalHold, QuarantinedLine, RetentionPrune, RetentionTerm, TypeDay, read_event_key
from logs.terms import begin_of, cut, later, month_of, types_past
from tenants.models import AuditEntry
from tenants.scope import current_scope, current_tenant_id

CHUNK: Final = 20_000
SHOWN: Final = 100
_TERMS: Final = "SELECT kind, retention_months(kind) FROM generate_series(1, 7) AS kind"
_MONTHS: Final = """
SELECT substring(c.relname FROM '\\d{4}_\\d{2}$') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'logs_accessevent'::regclass ORDER BY 1
"""
_DUE: Final = """
SELECT b.epoch, b.first_index + e.ord AS place, e.log_type, EXISTS (
    SELECT FROM logs_legalhold h WHERE h.tenant_id = %(tenant)s AND h.lifted_at IS NULL
    AND (h.kind = 'tenant' OR (h.kind = 'source' AND h.source_id = e.source_id)
        OR (h.kind = 'person' AND (h.identity_id = e.identity_id OR e.actor_key = ANY (h.actor_keys)
            OR lower(e.target_name) = ANY (h.actor_keys))))) AS held
FROM logs_accessevent e JOIN ledger_batch b ON b.log_id = %(log)s AND b.id = e.batch_id
WHERE e.tenant_id = %(tenant)s AND e.received_at >= %(since)s AND e.received_at < %(until)s
    AND e.log_type = ANY (%(types)s)
ORDER BY 1, 2
"""
"""What is held is said twice: here, and in the function that removes, which is the one that counts."""


@dataclass(frozen=True, slots=True)
class DueEvent:
    """One event past its term: its leaf's place, its kind, and whether a hold keeps it."""

    epoch: int
    place: int
    log_type: int
    held: bool


@dataclass(frozen=True, slots=True)
class TermInForce:
    """The term of one kind of log, since when and by whom, and what is coming: a shorter term, the next removal."""

    kind: LogType
    months: int
    newest: RetentionTerm | None
    cut_on: date
    next_on: date
    next_cut_on: date
    oldest_on: date | None
    due_next: int

    @property
    def coming(self) -> RetentionTerm | None:
        """The shorter term that was set and does not hold yet."""
        return self.newest if self.newest and self.newest.months < self.months else None


@dataclass(frozen=True, slots=True)
class PruneShown:
    """One removal with the place of its ledger entry; None while the entry cannot be found."""

    prune: RetentionPrune
    leaf: int | None
    approved_by: str


def terms_in_force() -> Mapping[LogType, int]:
    """Return the months that each kind of log is kept in the open tenant, as the database applies them."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_TERMS)
        return {LogType(kind): int(months) for kind, months in cursor.fetchall()}


def stored_months() -> Sequence[date]:
    """Return the months of receipt that have a partition, oldest first."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_MONTHS)
        return [date(int(name[:4]), int(name[5:]), 1) for (name,) in cursor.fetchall() if name]


def months_past(now: datetime) -> Sequence[tuple[date, Sequence[LogType]]]:
    """Return the stored months with the kinds that are past their term and not announced for removal yet."""
    terms, waiting = terms_in_force(), pending_prunes()
    found = []
    for month in stored_months():
        taken = {kind for prune in waiting if prune.month == month for kind in prune.log_types}
        kinds = [kind for kind in types_past(month, terms, now) if kind not in taken]
        if kinds:
            found.append((month, kinds))
    return found


def due_events(month: date, kinds: Sequence[LogType]) -> Iterator[DueEvent]:
    """Yield the events of these kinds that were received in the month, in the order of the ledger."""
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "log": current_scope().log_id,
        "since": begin_of(month),
        "until": begin_of(later(month, 1)),
        "types": list(kinds),
    }
    with connections["default"].chunked_cursor() as cursor:
        cursor.execute(_DUE, values)
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                yield DueEvent(*row)


def due_quarantine(month: date) -> int:
    """Return how many records that could not be read still hold bytes of the month; none while a source is held."""
    rows = QuarantinedLine.objects.filter(received_at__gte=begin_of(month), received_at__lt=begin_of(later(month, 1)))
    held = LegalHold.objects.filter(lifted_at=None, kind="source").values("source_id")
    return rows.exclude(raw=b"").exclude(source_id__in=held).count()


def everything_is_held() -> bool:
    """Return whether a hold keeps everything of the open tenant."""
    return LegalHold.objects.filter(lifted_at=None, kind="tenant").exists()


def holds_in_force() -> Sequence[LegalHold]:
    """Return the holds that nobody lifted, newest first."""
    return list(LegalHold.objects.filter(lifted_at=None))


def legal_hold(hold_id: int) -> LegalHold | None:
    """Return one hold of the open tenant."""
    return LegalHold.objects.filter(pk=hold_id).first()


def pending_prunes() -> Sequence[RetentionPrune]:
    """Return the removals that are announced and not carried out, oldest month first; without their places."""
    return list(RetentionPrune.objects.filter(removed_at=None).defer("places").order_by("month", "announced_at"))


def prunes_with_leaves(prunes: Sequence[RetentionPrune]) -> Sequence[PruneShown]:
    """Return removals with the places of their ledger entries, in three queries whatever their number."""
    log_id, batches = current_scope().log_id, {prune.batch_id for prune in prunes}
    entries = AuditEntry.objects.filter(batch_id__in=batches, leaf_kind=LeafKind.PRUNE)
    said = {entry.detail.get("prune"): entry for entry in entries}
    firsts = ledger.first_indexes(log_id, batches)
    shown = []
    for prune in prunes:
        entry = said.get(str(prune.pk))
        leaf = firsts[entry.batch_id] + entry.ord if entry and entry.batch_id in firsts else None
        shown.append(PruneShown(prune, leaf, str(entry.detail.get("approved_by", "")) if entry else ""))
    return shown


def retention_facts(now: datetime) -> dict[str, Any]:
    """Return what the page shows: terms, what goes next, holds, and what went."""
    return {
        "terms": [_term(kind, months, now) for kind, months in terms_in_force().items()],
        "holds": holds_in_force(),
        "lifted": list(LegalHold.objects.exclude(lifted_at=None)[:SHOWN]),
        "prunes": prunes_with_leaves(list(RetentionPrune.objects.defer("places")[:SHOWN])),
        "changes": list(RetentionTerm.objects.all()[:SHOWN]),
        "everything_is_held": everything_is_held(),
    }


def _term(kind: LogType, months: int, now: datetime) -> TermInForce:
    next_on = later(month_of(now), 1)
    next_cut = cut(months, begin_of(next_on))
    days = TypeDay.objects.filter(log_type=kind, events__gt=0)
    due = days.filter(day__lt=next_cut).aggregate(n=Sum("events"))["n"]
    return TermInForce(
        kind=kind,
        months=months,
        newest=RetentionTerm.objects.filter(log_type=kind).first(),
        cut_on=cut(months, now),
        next_on=next_on,
        next_cut_on=next_cut,
        oldest_on=days.order_by("day").values_list("day", flat=True).first(),
        due_next=int(due or 0),
    )


def removals_of(months: Collection[date]) -> Sequence[PruneShown]:
    """Return the removals that were carried out in these months of receipt, oldest first."""
    rows = RetentionPrune.objects.filter(month__in=months).exclude(removed_at=None).defer("places")
    return prunes_with_leaves(list(rows.order_by("month", "announced_at")))


def removals_of_event(key: str) -> Sequence[PruneShown]:
    """Return the removals that may have taken an event that is not at hand; none where its key names no receipt."""
    place = read_event_key(key)
    return removals_of({month_of(place[0])}) if place else ()
