"""Issues a signed draft: adds the sign-off, has the whole file checked by its own verifier, and stores it."""

from __future__ import annotations

from evidence.models import EvidencePack, FileStage, PackFile
from evidence.packkey import pack_signer
from evidence.signoffs.actions import issue_pack
from evidence.signoffs.cover import issued
from evidence.signoffs.queries import carried, sign_offs_of
from evidence.verifier.check import Pack
from ledger import queries as ledger
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress


class UnsignableError(RuntimeError):
    """The signed pack did not pass its own verifier; it stays a draft."""


def issue_signed(tenant: Tenant, pack_id: int, progress: Progress) -> EvidencePack:
    """Issue a draft that everybody has signed; one that is issued is returned as it is (a job may run twice)."""
    progress.step(0, 2, "Adding the sign-off")
    with tenant_scope(tenant):
        pack = EvidencePack.objects.get(pk=pack_id)
        if pack.is_over:
            return pack
        draft = bytes(PackFile.objects.get(pack=pack, stage=FileStage.DRAFT).data)
        signed = carried(sign_offs_of(pack))
        key = ledger.verifier_key(tenant.uuid)
    signer = pack_signer(tenant.uuid)
    bundle = issued(draft, signed, signer)
    progress.step(1, 2, "Verifying the signed pack")
    faults = Pack(bundle.data).check(signer.verifier.vkey, key)
    if faults:
        raise UnsignableError(f"The signed pack does not verify: {faults[0][0]}: {faults[0][1]}")
    with tenant_scope(tenant):
        pack = issue_pack(
            pack=EvidencePack.objects.get(pk=pack_id), bundle=bundle, by=Actor.system("evidence", tenant.pk)
        )
    progress.step(2, 2, f"Issued: {len(bundle.data):,} bytes")
    return pack
