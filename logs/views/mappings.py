"""The mapping editor: which column of a source is what, tried on a sample before it is saved as a new version."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from logs.actions import look_at_events, look_at_quarantine, save_mapping, take_up_mapping
from logs.mappingform import MappingForm
from logs.models import LogSource
from logs.queries.mappings import newest_records, parts_of, quarantined_records, version_of, versions_of
from logs.rereading import MAPPED
from logs.views.sources import source_or_404
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


def _mapped(request: TenantRequest, source_id: int) -> LogSource:
    found = source_or_404(request, source_id)
    if found.format not in MAPPED or found.is_fed:
        message = "This source has no mapping of its own: its columns are known, or its operator maps them."
        raise Http404(message)
    return found


@requires(Permission.SOURCE_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: TenantRequest, source_id: int) -> HttpResponse:
    """Show the mapping with its versions; preview it on a sample; save it as the next version."""
    found = _mapped(request, source_id)
    data = request.POST if request.method == "POST" else None
    form = MappingForm(data, request.FILES or None, source=found, taken=_taken(request, found))
    trying = request.method == "POST" and "save" not in request.POST
    if data is not None and form.is_valid() and not trying and _save(request, found, form):
        return redirect("logs:mapping", request.tenant.slug, found.pk)
    older = version_of(found, request.GET.get("compare", ""))
    context = {
        "source": found,
        "form": form,
        "preview": form.preview() if data is not None else None,
        "versions": versions_of(found),
        "older": older,
        "parts": parts_of(older.mapping, found.mapping or {}) if older else (),
        "may_read": request.actor.may(Permission.EVENT_VIEW),
        "trying": trying,
    }
    return render(request, "logs/mapping.html", context, status=422 if form.errors and not trying else 200)


def _taken(request: TenantRequest, found: LogSource) -> str:
    """Return the records that the person asked for as a sample; looking at them is a deed."""
    asked = request.POST.get("take", "")
    if asked == "quarantine":
        text = quarantined_records(found)
        look_at_quarantine(asked={"source": found.pk}, shown=len(text.splitlines()), by=request.actor)
        return text
    if asked != "newest":
        return ""
    text = newest_records(found)
    what = f"Newest records of {found.name}, for its mapping"
    look_at_events(what=what, asked={"source": found.pk}, shown=len(text.splitlines()), by=request.actor)
    return text


def _save(request: TenantRequest, found: LogSource, form: MappingForm) -> bool:
    """Save what was typed; a refusal is shown in the form."""
    told = form.cleaned_data
    try:
        kept = save_mapping(source=found, mapping=told["mapping"], why=told["why"], by=request.actor)
    except ValidationError as refusal:
        for name, sentences in refusal.message_dict.items():
            form.add_error("why" if name == "why" else None, sentences)
        return False
    messages.success(request, f"Version {kept.version} holds for records that arrive from now on.")
    return True


@requires(Permission.SOURCE_MANAGE)
@require_POST
def mapping_take_up(request: TenantRequest, source_id: int) -> HttpResponse:
    """Take an older version up again, as a new one."""
    found, number = _mapped(request, source_id), request.POST.get("version", "")
    older = version_of(found, number)
    if older is None:
        message = "There is no such version of this mapping."
        raise Http404(message)
    try:
        kept = take_up_mapping(
            source=found, version=older.version, why=request.POST.get("reason", ""), by=request.actor
        )
        messages.success(request, f"Version {older.version} holds again, as version {kept.version}.")
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    return redirect("logs:mapping", request.tenant.slug, found.pk)
