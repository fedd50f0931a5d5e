"""Pages of the auditor's room: engagements, requests with their thread, populations and samples."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from evidence.catalogue import framework_names, load
from evidence.room import actions, queries
from evidence.room.forms import AskForm, DrawForm, FreezeForm, InviteForm, MarkForm, TurnForm
from evidence.room.models import AuditRequest, Population, RequestEntry, Sample
from evidence.room.pages import attachable_to, attached_of, csv_file, file_answer, found_of, freezable, turns_of
from evidence.states import Mark, Turn
from reviews.sampling import recipe
from tenants.access import TenantRequest, requires
from tenants.engagements import end_engagement, invite_auditor
from tenants.kinds import Permission, Refused
from tenants.queries import engagements

ROOM = (Permission.ROOM_VIEW, Permission.PACK_BUILD)


@requires(Permission.SHARE_MANAGE)
def auditors(request: TenantRequest) -> HttpResponse:
    """Show every engagement of an external auditor with its scope and where it stands."""
    now = timezone.now()
    rows = [(row, row.state(now), framework_names(row.frameworks)) for row in engagements()]
    return render(request, "evidence/room/auditors.html", {"rows": rows})


@requires(Permission.SHARE_MANAGE)
def auditor_invite(request: TenantRequest) -> HttpResponse:
    """Invite an external auditor; the invitation goes out by mail."""
    today = timezone.localdate()
    initial = {"first_day": today - timedelta(days=364), "last_day": today, "frameworks": list(load().frameworks)[:4]}
    form = InviteForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        told, scope = form.cleaned_data, form.scope(request.tenant.zone, timezone.now())
        try:
            row = invite_auditor(email=told["email"], firm=told["firm"], scope=scope, by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
        else:
            messages.success(request, f"The invitation goes to {row.email} now.")
            return redirect("evidence:auditors", request.tenant.slug)
    return render(request, "evidence/room/invite.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@requires(Permission.SHARE_MANAGE)
def auditor_end(request: TenantRequest, engagement_id: int) -> HttpResponse:
    """End an engagement or take an invitation back, now."""
    row = get_object_or_404(engagements(), pk=engagement_id)
    end_engagement(engagement=row, by=request.actor)
    messages.success(request, f"The room of {row.firm} is closed.")
    return redirect("evidence:auditors", request.tenant.slug)


@requires(Permission.PACK_BUILD)
def population_freeze(request: TenantRequest, engagement_id: int) -> HttpResponse:
    """Freeze a population for a room."""
    engagement = get_object_or_404(engagements(), pk=engagement_id)
    form = FreezeForm(request.POST or None, campaigns=freezable(engagement))
    if request.method == "POST" and form.is_valid():
        found = found_of(engagement, form.cleaned_data["population"])
        try:
            row = actions.freeze_population(tenant=request.tenant, engagement=engagement, found=found, by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
        else:
            return redirect("evidence:population", request.tenant.slug, row.pk)
    words = {"form": form, "engagement": engagement}
    return render(request, "evidence/room/freeze.html", words, status=422 if form.errors else 200)


@requires(*ROOM)
def requests(request: TenantRequest) -> HttpResponse:
    """Show the requests of the auditor's room, or for an officer of all rooms."""
    rows = queries.requests(request.engagement)[:200]
    actions.look(what="request", target="the list of requests", by=request.actor)
    words = {"rows": rows, "may_ask": request.engagement is not None, "today": timezone.localdate()}
    return render(request, "evidence/room/requests.html", words)


@requires(Permission.ROOM_VIEW)
def request_new(request: TenantRequest) -> HttpResponse:
    """Ask for evidence."""
    engagement = get_object_or_404(engagements(), pk=request.engagement.pk if request.engagement else 0)
    form = AskForm(request.POST or None, frameworks=engagement.frameworks)
    if request.method == "POST" and form.is_valid():
        row = actions.ask(engagement=engagement, by=request.actor, **form.cleaned_data)
        return redirect("evidence:request", request.tenant.slug, row.pk)
    return render(request, "evidence/room/ask.html", {"form": form}, status=422 if form.errors else 200)


@requires(*ROOM)
def request_page(request: TenantRequest, request_id: int) -> HttpResponse:
    """Show a request with its thread, and take the next turn."""
    row = get_object_or_404(queries.requests(request.engagement), pk=request_id)
    attachable = [] if request.engagement else attachable_to(row.engagement)
    form = TurnForm(
        request.POST or None, request.FILES or None, turns=turns_of(row, request.actor), attachable=attachable
    )
    if request.method == "POST" and form.is_valid() and _turned(request, row, form):
        return redirect("evidence:request", request.tenant.slug, row.pk)
    if request.method != "POST":
        actions.look(what="request", target=f"request {row.n} of {row.engagement.firm}", by=request.actor)
    words = {"row": row, "thread": queries.thread(row), "form": form, "control": load().control(row.control)}
    return render(request, "evidence/room/request.html", words, status=422 if form.errors else 200)


