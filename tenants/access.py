"""The door of every tenant page: who asks, may they, and the open scope in which the view runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from ledger.kinds import LeafKind
from tenants.audit import audit
from tenants.deedlog import Caller, caller
from tenants.kinds import Actor, Permission, PurposeMissing, Refused, Role, Verdict, denied
from tenants.models import Engagement, Tenant, User
from tenants.purposes import with_purpose
from tenants.queries import actor_for, cosigner_for, engagement_of, has_second_factor, tenant_by_slug
from tenants.scope import narrow_scope, tenant_scope

P = ParamSpec("P")
NOT_HERE = "There is no such page, or it is not yours to see."
HIDES_PEOPLE: Final = frozenset({"", "room", "packs", "ledger", "retention", "work"})
"""First parts of the addresses that a room with controlled columns opens: their pages name nobody, or by pseudonyms."""


class TenantRequest(HttpRequest):
    """A request under ``/t/<slug>/``: the tenant is known and its scope is open."""

    tenant: Tenant
    actor: Actor
    user: User
    engagement: Engagement | None


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
    a policy refuses) gets 403 with the sentence that says why; the refusal leaves an audit entry. An external auditor
    is led to make a second factor and sees nothing before; what they read is narrowed to their engagement.
    """

    def decorate(view: View[P]) -> OuterView:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            entered = enter(request, slug, permissions)
            if entered.engagement and not has_second_factor(entered.user):
                return render(entered, "tenants/second_factor.html", status=403)
            verdict = permitted(entered.actor, permissions)
            if not verdict.allowed:
                return refuse(entered, verdict)
            try:
                with tenant_scope(entered.tenant), timezone.override(entered.tenant.zone):
                    _narrow(entered)
                    response = view(entered, **kwargs)  # type: ignore[call-arg]  # kwargs are the address's
                    _note_look(entered, response)
            except Refused as refusal:
                return refuse(entered, refusal.verdict)
            except PurposeMissing:
                return _ask_purpose(entered)
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
    entered.engagement = open_engagement(tenant, actor)
    entered.actor = with_purpose(actor, request, tenant, entered.engagement)
    return entered


def _ask_purpose(request: TenantRequest) -> HttpResponse:
    """Lead somebody who would look at logs to the question what for, and from there back to what they wanted."""
    wanted = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    return redirect(f"{reverse('tenants:purpose', args=[request.tenant.slug])}?{urlencode({'next': wanted})}")


def open_engagement(tenant: Tenant, actor: Actor) -> Engagement | None:
    """Return the engagement of an external auditor, None for everybody else.

    Raises:
        Http404: an auditor without an engagement in force is a stranger.
    """
    if Role.AUDITOR not in actor.roles:
        return None
    with tenant_scope(tenant):
        engagement = engagement_of(actor)
    if engagement is None:
        raise Http404(NOT_HERE)
    return engagement


def _section(request: HttpRequest) -> str:
    """Return the first part of the address after the tenant's: ``room`` of ``/t/acme/room/requests/``."""
    return "".join(request.path.split("/")[3:4])


def _narrow(request: TenantRequest) -> None:
    """Narrow the open scope to an auditor's engagement.

    Raises:
        Http404: the room has controlled columns, and the page would show people.
    """
    if request.engagement is None:
        return
    if request.engagement.controlled and _section(request) not in HIDES_PEOPLE:
        raise Http404(NOT_HERE)
    narrow_scope(request.engagement.pk)


def _note_look(request: TenantRequest, response: HttpResponseBase) -> None:
    """Record an auditor's look at a page outside of their room; the room's pages and files name what was looked at."""
    is_page = request.method == "GET" and response.status_code == 200 and "Content-Disposition" not in response
    if request.engagement and is_page and _section(request) != "room":
        audit("page.look", by=request.actor, target=request.path, kind=LeafKind.LOOKED)


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
