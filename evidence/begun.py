"""Begins a pack: it is measured and a checkpoint is signed for it, both once.

A worker that takes the pack up after a crash uses both again, where the ledger proves that they are the same. Otherwise
it begins anew with both, so that a pack's run, issue time and checkpoint always stand seconds apart. Records are
collected anew in any case, as far as the checkpoint goes (ADR 0517).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidence.actions import Computed, begin_pack, compute_controls
from evidence.anchoring import WITH_EACH_PACK, hand_over
from evidence.kinds import Period
from evidence.measured import keep_measured, measured_again
from evidence.models import EvidencePack
from evidence.queries import sealed_measurement
from evidence.workshop import SIGNED
from ledger import queries as ledger
from ledger.kinds import SignedCheckpoint
from ledger.notes import NoteError, open_checkpoint, parse_vkey
from ledger.signer import sign_now
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress

STEPS: Final = 7


@dataclass(frozen=True, slots=True)
class Known:
    """What a pack rests on: the run that measured, the signed checkpoint, and where it is not held as it was to be."""

    computed: Computed
    signed: SignedCheckpoint
    unheld: Sequence[str] = ()


class _Measuring:
    """Reports the measuring as the pack's first step: it shows life, and can be stopped."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def step(self, done: int, total: int, message: str = "") -> None:
        """Report the measure under way."""
        self.progress.step(0, STEPS, f"{message} ({done} of {total})")


def begin(tenant: Tenant, pack: EvidencePack, folder: Path, progress: Progress, by: Actor) -> Known:
    """Return what the pack rests on: what its folder still holds of it, or measured and signed now."""
    progress.step(0, STEPS, "Measuring the controls")
    known = _begun_before(tenant, pack, folder)
    if known is not None:
        progress.step(1, STEPS, "Measured before the worker ended: used again")
        return known
    computed = _measure(tenant, pack, folder, progress, by)
    progress.step(1, STEPS, "Signing a checkpoint of the ledger")
    signed = sign_now(tenant.uuid)
    unheld = hand_over(tenant, signed, WITH_EACH_PACK).faults
    _note(folder, signed, unheld)
    return Known(computed, signed, unheld)


def _begun_before(tenant: Tenant, pack: EvidencePack, folder: Path) -> Known | None:
    """Return what the pack was begun with, if its folder holds the file that the ledger names, and the checkpoint."""
    with tenant_scope(tenant):
        if pack.run is None:
            return None
        computed = measured_again(tenant, pack.run, folder, pack.uuid, sealed_measurement(pack))
        return _signed_before(tenant, folder, computed) if computed else None


def _measure(tenant: Tenant, pack: EvidencePack, folder: Path, progress: Progress, by: Actor) -> Computed:
    """Measure the controls, and begin the pack with them unless another worker has built it meanwhile."""
    period = Period(pack.period_start, pack.period_end, pack.zone)
    told = _Measuring(progress)
    with tenant_scope(tenant):
        computed = compute_controls(tenant=tenant, period=period, by=by, purpose="pack", progress=told)
        if not EvidencePack.objects.select_for_update().get(pk=pack.pk).is_built:
            begin_pack(pack=pack, computed=computed, by=by, measured=keep_measured(computed, folder, pack.uuid))
    return computed


def _note(folder: Path, signed: SignedCheckpoint, unheld: Sequence[str]) -> None:
    """Note which checkpoint was signed, and who does not hold it; the file is whole or not there."""
    new = folder / f"{SIGNED}.new"
    new.write_text(json.dumps({"note": signed.note, "unheld": list(unheld)}))
    new.replace(folder / SIGNED)


def _signed_before(tenant: Tenant, folder: Path, computed: Computed) -> Known | None:
    """Return the checkpoint that was signed when the pack was begun, if its log goes on under the key that signed it.

    The file only names it: what counts is the signer's own row, and its signature.
    """
    path = folder / SIGNED
    if not path.is_file():
        return None
    noted = json.loads(path.read_text())
    try:
        signed = ledger.checkpoint_of_note(tenant.uuid, noted["note"])
        open_checkpoint(signed.note.encode(), [parse_vkey(ledger.verifier_key(tenant.uuid))])
    except (ledger.NotSignedError, NoteError):
        return None
    goes_on = signed.epoch == ledger.head(tenant.uuid).epoch and signed.size > computed.run.ledger_size
    return Known(computed, signed, noted["unheld"]) if goes_on else None
