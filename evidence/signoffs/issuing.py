"""Issues a signed draft: adds the sign-off, has the whole file checked by its own verifier, and stores it."""

from __future__ import annotations

from functools import partial

from evidence.models import EvidencePack, FileStage
from evidence.packkey import pack_signer
from evidence.queries import sealed_sha256
from evidence.signoffs.actions import issue_pack
from evidence.signoffs.cover import issued
from evidence.signoffs.queries import carried, sign_offs_of
from evidence.storedpacks import kept_zip, stored_zip
from evidence.verifier.check import Pack
from evidence.workshop import scratch
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
        signed = carried(sign_offs_of(pack))
        key, signer = ledger.verifier_key(tenant.uuid), pack_signer(tenant.uuid)
        (draft, digest), sealed = stored_zip(pack.pk, FileStage.DRAFT), sealed_sha256(pack)
    with draft, scratch() as out:
        if {digest, sealed} != {pack.sha256}:
            raise UnsignableError("The stored draft is not the one that was built: its SHA-256 differs.")
        bundle = issued(draft, signed, signer, out)
        progress.step(1, 2, "Verifying the signed pack")
        faults = Pack(bundle.source).check(signer.verifier.vkey, key)
        if faults:
            raise UnsignableError(f"The signed pack does not verify: {faults[0][0]}: {faults[0][1]}")
        waits = partial(progress.step, 1, 2)
        with kept_zip(tenant, pack, FileStage.ISSUED, bundle.source, waits) as stored_as, tenant_scope(tenant):
            pack = EvidencePack.objects.select_for_update().get(pk=pack_id)
            if pack.is_over:  # by a run that was taken for dead, and was not
                return pack
            by = Actor.system("evidence", tenant.pk)
            pack = issue_pack(pack=pack, bundle=bundle, stored_as=stored_as, by=by)
    progress.step(2, 2, f"Issued: {bundle.size:,} bytes")
    return pack
