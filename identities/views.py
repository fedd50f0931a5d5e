"""Shows the register: systems, accounts and grants, people, and snapshots with the proof that they are complete."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from identities.actions import (
    import_roster,
    import_snapshot,
    save_list_mapping,
    save_system,
    stage_snapshot,
    upsert_identities,
)
from identities.csvtable import BadFile
from identities.difference import CHANGED, GRANTED, counts_of, parts_of, rows_that, snapshots_to_compare
from identities.difference import SHOWN as SHOWN_DIFFERENCES
from identities.forms import PeopleForm, RosterForm, SnapshotForm, SystemForm
from identities.kinds import ListFormat, PersonChangeKind
from identities.listform import ListMappingForm, PeopleMappingForm
from identities.models import Snapshot, System
from identities.movers import change_counts, changes_in_words, changes_told, people_feeds
from identities.personfield import SHOWN, label_of
from identities.queries import (
    grants_of_system,
    latest_people_feed,
    list_mapping,
    newest_roster,
    people,
    people_with_directory,
    snapshot_holds,
    snapshot_rows,
    snapshots_of,
    systems_register,
)
from identities.readers import READERS
from identities.readers.archive import is_packed
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission

PAGE = 50
DIRECT_BYTES = 300_000
DIRECT_PACKED = 60_000
"""Workbooks and archives are packed some ten times smaller than they are."""

CHECK_ROWS = 1000
"""Snapshots up to this size are digested again on every look; a bigger one on request."""


@requires(Permission.REGISTER_VIEW)
def register(request: TenantRequest) -> HttpResponse:
    """Shows every system with its newest snapshot."""
    context = {"lines": systems_register(), "feed": latest_people_feed()}
    return render(request, "identities/register.html", context)


@requires(Permission.REGISTER_VIEW)
def system_page(request: TenantRequest, key: str) -> HttpResponse:
    """Shows one system: who holds what now, and its snapshots."""
    system = get_object_or_404(System.objects.select_related("owner"), key=key)
    text, privileged = request.GET.get("q", "").strip(), request.GET.get("privileged") == "1"
    grants = grants_of_system(system, privileged_only=privileged, text=text)
    context = {
        "system": system,
        "page": Paginator(grants, PAGE).get_page(request.GET.get("page")),
        "snapshots": snapshots_of(system)[:10],
        "text": text,
        "privileged": privileged,
    }
    return render(request, "identities/system.html", context)


@requires(Permission.REGISTER_MANAGE)
def system_edit(request: TenantRequest, key: str = "") -> HttpResponse:
    """Adds a system, or changes what is written about one."""
    system = get_object_or_404(System.objects.all(), key=key) if key else None
    people_url = reverse("identities:people_choices", args=[request.tenant.slug])
    form = SystemForm(request.POST or None, system=system, people_url=people_url)
    if form.is_valid():
        saved = save_system(facts=form.facts(), by=request.actor, system=system)
        return redirect("identities:system", request.tenant.slug, saved.key)
    status = 422 if form.is_bound else 200
    return render(request, "identities/system_edit.html", {"form": form, "system": system}, status=status)


@requires(Permission.REGISTER_VIEW)
def snapshot_page(request: TenantRequest, snapshot_id: int) -> HttpResponse:
    """Shows one snapshot with what proves that it is complete and unchanged."""
    snapshot = get_object_or_404(Snapshot.objects.select_related("system"), pk=snapshot_id)
    asked = snapshot.row_total <= CHECK_ROWS or request.GET.get("check") == "1"
    context = {
        "snapshot": snapshot,
        "checked": asked,
        "holds": snapshot_holds(snapshot) if asked else None,
        "counted": f"{READERS[snapshot.list_format].noun.capitalize()} in the file",
        "page": Paginator(snapshot_rows(snapshot), PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "identities/snapshot.html", context)


@requires(Permission.REGISTER_VIEW)
def difference(request: TenantRequest, key: str) -> HttpResponse:
    """Shows what was granted, what is gone and what changed between two snapshots of a system."""
    system = get_object_or_404(System.objects.all(), key=key)
    earlier, later = snapshots_to_compare(system, request.GET.dict())
    context: dict[str, object] = {"system": system, "snapshots": snapshots_of(system)[:50]}
    context |= {"earlier": earlier, "later": later}
    if earlier and later:
        shown = request.GET.get("show", "")
        shown = shown if shown in SHOWN_DIFFERENCES else GRANTED
        page = Paginator(rows_that(shown, earlier, later), PAGE).get_page(request.GET.get("page"))
        parts = parts_of(list(page), earlier) if shown == CHANGED else {}
        context |= {"page": page, "shown": shown, "counts": counts_of(earlier, later)}
        context |= {"lines": [(row, parts.get(row.pk, [])) for row in page]}
    return render(request, "identities/difference.html", context)


@requires(Permission.REGISTER_MANAGE)
def upload(request: TenantRequest, key: str) -> HttpResponse:
    """Takes a system's list of grants; a big one is imported in the background."""
    system = get_object_or_404(System.objects.all(), key=key)
    form, valid = _snapshot_form(request, system)
    if valid:
        delivery = form.upload()
        try:
            with transaction.atomic():
                if len(delivery.body) > (DIRECT_PACKED if is_packed(delivery.body) else DIRECT_BYTES):
                    work = stage_snapshot(system=system, upload=delivery, by=request.actor)
                    return redirect("tenants:work", request.tenant.slug, work.pk)
                snapshot = import_snapshot(system=system, upload=delivery, by=request.actor)
            return redirect("identities:snapshot", request.tenant.slug, snapshot.pk)
        except BadFile as bad:
            form.add_error("file", bad.sentence)
    status = 422 if form.is_bound else 200
    context = {"form": form, "system": system, "readers": [(ListFormat(one).label, READERS[one]) for one in READERS]}
    return render(request, "identities/upload.html", context, status=status)


