"""Deeds in an auditor's room: ask, answer, freeze, draw, mark; looks and downloads are deeds too."""

import hashlib
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from evidence.catalogue import load
from evidence.ipe import population_sheet
from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.models import EvidencePack
from evidence.provenance import provenance
from evidence.queries import settings_in_force
from evidence.report import span
from evidence.room.models import AuditRequest, Population, RequestEntry, Sample, SampleMark
from evidence.room.policies import (
    can_ask,
    can_draw_sample,
    can_enter_room,
    can_freeze_population,
    can_mark,
    can_take_turn,
)
from evidence.room.populations import Found, controlled
from evidence.room.queries import ids_of
from evidence.states import Mark, RequestState, Turn, state_after
from evidence.tables import csv_bytes
from ledger.kinds import LeafKind
from ledger.queries import head, latest_checkpoint
from reviews.sampling import draw
from tenants.audit import audit
from tenants.kinds import Actor, Permission, enforce
from tenants.models import Engagement, Tenant
from tenants.sharing import share
from tenants.work import enqueue


@dataclass(frozen=True, slots=True)
class Attached:
    """What goes with a turn: one of the room's things, or a document by its name and bytes."""

    pack: EvidencePack | None = None
    population: Population | None = None
    sample: Sample | None = None
    document_name: str = ""
    document: bytes | None = None

    def __bool__(self) -> bool:
        return any((self.pack, self.population, self.sample, self.document is not None))


@transaction.atomic
def ask(*, engagement: Engagement, control: str, what: str, due_on: date, by: Actor) -> AuditRequest:
    """Ask for evidence; the officers of the tenant get a mail."""
    row = load().control(control)
    enforce(can_ask(by, engagement, row.framework if row else control))
    Engagement.objects.select_for_update().get(pk=engagement.pk)  # two that ask at once get two numbers
    n = AuditRequest.objects.filter(engagement=engagement).count() + 1
    request = AuditRequest(engagement=engagement, n=n, control=control, what=what.strip(), due_on=due_on)
    request.asked_at, request.asked_by = timezone.now(), by.name
    request.save(force_insert=True)
    _enter(request, Turn.ASK, what, Attached(), by)
    detail = {"engagement": engagement.pk, "control": control, "due_on": due_on}
    audit("request.ask", by=by, target=_named(request), detail=detail)
    return request


@transaction.atomic
def take_turn(*, request: AuditRequest, turn: Turn, words: str, attached: Attached, by: Actor) -> RequestEntry:
    """Do something to a request, under a lock on it; the other side gets a mail."""
    held = AuditRequest.objects.select_for_update().select_related("engagement").get(pk=request.pk)
    enforce(can_take_turn(by, held, turn, words, attached=bool(attached)))
    state = state_after(RequestState(held.state), turn)
    if state is not None and state != held.state:
        held.state = state
        held.save(update_fields=["state"])
    entry = _enter(held, turn, words, attached, by)
    if attached.pack is not None and held.engagement.user is not None:
        share(attached.pack, user=held.engagement.user, by=by)
    detail = {"state": held.state, "attached": str(attached.pack or attached.population or attached.sample or "")}
    detail |= {"document": entry.document_name, "document_sha256": entry.document_sha256}
    audit(f"request.{turn}", by=by, target=_named(held), detail=detail)
    return entry


def _enter(request: AuditRequest, turn: Turn, words: str, attached: Attached, by: Actor) -> RequestEntry:
    """Add the turn to the thread and have the other side told by mail."""
    entry = RequestEntry(
        engagement=request.engagement,
        request=request,
        turn=turn,
        state=request.state,
        words=words.strip(),
        pack=attached.pack,
        population=attached.population,
        sample=attached.sample,
        document_name=attached.document_name,
        document=attached.document,
        document_sha256=hashlib.sha256(attached.document).hexdigest() if attached.document is not None else "",
        by_auditor=by.may(Permission.ROOM_VIEW),
        at=timezone.now(),
        by=by.name,
    )
    entry.save(force_insert=True)
    title = f"Mail about {_named(request)}"
    enqueue("evidence.room", "evidence.room.jobs.post_turn", entry.pk, title=title, by=by)
    return entry


