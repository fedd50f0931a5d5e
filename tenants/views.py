"""Pages of a tenant's own matters: people and roles, audit trail, API tokens, long work."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from tenants import actions, queries
from tenants.access import TenantRequest, requires
from tenants.forms import PersonForm, PurposeForm, PurposesForm, TokenForm, TrailFilter
from tenants.kinds import OF_ROLES, Permission, Refused, Role
from tenants.models import ApiToken, Work
from tenants.paging import Cursor, page_of_trail
from tenants.purposes import state, way_on
from tenants.work import can_cancel_work, cancel_work


@requires(Permission.TENANT_MANAGE)
def people(request: TenantRequest) -> HttpResponse:
    """Show everybody's roles in the tenant, with their terms."""
    now = timezone.now()
    rows = [(row, row.is_current(now)) for row in queries.members(request.tenant)]
    return render(request, "tenants/people.html", {"rows": rows})


@requires(Permission.TENANT_MANAGE)
def person_add(request: TenantRequest) -> HttpResponse:
    """Give a person a role in the tenant; a new person sets their password by mail."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _give_role(request, form):
        messages.success(request, f"{form.cleaned_data['name']} has the role now.")
        return redirect("tenants:people", request.tenant.slug)
    return render(request, "tenants/person_add.html", {"form": form}, status=_status(form))


def _give_role(request: TenantRequest, form: PersonForm) -> bool:
    told = form.cleaned_data
    try:
        with transaction.atomic():  # nobody is added whose role is then refused
            user = actions.add_person(tenant=request.tenant, email=told["email"], name=told["name"], by=request.actor)
            term, role = form.ends_at(request.tenant.zone), Role(told["role"])
            actions.grant_role(tenant=request.tenant, user=user, role=role, by=request.actor, ends_at=term)
    except Refused as refusal:
        form.add_error(None, refusal.verdict.reason)
    return form.is_valid()


@require_POST
@requires(Permission.TENANT_MANAGE)
def role_end(request: TenantRequest, membership_id: int) -> HttpResponse:
    """End a person's role now."""
    membership = get_object_or_404(queries.members(request.tenant), pk=membership_id)
    actions.end_role(membership=membership, by=request.actor)
    messages.success(request, f"{membership.user} is no longer {membership.get_role_display().lower()} here.")
    return redirect("tenants:people", request.tenant.slug)


@requires(Permission.AUDIT_VIEW)
def trail(request: TenantRequest) -> HttpResponse:
    """Show the deeds of the tenant, newest first; the look itself is not a deed on logs."""
    form = TrailFilter(request.GET or None)
    told = form.cleaned_data if form.is_valid() else {}
    rows = queries.audit_trail(verb=told.get("verb", ""), actor=told.get("actor", ""))
    page = page_of_trail(rows, Cursor.read(request.GET.get("cursor", "")))
    return render(request, "tenants/audit.html", {"form": form, "page": page})


@requires(*OF_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: TenantRequest) -> HttpResponse:
    """Ask what somebody looks at logs for, keep it for the day, and go on to what they wanted."""
    kept, told = queries.purpose_list(), request.actor.purpose
    names = kept.names if kept and request.engagement is None else []
    initial = {"purpose": told.name, "reference": told.reference} if told else {}
    form = PurposeForm(request.POST or None, names=names, initial=initial)
    if request.method == "POST" and form.is_valid():
        state(form.stated(), request, request.tenant)
        home = reverse("portal:home", args=[request.tenant.slug])
        return redirect(way_on(request, request.GET.get("next", ""), home))
    return _purpose_page(request, form, PurposesForm(initial={"names": "\n".join(names)}))


def _purpose_page(request: TenantRequest, form: PurposeForm, listed: PurposesForm) -> HttpResponse:
    context = {"form": form, "listed": listed, "kept": queries.purpose_list() if request.engagement is None else None}
    wrong = form.errors or listed.errors
    return render(request, "tenants/purpose.html", context, status=422 if wrong else 200)


@requires(Permission.TENANT_MANAGE)
@require_POST
def purposes_set(request: TenantRequest) -> HttpResponse:
    """Set for which purposes logs are looked at."""
    listed = PurposesForm(request.POST)
    if listed.is_valid():
        try:
            actions.set_purposes(names=listed.cleaned_data["names"], by=request.actor)
        except ValidationError as error:
            listed.add_error("names", error)
        else:
            messages.success(request, "The purposes are set: whoever looks at logs is asked for one of them.")
            return redirect("tenants:purpose", request.tenant.slug)
    kept = queries.purpose_list()
    return _purpose_page(request, PurposeForm(names=kept.names if kept else []), listed)


@requires(Permission.TOKEN_MANAGE)
def tokens(request: TenantRequest) -> HttpResponse:
    """Show the API tokens and issue one; its text is shown in this answer and never again."""
    form = TokenForm(request.POST or None, by=request.actor)
    issued = _issue(request, form) if request.method == "POST" and form.is_valid() else ""
    fresh = TokenForm(by=request.actor) if issued else form
    rows = queries.api_tokens()
    words = {"form": fresh, "rows": rows, "issued": issued, "now": timezone.now()}
    return render(request, "tenants/tokens.html", words, status=_status(fresh))


def _issue(request: TenantRequest, form: TokenForm) -> str:
    told = form.cleaned_data
    scopes = [Permission(one) for one in told["scopes"]]
    try:
        _token, text = actions.issue_token(
            name=told["name"], scopes=scopes, days=told["days"], user=request.user, by=request.actor
        )
    except (Refused, ValidationError) as refusal:
        form.add_error(None, str(refusal))
        return ""
    return text


@require_POST
@requires(Permission.TOKEN_MANAGE)
def token_revoke(request: TenantRequest, token_id: int) -> HttpResponse:
    """Revoke an API token now."""
    token = get_object_or_404(ApiToken.objects.all(), pk=token_id)
    actions.revoke_token(token=token, by=request.actor)
    messages.success(request, f"The token {token.name} opens nothing any more.")
    return redirect("tenants:tokens", request.tenant.slug)


@requires(*OF_ROLES)
def work(request: TenantRequest, work_id: int) -> HttpResponse:
    """Show how far a piece of long work is; htmx asks again until it is over."""
    row = get_object_or_404(queries.visible_work(request.actor), pk=work_id)
    return _work_answer(request, row)


@require_POST
@requires(*OF_ROLES)
def work_cancel(request: TenantRequest, work_id: int) -> HttpResponse:
    """Ask a piece of long work to stop."""
    row = get_object_or_404(queries.visible_work(request.actor), pk=work_id)
    cancel_work(work=row, by=request.actor)
    row.refresh_from_db()
    return _work_answer(request, row)


def _work_answer(request: TenantRequest, row: Work) -> HttpResponse:
    words = {"work": row, "may_cancel": can_cancel_work(request.actor, row)}
    if request.headers.get("HX-Request") != "true":
        return render(request, "tenants/work.html", words)
    answer = render(request, "components/_progress.html", words)
    if row.is_over:  # the page around it shows what came of the work
        answer.headers["HX-Refresh"] = "true"
    return answer


def _status(form: Form) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200
