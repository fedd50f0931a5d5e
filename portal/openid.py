"""Sends people to the identity provider, to log in or to sign, and takes its answer."""

import logging
import re
import time
from typing import Any, Final

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from portal.views import PersonRequest
from reviews.reauthentication import keep_told
from tenants.deedlog import write_deed
from tenants.models import User
from tenants.openid import OpenIDError, Provider, Told, answer, provider, question
from tenants.providerlinks import person_told
from tenants.queries import is_linked

ASKED: Final = "openid_asked"
ASKED_SECONDS: Final = 900
"""How long a question waits for its answer: somebody may have to look for their phone."""
_log = logging.getLogger(__name__)
DIGEST: Final = re.compile("[0-9a-f]{64}")


@require_safe
def openid_begin(request: HttpRequest) -> HttpResponse:
    """Send the visitor to the identity provider to log in."""
    try:
        return _ask(request, _provider(), _here(request))
    except OpenIDError as fault:
        return _refuse(request, fault)


@require_safe
@login_required
def openid_again(request: PersonRequest) -> HttpResponse:
    """Send the person to the identity provider to show anew who they are, over what they are about to sign."""
    asked, digest, back = _provider(), request.GET.get("digest", ""), _here(request)
    if not DIGEST.fullmatch(digest) or not back or not is_linked(request.user, asked.issuer):
        raise Http404
    try:
        return _ask(request, asked, back, digest)
    except OpenIDError as fault:
        _note_failure(request, fault)
        messages.error(request, str(fault))
        return redirect(back)


@require_safe
def openid_return(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer: log the person in, or keep it for the signature that it was asked for."""
    asked, kept = _provider(), request.session.pop(ASKED, {})
    digest, back = kept.get("digest", ""), kept.get("back", "")
    try:
        told = _told(request, asked, kept)
        if not digest:
            return _log_in(request, person_told(asked=asked, claims=told.claims), asked, back)
        _keep(request, asked, told)
    except OpenIDError as fault:
        if not digest:
            return _refuse(request, fault)
        _note_failure(request, fault)
        messages.error(request, str(fault))
    return redirect(back)


def _provider() -> Provider:
    """Return the installation's provider; raises Http404 where there is none."""
    found = provider()
    if found is None:
        raise Http404
    return found


def _here(request: HttpRequest) -> str:
    """Return the page of ours to go on to, or nothing: no other site is led to from here."""
    back = request.GET.get("next", "")
    return back if back.startswith("/") and url_has_allowed_host_and_scheme(back, None) else ""


def _return_to() -> str:
    """Return the address to which the provider sends people back, as it is registered there."""
    return settings.PORTAL_URL + reverse("portal:openid_return")


def _ask(request: HttpRequest, asked: Provider, back: str, digest: str = "") -> HttpResponse:
    """Keep the question in the session and send the browser with it to the provider."""
    put = question(asked, return_to=_return_to(), digest=digest)
    kept: dict[str, Any] = {"state": put.state, "nonce": put.nonce, "verifier": put.verifier, "at": time.time()}
    request.session[ASKED] = {**kept, "digest": digest, "back": back}
    return redirect(put.url)


def _told(request: HttpRequest, asked: Provider, kept: dict[str, Any]) -> Told:
    """Return what the provider answered to the question of this session.

    Raises:
        OpenIDError: nothing was asked, or too long ago; the provider refused; or its answer does not hold.
    """
    state = request.GET.get("state", "")
    if not kept or state != kept["state"] or time.time() - kept["at"] > ASKED_SECONDS:
        raise OpenIDError(f"This answer of {asked.name} is not to a question of this browser. Begin again.")
    if not request.GET.get("code"):
        raise OpenIDError(f"{asked.name} did not let you in. Begin again, or log in otherwise.")
    code, verifier, nonce = request.GET["code"], kept["verifier"], kept["nonce"]
    return answer(asked, code=code, verifier=verifier, nonce=nonce, return_to=_return_to())


def _keep(request: HttpRequest, asked: Provider, told: Told) -> None:
    """Keep the answer for the signature that it was asked for; raises OpenIDError where it is about somebody else."""
    if not isinstance(request.user, User) or not is_linked(request.user, asked.issuer, told.claims["sub"]):
        raise OpenIDError(f"This is not the account at {asked.name} that is tied to yours. Sign in there as yourself.")
    keep_told(request, told)


def _log_in(request: HttpRequest, user: User, asked: Provider, back: str) -> HttpResponse:
    """Log the person in as allauth does after a password: whoever has a second factor here is asked for it."""
    record_authentication(request, user, method="openid", issuer=asked.issuer)
    entered: HttpResponse = perform_login(request, user, redirect_url=back or None)
    return entered


def _refuse(request: HttpRequest, fault: OpenIDError) -> HttpResponse:
    """Say in one sentence why nobody was logged in, and write it down as other failed log-ins are."""
    _note_failure(request, fault)
    return render(request, "account/openid_refused.html", {"sentence": str(fault)}, status=403)


def _note_failure(request: HttpRequest, fault: OpenIDError) -> None:
    """Write a failed log-in to the portal's own log, and its cause to the operator's."""
    user = request.user if isinstance(request.user, User) else None
    name, number = (user.email, user.pk) if user else (fault.account, None)
    write_deed("login", actor=name, actor_id=number, tenant="", outcome="failure")
    _log.warning("The identity provider proved nobody: %s (%s)", fault, fault.__cause__ or "nothing more is known")
