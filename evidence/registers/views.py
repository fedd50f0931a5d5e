"""Pages of the registers: documents, record of processing, responses, gaps and their causes, what tools reported."""

from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from evidence.atrest import stores
from evidence.catalogue import load
from evidence.registers import actions, queries
from evidence.registers.forms import AnswerForm, DocumentForm, GapForm, ProcessingForm
from evidence.registers.kinds import GapCause
from evidence.registers.models import Document
from evidence.report import STATE_WORDS
from logs.models import LogSource
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

GAP_DAYS = 90
LONGEST_HOUR = 7
"""Hours from 1970 have six digits until the year 2084."""
READ_WRITE = ["GET", "HEAD", "POST"]


@requires(Permission.CONTROL_VIEW)
@require_http_methods(READ_WRITE)
def documents(request: TenantRequest) -> HttpResponse:
    """Show what is on file and what is missing, and file a version."""
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        row = actions.file_document(facts=form.facts(), by=request.actor)
        messages.success(request, f"{row} is on file.")
        return redirect("evidence:documents", request.tenant.slug)
    words = {
        "lines": queries.document_lines(timezone.localtime()),
        "history": queries.documents()[: queries.SHOWN],
        "form": form,
        "may_file": request.actor.may(Permission.CONTROL_COMPUTE),
    }
    return render(request, "evidence/documents.html", words, status=422 if form.errors else 200)


@never_cache
@requires(Permission.CONTROL_VIEW)
@require_safe
def document_file(request: TenantRequest, document_id: int) -> HttpResponse:  # noqa: ARG001 -- the tenant is in the scope
    """Give a document's file as it was filed."""
    row = get_object_or_404(Document.objects.exclude(sha256=""), pk=document_id)
    answer = HttpResponse(bytes(row.data), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="document-{row.pk}{row.suffix}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@requires(Permission.CONTROL_VIEW)
@require_http_methods(READ_WRITE)
def processing(request: TenantRequest) -> HttpResponse:
    """Show the record of processing with its versions, and record a further one."""
    newest = queries.newest_processing()
    initial = {name: getattr(newest, name) for name in ProcessingForm.base_fields} if newest else {}
    sources = list(LogSource.objects.order_by("name").values_list("key", "name"))
    form = ProcessingForm(request.POST or None, initial=initial, sources=sources)
    if request.method == "POST" and form.is_valid():
        row = actions.record_processing(facts=form.facts(), by=request.actor)
        messages.success(request, f"Recorded as version {row.version}.")
        return redirect("evidence:processing", request.tenant.slug)
    history, may = queries.processing_history(), request.actor.may(Permission.CONTROL_COMPUTE)
    words = {"form": form, "newest": newest, "history": history, "may_record": may}
    return render(request, "evidence/processing.html", words, status=422 if form.errors else 200)


@requires(Permission.CONTROL_VIEW)
@require_safe
def responses(request: TenantRequest) -> HttpResponse:
    """Show what management says about rows that did not pass, soonest due first."""
    rows = [(row, load().control(row.control)) for row in queries.responses_in_force()]
    return render(request, "evidence/responses.html", {"rows": rows, "today": timezone.localdate()})


@requires(Permission.CONTROL_COMPUTE)
@require_http_methods(READ_WRITE)
def answer(request: TenantRequest, key: str) -> HttpResponse:
    """Answer a row that did not pass."""
    row = load().control(key)
    if row is None:
        raise Http404("The catalogue has no such control.")
    form = AnswerForm(request.POST or None, owners=queries.owners(request.tenant))
    if request.method == "POST" and form.is_valid():
        try:
            actions.answer_control(facts=form.facts(key), by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
        else:
            messages.success(request, "The response is recorded and will be printed in every pack.")
            return redirect("evidence:control", request.tenant.slug, key)
    result = queries.newest_result(key)
    words = {"form": form, "control": row, "result": result, "word": STATE_WORDS[result.state] if result else ""}
    words["history"] = queries.responses_to(key)
    return render(request, "evidence/answer.html", words, status=422 if form.errors else 200)


@requires(Permission.CONTROL_VIEW)
@require_safe
def gaps(request: TenantRequest) -> HttpResponse:
    """Show the silences of the last 90 days, longest first, with who noticed them and why they were."""
    found = queries.gaps_between(timezone.now() - timedelta(days=GAP_DAYS))
    words = {"gaps": found[: queries.SHOWN], "total": len(found), "days": GAP_DAYS}
    words["may_note"] = request.actor.may(Permission.CONTROL_COMPUTE)
    return render(request, "evidence/gaps.html", words)


@requires(Permission.CONTROL_COMPUTE)
@require_http_methods(READ_WRITE)
def gap(request: TenantRequest, source_id: int) -> HttpResponse:
    """Note why a source was silent; `?hour=` is the first missing hour, in hours from 1970 (UTC)."""
    source = get_object_or_404(LogSource.objects.all(), pk=source_id)
    asked = request.GET.get("hour", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < LONGEST_HOUR):
        return redirect("evidence:gaps", request.tenant.slug)
    begin = datetime.fromtimestamp(int(asked) * 3600, tz=UTC)
    form = GapForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        cause = GapCause(told["cause"])
        try:
            actions.note_gap(source=source, gap_from=begin, cause=cause, said=told["said"], by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
        else:
            return redirect("evidence:gaps", request.tenant.slug)
    words = {"form": form, "source": source, "begin": begin, "notes": queries.notes_on(source, begin)}
    return render(request, "evidence/gap.html", words, status=422 if form.errors else 200)


@requires(Permission.CONTROL_VIEW)
@require_safe
def operations(request: TenantRequest) -> HttpResponse:
    """Show what tools reported of backups and restore tests, and where evidence lies."""
    return render(request, "evidence/operations.html", {"reports": queries.operating_reports(), "stores": stores()})
