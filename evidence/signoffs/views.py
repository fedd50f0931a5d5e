"""Shows a draft's statement to the person who signs next, and takes the signature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from evidence.models import EvidencePack
from evidence.queries import packs
from evidence.signoffs.actions import retry_issue, sign_pack, withdraw_pack
from evidence.signoffs.kinds import MEANINGS
from evidence.signoffs.models import PackSignOff
from evidence.signoffs.policies import can_sign_pack
from evidence.signoffs.queries import open_role, pack_statement, sign_offs_of
from identities.queries import identity_of_user
from reviews.forms import SignForm
from reviews.views.proving import take_signature, ways_to_sign
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused


@requires(Permission.PACK_BUILD)
def sign(request: TenantRequest, pack_id: int) -> HttpResponse:
    """Shows what is signed and takes the signature after the person proved again who they are."""
    pack = get_object_or_404(packs(request.actor), pk=pack_id)
    signed, identity = sign_offs_of(pack), identity_of_user(request.actor.user_id)
    role = open_role(pack, signed)
    number = identity.pk if identity else 0
    verdict = can_sign_pack(request.actor, pack, role, identity=number, signed=signed)
    words: dict[str, object] = {"pack": pack, "signed": signed, "role": role, "verdict": verdict}
    if not verdict.allowed or role is None:
        return render(request, "evidence/pack_sign.html", words, status=409 if request.method == "POST" else 200)
    text, digest = pack_statement(pack, role, request.actor)
    form = SignForm(request.POST or None, initial={"printed_name": request.user.name, "digest": digest})
    if form.is_valid() and _sign(request, pack, form):
        messages.success(request, "Signed.")
        return redirect("evidence:pack", request.tenant.slug, pack.pk)
    words |= {"form": form, "digest": digest, "text": text, "meaning": MEANINGS[role], "signs": f"Sign as {role.label}"}
    words |= ways_to_sign(request, digest)
    return render(request, "evidence/pack_sign.html", words, status=422 if form.is_bound else 200)


@require_POST
@requires(Permission.PACK_BUILD)
def retry(request: TenantRequest, pack_id: int) -> HttpResponse:
    """Has the issue of a signed pack tried again."""
    return _done(request, pack_id, partial(retry_issue, by=request.actor), "The issue is tried again.")


@require_POST
@requires(Permission.PACK_BUILD)
def withdraw(request: TenantRequest, pack_id: int) -> HttpResponse:
    """Withdraws a draft."""
    deed = partial(withdraw_pack, reason=request.POST.get("reason", ""), by=request.actor)
    return _done(request, pack_id, deed, "The pack is withdrawn. It stays in the list.")


def _done(request: TenantRequest, pack_id: int, deed: Callable[..., EvidencePack], said: str) -> HttpResponse:
    """Does a deed on a pack and shows it again, with what came of it."""
    pack = get_object_or_404(packs(request.actor), pk=pack_id)
    try:
        deed(pack=pack)
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    else:
        messages.success(request, said)
    return redirect("evidence:pack", request.tenant.slug, pack.pk)


def _sign(request: TenantRequest, pack: EvidencePack, form: SignForm) -> PackSignOff | None:
    """Proves who signs and signs; returns None with the form's error where it is refused."""
    told = form.cleaned_data
    return take_signature(
        request,
        form,
        lambda proof: sign_pack(
            pack=pack,
            by=request.actor,
            printed_name=told["printed_name"],
            shown_digest=told["digest"],
            proof=proof,
        ),
    )
