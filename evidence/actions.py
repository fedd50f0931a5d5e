"""The deeds of the evidence room: evaluate controls, settle parameters, and take a pack from request to issue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from alerts.models import Incident
from evidence.bundle import Bundle
from evidence.catalogue import load
from evidence.evaluate import evaluate_all, tally
from evidence.holders import Receipt
from evidence.ipe import Provenance, sheet
from evidence.kinds import VERIFICATION, Evaluation, Facts, KindEvidence, Period
from evidence.languages import Language
from evidence.metrics import MEASURES
from evidence.metrics.coverage import by_log_type
from evidence.metrics.frame import Frame
from evidence.models import (
    ControlResult,
    ControlRun,
    ControlSetting,
    EvidencePack,
    FileStage,
    KindResult,
    SettingKind,
)
from evidence.packtypes import PackKind
from evidence.patterns import measure_patterns
from evidence.policies import (
    can_compute_controls,
    can_download_pack,
    can_give_out_pack,
    can_let_one_person_sign,
    can_move_pack,
    can_put_log_type_aside,
    can_put_row_aside,
    can_request_pack,
    can_set_parameter,
    can_verify_ledger,
)
from evidence.provenance import provenance
from evidence.queries import sealed_sha256, settings_in_force
from evidence.signoffs.kinds import PEOPLE
from evidence.states import PackState
from evidence.storedpacks import name_zip, stored_zip
from evidence.tables import cell_text, control_total
from ledger.kinds import LeafKind, SignedCheckpoint
from ledger.models import Anchor
from ledger.queries import head
from tenants.audit import audit
from tenants.kinds import Actor, WorkState, enforce
from tenants.models import Tenant, Work
from tenants.policies import can_keep_ledger
from tenants.sharing import is_shared
from tenants.work import Progress, Silent, enqueue

SAMPLE_ROWS = 200
"""Rows of each table that are kept with a run for its pages; packs hold all of them."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A stored run with everything it measured."""

    run: ControlRun
    frame: Frame
    evaluations: tuple[Evaluation, ...]
    evidence: Mapping[str, KindEvidence]
    coverage: Mapping[str, float | None]
    out_of_scope: Mapping[str, str]
    not_applicable: Mapping[str, str]
    provenance: Provenance
    patterns: Mapping[str, KindEvidence]


@dataclass(frozen=True, slots=True)
class PackRequest:
    """What a pack is asked for."""

    period: Period
    frameworks: tuple[str, ...]
    recipient: str
    classification: str = "Confidential"
    supersedes: EvidencePack | None = None
    kind: PackKind = PackKind.CONTROLS
    incident: Incident | None = None
    language: Language = Language.ENGLISH
    parquet: bool = False
    volumes: bool = False


@transaction.atomic
def compute_controls(
    *, tenant: Tenant, period: Period, by: Actor, purpose: str = "controls", progress: Progress | None = None
) -> Computed:
    """Measure every evidence kind over the period, evaluate every row, and store run and results for good."""
    enforce(can_compute_controls(by))
    told, settled, catalogue = progress or Silent(), settings_in_force(), load()
    params = {name: parameter.value for name, parameter in catalogue.params.items()} | dict(settled.parameters)
    frame = Frame(period, params, tenant.pk, tenant.uuid, timezone.now())
    evidence: dict[str, KindEvidence] = {}
    for number, (kind, measure) in enumerate(MEASURES.items(), start=1):
        step = partial(told.step, number, len(MEASURES) + 1, f"Measuring {catalogue.kinds[kind].title.lower()}")
        step()
        evidence[kind] = measure(replace(frame, watch=step))
    coverage = by_log_type(frame)
    metrics = {kind: item.metrics for kind, item in evidence.items()}
    facts = Facts(metrics, coverage, settled.log_types, settled.rows)
    evaluations = tuple(evaluate_all(catalogue, facts, params))
    run = _store_run(frame, by, purpose, evaluations, coverage, settled.log_types)
    told_of = provenance(
        frame, catalogue, settled.log_types, by=by.name, size=run.ledger_size, epoch=head(frame.log_id).epoch
    )
    _store_results(run, evaluations, evidence.values(), told_of)
    told.step(len(MEASURES) + 1, len(MEASURES) + 1, "Results stored")
    detail = {"run": run.pk, "from": period.start, "to": period.end, "catalogue": catalogue.digest, "tally": run.tally}
    audit("control.compute", by=by, target=f"controls, run {run.pk}", detail=detail)
    patterns = measure_patterns(frame)
    return Computed(run, frame, evaluations, evidence, coverage, settled.log_types, settled.rows, told_of, patterns)


