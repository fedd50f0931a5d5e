"""Takes the proof of who signs, the same for every statement: the ways a person has, and the answer they gave."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode

from reviews.forms import SignForm
from reviews.kinds import Authentication, Level, is_enough
from reviews.queries.standing import signing_minimum
from reviews.reauthentication import (
    by_code,
    by_passkey,
    by_provider,
    by_session,
    is_asked_too_often,
    levels_of,
    note_refused,
    passkey_request,
    told_by_provider,
)
from tenants.access import TenantRequest
from tenants.kinds import Refused
from tenants.openid import provider, shows_second_factor

Signature = TypeVar("Signature")


def ways_to_sign(request: TenantRequest, digest: str) -> dict[str, object]:
    """Returns the ways in which the person can sign here, and what a passkey would be asked for."""
    minimum, own = signing_minimum(), levels_of(request)
    enough = {level for level in own if is_enough(level, minimum)}
    passkey = passkey_request(request.user, digest) if Level.PASSKEY in enough else None
    return {
        "minimum": minimum,
        "own": own,
        "enough": enough,
        "by_code": Level.CODE in enough,
        "by_session": Level.SESSION in enough and Level.CODE not in enough,
        "js_data": {"request_options": passkey} if passkey else None,
        "by_provider": _way_by_provider(request, digest) if Level.PROVIDER in enough else None,
    }


def _way_by_provider(request: TenantRequest, digest: str) -> dict[str, object]:
    """Returns how the person signs in again at the identity provider, and what it said where they just did."""
    asked, told = provider(), told_by_provider(request)
    way = {"digest": digest, "next": request.get_full_path()}
    return {
        "name": asked.name if asked else "",
        "again": f"{reverse('portal:openid_again')}?{urlencode(way)}",
        "told": told is not None,
        "changed": told is not None and told.claims["nonce"] != digest,
        "weak": told is not None and not shows_second_factor(told.claims),
    }


def take_signature(
    request: TenantRequest, form: SignForm, deed: Callable[[Authentication], Signature]
) -> Signature | None:
    """Proves who signs and does the deed; returns None with the form's error where it is refused."""
    if is_asked_too_often(request):
        form.add_error(None, "You tried too often. Wait a minute, then prove again who you are.")
        return None
    proof = _proof(request, form)
    if proof is None:
        note_refused(request)
        return None
    try:
        with transaction.atomic():
            return deed(proof)
    except Refused as refusal:
        form.add_error(None, refusal.verdict.reason)
        return None


def _proof(request: TenantRequest, form: SignForm) -> Authentication | None:
    """Returns the proof of who signs by the way that was taken; None with the form's error where it is none."""
    told = form.cleaned_data
    if told["credential"]:
        proof = by_passkey(request.user, told["digest"], told["credential"])
        sentence = "The passkey's answer does not fit this statement. Read it again and sign."
    elif told["way"]:
        proof = by_provider(request, told["digest"])
        sentence = "Your sign-in there is too old, over another statement or without a second factor. Sign in again."
    elif told["code"] or Level.SESSION not in levels_of(request):
        proof = by_code(request.user, told["password"], told["code"])
        sentence = "The password or the code is not right. Type both again; a code opens once and for half a minute."
    else:
        proof, sentence = by_session(request, told["password"]), "This is not your password. Type it again."
    if proof is None:
        form.add_error(None, sentence)
    return proof
