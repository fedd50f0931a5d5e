"""Builds a requested pack from measuring to a draft, and fails closed: what does not verify is never kept.

Three transactions, with the slow work between them: measure and fix the issue time (`evidence.begun`); read records and
proofs under a checkpoint signed then; store the finished file. A cancel or a fault at any moment leaves a pack that
says so and no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from django.db import connection, transaction
from psycopg.errors import DiskFull

from evidence.actions import Computed, draft_pack, end_pack
from evidence.annex import make_annex
from evidence.begun import STEPS, Known, begin
from evidence.budget import LIMITS, Limits
from evidence.bundle import Bundle, Checkpoint, Identity, Parts, build, canonical, content_digest, record_files
from evidence.catalogue import load
from evidence.charts import decisions_by_week, times_to_acknowledge
from evidence.claims import in_fact
from evidence.evaluate import spell, tally
from evidence.kept import Kept
from evidence.kinds import Evaluation, Table
from evidence.languages import said, spoken, told
from evidence.models import EvidencePack, FileStage
from evidence.omissions import omissions_of
from evidence.oscal import FILE, assessment_results
from evidence.packkey import pack_signer
from evidence.packsheets import sheets_of
from evidence.packtypes import TABLES_OF_ROWS, type_of
from evidence.parquet import parquet_files
from evidence.readme import README
from evidence.records import BINDINGS, Records, gather, with_measured
from evidence.rendering import Attachment, render
from evidence.report import html
from evidence.seal import seal_report
from evidence.sections.contents import compose
from evidence.sections.source import Source, controls, deviations
from evidence.states import PackState
from evidence.storedpacks import kept_zip
from evidence.tables import csv_file, from_rows, spelled
from evidence.tiers import tier_of
from evidence.verifier import digests
from evidence.verifier.check import Pack
from evidence.volumes import print_volumes
from evidence.workshop import workshop
from ledger import queries as ledger
from ledger.kinds import SignedCheckpoint
from ledger.notes import Signer, open_checkpoint, parse_vkey
from ledger.signer import is_separate
from reviews.sampling import draw
from tenants.kinds import Actor, Cancelled
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress

SAMPLE_SIZE: Final = 25
ATTACHED_BYTES: Final = 4 * 1024**2
"""Tables inside of the report, all together: readers open it on a phone, and the renderer holds them in memory."""
NO_ANNEX: Final = said(
    "Completeness of the tables is not shown: the span has more than 200,000 deeds and deliveries, too many for the "
    "annex that opens each of them."
)


@dataclass(frozen=True, slots=True)
class Room:
    """Where a pack is made: a folder, the open file that it goes into, and how many rows may be printed."""

    folder: Path
    out: BinaryIO
    limits: Limits = LIMITS


@dataclass(frozen=True, slots=True)
class Made:
    """What is on the disk while a pack is made: the files of its records.

    `volumes` tells whether further volumes print what the report cuts at its limits.
    """

    room: Room
    files: Mapping[str, Kept]
    volumes: bool


class UnverifiableError(RuntimeError):
    """The finished pack did not pass its own verifier; it is not issued."""


def build_pack(tenant: Tenant, pack_id: int, progress: Progress, limits: Limits = LIMITS) -> EvidencePack:
    """Build a requested pack as a draft; one that is built or over already is returned as it is (a job may run twice).

    `limits` are the rows that its report and further volumes print.

    Raises:
        Cancelled: The person asked to stop; the pack says so.
    """
    with tenant_scope(tenant):
        pack = EvidencePack.objects.get(pk=pack_id)
    if pack.is_built:
        return pack
    by = Actor.system("evidence", tenant.pk)
    try:
        return _build(tenant, pack, progress, by, limits)
    except Cancelled:
        _end(tenant, pack_id, PackState.CANCELLED, "", by)
        raise
    except Exception as fault:
        _end(tenant, pack_id, PackState.FAILED, _why(fault), by)
        raise


def _why(fault: Exception) -> str:
    """Return the sentence that a failed pack says."""
    if isinstance(fault.__cause__, DiskFull):
        return "The disk of the database is full: nothing of the pack was kept. Make room there and ask for it again."
    return str(fault).strip() or type(fault).__name__


def _end(tenant: Tenant, pack_id: int, state: PackState, error: str, by: Actor) -> None:
    """Note the end of a pack that was not issued, in a transaction of its own; one that another run ended stays so."""
    with tenant_scope(tenant):
        pack = EvidencePack.objects.select_for_update().get(pk=pack_id)
        if not pack.is_over:
            end_pack(pack=pack, state=state, error=error, by=by)


def _build(tenant: Tenant, pack: EvidencePack, progress: Progress, by: Actor, limits: Limits) -> EvidencePack:
    """Run the steps one after the other."""
    with workshop(str(pack.uuid)) as folder, (folder / "pack.zip").open("w+b") as out:
        known = begin(tenant, pack, folder, progress, by)
        bundle, facts = assemble(tenant, pack, known, progress, Room(folder, out, limits))
        # Another worker may have begun the pack anew meanwhile: the row says what this file rests on.
        facts |= {"run": known.computed.run, "issued_at": known.computed.frame.now}
        progress.step(6, STEPS, "Storing the pack")
        waits = partial(progress.step, 6, STEPS)
        with kept_zip(tenant, pack, FileStage.DRAFT, out, waits) as stored_as, tenant_scope(tenant):
            pack = EvidencePack.objects.select_for_update().get(pk=pack.pk)
            if pack.sha256:  # by a run that was taken for dead, and was not
                return pack
            pack = draft_pack(pack=pack, bundle=bundle, stored_as=stored_as, facts=facts, by=by)
    progress.step(STEPS, STEPS, f"Built, to be signed: {facts['pages']} pages, {bundle.size:,} bytes")
    return pack


def assemble(
    tenant: Tenant, pack: EvidencePack, known: Known, progress: Progress, room: Room
) -> tuple[Bundle, dict[str, object]]:
    """Make a pack's file from what was measured, under a checkpoint; the same rows give the same tables and manifest.

    Returns the file, and what the pack's row notes of it.
    """
    computed, folder = known.computed, room.folder
    signer, wanted = pack_signer(tenant.uuid), type_of(pack.kind).records
    tell = partial(progress.step, 2, STEPS)
    with one_picture(), tenant_scope(tenant):
        tell("Collecting records and proofs")
        watch = partial(tell, "Collecting sealed entries with their proofs")
        frame = replace(computed.frame, now=known.signed.signed_at, watch=watch)
        checkpoint = _checkpoint(tenant, known.signed)
        gathered = gather(frame, checkpoint.size, folder, pack.incident_id or 0, wanted, tell=tell)
        records = with_measured(gathered, computed.patterns, wanted)
        watch = partial(tell, "Collecting the completeness annex")
        annex = make_annex(replace(frame, watch=watch), checkpoint.size, folder)
        processor = tenant.parent.name if tenant.parent else tenant.name
        source = _source(_identity(tenant, pack, processor), computed, records, checkpoint, signer)
        lines = (
            *(said("Not held as it was to be: {why}", why=text) for text in known.unheld),
            *(() if annex else (NO_ANNEX,)),
        )
        source = replace(source, omissions=(*source.omissions, *lines))
        parts = replace(_parts(source, computed, records), annex=annex)
        files = record_files(parts, folder)
    if pack.parquet:
        tell("Writing the tables as Parquet")
        parts = replace(parts, typed=parquet_files(parts.tables, folder))
    return _print_and_seal(source, parts, progress, signer, Made(room, files, pack.volumes))


@contextmanager
def one_picture() -> Iterator[None]:
    """Show every query the same state of the database, so that no record is listed whose deed was not yet seen."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # within another transaction, as in tests, the state is that one's
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _print_and_seal(
    source: Source, parts: Parts, progress: Progress, signer: Signer, made: Made
) -> tuple[Bundle, dict[str, object]]:
    """Render the report, bundle and sign, and hold the result against its own verifier."""
    progress.step(3, STEPS, "Composing the report")
    digest = content_digest(parts, made.files)
    with spoken(source.identity.language):
        report = compose(
            source,
            digest,
            made.room.limits,
            volumes=made.volumes,
            tell=lambda part: progress.step(3, STEPS, f"Composing the report: {part}"),
        )
        page, described = html(report), {table.name: told(table.title) for table in parts.tables}
    if source.evaluations:
        parts = replace(parts, side={FILE: canonical(assessment_results(source, digest))})
    tell = partial(progress.step, 4, STEPS)
    first = f"Printing the report{f', volume 1 of {len(report.volumes) + 1}' if report.volumes else ''}"
    tell(first)
    rendered = render(
        page,
        created=report.cover.issued_at,
        attachments=attached(parts.tables, described),
        watch=partial(tell, first),
        inside=made.room.folder,
    )
    with spoken(source.identity.language):
        volumes = print_volumes(report, parts.tables, made.room.folder, tell)
    parts = replace(parts, volumes=volumes)
    progress.step(5, STEPS, "Signing and verifying the pack")
    sealed = seal_report(rendered.printed.pdf)
    parts = replace(parts, seal=sealed.words, side={**parts.side, "proofs/seal.pem": sealed.chain})
    bundle = build(parts, made.files, replace(rendered.printed, sealed=sealed.pdf), signer, made.room.out)
    key = parts.checkpoint.key if parts.checkpoint else None
    faults = Pack(bundle.source).check(signer.verifier.vkey, key)
    if faults:
        raise UnverifiableError(f"The finished pack does not verify: {faults[0][0]}: {faults[0][1]}")
    facts: dict[str, object] = {
        "pages": rendered.printed.pages,
        "table_rows": sum(table.count for table in parts.tables),
        "tier": source.tier,
        "ledger_size": parts.checkpoint.size if parts.checkpoint else 0,
        "signer_key": signer.verifier.vkey,
        "tally": tally(source.evaluations),
    }
    return bundle, facts


