"""Deeds on retention: setting terms, setting and lifting legal holds, and announcing what is to be removed."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from identities.personfield import person_named
from identities.queries import people
from ledger.kinds import HASH_BYTES, LeafKind
from ledger.queries import head
from ledger.tiles import WIDTH, root_over
from ledger.tilestore import StoredTiles
from logs.kinds import LogType
from logs.leafsets import Places, pack, places_of
from logs.models import HoldKind, LastUse, LegalHold, LogSource, RetentionPrune, RetentionTerm
from logs.partitions import partition_name
from logs.policies import can_announce_prune, can_manage_retention
from logs.queries.people import person_of
from logs.queries.retention import DueEvent, due_events, due_quarantine, holds_in_force, terms_in_force
from logs.terms import LONGEST, shortest
from logs.watched import actor_key
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.scope import current_scope

TILES_AHEAD: Final = 64


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """What a hold is to keep: everything, the events of a name or person, or those of a source; and why."""

    kind: HoldKind
    reason: str
    person: str = ""
    source: LogSource | None = None


@transaction.atomic
def set_retention_term(*, kind: LogType, months: int, reason: str, by: Actor) -> RetentionTerm:
    """Set how long a kind of log is kept; a longer term holds at once, a shorter one after 30 days.

    Raises:
        ValidationError: no reason is given, nothing changes, or the months lie outside of the bounds.
    """
    enforce(can_manage_retention(by))
    newest = RetentionTerm.objects.filter(log_type=kind).first()
    before = newest.months if newest else terms_in_force()[kind]
    if not shortest(kind) <= months <= LONGEST:
        raise ValidationError(f"{kind.label} is kept between {shortest(kind)} and {LONGEST} months.")
    if months == before:
        raise ValidationError(f"{kind.label} is kept {months} months already.")
    if not reason.strip():
        raise ValidationError("Say why the term is changed: auditors read it.")
    term = RetentionTerm(log_type=kind, months=months, reason=reason.strip(), set_by=by.name)
    term.save(force_insert=True)
    detail = {"log_type": kind.label, "before_months": before, "months": months, "reason": term.reason}
    audit("retention.set", by=by, target=f"{kind.label}: {months} months", detail=detail)
    return term


@transaction.atomic
def set_legal_hold(*, facts: HoldFacts, by: Actor) -> LegalHold:
    """Keep everything, a person's events or a source's from being removed (leaf kind 07).

    Raises:
        ValidationError: no reason, or nobody or nothing to hold is named.
    """
    enforce(can_manage_retention(by))
    if not facts.reason.strip():
        raise ValidationError("Say why the hold is set: auditors read it.")
    hold = LegalHold(kind=facts.kind, what=HoldKind.TENANT.label, reason=facts.reason.strip(), set_by=by.name)
    if facts.kind == HoldKind.SOURCE:
        if facts.source is None:
            raise ValidationError("Choose the source whose events are held.")
        hold.source_id, hold.what = facts.source.pk, facts.source.name
    elif facts.kind == HoldKind.PERSON:
        _name_person(hold, facts.person)
    hold.save(force_insert=True)
    detail = {"hold": hold.pk, "kind": hold.kind, "names": hold.actor_keys, "reason": hold.reason}
    audit("hold.set", by=by, target=hold.what, detail=detail, kind=LeafKind.HOLD)
    return hold


def _name_person(hold: LegalHold, text: str) -> None:
    """Write into the hold every name that the person goes by, in the register or in the logs."""
    name = actor_key(text.strip())
    try:
        person = person_of(f"identity-{person_named(people, text.strip()).pk}")
    except ValidationError:
        person = person_of(f"name-{name}") if LastUse.objects.filter(actor_key=name).exists() else None
    if person is None:
        raise ValidationError("Nobody is called that in the register or the logs: name the person as they do.")
    hold.what, hold.identity_id = person.title[:300], person.identity.pk if person.identity else None
    hold.actor_keys = sorted({key for key, _system in person.names} | {name})


@transaction.atomic
def lift_legal_hold(*, hold: LegalHold, reason: str, by: Actor) -> None:
    """Lift a hold (leaf kind 07): what is past its term goes with the next removal.

    Raises:
        ValidationError: no reason is given, or the hold is lifted already.
    """
    enforce(can_manage_retention(by))
    if not reason.strip():
        raise ValidationError("Say why the hold is lifted: auditors read it.")
    values = {"lifted_at": Now(), "lifted_by": by.name, "lift_reason": reason.strip()}
    if not LegalHold.objects.filter(pk=hold.pk, lifted_at=None).update(**values):
        raise ValidationError("This hold is lifted already.")
    detail = {"hold": hold.pk, "kind": hold.kind, "reason": reason.strip()}
    audit("hold.lift", by=by, target=hold.what, detail=detail, kind=LeafKind.HOLD)


@transaction.atomic
def announce_prune(*, month: date, kinds: Sequence[LogType], by: Actor) -> list[RetentionPrune]:
    """Announce in the ledger (leaf kind 06) exactly which leaves of a received month will lose their rows.

    Nothing is removed here. Rows under a hold are left out. One removal for each epoch of the ledger that has any; none
    where nothing is left to remove.
    """
    enforce(can_announce_prune(by))
    found = [_Found(epoch, events) for epoch, events in groupby(due_events(month, kinds), key=lambda due: due.epoch)]
    found = [one for one in found if one.places]
    quarantined = due_quarantine(month) if len(kinds) == len(LogType) else 0
    if quarantined and not found:
        found = [_Found(head(current_scope().log_id).epoch, ())]
    prunes = []
    for one in found:
        prunes.append(_prune_of(one, month, kinds, quarantined))
        quarantined = 0
        prunes[-1].save(force_insert=True)
        audit("retention.prune", by=by, target=f"{month:%Y-%m}", detail=_said(one, prunes[-1]), kind=LeafKind.PRUNE)
    return prunes


class _Found:
    """The events of one epoch that are to go: their places, how many of each kind, and how many a hold keeps."""

    def __init__(self, epoch: int, events: Iterable[DueEvent]) -> None:
        self.epoch, self.held = epoch, 0
        self.kinds: Counter[int] = Counter()
        self.places = places_of(self._going(events))

    def _going(self, events: Iterable[DueEvent]) -> Iterator[int]:
        for event in events:
            if event.held:
                self.held += 1
            else:
                self.kinds[event.log_type] += 1
                yield event.place


def _prune_of(found: _Found, month: date, kinds: Sequence[LogType], quarantined: int) -> RetentionPrune:
    """Return the removal of what was found."""
    packed = pack(found.places)
    return RetentionPrune(
        id=uuid4(),
        month=month,
        epoch=found.epoch,
        log_types=list(kinds),
        count=len(found.places),
        quarantined=quarantined,
        held=found.held,
        holds=[hold.pk for hold in holds_in_force()],
        places=packed,
        places_sha256=hashlib.sha256(packed).digest(),
        removed_root=root_over(_leaves(current_scope().log_id, found.epoch, found.places)),
        batch_id=current_scope().audit_batch_id,
    )


def _said(found: _Found, prune: RetentionPrune) -> dict[str, object]:
    """Return what the ledger's entry says about a removal (ADR 0306)."""
    rules = [_rule(kind, months) for kind, months in terms_in_force().items() if kind in prune.log_types]
    runs = found.places.runs
    return {
        "approved_by": ", ".join(sorted({str(rule["set_by"]) for rule in rules})),
        "count": prune.count,
        "epoch": prune.epoch,
        "events": {LogType(kind).label: n for kind, n in sorted(found.kinds.items())},
        "first_index": runs[0][0] if runs else None,
        "held": prune.held,
        "holds": prune.holds,
        "last_index": runs[-1][1] - 1 if runs else None,
        "month": f"{prune.month:%Y-%m}",
        "partition": partition_name(prune.month),
        "places_sha256": prune.places_sha256.hex(),
        "prune": prune.pk,
        "quarantined": prune.quarantined,
        "removed_root": prune.removed_root.hex(),
        "rules": rules,
    }


def _rule(kind: LogType, months: int) -> dict[str, object]:
    """Return by which term a kind goes, and who set it."""
    term = RetentionTerm.objects.filter(log_type=kind, months=months).first()
    who, why = (term.set_by, term.reason) if term else ("default of the installation", "")
    return {"log_type": kind.label, "months": months, "reason": why, "set_by": who}


def _leaves(log_id: UUID, epoch: int, places: Places) -> Iterator[bytes]:
    """Yield the leaf hashes at these places."""
    tiles = StoredTiles(log_id, epoch, ahead=TILES_AHEAD)
    for index in places:
        n, at = divmod(index, WIDTH)
        yield tiles.read(0, n)[at * HASH_BYTES : (at + 1) * HASH_BYTES]
