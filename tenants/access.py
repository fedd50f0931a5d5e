"""The door of every tenant page: who asks, may they, and the open scope in which the view runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from tenants.audit import audit
from tenants.deedlog import Caller, caller
from tenants.kinds import Actor, Permission, Refused, Verdict, denied
from tenants.models import Tenant, User
from tenants.queries import actor_for, cosigner_for, tenant_by_slug
from tenants.scope import tenant_scope

P = ParamSpec("P")
NOT_HERE = "There is no such page, or it is not yours to see."


class TenantRequest(HttpRequest):
    """A request under ``/t/<slug>/``: the tenant is known and its scope is open."""

    tenant: Tenant
    actor: Actor
    user: User


class CallerMiddleware:
    """Keeps the caller's address and browser for the audit trail and the portal's own log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Run the request with its caller known."""
        token = caller.set(Caller(request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", "")[:400]))
        try:
            return self.get_response(request)
        finally:
            caller.reset(token)


View = Callable[Concatenate[TenantRequest, P], HttpResponseBase]
OuterView = Callable[..., HttpResponseBase]


def requires(*permissions: Permission) -> Callable[[View[P]], OuterView]:
    """Guard a view under ``/t/<slug>/``: any one of the permissions opens it.

    An anonymous visitor is sent to log in, a stranger to the tenant gets 404, a member without the permission (or whom
    a policy refuses) gets 403 with the sentence that says why; the refusal leaves an audit entry.
    """

    def decorate(view: View[P]) -> OuterView:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            entered = enter(request, slug, permissions)
            verdict = permitted(entered.actor, permissions)
            if not verdict.allowed:
                return refuse(entered, verdict)
            try:
                with tenant_scope(entered.tenant), timezone.override(entered.tenant.zone):
                    response = view(entered, **kwargs)  # type: ignore[call-arg]  # kwargs are the address's
            except Refused as refusal:
                return refuse(entered, refusal.verdict)
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        guarded.permissions = permissions  # type: ignore[attr-defined]  # the walk over all addresses reads it
        return guarded

    return decorate


def enter(request: HttpRequest, slug: str, permissions: tuple[Permission, ...]) -> TenantRequest:
    """Put the tenant and the actor on the request; raises Http404 for a stranger, as for an unknown slug.

    A person of a client is a stranger to its BPO's pages, but for those that say they are for co-signing.

    An address with a NUL is no page either: PostgreSQL's text holds none.
    """
    entered = cast("TenantRequest", request)
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        raise Http404(NOT_HERE)
    tenant = tenant_by_slug(slug)
    actor = actor_for(entered.user, tenant) if tenant else None
    if tenant is not None and Permission.ITEM_COSIGN in permissions:
        actor = cosigner_for(entered.user, tenant, actor)
    if tenant is None or actor is None:
        raise Http404(NOT_HERE)
    entered.tenant, entered.actor = tenant, actor
    return entered


def permitted(actor: Actor, permissions: tuple[Permission, ...]) -> Verdict:
    """Return whether the actor holds any of the permissions."""
    if any(actor.may(permission) for permission in permissions):
        return Verdict(allowed=True)
    return denied("Your role in this tenant does not open this page. Ask its compliance officer if you need it.")


def refuse(request: TenantRequest, verdict: Verdict) -> HttpResponse:
    """Answer 403 with the reason, and record the refusal."""
    with tenant_scope(request.tenant):
        audit("access.refuse", by=request.actor, target=request.path, detail={"reason": verdict.reason})
        return render(request, "403.html", {"reason": verdict.reason}, status=403)