def _store_run(
    frame: Frame,
    by: Actor,
    purpose: str,
    evaluations: Sequence[Evaluation],
    coverage: Mapping[str, float | None],
    out_of_scope: Mapping[str, str],
) -> ControlRun:
    """Store the run's header with the ledger's head at that moment."""
    catalogue, found = load(), head(frame.log_id)
    run = ControlRun(
        period_start=frame.period.start,
        period_end=frame.period.end,
        zone=frame.period.zone,
        computed_at=frame.now,
        computed_by=by.name,
        purpose=purpose,
        catalogue_version=catalogue.version,
        catalogue_digest=catalogue.digest,
        parameters=dict(frame.params),
        coverage=dict(coverage),
        out_of_scope=dict(out_of_scope),
        tally=tally(evaluations),
        ledger_size=found.size,
        ledger_root=found.root,
    )
    run.save(force_insert=True)
    return run


def _store_results(
    run: ControlRun, evaluations: Sequence[Evaluation], evidence: Iterable[KindEvidence], told: Provenance
) -> None:
    """Store the rows' states and what each query module measured."""
    ControlResult.objects.bulk_create(
        ControlResult(
            run=run,
            framework=item.control.framework,
            control=item.control.key,
            state=item.state,
            reasons=list(item.reasons),
            metrics=dict(item.used),
            missing_kinds=list(item.missing_kinds),
        )
        for item in evaluations
        if item.state is not None
    )
    KindResult.objects.bulk_create(_kind_result(run, item, told) for item in evidence)


def _kind_result(run: ControlRun, item: KindEvidence, told: Provenance) -> KindResult:
    """Return what is kept of one query module's answer."""
    return KindResult(
        run=run,
        kind=item.kind,
        metrics=dict(item.metrics),
        query=item.query,
        query_sha256=hashlib.sha256(item.query.encode()).hexdigest(),
        parameters=dict(item.parameters),
        columns=list(item.table.columns),
        rows=[[cell_text(cell) for cell in row] for row in item.table.rows[:SAMPLE_ROWS]],
        row_total=item.table.count,
        table_sha256=control_total(item.table),
        notes=list(item.notes),
        sheet=[list(pair) for pair in sheet(item, load().kinds[item.kind], told)],
    )


@transaction.atomic
def set_parameter(*, name: str, value: float | None, reason: str, by: Actor) -> ControlSetting:
    """Give a parameter a tenant's own value, or take it back with None; the reason is printed in every pack."""
    enforce(can_set_parameter(by, load().params.get(name), reason))
    setting = _settled(SettingKind.PARAMETER, name, value, reason, by)
    audit("control.settle", by=by, target=str(setting), detail={"value": setting.value, "reason": setting.reason})
    return setting


@transaction.atomic
def put_log_type_aside(*, log_type: str, aside: bool, reason: str, by: Actor) -> ControlSetting:
    """Put a log type out of scope, or back into it."""
    enforce(can_put_log_type_aside(by, reason))
    setting = _settled(SettingKind.LOG_TYPE, log_type, 1.0 if aside else None, reason, by)
    audit("control.settle", by=by, target=str(setting), detail={"value": setting.value, "reason": setting.reason})
    return setting


