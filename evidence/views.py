"""Pages of controls, evidence packs and the ledger."""

from datetime import timedelta
from typing import Any

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from evidence import actions, queries
from evidence.catalogue import framework_names, load
from evidence.forms import (
    CalendarForm,
    ControlFilter,
    GrowthForm,
    KeyForm,
    PackForm,
    PeriodForm,
    SettingForm,
    ShareForm,
)
from evidence.kinds import Control
from evidence.models import EvidencePack, SettingKind
from evidence.packfolder import StoreError
from evidence.pages import (
    WITNESS_FILE,
    calendar_ics,
    calendar_words,
    control_facts,
    framework_tally,
    key_answer,
    ledger_words,
    parameters_in_force,
    people_to_share,
    verification_words,
)
from evidence.registers.queries import responses_to
from evidence.signoffs.actions import share_pack
from evidence.signoffs.policies import can_retry_issue
from evidence.signoffs.queries import sign_offs_of, work_of
from evidence.states import PackState
from evidence.verifier import single_file, single_page
from ledger.queries import growth_proof, latest_checkpoint
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused
from tenants.models import User


@requires(Permission.CONTROL_VIEW)
def controls(request: TenantRequest) -> HttpResponse:
    """Show the catalogue's rows with their newest results, by framework and state."""
    form = ControlFilter(request.GET or None)
    told = form.cleaned_data if form.is_valid() else {}
    run = queries.newest_run()
    lines = queries.control_lines(run, framework=told.get("framework", ""), state=told.get("state", ""))
    words = {
        "form": form,
        "run": run,
        "lines": lines,
        "tallies": framework_tally(queries.control_lines(run)),
        "evaluate": PeriodForm(initial=_last_days(request)),
        "may_compute": request.actor.may(Permission.CONTROL_COMPUTE),
        "catalogue": load(),
        "refused": load().refused,
    }
    return render(request, "evidence/controls.html", words)


@requires(Permission.CONTROL_VIEW)
def control(request: TenantRequest, key: str) -> HttpResponse:
    """Show one row: requirement, criterion, what was measured by which query, and earlier results."""
    row, run = _row(key), queries.newest_run()
    kinds = queries.kinds_of(run, row)
    history = queries.history_of(row)
    words = control_facts(row, run, kinds, history)
    words |= {"responses": responses_to(key), "may_answer": request.actor.may(Permission.CONTROL_COMPUTE)}
    return render(request, "evidence/control.html", words)


@requires(Permission.CONTROL_VIEW)
def sheet(request: TenantRequest, run_id: int, kind: str) -> HttpResponse:
    """Show the information sheet of one table of a run, with the query as it ran."""
    found = queries.kind_of(run_id, kind)
    if found is None:
        raise Http404("There is no such run, or it measured no such kind.")
    known = load().kinds.get(kind)
    words = {"kind": found, "run": found.run, "title": known.title if known else kind}
    return render(request, "evidence/sheet.html", words)


def _row(key: str) -> Control:
    """Return a row of the catalogue, or answer 404."""
    found = load().control(key)
    if found is None:
        raise Http404("The catalogue has no such control.")
    return found


@require_POST
@requires(Permission.CONTROL_COMPUTE)
def evaluate(request: TenantRequest) -> HttpResponse:
    """Hand an evaluation to the worker and show how far it is."""
    form = PeriodForm(request.POST)
    if not form.is_valid():
        words = {"form": form, "title": "Evaluate the controls", "lead": "Choose the period.", "button": "Evaluate"}
        return render(request, "evidence/form.html", words, status=422)
    work = actions.request_evaluation(period=form.period(request.tenant.zone), by=request.actor)
    return redirect("tenants:work", request.tenant.slug, work.pk)


@requires(Permission.CONTROL_COMPUTE)
def settings(request: TenantRequest) -> HttpResponse:
    """Show what was settled about the catalogue, and settle one thing more with its reason."""
    form = SettingForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _settled(request, form):
        return redirect("evidence:settings", request.tenant.slug)
    words = {"form": form, "rows": queries.setting_history()[:100], "params": parameters_in_force()}
    return render(request, "evidence/settings.html", words, status=422 if form.errors else 200)


