"""The deeds of an erasure: one officer asks, another answers; and the portal repeats it after a restore."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models.functions import Now

from evidence.erasures.kinds import ErasureScope, Found, Grounds
from evidence.erasures.policies import can_answer_erasure, can_ask_to_erase, can_repeat_erasure
from evidence.erasures.queries import found_for
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from logs.erasedset import NamedLeaf, digest_of
from logs.models import ErasedLeaf, Erasure, ErasureAnswer
from logs.models.erasure import NOBODY
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.scope import current_scope

_AT_ONCE = 5_000


@transaction.atomic
def ask_to_erase(*, scope: ErasureScope, grounds: Grounds, by: Actor) -> Erasure:
    """Ask for an erasure: the leaves are named now, and go when another officer has confirmed it.

    Raises:
        Refused: by the policy; nothing to erase, or a hold keeps it all.
        ValidationError: the scope names nobody.
    """
    grounds, found = Grounds(grounds.reason.strip(), grounds.legal_ref.strip()), found_for(scope)
    enforce(can_ask_to_erase(by, grounds, found))
    person = identity_of_user(by.user_id)
    assert by.user_id is not None  # noqa: S101 -- the policy saw to it
    erasure = Erasure(
        id=uuid4(),
        kind=found.kind,
        subject=found.title[:400],
        since=scope.since,
        until=scope.until,
        reason=grounds.reason,
        legal_ref=grounds.legal_ref,
        with_cited=scope.with_cited,
        **_named(found),
        asked_by=by.name,
        asker_user=by.user_id,
        asker_key=person.pk if person else NOBODY,
    )
    erasure.save(force_insert=True)
    _keep(erasure, found.leaves)
    audit("erasure.ask", by=by, target=str(erasure), detail=_said(erasure))
    return erasure


def _named(found: Found) -> dict[str, Any]:
    """Return what a deed keeps of what was found."""
    return {
        "count": len(found.leaves),
        "held": found.held,
        "cited": found.cited,
        "against": list(found.against),
        "places_sha256": digest_of(found.leaves),
    }


def _keep(erasure: Erasure, leaves: Sequence[NamedLeaf]) -> None:
    """Store the leaves that a deed names."""
    rows = (ErasedLeaf(erasure=erasure, **leaf._asdict()) for leaf in leaves)
    ErasedLeaf.objects.bulk_create(rows, batch_size=_AT_ONCE)


def _said(erasure: Erasure) -> dict[str, object]:
    """Return what the ledger says about a deed: never about whom it is."""
    return {
        "against": erasure.against,
        "cited": erasure.cited,
        "count": erasure.count,
        "erasure": erasure.pk,
        "held": erasure.held,
        "kind": erasure.kind,
        "legal_ref": erasure.legal_ref,
        "places_sha256": bytes(erasure.places_sha256).hex(),
        "reason": erasure.reason,
        "since": erasure.since,
        "until": erasure.until,
        "with_cited": erasure.with_cited,
    }


@transaction.atomic
def answer_erasure(*, erasure: Erasure, confirm: bool, note: str, by: Actor) -> None:
    """Confirm an erasure as the second officer, which announces it in the ledger (kind 05), or decline it.

    Raises:
        Refused: for the one who asked, or when it was answered already.
    """
    erasure = Erasure.objects.select_for_update().get(pk=erasure.pk)
    person = identity_of_user(by.user_id)
    key = person.pk if person else NOBODY
    same = by.user_id == erasure.asker_user or (key != NOBODY and key == erasure.asker_key)
    enforce(can_answer_erasure(by, erasure, same=same))
    values: dict[str, Any] = {"answered_by": by.name, "answerer_user": by.user_id, "answerer_key": key}
    values |= {"answered_at": Now(), "answer_note": note.strip()}
    if confirm:
        values |= {"answer": ErasureAnswer.CONFIRMED, "batch_id": current_scope().audit_batch_id}
    else:
        values |= {"answer": ErasureAnswer.DECLINED, "subject": ""}
    Erasure.objects.filter(pk=erasure.pk).update(**values)
    detail = _said(erasure) | {"asked_at": erasure.asked_at, "asked_by": erasure.asked_by, "note": note.strip()}
    detail |= {"asker": erasure.asker_user, "answerer": by.user_id}
    kind = LeafKind.ERASURE if confirm else LeafKind.CONFIG
    audit(f"erasure.{'confirm' if confirm else 'decline'}", by=by, target=str(erasure), detail=detail, kind=kind)


@transaction.atomic
def repeat_erasure(*, deed: UUID, told: dict[str, Any], leaves: Sequence[NamedLeaf], by: Actor) -> Erasure:
    """Announce again (kind 05) what a restored database forgot: the leaves of a deed that are stored again.

    ``told`` is what the ledger's entry of the deed said, with who confirmed it; its proof was checked before.
    """
    enforce(can_repeat_erasure(by))
    detail = told["detail"]
    erasure = Erasure(
        id=uuid4(),
        repeats=deed,
        kind=detail["kind"],
        reason=detail["reason"],
        legal_ref=detail["legal_ref"],
        count=len(leaves),
        held=0,
        cited=0,
        with_cited=detail["with_cited"],
        against=detail["against"],
        places_sha256=digest_of(leaves),
        asked_by=detail["asked_by"],
        asker_user=detail["asker"],
        answer=ErasureAnswer.CONFIRMED,
        answered_at=Now(),
        answered_by=told["actor"],
        answerer_user=detail["answerer"],
        batch_id=current_scope().audit_batch_id,
    )
    erasure.save(force_insert=True)
    _keep(erasure, leaves)
    said = _said(erasure) | {"asked_by": erasure.asked_by, "confirmed_by": told["actor"], "repeats": deed}
    said |= {"asker": erasure.asker_user, "answerer": erasure.answerer_user}
    audit("erasure.repeat", by=by, target=str(erasure), detail=said, kind=LeafKind.ERASURE)
    return erasure
