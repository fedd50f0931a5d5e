"""What pages and deeds ask about sign-offs: who signed, which role is open, and what would be signed."""

from __future__ import annotations

import hashlib

from evidence.models import EvidencePack
from evidence.signoffs.kinds import Signed, SignRole
from evidence.signoffs.models import PackSignOff
from evidence.signoffs.statement import statement_text
from reviews.manifest import canonical_text
from tenants.kinds import Actor, Role
from tenants.models import Work


def sign_offs_of(pack: EvidencePack) -> list[PackSignOff]:
    """Returns the signatures over a pack, oldest first."""
    return list(PackSignOff.objects.filter(pack=pack).order_by("id"))


def work_of(pack: EvidencePack) -> Work | None:
    """Returns the newest piece of work on a pack: its building, or its issue."""
    return Work.objects.filter(pk=pack.work_id).first() if pack.work_id else None


def open_role(pack: EvidencePack, signed: list[PackSignOff]) -> SignRole | None:
    """Returns the role in which the next person signs: the preparer first; None when nobody is missing."""
    roles = list(SignRole)[: max(1, pack.people)]
    return next((role for role in roles if role not in {one.role for one in signed}), None)


def capacity_of(by: Actor) -> str:
    """Returns in words which roles the actor holds in this tenant, as the signature prints them."""
    return ", ".join(Role(role).label for role in sorted(by.roles)) or "by single rights"


def pack_statement(pack: EvidencePack, role: SignRole, by: Actor) -> tuple[str, str]:
    """Returns the statement that the actor would sign, and its SHA-256."""
    about = {"id": str(pack.uuid), "manifest_sha256": pack.manifest_sha256, "content_sha256": pack.content_sha256}
    text = statement_text(
        role, pack=about, signer={"user": by.user_id, "account": by.name, "capacity": capacity_of(by)}
    )
    return text, hashlib.sha256(text.encode()).hexdigest()


def carried(rows: list[PackSignOff]) -> list[Signed]:
    """Returns the signatures as the issued pack carries them."""
    return [_carried(row) for row in rows]


def _carried(row: PackSignOff) -> Signed:
    assertion = row.authentication.get("assertion")
    return Signed(
        role=row.role,
        printed_name=row.printed_name,
        account=row.account,
        capacity=row.capacity,
        meaning=row.meaning,
        level=row.level,
        methods=tuple(row.methods),
        authenticated_at=row.authenticated_at,
        signed_at=row.signed_at,
        statement=row.statement.encode(),
        digest=row.digest,
        assertion=canonical_text(assertion).encode() if assertion else None,
        assertion_sha256=row.authentication.get("assertion_sha256", ""),
    )