def _settled(request: TenantRequest, form: SettingForm) -> bool:
    """Settle what the form says; a refusal becomes the form's error."""
    told: dict[str, Any] = form.cleaned_data
    kind, _, key = told["what"].partition(":")
    common = {"reason": told["reason"], "by": request.actor}
    try:
        if kind == SettingKind.PARAMETER:
            actions.set_parameter(name=key, value=told["value"], **common)
        elif kind == SettingKind.LOG_TYPE:
            actions.put_log_type_aside(log_type=key, aside=told["aside"], **common)
        elif kind == SettingKind.SIGN_OFF:
            actions.let_one_person_sign(alone=told["aside"], **common)
        else:
            actions.put_row_aside(key=key, aside=told["aside"], **common)
    except Refused as refusal:
        form.add_error(None, refusal.verdict.reason)
    return form.is_valid()


@requires(Permission.CONTROL_VIEW)
def calendar(request: TenantRequest) -> HttpResponse:
    """Show what evidence is missing or overdue, and what is due in each month to come."""
    form = CalendarForm(request.GET)
    framework = form.cleaned_data["framework"] if form.is_valid() else ""
    return render(request, "evidence/calendar.html", calendar_words(request.tenant, framework) | {"form": form})


@requires(Permission.CONTROL_VIEW)
def calendar_file(request: TenantRequest) -> HttpResponse:
    """Give the calendar as a file that calendar programs read."""
    body = calendar_ics(request.tenant, request.build_absolute_uri("/"))
    return _attachment(body, "evidence.ics", "text/calendar; charset=utf-8")


@requires(Permission.PACK_VIEW)
def packs(request: TenantRequest) -> HttpResponse:
    """Show the packs that the person may see, newest first."""
    rows = queries.packs(request.actor).select_related("supersedes")[:100]
    words = {"packs": rows, "may_build": request.actor.may(Permission.PACK_BUILD)}
    return render(request, "evidence/packs.html", words)


