"""The deeds of a sign-off: sign a draft, issue it when everybody has signed, and share what is issued."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from evidence.bundle import Bundle
from evidence.models import EvidencePack, FileStage
from evidence.policies import can_share_pack
from evidence.signoffs.kinds import MEANINGS, kept_until
from evidence.signoffs.models import PackSignOff
from evidence.signoffs.policies import can_issue_pack, can_retry_issue, can_sign_pack, can_withdraw_pack
from evidence.signoffs.queries import capacity_of, open_role, pack_statement, sign_offs_of, work_of
from evidence.states import PackState
from evidence.storedpacks import name_zip
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.kinds import Authentication
from reviews.policies import can_sign_at
from reviews.queries.standing import signing_minimum
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce
from tenants.models import User
from tenants.sharing import share
from tenants.work import enqueue


@transaction.atomic
def sign_pack(
    *, pack: EvidencePack, by: Actor, printed_name: str, shown_digest: str, proof: Authentication, queue: bool = True
) -> PackSignOff:
    """Signs a draft in the role that is open; the last signature hands the pack to the worker, which issues it.

    Raises:
        Refused: when the person signed already, another signed in between, or the proof is old or too weak.
    """
    pack = EvidencePack.objects.select_for_update().get(pk=pack.pk)
    signed, identity = sign_offs_of(pack), identity_of_user(by.user_id)
    role, number = open_role(pack, signed), identity.pk if identity else 0
    enforce(can_sign_pack(by, pack, role, identity=number, signed=signed))
    enforce(can_sign_at(proof.level, signing_minimum()))
    assert role is not None and by.user_id is not None  # noqa: PT018, S101 -- the policy saw to it
    text, digest = pack_statement(pack, role, by)
    if digest != shown_digest:
        raise Refused(denied("Another person signed in between. Read the statement again and sign it."))
    row = PackSignOff(
        pack=pack,
        role=role,
        signer=by.user_id,
        identity=number,
        account=by.name,
        capacity=capacity_of(by),
        printed_name=printed_name.strip() or by.name,
        meaning=MEANINGS[role],
        level=proof.level,
        methods=list(proof.methods),
        authentication=dict(proof.detail),
        authenticated_at=proof.authenticated_at,
        signed_at=timezone.now(),
        manifest_sha256=pack.manifest_sha256,
        statement=text,
        digest=digest,
    )
    row.save(force_insert=True)
    detail: dict[str, object] = {"role": role, "digest": digest, "manifest": pack.manifest_sha256, "level": proof.level}
    detail |= {"methods": list(proof.methods), "assertion": proof.detail.get("assertion_sha256")}
    audit("pack.sign", by=by, target=f"pack {pack.uuid}", detail=detail, kind=LeafKind.DECISION)
    if queue and open_role(pack, [*signed, row]) is None:
        _have_issued(pack, by)
    return row


def _have_issued(pack: EvidencePack, by: Actor) -> None:
    """Hands a pack that everybody has signed to the worker."""
    job = "evidence.jobs.issue_pack"
    pack.work_id = enqueue("evidence.issue", job, pack.pk, title=f"Issue of {pack.title}", by=by).pk
    pack.save(update_fields=["work_id"])


@transaction.atomic
def retry_issue(*, pack: EvidencePack, by: Actor) -> EvidencePack:
    """Has the issue of a pack tried again whose job failed or was cancelled; its signatures stay as they are.

    Raises:
        Refused: somebody has not signed, or a try is under way.
    """
    pack = EvidencePack.objects.select_for_update().get(pk=pack.pk)
    enforce(can_retry_issue(by, pack, sign_offs_of(pack), work_of(pack)))
    _have_issued(pack, by)
    audit("pack.retry", by=by, target=f"pack {pack.uuid}", detail={"work": pack.work_id})
    return pack


@transaction.atomic
def withdraw_pack(*, pack: EvidencePack, reason: str, by: Actor) -> EvidencePack:
    """Withdraws a draft: it stays listed with its numbers, hashes and signatures, and is never issued.

    Raises:
        Refused: it is no draft, it is being issued, or no reason is given.
    """
    pack, reason = EvidencePack.objects.select_for_update().get(pk=pack.pk), reason.strip()
    enforce(can_withdraw_pack(by, pack, reason, work_of(pack)))
    pack.state, pack.ended_at = PackState.WITHDRAWN, timezone.now()
    pack.withdrawn_by, pack.withdrawn_reason = by.name, reason
    pack.save(update_fields=["state", "ended_at", "withdrawn_by", "withdrawn_reason"])
    detail = {"why": reason, "sha256": pack.sha256, "manifest": pack.manifest_sha256}
    audit("pack.withdraw", by=by, target=f"pack {pack.uuid}", detail=detail, kind=LeafKind.PACK)
    return pack


@transaction.atomic
def issue_pack(*, pack: EvidencePack, bundle: Bundle, stored_as: str, by: Actor) -> EvidencePack:
    """Notes the signed-off and stored file beside the draft, issues the pack: nothing of it changes afterwards."""
    signed = sign_offs_of(pack)
    enforce(can_issue_pack(by, pack, signed))
    name_zip(pack, FileStage.ISSUED, stored_as)
    pack.state, pack.ended_at = PackState.ISSUED, timezone.now()
    pack.signed_off_at = max(one.signed_at for one in signed)
    pack.keep_until = kept_until(pack.signed_off_at)
    pack.sha256, pack.size_bytes = bundle.sha256, bundle.size
    pack.save(update_fields=["state", "ended_at", "signed_off_at", "keep_until", "sha256", "size_bytes"])
    detail = {"sha256": pack.sha256, "manifest": pack.manifest_sha256, "bytes": pack.size_bytes, "pages": pack.pages}
    detail |= {"signed_by": [one.account for one in signed], "keep_until": pack.keep_until}
    audit("pack.issue", by=by, target=f"pack {pack.uuid}", detail=detail, kind=LeafKind.PACK)
    return pack


@transaction.atomic
def share_pack(*, pack: EvidencePack, user: User, by: Actor) -> None:
    """Lets a person see and fetch an issued pack; a draft is nobody's outside."""
    enforce(can_share_pack(by, pack))
    share(pack, user=user, by=by)
    audit("pack.share", by=by, target=f"pack {pack.uuid}", detail={"with": user.email})