@transaction.atomic
def put_row_aside(*, key: str, aside: bool, reason: str, by: Actor) -> ControlSetting:
    """Set a row aside as not applicable, or take it back."""
    enforce(can_put_row_aside(by, load().control(key), reason))
    setting = _settled(SettingKind.ROW, key, 1.0 if aside else None, reason, by)
    audit("control.settle", by=by, target=str(setting), detail={"value": setting.value, "reason": setting.reason})
    return setting


@transaction.atomic
def let_one_person_sign(*, alone: bool, reason: str, by: Actor) -> ControlSetting:
    """Let one person sign packs off from now on, or ask for two again; every such pack prints the reason."""
    enforce(can_let_one_person_sign(by, reason))
    setting = _settled(SettingKind.SIGN_OFF, "people", 1.0 if alone else None, reason, by)
    audit("control.settle", by=by, target=str(setting), detail={"value": setting.value, "reason": setting.reason})
    return setting


def _settled(kind: SettingKind, key: str, value: float | None, reason: str, by: Actor) -> ControlSetting:
    """Append a setting."""
    setting = ControlSetting(kind=kind, key=key, value=value, reason=reason.strip())
    setting.set_at, setting.set_by = timezone.now(), by.name
    setting.save(force_insert=True)
    return setting


@transaction.atomic
def request_pack(*, tenant: Tenant, asked: PackRequest, by: Actor, queue: bool = True) -> EvidencePack:
    """Store the request for a pack and hand it to the worker; `queue` is off where the caller builds it itself."""
    enforce(can_request_pack(by))
    period, alone = asked.period, settings_in_force().alone
    pack = EvidencePack(
        title=f"{tenant.name}, {period.start:%d %B %Y} to {period.end:%d %B %Y}",
        period_start=period.start,
        period_end=period.end,
        zone=period.zone,
        frameworks=[] if asked.kind == PackKind.INCIDENT else list(asked.frameworks),
        recipient=asked.recipient,
        classification=asked.classification,
        requested_at=timezone.now(),
        requested_by=by.name,
        supersedes=asked.supersedes,
        kind=asked.kind,
        incident=asked.incident,
        parquet=asked.parquet,
        volumes=asked.volumes,
        people=1 if alone else PEOPLE,
        alone_reason=alone,
        language=asked.language,
    )
    pack.save(force_insert=True)
    if queue:
        pack.work_id = enqueue(
            "evidence.pack", "evidence.jobs.build_pack", pack.pk, title=f"Evidence pack: {pack.title}", by=by
        ).pk
        pack.save(update_fields=["work_id"])
    audit(
        "pack.request",
        by=by,
        target=f"pack {pack.uuid}",
        detail={"frameworks": pack.frameworks, "for": pack.recipient, "language": pack.language},
    )
    return pack


@transaction.atomic
def begin_pack(*, pack: EvidencePack, computed: Computed, by: Actor, measured: str = "") -> EvidencePack:
    """Fix the pack's issue time and the run it rests on; `measured` is the SHA-256 of the file that holds the run.

    A pack that is begun anew after a crash has a new issue time and another run: nothing of what was begun is left.
    """
    enforce(can_move_pack(by, pack, PackState.BUILDING))
    pack.state, pack.issued_at, pack.run = PackState.BUILDING, computed.frame.now, computed.run
    pack.save(update_fields=["state", "issued_at", "run"])
    audit("pack.begin", by=by, target=f"pack {pack.uuid}", detail={"run": computed.run.pk, "measured": measured})
    return pack


@transaction.atomic
def draft_pack(
    *, pack: EvidencePack, bundle: Bundle, stored_as: str, facts: Mapping[str, object], by: Actor
) -> EvidencePack:
    """Note the built and stored file with its hashes: a draft until two people signed it (`evidence.signoffs`)."""
    enforce(can_move_pack(by, pack, PackState.DRAFT))
    name_zip(pack, FileStage.DRAFT, stored_as)
    pack.state = PackState.DRAFT
    pack.sha256, pack.manifest_sha256 = bundle.sha256, bundle.manifest_sha256
    pack.content_sha256, pack.size_bytes = bundle.content_sha256, bundle.size
    for name, value in facts.items():
        setattr(pack, name, value)
    pack.save()
    detail = {"sha256": pack.sha256, "manifest": pack.manifest_sha256, "bytes": pack.size_bytes, "pages": pack.pages}
    audit("pack.draft", by=by, target=f"pack {pack.uuid}", detail=detail, kind=LeafKind.PACK)
    return pack