def _turned(request: TenantRequest, row: AuditRequest, form: TurnForm) -> bool:
    told = form.cleaned_data
    attached = attached_of(row.engagement, told.get("attach", ""), told["document"])
    try:
        actions.take_turn(
            request=row, turn=Turn(told["turn"]), words=told["words"], attached=attached, by=request.actor
        )
    except Refused as refusal:
        form.add_error(None, refusal.verdict.reason)
    return form.is_valid()


@requires(*ROOM)
def document(request: TenantRequest, entry_id: int) -> HttpResponse:
    """Give a document of a thread."""
    rows = queries.within(RequestEntry.objects.exclude(document=None), request.engagement)
    row = get_object_or_404(rows, pk=entry_id)
    data = bytes(row.document or b"")
    actions.download(what="document", target=row.document_name, data=data, by=request.actor)
    name = row.document_name.encode("ascii", "ignore").decode()
    return file_answer(data, f"{row.pk}-{name}", "application/octet-stream")


@requires(*ROOM)
def populations(request: TenantRequest) -> HttpResponse:
    """Show the frozen populations and the samples drawn from them."""
    actions.look(what="population", target="the list of populations", by=request.actor)
    found = {
        "rows": queries.populations(request.engagement)[:100],
        "samples": queries.samples(request.engagement)[:100],
    }
    return render(request, "evidence/room/populations.html", found)


@requires(*ROOM)
def population(request: TenantRequest, population_id: int) -> HttpResponse:
    """Show a population's information sheet and first rows; its auditor draws a sample here."""
    row = _population(request, population_id)
    form = DrawForm(request.POST or None) if request.engagement else None
    if request.method == "POST" and form and form.is_valid():
        try:
            told = form.cleaned_data
            drawn = actions.draw_sample(tenant=request.tenant, population=row, by=request.actor, **told)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
        else:
            return redirect("evidence:sample", request.tenant.slug, drawn.pk)
    if request.method != "POST":
        actions.look(what="population", target=row.title, by=request.actor)
    columns, *lines = queries.table_of(row)
    words = {"row": row, "form": form, "columns": columns, "lines": lines[:20], "samples": row.samples.order_by("-id")}
    return render(request, "evidence/room/population.html", words, status=422 if form and form.errors else 200)


def _population(request: TenantRequest, population_id: int) -> Population:
    rows = queries.within(Population.objects.select_related("engagement"), request.engagement)
    return get_object_or_404(rows, pk=population_id)


@requires(*ROOM)
def population_file(request: TenantRequest, population_id: int) -> HttpResponse:
    """Give a population's CSV, whose SHA-256 the page prints."""
    row = _population(request, population_id)
    data = actions.download(what="population", target=row.title, data=bytes(row.data), by=request.actor)
    return file_answer(data, f"population-{row.pk}.csv", "text/csv; charset=utf-8")


@requires(*ROOM)
def sample(request: TenantRequest, sample_id: int) -> HttpResponse:
    """Show a sample, how to draw it again by hand, and its marks; its auditor marks here."""
    row = _sample(request, sample_id)
    form = MarkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(_mark(request, row, form.cleaned_data))
    if request.method != "POST":
        actions.look(what="sample", target=str(row), by=request.actor)
    _columns, rows = queries.sample_rows(row)
    words = {"row": row, "rows": rows, "may_mark": request.engagement, "recipe": recipe(row.seed, row.size)}
    return render(request, "evidence/room/sample.html", words, status=422 if form.errors and form.is_bound else 200)


def _mark(request: TenantRequest, row: Sample, told: Mapping[str, str]) -> str:
    """Mark one thing; returns where to go on: at the thing, or above the page where its auditor has to say more."""
    place, item = reverse("evidence:sample", args=(request.tenant.slug, row.pk)), told["item"]
    try:
        actions.mark_item(sample=row, item=item, mark=Mark(told["mark"]), note=told["note"], by=request.actor)
    except Refused as refusal:
        if request.engagement is None:
            raise
        messages.error(request, f"{item} is not marked. {refusal.verdict.reason}")
        return place
    return f"{place}#{quote(item)}"


def _sample(request: TenantRequest, sample_id: int) -> Sample:
    rows = queries.within(Sample.objects.select_related("population", "engagement"), request.engagement)
    return get_object_or_404(rows, pk=sample_id)


@requires(*ROOM)
def sample_file(request: TenantRequest, sample_id: int) -> HttpResponse:
    """Give a sample's attribute sheet with the marks so far."""
    row = _sample(request, sample_id)
    data = actions.download(what="sample", target=str(row), data=csv_file(queries.sheet_of(row)), by=request.actor)
    return file_answer(data, f"sample-{row.pk}.csv", "text/csv; charset=utf-8")
