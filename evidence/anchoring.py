"""Hands checkpoints to somebody else: a folder for unchangeable storage, mail, witnesses, time-stamping authorities.

What left the host convicts whoever rewrites it later, with the database and the signer's files in hand too.
"""

from __future__ import annotations

import http.client
import os
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage

from evidence.actions import keep_anchor
from evidence.anchorfolder import file_of
from evidence.holders import TSA, WITNESS, Holder, HoldersError, Receipt, holders_of
from evidence.timestamps import TimestampError, stamp
from evidence.witnesses import WitnessError, cosign
from ledger.kinds import SignedCheckpoint
from ledger.signer import sign_now
from tenants.kinds import Actor, Role
from tenants.models import Tenant
from tenants.queries import members_with_role
from tenants.scope import tenant_scope

SUBJECT: Final = "Checkpoint of the log of {name}: {size} entries"
BODY: Final = """The attached file is today's checkpoint of the tamper-evident log of {name}.

Keep it. Whoever changes, removes or reorders a record that it covers later cannot do so without this file showing it.
You need to do nothing else; an auditor may ask you for it.

Log:      {origin}
Entries:  {size}
Root:     {root}
"""


class AnchorError(RuntimeError):
    """A checkpoint could not be handed over; the message says where and why."""


@dataclass(slots=True)
class Handed:
    """What handing one checkpoint over came to: the receipts, and a sentence for each holder that has it not."""

    receipts: list[Receipt] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


Way = Callable[[Tenant, SignedCheckpoint], Receipt | None]
FAULTS: Final = (OSError, smtplib.SMTPException, http.client.HTTPException, AnchorError, WitnessError, TimestampError)
FOLDER: Final = "folder"
MAIL: Final = "mail"
DAILY: Final = frozenset({FOLDER, MAIL, WITNESS, TSA})
WITH_EACH_PACK: Final = frozenset({FOLDER, WITNESS, TSA})
HOURLY: Final = frozenset({WITNESS})


def anchor(tenant: Tenant, kinds: frozenset[str] = DAILY) -> int:
    """Hand a fresh checkpoint over wherever the installation is set to; returns to how many places.

    Raises:
        AnchorError: One of the places failed; the others have it.
        HoldersError: The list of holders cannot be read.
    """
    if not list(_ways(tenant, kinds)):
        return 0
    handed = hand_over(tenant, sign_now(tenant.uuid), kinds)
    if handed.faults:
        raise AnchorError("; ".join(handed.faults))
    return len(handed.receipts)


def hand_over(tenant: Tenant, signed: SignedCheckpoint, kinds: frozenset[str]) -> Handed:
    """Hand one checkpoint over and keep every receipt; a holder that fails does not stop the others."""
    by, handed = Actor.system("anchors", tenant.pk), Handed()
    try:
        ways = list(_ways(tenant, kinds))
    except HoldersError as fault:
        return Handed(faults=[str(fault)])
    for name, way in ways:
        try:
            receipt = way(tenant, signed)
        except FAULTS as fault:
            handed.faults.append(f"{name}: {fault}")
            continue
        if receipt is not None:
            with tenant_scope(tenant):
                keep_anchor(signed=signed, receipt=receipt, by=by)
            handed.receipts.append(receipt)
            handed.faults += [receipt.remark] if receipt.remark else []
    return handed


def _ways(tenant: Tenant, kinds: frozenset[str]) -> Iterator[tuple[str, Way]]:
    """Yield the ways that are set for a tenant, each with its name."""
    if FOLDER in kinds and settings.COUNTERSIGN_ANCHOR_FOLDER:
        yield FOLDER, _to_folder
    if MAIL in kinds and settings.COUNTERSIGN_ANCHOR_MAIL:
        yield MAIL, _by_mail
    for holder in holders_of(settings.COUNTERSIGN_HOLDERS, tenant.slug, WITNESS) if WITNESS in kinds else ():
        yield WITNESS, partial(_by_witness, holder)
    for holder in holders_of(settings.COUNTERSIGN_HOLDERS, tenant.slug, TSA) if TSA in kinds else ():
        yield TSA, partial(_by_authority, holder)


def _to_folder(tenant: Tenant, signed: SignedCheckpoint) -> Receipt | None:
    """Write the note as a new file; one that is there already must hold the same."""
    path = file_of(tenant.uuid, signed.epoch, signed.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    note = signed.note.encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    except FileExistsError:
        if path.read_bytes() != note:
            raise AnchorError(f"{path} holds another checkpoint of the same size: run verify_ledger.") from None
        return None
    with os.fdopen(descriptor, "wb") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    return Receipt(FOLDER, str(path), settings.COUNTERSIGN_ANCHOR_HOLDER)


def _by_mail(tenant: Tenant, signed: SignedCheckpoint) -> Receipt | None:
    """Mail the note, attached, to the clients and auditors of the tenant: mail changes white space in a body."""
    with tenant_scope(tenant):
        people = [*members_with_role(tenant, Role.CLIENT), *members_with_role(tenant, Role.AUDITOR)]
    addresses = sorted({person.email for person in people})
    if not addresses:
        return None
    facts = {"name": tenant.name, "size": signed.size, "origin": signed.origin, "root": signed.root.hex()}
    for address in addresses:
        letter = EmailMessage(SUBJECT.format(**facts), BODY.format(**facts), settings.DEFAULT_FROM_EMAIL, [address])
        letter.attach("checkpoint.txt", signed.note.encode(), "text/plain")
        letter.send()
    return Receipt(MAIL, ", ".join(addresses), ", ".join(addresses))


def _by_witness(holder: Holder, tenant: Tenant, signed: SignedCheckpoint) -> Receipt:
    """Have a witness cosign."""
    return cosign(tenant, signed, holder)


def _by_authority(holder: Holder, _tenant: Tenant, signed: SignedCheckpoint) -> Receipt:
    """Have an authority stamp the checkpoint's bytes; it sees their hash alone."""
    return stamp(signed.note.encode(), holder)
