"""The page that an external auditor's invitation opens: make an account, or enter with the one of its address."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from portal.forms import JoinForm
from tenants.engagements import accept_invitation, join_by_invitation
from tenants.kinds import Refused
from tenants.models import Engagement, Tenant, User
from tenants.policies import can_accept_invitation
from tenants.queries import engagement_invited, tenant_inviting
from tenants.scope import tenant_scope


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show whom the invitation is for and let that person use it, once; say in one sentence why it opens nothing.

    Raises:
        Http404: nobody was invited with this text, or a newer mail replaced it.
    """
    tenant = tenant_inviting(token)
    if tenant is None:
        raise Http404
    with tenant_scope(tenant), timezone.override(tenant.zone):
        engagement = engagement_invited(token)
        if engagement is None:
            raise Http404
        email = request.user.email if isinstance(request.user, User) else engagement.email
        verdict = can_accept_invitation(email, engagement, timezone.now())
        if not verdict.allowed:
            return _page(request, tenant, engagement, status=403, refusal=verdict.reason)
        if isinstance(request.user, User):
            return _enter(request, request.user, tenant, engagement)
        if User.objects.filter(email=engagement.email).exists():
            login = f"{reverse('account_login')}?next={request.path}"
            return _page(request, tenant, engagement, login=login)
        return _join(request, tenant, engagement)


def _enter(request: HttpRequest, user: User, tenant: Tenant, engagement: Engagement) -> HttpResponse:
    """Let the person who has logged in with the invited address use the invitation."""
    if request.method != "POST":
        return _page(request, tenant, engagement, ready=True)
    try:
        accept_invitation(engagement=engagement, by=user)
    except Refused as refusal:
        return _page(request, tenant, engagement, status=403, refusal=refusal.verdict.reason)
    return redirect("portal:room", tenant.slug)


def _join(request: HttpRequest, tenant: Tenant, engagement: Engagement) -> HttpResponse:
    """Make the account of a person who has none, and log them in."""
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            user = join_by_invitation(engagement=engagement, name=told["name"], password=told["password"])
        except ValidationError as fault:
            form.add_error("password", fault.messages)
        else:
            messages.success(request, "Your account is made.")
            record_authentication(request, user, method="password", reauthenticated=True)  # chosen just now
            answer: HttpResponse = perform_login(request, user, redirect_url=reverse("portal:room", args=[tenant.slug]))
            return answer
    return _page(request, tenant, engagement, form=form, status=422 if form.errors else 200)


def _page(
    request: HttpRequest, tenant: Tenant, engagement: Engagement, *, status: int = 200, **words: Any
) -> HttpResponse:
    """Draw the page; its link stands in its address, which no other host learns (the portal's referrer policy)."""
    answer = render(
        request, "portal/invitation.html", {"inviting": tenant, "engagement": engagement, **words}, status=status
    )
    answer["Cache-Control"] = "no-store"
    return answer
