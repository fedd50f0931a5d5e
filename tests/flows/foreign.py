"""A tenant full of things of its own, every name marked, so that any leak into another tenant's answers is seen."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import uuid4

from django.utils import timezone

from alerts.models import Alert, AlertNotice
from evidence.actions import PackRequest, request_pack
from evidence.catalogue import load
from evidence.kinds import Period
from evidence.models import EvidencePack, PackFile
from evidence.room.actions import Attached, ask, draw_sample, freeze_population, take_turn
from evidence.room.populations import items_of
from evidence.states import PackState, Turn
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Entitlement, Identity, System
from logs.actions import (
    ExportFacts,
    HoldFacts,
    finish_export,
    issue_source_token,
    record_events,
    register_certificate,
    save_search,
    set_legal_hold,
    set_retention_term,
)
from logs.certificates import CertificateFacts
from logs.kinds import Format, LogType
from logs.models import AccessEvent, HoldKind, LogSource, SourceToken
from reviews.actions import (
    AbsenceFacts,
    PlanFacts,
    add_conflict,
    close_deciding,
    create_campaign,
    create_plan,
    decide,
    end_conflict,
    note_absence,
    open_campaign,
)
from reviews.kinds import Choice, Outcome, Silence, Strategy
from reviews.models import Campaign, DutyConflict, Finding, Remediation, ReviewItem, ScopeLine, SilentItem
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission, Role
from tenants.models import Engagement, Membership, Tenant, User, Work
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.reviews.test_sign import sign

MARK: Final = "zanzibar"
"""Stands in every name of the foreign tenant and nowhere else."""

Objects = Mapping[tuple[str, str], object]
"""The value of each parameter of an address: by the view's room or dotted name, and the parameter's name."""


def furnish(tenant: Tenant, officer: User, by: Actor, mark: str = MARK) -> Objects:
    """Fill the tenant with things whose names hold the mark; returns what stands in their addresses."""
    objects: dict[tuple[str, str], object] = {}
    for add in ADDITIONS:
        with tenant_scope(tenant):
            objects |= add(tenant, officer, by, mark)
    return objects


def _tenants(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    token, _text = issue_token(name=f"{mark} token", scopes=[Permission.AUDIT_VIEW], days=9, user=officer, by=by)
    work = Work.objects.create(kind="tests", title=f"{mark} work", job="none", asked_by=officer.email)
    return {
        ("tenants", "token_id"): token.pk,
        ("tenants", "work_id"): work.pk,
        ("tenants", "membership_id"): Membership.objects.get(tenant=tenant, user=officer).pk,
    }


def _identities(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    manager = make.user(f"{mark}-manager")
    make.member(manager, tenant, Role.REVIEWER)
    people = f"external_id,name,email\nE1,{mark} person,\nE2,{mark} manager,{manager.email}\n"
    upsert_identities(body=people.encode(), by=by)
    system = save_system(facts=SystemFacts(f"{mark} CRM", f"{mark}-crm", "admin*\n"), by=by)
    rows = f"account,entitlement,person\n{mark}1,admin_all,E1\n{mark}2,agent,\n".encode()
    at = timezone.now() - timedelta(hours=1)
    upload = SnapshotUpload(rows, at, 2, f"{mark}.csv", "none", "report", f"{mark} team")
    snapshot = import_snapshot(system=system, upload=upload, by=by)
    return {("identities", "key"): system.key, ("identities", "snapshot_id"): snapshot.pk}


def _logs(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    source = LogSource.objects.create(
        name=f"{mark} log",
        key=f"{mark}-log",
        system=System.objects.get(),
        format=Format.JSON,
        mapping=world.MAPPING,
    )
    at = timezone.now() - timedelta(minutes=10)
    lines = [world.line(at + timedelta(seconds=n), f"{mark}1", ok=False) for n in range(12)]
    body = "\n".join([*lines, f"{mark} cannot be read", ""]).encode()
    record_events(source=source, body=body, door="tests", by=Actor.system("tests", tenant.pk))
    event = AccessEvent.objects.all()[0]
    issue_source_token(source=source, by=by)
    token = SourceToken.objects.get()
    facts = CertificateFacts(sha256(mark.encode()).digest())
    certificate = register_certificate(source=source, facts=facts, by=by)
    return {
        ("logs", "source_id"): source.pk,
        ("logs", "source_key"): source.key,
        ("logs", "token_id"): token.pk,
        ("logs", "certificate_id"): certificate.pk,
        ("logs.views.events.event", "key"): event.key,
        ("logs.api.Event", "key"): event.key,
        ("logs", "key"): f"{mark}1",
        ("logs", "kind"): "object",
        ("logs", "value"): f"{mark}1",
    }


def _searches(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    at = timezone.now()
    view = save_search(name=f"{mark} view", q=mark, window="7", shared=True, by=by)
    taken = ExportFacts(
        id=uuid4(),
        form="csv",
        q=mark,
        since=at,
        until=at,
        rows=1,
        size_bytes=1,
        sha256=bytes(32),
        began_at=at,
    )
    export = finish_export(tenant=tenant, facts=taken, by=by)
    set_retention_term(kind=LogType.ADMIN, months=24, reason=f"{mark} contract", by=by)
    hold = set_legal_hold(facts=HoldFacts(HoldKind.PERSON, f"{mark} case", person=f"{mark}1"), by=by)
    return {("logs", "search_id"): view.pk, ("logs", "export_id"): export.pk, ("logs", "hold_id"): hold.pk}


def _alerts(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    world.look(tenant)
    notice = AlertNotice.objects.create(
        alert_count=1, recipients=[f"{mark}@example.org"], next_try_at=timezone.now(), last_error=mark, state="failed"
    )
    return {("alerts", "alert_id"): Alert.objects.get().pk, ("alerts", "notice_id"): notice.pk}


def _reviews(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    facts = PlanFacts(
        name=f"{mark} review",
        systems=[System.objects.get()],
        fallback=Identity.objects.get(external_id="E2"),
        time_zone="UTC",
        starts_on=timezone.localdate(),
        strategy=Strategy.MANAGER,
    )
    plan = create_plan(facts=facts, by=by)
    campaign = open_campaign(campaign=create_campaign(plan=plan, occurrence_at=timezone.now(), by=by), by=by)
    reviewer = make.actor(User.objects.get(email=f"{mark}-manager@example.org"), tenant)
    for item in ReviewItem.objects.all():
        decide(item=item, choice=Choice(Outcome.REVOKE, f"{mark} has left the desk."), by=reviewer)
    signature = sign(campaign, reviewer, "E2")
    ids: dict[str, object] = {
        "campaign_id": campaign.pk,
        "item_id": ReviewItem.objects.all()[0].pk,
        "line_id": ScopeLine.objects.all()[0].pk,
        "remediation_id": Remediation.objects.all()[0].pk,
        "finding_id": _finding(mark),
        "conflict_id": _conflict(by, mark).pk,
        "signature_id": signature.pk,
        "reviewer_id": Identity.objects.get(external_id="E2").pk,
        "absence_id": _away(mark, by),
        "silence_id": _silent(replace(facts, name=f"{mark} silence", silence_standard=Silence.REVOKE), by),
    }
    return {(room, name): value for room in ("reviews", "portal") for name, value in ids.items()}


def _finding(mark: str) -> int:
    """Find an account that nobody owns."""
    now = timezone.now()
    said = f"{mark} has no owner."
    return Finding.objects.create(kind="ownerless", key=mark, sentence=said, found_at=now, due_at=now).pk


def _conflict(by: Actor, mark: str) -> DutyConflict:
    """Add a conflict and end it, so that a form can add it again."""
    one, other = Entitlement.objects.order_by("pk")
    conflict = add_conflict(one=one, other=other, why=f"{mark} must not do both.", by=by)
    return end_conflict(conflict=conflict, reason=f"{mark} does one of them.", by=by)


def _away(mark: str, by: Actor) -> int:
    """Say that somebody is away today."""
    absent = Identity.objects.create(external_id="E7", name=f"{mark} away")
    told, today = Identity.objects.get(external_id="E2"), timezone.localdate()
    return note_absence(facts=AbsenceFacts(absent, told, today, today, f"{mark} is on leave."), by=by).pk


def _silent(facts: PlanFacts, by: Actor) -> int:
    """Let a campaign end with nobody having decided; returns what waits for the owner."""
    made = create_campaign(plan=create_plan(facts=facts, by=by), occurrence_at=timezone.now(), by=by)
    opened = open_campaign(campaign=made, by=by)
    Campaign.objects.filter(pk=opened.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    close_deciding(campaign=opened, by=by)
    return SilentItem.objects.all()[0].pk


def _evidence(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    period = Period(timezone.now() - timedelta(days=2), timezone.now() - timedelta(days=1), "UTC")
    asked = PackRequest(period, ("gdpr",), f"{mark} auditor")
    pack = request_pack(tenant=tenant, asked=asked, by=by, queue=False)
    seal = {"sha256": "a" * 64, "manifest_sha256": "b" * 64, "issued_at": timezone.now(), "ended_at": timezone.now()}
    EvidencePack.objects.filter(pk=pack.pk).update(title=f"{mark} pack", state=PackState.BUILDING)
    PackFile.objects.create(pack=pack, data=f"{mark} zip".encode())
    EvidencePack.objects.filter(pk=pack.pk).update(state=PackState.ISSUED, size_bytes=12, **seal)
    return {("evidence", "pack_id"): pack.pk, ("evidence", "key"): load().controls[0].key}


def _rooms(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    """Open an auditor's room with a request, a document, a population and a sample."""
    person = make.user(f"{mark}-nora")
    make.member(person, tenant, Role.AUDITOR, days=9)
    room, nora = Engagement.objects.get(email=person.email), make.actor(person, tenant)
    asked = ask(engagement=room, control="", what=f"{mark} list", due_on=timezone.localdate(), by=nora)
    paper = Attached(document_name=f"{mark}.txt", document=mark.encode())
    entry = take_turn(request=asked, turn=Turn.SAY, words=f"{mark} paper", attached=paper, by=by)
    found = items_of(Campaign.objects.order_by("id")[0])
    frozen = freeze_population(tenant=tenant, engagement=room, found=found, by=by)
    sample = draw_sample(tenant=tenant, population=frozen, seed=mark, size=2, by=nora)
    ids = {"engagement_id": room.pk, "request_id": asked.pk, "entry_id": entry.pk}
    ids |= {"population_id": frozen.pk, "sample_id": sample.pk}
    return {("evidence", name): key for name, key in ids.items()}


ADDITIONS: Final[tuple[Callable[[Tenant, User, Actor, str], Objects], ...]] = (
    _tenants,
    _identities,
    _logs,
    _searches,
    _alerts,
    _reviews,
    _evidence,
    _rooms,
)
"""One function for each room: a room with new addresses adds its things here."""
