"""Asks a tenant's witnesses for their cosignatures (C2SP tlog-witness `add-checkpoint`) and verifies each answer.

A witness that has cosigned more than the log holds, or another history, refuses; that is the alarm it exists for.
"""

from __future__ import annotations

from typing import Final

from evidence.holders import WITNESS, Holder, Receipt
from evidence.posting import Answer, post
from ledger.cosignatures import open_cosignature, parse_witness_key
from ledger.kinds import SignedCheckpoint
from ledger.notes import NoteError
from ledger.proofs import format_growth
from ledger.queries import cosigned_size, growth_proof
from tenants.models import Tenant
from tenants.scope import tenant_scope

SIZE_TYPE: Final = "text/x.tlog.size"
CONFLICT: Final = 409


class WitnessError(RuntimeError):
    """A witness did not cosign; the message says why, and what that may mean."""


def cosign(tenant: Tenant, signed: SignedCheckpoint, holder: Holder) -> Receipt:
    """Send a checkpoint with the proof that it continues what the witness cosigned last.

    Raises:
        WitnessError: The witness refused, or its answer is no valid cosignature.
        OSError: It does not answer.
        http.client.HTTPException: Its answer is no HTTP.
    """
    with tenant_scope(tenant):
        old = cosigned_size(signed.log_id, signed.epoch, holder.key)
    answer = _submit(tenant, signed, holder, old)
    if answer.status == CONFLICT and answer.kind.startswith(SIZE_TYPE):
        answer = _submit(tenant, signed, holder, _size_in(answer, old, signed, holder))
    if answer.status != 200:
        told = answer.body.decode(errors="replace").strip()[:300]
        raise WitnessError(f"{holder.name} did not cosign {signed.size:,} entries ({answer.status}): {told}")
    try:
        found = open_cosignature(signed.note, answer.body.decode(), parse_witness_key(holder.key))
    except (NoteError, UnicodeDecodeError) as fault:
        raise WitnessError(f"{holder.name} answered with no valid cosignature: {fault}") from fault
    return Receipt(WITNESS, holder.url, holder.name, found.line.encode(), holder.key, found.at)


def _submit(tenant: Tenant, signed: SignedCheckpoint, holder: Holder, old: int) -> Answer:
    """Send the request with the proof from one size."""
    if old == 0:
        body = format_growth(0, [], signed.note)
    else:
        with tenant_scope(tenant):
            body = growth_proof(signed.log_id, min(old, signed.size), signed.size)
    return post(f"{holder.url}/add-checkpoint", body.encode(), "text/plain; charset=utf-8")


def _size_in(answer: Answer, sent: int, signed: SignedCheckpoint, holder: Holder) -> int:
    """Read what the witness says that it cosigned last; what cannot be continued is an alarm."""
    text = answer.body.decode(errors="replace").strip()
    if not text.isdecimal():
        raise WitnessError(f"{holder.name} answered with no size: {text[:100]}")
    if int(text) > signed.size:
        raise WitnessError(
            f"{holder.name} has cosigned {int(text):,} entries, this log has {signed.size:,}: it was rolled back. Run "
            "verify_ledger."
        )
    if int(text) == sent:
        raise WitnessError(f"{holder.name} cosigned another history of the first {sent:,} entries: run verify_ledger.")
    return int(text)