def attached(tables: Sequence[Table], described: Mapping[str, str], limit: int = ATTACHED_BYTES) -> list[Attachment]:
    """Return the tables as files inside of the report: the results, then the others, the short ones first.

    Two empty tables with the same columns would be one file in a PDF: the second stands in the zip alone.
    """
    found, left = {}, limit
    order = sorted(tables, key=lambda table: (table.name not in TABLES_OF_ROWS, csv_file(table).size, table.name))
    for table in order:
        kept = csv_file(table)
        if kept.size <= left and kept.sha256 not in found:
            found[kept.sha256] = Attachment(f"{table.name}.csv", described[table.name], kept.whole)
            left -= kept.size
    return sorted(found.values(), key=lambda one: one.name)


def _checkpoint(tenant: Tenant, signed: SignedCheckpoint) -> Checkpoint:
    """Return the checkpoint as packs carry it, with its keys and who holds this very one."""
    key, chain = ledger.verifier_key(tenant.uuid), tuple(ledger.key_links(tenant.uuid))
    anchors = ledger.anchors_of(tenant.uuid, signed.epoch, signed.size)
    newest = {(item.kind, item.name): item for item in in_fact(tenant.slug, {signed.size: signed.note}, anchors)}
    held = tuple(newest.values())
    return Checkpoint(signed.origin, signed.size, bytes(signed.root), signed.note.encode(), key, chain, held)


