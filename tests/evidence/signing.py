"""Signs drafts off in tests: two officers, each with a fresh proof of who they are."""

from collections.abc import Callable
from hashlib import sha256

from django.utils import timezone

from evidence.models import EvidencePack, FileStage, PackFile
from evidence.signoffs.actions import sign_pack
from evidence.signoffs.issuing import issue_signed
from evidence.signoffs.kinds import SignRole
from evidence.signoffs.models import PackSignOff
from evidence.signoffs.queries import open_role, pack_statement, sign_offs_of
from evidence.states import PackState
from evidence.storedpacks import stored_zip
from ledger.kinds import LeafKind
from reviews.kinds import Authentication, Level
from tenants.audit import audit
from tenants.kinds import Actor, Role
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make


def by_code(_digest: str) -> Authentication:
    """Prove who signs by a code."""
    return Authentication(Level.CODE, ("password", "code"), timezone.now())


def signs(
    tenant: Tenant, pack: EvidencePack, by: Actor, prove: Callable[[str], Authentication] = by_code
) -> PackSignOff:
    """Sign in the role that is open."""
    with tenant_scope(tenant):
        role = open_role(pack, sign_offs_of(pack)) or SignRole.APPROVER
        _text, digest = pack_statement(pack, role, by)
        proof = prove(digest)
        return sign_pack(pack=pack, by=by, printed_name=by.name, shown_digest=digest, proof=proof, queue=False)


def data_of(tenant: Tenant, pack: EvidencePack) -> bytes:
    """The bytes that are stored of the pack as it stands."""
    with tenant_scope(tenant):
        stage = FileStage.ISSUED if pack.state == PackState.ISSUED else FileStage.DRAFT
        with stored_zip(pack.pk, stage)[0] as stored:
            return stored.read()


def issue_by_hand(pack: EvidencePack, data: bytes) -> None:
    """Bring a request through its states to an issued pack of these bytes, in the open scope."""
    now = timezone.now()
    draft_by_hand(pack, data)
    PackFile.objects.create(pack=pack, stage=FileStage.ISSUED, data=data)
    _seal("pack.issue", pack, data)
    over = {"ended_at": now, "signed_off_at": now, "keep_until": now}
    EvidencePack.objects.filter(pk=pack.pk).update(state=PackState.ISSUED, **over)


def draft_by_hand(pack: EvidencePack, data: bytes) -> None:
    """Bring a request to a draft of these bytes that two have signed, in the open scope."""
    row = EvidencePack.objects.filter(pk=pack.pk)
    row.update(state=PackState.BUILDING)
    PackFile.objects.create(pack=pack, stage=FileStage.DRAFT, data=data)
    _seal("pack.draft", pack, data)
    seal = {"sha256": sha256(data).hexdigest(), "manifest_sha256": "b" * 64, "size_bytes": len(data)}
    row.update(state=PackState.DRAFT, issued_at=timezone.now(), **seal)
    pack.refresh_from_db()
    _sign_twice(pack)


def _seal(verb: str, pack: EvidencePack, data: bytes) -> None:
    """Leave the entry of the ledger that names the file."""
    by = Actor.system("tests", pack.tenant_id)
    audit(verb, by=by, target=f"pack {pack.uuid}", detail={"sha256": sha256(data).hexdigest()}, kind=LeafKind.PACK)


def _sign_twice(pack: EvidencePack) -> None:
    """Store two signatures over a draft by people of no account."""
    now = timezone.now()
    for number, role in enumerate(SignRole, start=1):
        who = {"signer": -number, "account": role, "capacity": role, "printed_name": role, "meaning": role}
        when = {"authenticated_at": now, "signed_at": now, "level": Level.CODE, "methods": ["password", "code"]}
        what = {"manifest_sha256": pack.manifest_sha256, "statement": "{}", "digest": "d" * 64}
        PackSignOff.objects.create(pack=pack, role=role, **who, **when, **what)


def deputy_of(tenant: Tenant) -> Actor:
    """A second compliance officer."""
    user = make.user("deputy")
    make.member(user, tenant, Role.OFFICER)
    return make.actor(user, tenant)


def issued(
    tenant: Tenant,
    draft: EvidencePack,
    officer: Actor,
    deputy: Actor | None = None,
    prove: Callable[[str], Authentication] = by_code,
) -> EvidencePack:
    """Sign a draft by two people, of whom the second proves in some way who signs, and issue it."""
    signs(tenant, draft, officer)
    signs(tenant, draft, deputy or deputy_of(tenant), prove)
    return issue_signed(tenant, draft.pk, Silent())