@transaction.atomic
def freeze_population(*, tenant: Tenant, engagement: Engagement, found: Found, by: Actor) -> Population:
    """Freeze a population for a room, with its hash; a room with controlled columns gets pseudonyms."""
    enforce(can_freeze_population(by, engagement, len(found.table.rows)))
    table = controlled(found.table, bytes(engagement.salt)) if engagement.controlled else found.table
    data, now, leaves = csv_bytes(table), timezone.now(), head(tenant.uuid)
    ids = [str(row[0]) for row in table.rows]
    sha256 = hashlib.sha256(data).hexdigest()
    period = Period(engagement.period_start, engagement.period_end, str(tenant.zone))
    frame, catalogue = Frame(period, {}, tenant.pk, tenant.uuid, now), load()
    aside = settings_in_force().log_types
    told = provenance(frame, catalogue, aside, by=by.name, size=leaves.size, epoch=leaves.epoch)
    own = (
        *(("Period", span(period)), ("First and last", f"{ids[0]}, {ids[-1]}")),
        *(("Columns", engagement.get_columns_display()), *found.own),
    )
    sheet = population_sheet(table, found.query, catalogue.kinds[found.kind], told, own)
    population = Population(engagement=engagement, title=table.title, data=data, sha256=sha256, size=len(ids))
    population.sheet, population.ledger_size = [list(pair) for pair in sheet], leaves.size
    population.frozen_at, population.frozen_by = now, by.name
    population.save(force_insert=True)
    detail = {"engagement": engagement.pk, "rows": len(ids), "sha256": sha256}
    audit("population.freeze", by=by, target=population.title, detail=detail)
    return population


@transaction.atomic
def draw_sample(*, tenant: Tenant, population: Population, seed: str, size: int, by: Actor) -> Sample:
    """Draw a sample and keep it; without a seed of the auditor's own it is the root of the newest signed checkpoint."""
    checkpoint = latest_checkpoint(tenant.uuid)
    sealed = checkpoint is not None and checkpoint.size > population.ledger_size
    engagement = population.engagement
    enforce(can_draw_sample(by, engagement, size, sealed=bool(seed.strip()) or sealed))
    own = seed.strip()
    used = own or (checkpoint.root.hex() if checkpoint else "")
    ids = draw(ids_of(population), seed=used.encode(), size=size)
    sample = Sample(engagement=engagement, population=population, seed=used, ids=ids, size=len(ids))
    sample.ledger_size = None if own or checkpoint is None else checkpoint.size
    sample.drawn_at, sample.drawn_by = timezone.now(), by.name
    sample.save(force_insert=True)
    detail = {"population": population.sha256, "seed": used, "ledger_size": sample.ledger_size, "size": len(ids)}
    audit("sample.draw", by=by, target=population.title, detail=detail)
    return sample


@transaction.atomic
def mark_item(*, sample: Sample, item: str, mark: Mark, note: str, by: Actor) -> SampleMark:
    """Mark one thing of a sample; a later mark supersedes it and both stay."""
    enforce(can_mark(by, sample, item, mark, note))
    row = SampleMark(engagement=sample.engagement, sample=sample, item=item, mark=mark, note=note.strip())
    row.marked_at, row.marked_by = timezone.now(), by.name
    row.save(force_insert=True)
    audit("sample.mark", by=by, target=f"{item} of {sample}", detail={"mark": mark, "sample": sample.pk})
    return row


@transaction.atomic
def look(*, what: str, target: str, by: Actor) -> None:
    """Record that somebody opened a page of a room: ``what`` is room, request, population or sample."""
    enforce(can_enter_room(by))
    audit(f"{what}.look", by=by, target=target, kind=LeafKind.LOOKED)


@transaction.atomic
def download(*, what: str, target: str, data: bytes, by: Actor) -> bytes:
    """Record that somebody took a file of a room away, with its hash; returns the file."""
    enforce(can_enter_room(by))
    sha256 = hashlib.sha256(data).hexdigest()
    audit(f"{what}.download", by=by, target=target, detail={"sha256": sha256}, kind=LeafKind.LOOKED)
    return data


def _named(request: AuditRequest) -> str:
    return f"request {request.n} of {request.engagement.firm}"
