"""The retention page: terms, what goes next, legal holds, and what went."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from logs.actions import lift_legal_hold, set_legal_hold, set_retention_term
from logs.kinds import LogType
from logs.queries.retention import legal_hold, retention_facts
from logs.retentionforms import HoldForm, TermForm
from logs.terms import NOTICE_DAYS
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.LEDGER_VIEW)
@require_safe
def retention(request: TenantRequest) -> HttpResponse:
    """Show how long events are kept, what is held, and what went."""
    return _page(request, TermForm(), HoldForm(by=request.actor))


def _page(request: TenantRequest, term_form: TermForm, hold_form: HoldForm, status: int = 200) -> HttpResponse:
    context = {
        **retention_facts(timezone.now()),
        "term_form": term_form,
        "hold_form": hold_form,
        "may_manage": request.actor.may(Permission.RETENTION_MANAGE),
        "notice_days": NOTICE_DAYS,
    }
    return render(request, "logs/retention.html", context, status=status)


def _done(form: forms.Form, deed: Callable[[], object]) -> bool:
    """Do what a form asks for; what the deed refuses is said beside the form."""
    if not form.is_valid():
        return False
    try:
        deed()
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


@requires(Permission.RETENTION_MANAGE)
@require_POST
def term_set(request: TenantRequest) -> HttpResponse:
    """Set the term of one kind of log."""
    form = TermForm(request.POST)

    def deed() -> None:
        asked = form.cleaned_data
        kind, months = LogType(asked["kind"]), asked["months"]
        set_retention_term(kind=kind, months=months, reason=asked["reason"], by=request.actor)

    if not _done(form, deed):
        return _page(request, form, HoldForm(by=request.actor), status=422)
    messages.success(request, f"The term is set. A shorter one holds in {NOTICE_DAYS} days, a longer one now.")
    return redirect("logs:retention", request.tenant.slug)


@requires(Permission.RETENTION_MANAGE)
@require_POST
def hold_set(request: TenantRequest) -> HttpResponse:
    """Set a legal hold."""
    form = HoldForm(request.POST, by=request.actor)
    if not _done(form, lambda: set_legal_hold(facts=form.facts(), by=request.actor)):
        return _page(request, TermForm(), form, status=422)
    messages.success(request, "The hold is set: nothing of it is removed until somebody lifts it.")
    return redirect("logs:retention", request.tenant.slug)


@requires(Permission.RETENTION_MANAGE)
@require_POST
def hold_lift(request: TenantRequest, hold_id: int) -> HttpResponse:
    """Lift a legal hold."""
    found = legal_hold(hold_id)
    if found is None:
        message = "There is no such hold."
        raise Http404(message)
    try:
        lift_legal_hold(hold=found, reason=request.POST.get("reason", ""), by=request.actor)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "The hold is lifted: what is past its term goes with the next removal.")
    return redirect("logs:retention", request.tenant.slug)