def _identity(tenant: Tenant, pack: EvidencePack, processor: str) -> Identity:
    """Return who the pack is for; all times come from the pack's row."""
    if pack.issued_at is None:
        raise UnverifiableError("The pack has no issue time.")
    return Identity(
        id=str(pack.uuid),
        tenant=str(tenant.uuid),
        client=tenant.name,
        processor=processor,
        recipient=pack.recipient,
        classification=pack.classification,
        requested_by=pack.requested_by,
        issued_at=pack.issued_at.isoformat(),
        supersedes=str(pack.supersedes.uuid) if pack.supersedes else "",
        frameworks=tuple(pack.frameworks),
        kind=pack.kind,
        people=pack.people,
        alone_reason=pack.alone_reason,
        language=pack.language,
    )


def _source(identity: Identity, computed: Computed, records: Records, checkpoint: Checkpoint, signer: Signer) -> Source:
    """Return what the report is printed from, limited to the asked frameworks."""
    catalogue = load()
    chosen = type_of(identity.kind)
    rows = _rows_of(computed.evaluations, identity)
    tables = {table.name: table for table in records.tables}
    if "sample" in chosen.records:
        tables["sample"] = _sample(tables["decisions"], checkpoint)
        tables["decisions_by_week"] = decisions_by_week(tables["decisions"], computed.frame.period.zone)
    if "times_to_acknowledge" in chosen.records:
        tables["times_to_acknowledge"] = times_to_acknowledge(computed.evidence["alerts"].table)
    loosened = {
        name: said(" (loosened from {value})", value=spell(parameter.value))
        for name, parameter in catalogue.params.items()
        if parameter.loosened(computed.frame.params[name])
    }
    source = Source(
        identity=identity,
        period=computed.frame.period,
        catalogue=catalogue,
        evaluations=rows,
        evidence=computed.evidence,
        records=tables,
        coverage=computed.coverage,
        out_of_scope=computed.out_of_scope,
        parameters=computed.frame.params,
        checkpoint=checkpoint,
        signer_key=signer.verifier.vkey,
        tier=_tier(checkpoint),
        omissions=omissions_of(rows, identity, records, computed.out_of_scope),
        loosened=loosened,
        kept=frozenset(kind for item in rows for kind in item.control.evidence) | chosen.kinds,
    )
    if rows:
        tables |= {"controls": controls(source), "deviations": deviations(source)}
    tables["information_sheets"] = sheets_of(computed, records, tables)
    return replace(source, records=tables)


