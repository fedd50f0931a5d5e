"""Hands the newest checkpoint to somebody else once a day: a folder for unchangeable storage, and mail.

What left the host convicts whoever rewrites it later, with the database and the signer's files in hand too.
"""

from __future__ import annotations

import os
import smtplib
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from evidence.actions import keep_anchor
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


def anchor(tenant: Tenant) -> int:
    """Hand a fresh checkpoint over wherever the installation is set to; returns to how many places.

    Raises:
        AnchorError: One of the places failed; the others have it.
    """
    folder, by_mail = settings.COUNTERSIGN_ANCHOR_FOLDER, settings.COUNTERSIGN_ANCHOR_MAIL
    if not folder and not by_mail:
        return 0
    signed = sign_now(tenant.uuid)
    by, done, faults = Actor.system("anchors", tenant.pk), 0, []
    for kind, hand in (("folder", _to_folder if folder else None), ("mail", _by_mail if by_mail else None)):
        if hand is None:
            continue
        try:
            place, holder = hand(tenant, signed)
        except (OSError, smtplib.SMTPException, AnchorError) as fault:
            faults.append(f"{kind}: {fault}")
            continue
        if place:
            with tenant_scope(tenant):
                keep_anchor(signed=signed, kind=kind, place=place, holder=holder, by=by)
            done += 1
    if faults:
        raise AnchorError("; ".join(faults))
    return done


def anchor_files(log_id: UUID) -> dict[str, bytes]:
    """Returns the checkpoints of a log that the anchors' folder holds, by path; none where no folder is set."""
    root = settings.COUNTERSIGN_ANCHOR_FOLDER
    if not root:
        return {}
    return {str(path): path.read_bytes() for path in sorted((Path(root) / str(log_id)).rglob("*.txt"))}


def file_of(log_id: UUID, epoch: int, size: int) -> Path:
    """Returns where the folder holds a checkpoint."""
    return Path(settings.COUNTERSIGN_ANCHOR_FOLDER) / str(log_id) / str(epoch) / f"{size:015d}.txt"


def _to_folder(tenant: Tenant, signed: SignedCheckpoint) -> tuple[str, str]:
    """Write the note as a new file; one that is there already must hold the same."""
    path = file_of(tenant.uuid, signed.epoch, signed.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    note = signed.note.encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    except FileExistsError:
        if path.read_bytes() != note:
            raise AnchorError(f"{path} holds another checkpoint of the same size: run verify_ledger.") from None
        return "", ""
    with os.fdopen(descriptor, "wb") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    return str(path), settings.COUNTERSIGN_ANCHOR_HOLDER


def _by_mail(tenant: Tenant, signed: SignedCheckpoint) -> tuple[str, str]:
    """Mail the note, attached, to the clients and auditors of the tenant: mail changes white space in a body."""
    with tenant_scope(tenant):
        people = [*members_with_role(tenant, Role.CLIENT), *members_with_role(tenant, Role.AUDITOR)]
    addresses = sorted({person.email for person in people})
    if not addresses:
        return "", ""
    facts = {"name": tenant.name, "size": signed.size, "origin": signed.origin, "root": signed.root.hex()}
    for address in addresses:
        letter = EmailMessage(SUBJECT.format(**facts), BODY.format(**facts), settings.DEFAULT_FROM_EMAIL, [address])
        letter.attach("checkpoint.txt", signed.note.encode(), "text/plain")
        letter.send()
    return ", ".join(addresses), ", ".join(addresses)
