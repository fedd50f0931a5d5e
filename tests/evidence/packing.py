"""Builds a small synthetic pack for the tests: real tables, real ledger leaves and proofs, a real signature."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from evidence.bundle import Binding, Bundle, Checkpoint, Identity, Parts, Printed, SealedEntry, build, record_files
from evidence.kinds import Cell, Period, Table
from evidence.rendering import render
from evidence.tables import from_rows
from ledger.entries import canonical, leaf_hash, seal
from ledger.kinds import CheckpointBody, LeafKind
from ledger.merkle import inclusion_path, nodes_of, root_of
from ledger.notes import Signer, checkpoint_text, sign_note

PERIOD = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), "Europe/Madrid")
ISSUED = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
ORIGIN = "portal.example/t/0f0f0f0f-0000-4000-8000-000000000001/1"
SIGNER = Signer("portal.example/packs", bytes(range(32)))
LEDGER_SIGNER = Signer(ORIGIN, bytes(range(1, 33)))
HTML = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Small report</title>
<meta name="dcterms.created" content="2026-04-02T09:30:00Z">
<meta name="dcterms.modified" content="2026-04-02T09:30:00Z">
</head><body data-page="Page">
<section><h1>First</h1><p>One page.</p></section><section><h1>Second</h1><p>Another page.</p></section>
<section><h1>Third</h1><p>The last page.</p></section></body></html>"""


def decision_entries(count: int) -> tuple[list[SealedEntry], Checkpoint]:
    """Seal `count` decisions as the product does and prove each under a signed checkpoint."""
    sealed = []
    for number in range(count):
        core = canonical({"at": "2026-03-01T09:00:00.000000Z", "id": str(number), "v": 1, "verb": "item.decide"})
        subj = canonical({"actor": "Remy", "detail": {"choice": "revoke" if number % 3 else "certify", "item": number}})
        salts = bytes([number]) * 32
        sealed.append((core, subj, salts, seal(LeafKind.DECISION, core, subj=subj, raw=None, salts=salts)))
    leaves = [leaf_hash(entry) for *_, entry in sealed]
    root = root_of(leaves)
    note = sign_note(checkpoint_text(CheckpointBody(ORIGIN, count, root)), [LEDGER_SIGNER]).encode()
    entries = [
        SealedEntry(n, int(LeafKind.DECISION), f"decision {n}", core, subj, None, salts, tuple(prove(leaves, n)))
        for n, (core, subj, salts, _) in enumerate(sealed)
    ]
    return entries, Checkpoint(ORIGIN, count, root, note, LEDGER_SIGNER.verifier.vkey)


def prove(leaves: Sequence[bytes], index: int) -> list[bytes]:
    return inclusion_path(index, len(leaves), nodes_of(leaves))


def tables(count: int) -> list[Table]:
    rows: list[list[Cell]] = [
        [n, "revoke" if n % 3 else "certify", "=cmd()" if n == 4 else "needed", ISSUED - timedelta(days=n), n]
        for n in range(count)
    ]
    columns = ("item", "decision", "reason", "decided_at", "ledger_index")
    return [from_rows("decisions", "Decisions", columns, rows), from_rows("alerts", "Alerts", ("id", "rule"), [])]


def identity() -> Identity:
    people = ("Zenith", "Meridian", "Axel", "Confidential", "Carla")
    return Identity("5e8c7f2e-0000-4000-8000-000000000000", "t-1", *people, ISSUED.isoformat(), "", ("gdpr",))


def parts(count: int = 12) -> Parts:
    entries, checkpoint = decision_entries(count)
    return Parts(
        identity=identity(),
        period=PERIOD,
        catalogue_version="1.0.0",
        catalogue_digest="ab" * 32,
        parameters={"coverage_floor": "0.9"},
        results={"gdpr-5.1.b": "pass"},
        tier="T2",
        checkpoint=checkpoint,
        tables=tables(count),
        entries=entries,
        queries={"decisions": "select 1\n"},
        bindings={
            "decisions": Binding(
                "ledger_index", {"decision": ("subj", "detail", "choice"), "item": ("subj", "detail", "item")}
            )
        },
        omissions=("No row of PCI DSS was asked for.",),
        readme="Run: python3 verify.py PACK.zip\n",
    )


@lru_cache(maxsize=1)
def printed() -> Printed:
    return render(HTML, created=ISSUED).printed


@lru_cache(maxsize=1)
def bundle() -> Bundle:
    made = parts()
    return build(made, record_files(made), printed(), SIGNER)