def _rows_of(evaluations: tuple[Evaluation, ...], identity: Identity) -> tuple[Evaluation, ...]:
    """Return the rows of the asked frameworks that belong to the pack's type."""
    chosen = type_of(identity.kind)
    rows = tuple(item for item in evaluations if item.control.framework in identity.frameworks)
    if chosen.rows == "all":
        return rows
    return tuple(item for item in rows if chosen.rows != "none" and chosen.kinds & set(item.control.evidence))


def _sample(decisions: Table, checkpoint: Checkpoint) -> Table:
    """Return the decisions that the checkpoint's root draws."""
    columns = ("decision", "campaign", "account", "entitlement", "outcome")
    places = [decisions.columns.index(name) for name in columns]
    drawn = draw((row[places[0]] for row in spelled(decisions)), seed=checkpoint.root, size=SAMPLE_SIZE)
    wanted = set(drawn)
    rows = {row[places[0]]: [row[place] for place in places] for row in spelled(decisions) if row[places[0]] in wanted}
    return from_rows("sample", said("Sample of decisions"), columns, [rows[item] for item in drawn])


def _tier(checkpoint: Checkpoint) -> str:
    """Return the claim tier that was reached; a signer under the same system user as the portal adds nothing to T1."""
    verifier = parse_vkey(checkpoint.key)
    signed = open_checkpoint(checkpoint.note, [verifier]).size == checkpoint.size
    return tier_of(signed=signed, separate=is_separate(), held=checkpoint.held)


def _parts(source: Source, computed: Computed, records: Records) -> Parts:
    """Return what goes into the bundle beside the report."""
    kinds = {name: item for name, item in source.evidence.items() if name in source.kept}
    tables = [*source.records.values(), *(item.table for item in kinds.values())]
    return Parts(
        identity=source.identity,
        period=source.period,
        catalogue_version=source.catalogue.version,
        catalogue_digest=source.catalogue.digest,
        parameters={name: spell(value) for name, value in computed.frame.params.items()},
        results={item.control.key: item.state.value if item.state else "not_computed" for item in source.evaluations},
        tier=source.tier,
        checkpoint=source.checkpoint,
        tables=sorted(tables, key=lambda table: table.name),
        entries=records.entries,
        queries={**{name: item.query for name, item in kinds.items()}, **records.queries},
        bindings={name: item for name, item in BINDINGS.items() if name in source.records},
        omissions=source.omissions,
        readme=README.format(verifiers="\n".join(f"  {digest}  {name}" for name, digest in digests().items()) + "\n"),
        statements=records.statements,
        assertions=records.assertions,
    )


__all__ = ["UnverifiableError", "assemble", "build_pack"]