@transaction.atomic
def end_pack(*, pack: EvidencePack, state: PackState, error: str, by: Actor) -> EvidencePack:
    """Note that a pack failed or was cancelled; nothing of it was kept."""
    enforce(can_move_pack(by, pack, state))
    pack.state, pack.error, pack.ended_at = state, error, timezone.now()
    pack.save(update_fields=["state", "error", "ended_at"])
    audit(
        f"pack.{'cancel' if state == PackState.CANCELLED else 'fail'}",
        by=by,
        target=f"pack {pack.uuid}",
        detail={"why": error},
    )
    return pack


@transaction.atomic
def download_pack(*, pack: EvidencePack, by: Actor) -> BinaryIO:
    """Return the newest zip of a pack, issued or draft, to a person, as an open file, and note that they have it.

    Raises:
        Refused: They may not have it, or what is stored has another SHA-256 than what the ledger's entry names.
        StoreError: It cannot be read where packs are kept.
    """
    enforce(can_download_pack(by, pack, shared=is_shared(by, pack)))
    data, digest = stored_zip(pack.pk, FileStage(pack.state))
    verdict = can_give_out_pack(by, pack, digest, sealed_sha256(pack))
    if not verdict.allowed:
        data.close()
    enforce(verdict)
    audit("pack.download", by=by, target=f"pack {pack.uuid}", detail={"sha256": pack.sha256}, kind=LeafKind.LOOKED)
    return data


@transaction.atomic
def request_evaluation(*, period: Period, by: Actor) -> Work:
    """Hand an evaluation of the catalogue over the period to the worker."""
    enforce(can_compute_controls(by))
    span = [period.start.isoformat(), period.end.isoformat(), period.zone]
    title = f"Evaluation of the controls, {period.start:%d %B %Y} to {period.end:%d %B %Y}"
    job = "evidence.jobs.evaluate_controls"
    work = enqueue("evidence.controls", job, *span, by.name, title=title, by=by)
    audit("control.request", by=by, target="controls", detail={"from": period.start, "to": period.end})
    return work


@transaction.atomic
def request_verification(*, by: Actor) -> Work:
    """Hand a full verification of the tenant's ledger to the worker; one that waits or runs already is returned."""
    enforce(can_verify_ledger(by))
    running = Work.objects.filter(kind=VERIFICATION, state__in=(WorkState.QUEUED, WorkState.RUNNING)).first()
    if running is not None:
        return running
    work = enqueue(VERIFICATION, "evidence.jobs.verify_ledger", title="Verification of the ledger", by=by)
    audit("ledger.verify", by=by, target="ledger")
    return work


@transaction.atomic
def keep_anchor(*, signed: SignedCheckpoint, receipt: Receipt, by: Actor) -> Anchor:
    """Note that a checkpoint was handed over, with what the holder answered; the holder itself has it."""
    enforce(can_keep_ledger(by))
    row = Anchor.objects.create(
        log_id=signed.log_id,
        epoch=signed.epoch,
        size=signed.size,
        kind=receipt.kind,
        place=receipt.place,
        holder=receipt.holder,
        answer=receipt.answer,
        key=receipt.key,
        stated_at=receipt.stated_at,
        anchored_at=timezone.now(),
    )
    told = {"size": signed.size, "kind": receipt.kind, "place": receipt.place, "holder": receipt.holder}
    detail = {**told, "answer_sha256": hashlib.sha256(receipt.answer).hexdigest() if receipt.answer else None}
    audit("ledger.anchor", by=by, target=signed.origin, detail=detail)
    return row