@requires(Permission.PACK_BUILD)
def pack_new(request: TenantRequest) -> HttpResponse:
    """Ask for a pack over a period and frameworks."""
    initial = {**_last_days(request), "frameworks": list(load().frameworks)[:4], "classification": "Confidential"}
    offered = queries.packs(request.actor).filter(state=PackState.ISSUED)[:50]
    form = PackForm(request.POST or None, initial=initial, incidents=queries.incidents(), packs=list(offered))
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        period = form.period(request.tenant.zone)
        words = ("recipient", "classification", "kind", "language", "incident", "supersedes", "parquet", "volumes")
        chosen = {name: told[name] for name in words}
        asked = actions.PackRequest(period, tuple(told["frameworks"]), **chosen)
        pack = actions.request_pack(tenant=request.tenant, asked=asked, by=request.actor)
        return redirect("evidence:pack", request.tenant.slug, pack.pk)
    return render(request, "evidence/pack_new.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.PACK_VIEW)
def pack(request: TenantRequest, pack_id: int) -> HttpResponse:
    """Show one pack: progress while it is built, then what was sealed and how to verify it."""
    return _pack_page(request, _visible(request, pack_id))


def _pack_page(request: TenantRequest, row: EvidencePack, unreachable: str = "") -> HttpResponse:
    """Show one pack, and why its file cannot be had, if it cannot."""
    people = people_to_share(request.tenant) if request.actor.may(Permission.SHARE_MANAGE) else []
    work, signed = None if row.is_over else work_of(row), sign_offs_of(row)
    words = {
        "pack": row,
        "work": work,
        "share": ShareForm(people=people) if people and row.state == "issued" else None,
        "signed": signed,
        "may_retry": can_retry_issue(request.actor, row, signed, work).allowed,
        "may_build": request.actor.may(Permission.PACK_BUILD),
        "frameworks": framework_names(row.frameworks),
        "unreachable": unreachable,
    }
    return render(request, "evidence/pack.html", words, status=503 if unreachable else 200)


def _visible(request: TenantRequest, pack_id: int) -> EvidencePack:
    """Return a pack that the person may see, or answer 404."""
    return get_object_or_404(queries.packs(request.actor), pk=pack_id)


@never_cache
@requires(Permission.PACK_VIEW)
def download(request: TenantRequest, pack_id: int) -> HttpResponseBase:
    """Give the pack's file; the download is a deed in the ledger."""
    row = _visible(request, pack_id)
    try:
        data = actions.download_pack(pack=row, by=request.actor)
    except StoreError as fault:
        return _pack_page(request, row, str(fault))
    answer = FileResponse(data, as_attachment=True, filename=row.file_name, content_type="application/zip")
    _guard(answer)
    return answer


@require_POST
@requires(Permission.SHARE_MANAGE)
def pack_share(request: TenantRequest, pack_id: int) -> HttpResponse:
    """Let a person see and fetch a pack."""
    row = _visible(request, pack_id)
    form = ShareForm(request.POST, people=people_to_share(request.tenant))
    if form.is_valid():
        share_pack(pack=row, user=get_object_or_404(User, pk=form.cleaned_data["person"]), by=request.actor)
    return redirect("evidence:pack", request.tenant.slug, row.pk)


@requires(Permission.LEDGER_VIEW)
def ledger(request: TenantRequest) -> HttpResponse:
    """Show the ledger in plain words: size, checkpoints, keys, what is proven and how to check it."""
    words = {**ledger_words(request.tenant), **verification_words()}
    words["may_verify"] = request.actor.may(Permission.CONTROL_COMPUTE)
    words["growth_form"] = GrowthForm()
    form = words["key_form"] = KeyForm(request.GET if "key" in request.GET else None)
    words["key_answer"] = key_answer(form.cleaned_data["key"], words) if form.is_valid() else None
    return render(request, "evidence/ledger.html", words)


@requires(Permission.CONTROL_COMPUTE)
@require_POST
def verify(request: TenantRequest) -> HttpResponse:
    """Have everything stored hashed again, in the background."""
    actions.request_verification(by=request.actor)
    return redirect("evidence:ledger", request.tenant.slug)


@requires(Permission.LEDGER_VIEW)
def growth(request: TenantRequest) -> HttpResponse:
    """Give the proof that one checkpoint continues another, as a file, or say why there is none."""
    form = GrowthForm(request.GET)
    if form.is_valid():
        try:
            proof = growth_proof(request.tenant.uuid, form.cleaned_data["old"], form.cleaned_data["new"])
        except (LookupError, ValueError) as fault:
            form.add_error("new", str(fault))
        else:
            return _attachment(proof.encode(), "growth.txt", "text/plain; charset=utf-8")
    words = {**ledger_words(request.tenant), **verification_words(), "key_form": KeyForm(), "growth_form": form}
    return render(request, "evidence/ledger.html", words, status=400)


@requires(Permission.LEDGER_VIEW)
def verifier(request: TenantRequest) -> HttpResponse:  # noqa: ARG001 -- the same for everybody
    """Give the verifier that every pack carries."""
    return _attachment(single_file(), "verify.py", "text/x-python; charset=utf-8")


@requires(Permission.LEDGER_VIEW)
def verifier_page(request: TenantRequest) -> HttpResponse:  # noqa: ARG001 -- the same for everybody
    """Give the verifier that runs in a browser; always as a download, for a page of ours it must not be."""
    return _attachment(single_page(), "verify.html", "application/octet-stream")


@requires(Permission.LEDGER_VIEW)
def witness(request: TenantRequest) -> HttpResponse:  # noqa: ARG001 -- the same for everybody
    """Give the witness that a client or an auditor runs."""
    return _attachment(WITNESS_FILE.read_bytes(), "witness.py", "text/x-python; charset=utf-8")


@requires(Permission.LEDGER_VIEW)
def checkpoint(request: TenantRequest) -> HttpResponse:
    """Give the newest checkpoint as the signer wrote it; before the first, the page that says so."""
    newest = latest_checkpoint(request.tenant.uuid)
    if newest is None:
        return redirect("evidence:ledger", request.tenant.slug)
    return _attachment(newest.note.encode(), "checkpoint.txt", "text/plain; charset=utf-8")


def _attachment(data: bytes, name: str, kind: str) -> HttpResponse:
    """Answer with a file under an ASCII name that needs no quoting; browsers store nothing of it."""
    answer = HttpResponse(data, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    _guard(answer)
    return answer


def _guard(answer: HttpResponseBase) -> None:
    """Keep browsers from storing a file or guessing what it is."""
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"


def _last_days(request: TenantRequest) -> dict[str, object]:
    """Return the last 90 days of the tenant's zone as a form's initial values."""
    today = timezone.localtime(timezone.now(), request.tenant.zone).date()
    return {"first_day": today - timedelta(days=89), "last_day": today}
