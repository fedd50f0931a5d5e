"""Says in sentences what a pack does not hold: they stand on its first page and in its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop as noop

from evidence.bundle import Identity
from evidence.catalogue import load
from evidence.kinds import Evaluation
from evidence.languages import Said, minute, said
from evidence.packtypes import PackKind, type_of
from evidence.records import Records

_GONE: Final = noop(
    "{records} records of the period were erased under {law}, by a deed of two people at ledger entry {entry}: "
    "their hashes stay, what they said is gone."
)
_STILL_THERE: Final = noop(
    "{records} records of the period are to be erased under {law}, by a deed of two people at ledger entry {entry}: "
    "they were still there when this pack was made."
)


def omissions_of(
    rows: tuple[Evaluation, ...], identity: Identity, records: Records, out_of_scope: Mapping[str, str]
) -> tuple[Said, ...]:
    """Return a sentence for everything that the pack does not hold."""
    waiting = [item.control.id for item in rows if item.state is None]
    others = [framework.name for key, framework in load().frameworks.items() if key not in identity.frameworks]
    cited = next((table for table in records.tables if table.name == "cited_events"), None)
    chosen = type_of(identity.kind)
    lines: list[Said] = []
    if chosen.rows != "all":
        lines.append(
            said(
                "This is a pack of the type “{type}”: rows and records that do not belong to it are not in it.",
                type=said(PackKind(identity.kind).label),
            )
        )
    if waiting:
        lines.append(said("{count} rows are not yet computed: {rows}.", count=len(waiting), rows=", ".join(waiting)))
    if others and chosen.rows != "none":
        lines.append(said("Not asked for: {frameworks}.", frameworks=", ".join(others)))
    lines += [
        said("Records of the log type {name} are out of scope: {why}", name=said(name.replace("_", " ")), why=why)
        for name, why in out_of_scope.items()
    ]
    lines += erased_lines(records)
    lines += _unproved_events(records, cited.count) if cited else []
    if records.earlier_epochs:
        lines.append(
            said(
                "{batches} batches of records lie in earlier epochs of the ledger, before a restore: they are shown, "
                "but not proved under this checkpoint.",
                batches=records.earlier_epochs,
            )
        )
    if records.superseded:
        lines.append(
            said(
                "{readings} readings of the period's events were superseded when their records were read again with a "
                "newer parser or mapping: each event is listed and counted once, by its newest reading; the older ones "
                "stay in the ledger and verify.",
                readings=records.superseded,
            )
        )
    if records.unproved:
        lines.append(
            said(
                "{records} records of the tables with a column ledger_index have no entry under this checkpoint: they "
                "were written in one deed over many, or before a restore. They are listed, but not proved one by one.",
                records=records.unproved,
            )
        )
    return (*lines, cut_off(records))


def cut_off(records: Records) -> Said:
    """Return up to which moment and ledger entry records go, and that some tables have no ledger entry for each row."""
    return said(
        "Cut-off: rows that name their ledger_index are proved one by one under the checkpoint of {entries} entries, "
        "signed {at} ({zone}). The other tables have no ledger entry for each row. What was recorded later is in none "
        "of them.",
        entries=records.size,
        at=minute(records.cut_off),
        zone=str(records.cut_off.tzinfo),
    )


def erased_lines(records: Records) -> list[Said]:
    """Return what is said about events of the period that two people erased: by which law and entries."""
    table = next((table for table in records.tables if table.name == "erasures"), None)
    deeds = [dict(zip(table.columns, row, strict=True)) for row in table.rows] if table else []
    return [
        said(
            _GONE if deed["removed_at"] else _STILL_THERE,
            records=str(deed["records"]),
            law=str(deed["legal_ref"]),
            entry=str(deed["ledger_index"]),
        )
        for deed in deeds
        if deed["records"]
    ]


def _unproved_events(records: Records, proved: int) -> list[Said]:
    """Return what is said about events behind alerts that the pack does not prove, and why they are not at hand."""
    lines: list[Said] = []
    more = records.cited_total - proved - records.cited_gone
    if more:
        lines.append(
            said("{more} of {total} events behind alerts are not proved.", more=more, total=records.cited_total)
        )
    if records.cited_gone:
        entries = ", ".join(str(place) for place in records.gone_by) or said("none that is known")
        lines.append(
            said(
                "{events} events behind alerts are not at hand any more. Ledger entries that removed events of their "
                "months under retention, or erased them: {entries}.",
                events=records.cited_gone,
                entries=entries,
            )
        )
    return lines