def _snapshot_form(request: TenantRequest, system: System) -> tuple[SnapshotForm, bool]:
    """Returns the form of a delivery and whether it is valid; its times are by the tenant's clock."""
    saved = list_mapping(system)
    with timezone.override(request.tenant.zone):
        form = SnapshotForm(
            request.POST or None,
            request.FILES or None,
            initial={"delivered_by": request.actor.name},
            mapping=saved.mapping if saved else None,
        )
        return form, form.is_valid()


@requires(Permission.REGISTER_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: TenantRequest, key: str) -> HttpResponse:
    """Shows which column of a system's export is what; tries it on a sample, and saves it."""
    system = get_object_or_404(System.objects.all(), key=key)
    saved = list_mapping(system)
    posted = request.POST if request.method == "POST" else None
    form = ListMappingForm(posted, request.FILES or None, held=saved.mapping if saved else None)
    saving = posted is not None and "save" in posted
    if form.is_valid() and saving:
        save_list_mapping(system=system, mapping=form.mapping(), by=request.actor)
        messages.success(request, "The mapping is saved. Files of this system can be read by it now.")
        return redirect("identities:upload", request.tenant.slug, system.key)
    preview = form.preview() if posted is not None else None
    context = {"form": form, "system": system, "saved": saved, "preview": preview, "saving": saving}
    return render(request, "identities/columns.html", context, status=422 if form.errors and saving else 200)


@requires(Permission.REGISTER_VIEW)
def people_page(request: TenantRequest) -> HttpResponse:
    """Shows the people who are watched."""
    text = request.GET.get("q", "").strip()
    page = Paginator(people_with_directory(text), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "text": text, "feed": latest_people_feed(), "today": timezone.localdate()}
    return render(request, "identities/people.html", context)


@requires(Permission.REGISTER_VIEW)
def people_changes(request: TenantRequest) -> HttpResponse:
    """Shows what a list of people told against the one before: who joined, moved, leaves or is missing."""
    feeds = people_feeds()
    feed = next((one for one in feeds if str(one.pk) == request.GET.get("feed", "")), feeds[0] if feeds else None)
    kind = request.GET.get("kind", "")
    kind = kind if kind in PersonChangeKind.values else ""
    page = Paginator(changes_told(feed, kind), PAGE).get_page(request.GET.get("page"))
    context = {
        "feeds": feeds,
        "feed": feed,
        "first": feed is not None and feed.pk == feeds[-1].pk,
        "kind": kind,
        "counts": change_counts(feed),
        "page": page,
        "lines": changes_in_words(list(page)),
        "today": timezone.localdate(),
    }
    return render(request, "identities/people_changes.html", context)


@requires(Permission.REGISTER_MANAGE)
def people_choices(request: TenantRequest) -> HttpResponse:
    """Answers the people that fit what was typed into a form's field, whose name is in the address."""
    text = request.GET.get(request.GET.get("field", ""), "").strip().replace("\x00", "")
    labels = [(label_of(one), one.email) for one in people(text)[:SHOWN]]
    return render(request, "identities/_people_choices.html", {"people": labels})


@requires(Permission.REGISTER_MANAGE)
def people_upload(request: TenantRequest) -> HttpResponse:
    """Takes the list of people."""
    saved = list_mapping(None)
    form = PeopleForm(request.POST or None, request.FILES or None, mapping=saved.mapping if saved else None)
    if form.is_valid():
        body, total = form.cleaned_data["file"].read(), form.cleaned_data["source_total"]
        try:
            with transaction.atomic():
                answer = upsert_identities(body=body, source_total=total, mapping=form.mapping, by=request.actor)
            return render(request, "identities/people_imported.html", {"answer": answer})
        except BadFile as bad:
            form.add_error("file", bad.sentence)
    status = 422 if form.is_bound else 200
    return render(request, "identities/people_upload.html", {"form": form}, status=status)


@requires(Permission.REGISTER_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def people_columns(request: TenantRequest) -> HttpResponse:
    """Shows which column of the list of people is what; tries it on a sample, and saves it."""
    saved = list_mapping(None)
    posted = request.POST if request.method == "POST" else None
    form = PeopleMappingForm(posted, request.FILES or None, held=saved.mapping if saved else None)
    saving = posted is not None and "save" in posted
    if form.is_valid() and saving:
        save_list_mapping(system=None, mapping=form.mapping(), by=request.actor)
        messages.success(request, "The mapping is saved. Lists of people can be read by it now.")
        return redirect("identities:people_upload", request.tenant.slug)
    preview = form.preview() if posted is not None else None
    context = {"form": form, "saved": saved, "preview": preview, "saving": saving}
    return render(request, "identities/columns.html", context, status=422 if form.errors and saving else 200)


@requires(Permission.REGISTER_MANAGE)
def roster_upload(request: TenantRequest) -> HttpResponse:
    """Takes a roster: who is planned to work when."""
    form = RosterForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            with transaction.atomic():
                feed = import_roster(body=form.cleaned_data["file"].read(), tenant=request.tenant, by=request.actor)
            days = f"{feed.first_on:%-d %b %Y} to {feed.last_on:%-d %b %Y}"
            messages.success(request, f"The roster of {days} is imported: {feed.row_total:,} shifts.")
            return redirect("identities:people", request.tenant.slug)
        except BadFile as bad:
            form.add_error("file", bad.sentence)
    status = 422 if form.is_bound else 200
    context = {"form": form, "newest": newest_roster()}
    return render(request, "identities/roster_upload.html", context, status=status)
