"""The door of every API view under ``/api/v1/t/<slug>/``: who calls, may they, and the open scope it runs in."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.http import Http404
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from tenants.access import open_engagement
from tenants.apiauth import BearerAuthentication, note_refused
from tenants.audit import audit
from tenants.kinds import Actor, Permission, Refused, Verdict, denied
from tenants.models import ApiToken, Tenant, User
from tenants.purposes import HEADER, said_by_machine
from tenants.queries import actor_for, has_second_factor, purpose_list, tenant_by_slug
from tenants.scope import narrow_scope, tenant_scope
from tenants.tokens import digest

USED_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use of a token is kept: not every request of a busy machine writes its row."""

NOT_HERE: Final = "There is no such thing, or it is not yours to see."


class TenantView(APIView):
    """A view of one tenant: any one of ``permissions`` opens it; handlers run in the tenant's scope.

    Without credentials it answers 401, to strangers of the tenant 404, without the permission 403. ``filters`` is the
    shape of the query parameters besides ``limit`` and ``cursor``; an unknown parameter is an error and never ignored.
    """

    authentication_classes: tuple[type[BaseAuthentication], ...] = (BearerAuthentication, SessionAuthentication)
    permissions: ClassVar[tuple[Permission, ...]] = ()
    filters: ClassVar[type[Serializer[Any]] | None] = None

    tenant: Tenant
    actor: Actor

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the request; as DRF's own, but with the handler inside of the tenant's scope."""
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        self.request = asked = self.initialize_request(request, *args, **kwargs)
        try:
            response = self._answer(asked)
        except Refused as refusal:
            response = self.handle_exception(self._refused(refusal.verdict))
        except Exception as fault:  # noqa: BLE001 -- DRF turns every fault into an answer at this place
            response = self.handle_exception(fault)
        self.response = self.finalize_response(asked, response, *args, **kwargs)
        self.response.headers.setdefault("Cache-Control", "no-store")
        return self.response

    def _answer(self, request: Request) -> Response:
        kwargs = dict(self.kwargs)
        self.initial(request, *self.args, **kwargs)
        slug = kwargs.pop("slug")
        self.tenant, self.actor = enter(request, slug)
        if not any(self.actor.may(permission) for permission in self.permissions):
            raise Refused(denied(_missing(request, self.permissions)))
        self.actor = said_by_machine(self.actor, request.headers)
        handler = getattr(self, str(request.method).lower(), self.http_method_not_allowed)
        engagement = open_engagement(self.tenant, self.actor)
        if engagement and isinstance(request.user, User) and not has_second_factor(request.user):
            raise Refused(denied("Make a second factor first: open the auditor's room in a browser."))
        with tenant_scope(self.tenant):
            if engagement:
                narrow_scope(engagement.pk)
            self._check_purpose()
            response: Response = handler(request, **kwargs)
        return response

    def _check_purpose(self) -> None:
        """Refuse a purpose that the tenant does not list."""
        told, kept = self.actor.purpose, purpose_list() if self.actor.purpose else None
        if told and kept and told.name not in kept.names:
            raise ValidationError(f"{HEADER} is none of the tenant's purposes: {', '.join(kept.names)}.")

    def _refused(self, verdict: Verdict) -> PermissionDenied:
        with tenant_scope(self.tenant):
            audit("access.refuse", by=self.actor, target=self.request.path, detail={"reason": verdict.reason})
        return PermissionDenied(verdict.reason)

    def asked(self) -> Mapping[str, Any]:
        """Return the checked query parameters.

        Raises:
            ValidationError: a value is wrong, or a parameter is not known.
        """
        known = set(self.filters().fields) if self.filters else set()
        wrong = {
            name: ["There is no such parameter."] for name in self.request.query_params if name not in known | PAGING
        }
        if wrong:
            raise ValidationError(wrong)
        if self.filters is None:
            return {}
        shape = self.filters(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        values: Mapping[str, Any] = shape.validated_data
        return values


PAGING: Final = frozenset({"limit", "cursor", "format"})
"""Parameters that every list takes."""


def enter(request: Request, slug: str) -> tuple[Tenant, Actor]:
    """Return the tenant of the address and the caller as its actor.

    Raises:
        NotAuthenticated: no credentials.
        AuthenticationFailed: the token was revoked or has expired, or its issuer has no role here any more.
        Http404: the caller is a stranger to the tenant, or there is no such tenant.
    """
    text, user = request.auth, request.user
    if not text and not isinstance(user, User):
        message = "Send a token of this tenant: Authorization: Bearer csn_api_..."
        raise NotAuthenticated(message)
    tenant = tenant_by_slug(slug)
    if tenant is None:
        raise Http404(NOT_HERE)
    actor = actor_for(user, tenant) if isinstance(user, User) else _actor_of_token(str(text), tenant)
    if actor is None:
        raise Http404(NOT_HERE)
    return tenant, actor


def _actor_of_token(text: str, tenant: Tenant) -> Actor | None:
    """Return the token as an actor; None when the tenant knows no such token, as for a stranger."""
    now = timezone.now()
    with tenant_scope(tenant):
        token = ApiToken.objects.select_related("created_by").filter(digest=digest(text)).first()
        if token is None or not token.is_usable(now):
            note_refused(text, str(tenant.uuid))
        if token is None:
            return None
        if not token.is_usable(now):
            message = "This token was revoked or has expired. Issue a new one."
            raise AuthenticationFailed(message)
        if token.last_used_at is None or now - token.last_used_at > USED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    issuer = actor_for(token.created_by, tenant)
    if issuer is None:
        message = "Whoever issued this token has no role here any more. Issue a new one."
        raise AuthenticationFailed(message)
    scopes = frozenset(Permission(scope) for scope in token.scopes) & issuer.permissions
    return Actor(f"token:{token.name}", None, tenant.pk, issuer.roles, scopes)


def _missing(request: Request, permissions: tuple[Permission, ...]) -> str:
    needed = " or ".join(permissions)
    whose = "This token has not" if request.auth else "Your role in this tenant has not"
    return f"{whose} the scope {needed}."
