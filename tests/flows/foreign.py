"""A tenant full of things of its own, every name marked, so that any leak into another tenant's answers is seen."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from alerts.actions import open_incident
from alerts.kinds import IncidentFacts
from alerts.models import Alert, AlertNotice
from evidence.actions import PackRequest, request_pack
from evidence.catalogue import load
from evidence.erasures.actions import ask_to_erase
from evidence.erasures.kinds import ErasureScope, Grounds
from evidence.kinds import Period
from evidence.models import ControlRun, EvidencePack, KindResult
from evidence.registers.actions import file_document
from evidence.registers.kinds import DocumentFacts, DocumentKind
from evidence.room.actions import Attached, ask, draw_sample, freeze_population, take_turn
from evidence.room.populations import items_of
from evidence.states import Turn
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Entitlement, Identity, System
from logs.actions import (
    ExportFacts,
    HoldFacts,
    PlaceFacts,
    approve_place,
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
    LogScheduleFacts,
    PlanFacts,
    add_conflict,
    close_deciding,
    create_campaign,
    create_log_schedule,
    create_plan,
    decide,
    dispose,
    end_conflict,
    note_absence,
    open_campaign,
    open_log_review,
    propose_risk,
)
from reviews.kinds import Choice, Disposed, Looked, Outcome, Silence, Strategy
from reviews.models import (
    Campaign,
    ConflictCase,
    Decision,
    Finding,
    FollowUp,
    ItemQuestion,
    LogItem,
    Remediation,
    ReviewItem,
    ScopeLine,
    SecondLook,
    SignOff,
    SilentItem,
)
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission, Role
from tenants.models import Engagement, Membership, Tenant, User, Work
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.evidence.signing import issue_by_hand
from tests.reviews.conftest import fall_due
from tests.reviews.periods import sign as sign_period
from tests.reviews.test_sign import sign

MARK: Final = "zanzibar"
"""Stands in every name of the foreign tenant and nowhere else."""

Objects = Mapping[tuple[str, str], object]
"""The value of each parameter of an address: by the view's room or dotted name, and the parameter's name."""


@contextmanager
def undone() -> Iterator[None]:
    """Take back what happens inside, after the database has looked at every reference."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


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
    rows = f"account,entitlement,person\n{mark}1,admin_all,E1\n{mark}1,agent,E1\n{mark}2,agent,\n".encode()
    at = timezone.now() - timedelta(hours=1)
    upload = SnapshotUpload(rows, at, 3, f"{mark}.csv", "none", "report", f"{mark} team")
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


def _erasures(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    """Ask for the erasure of an event, before a hold keeps it."""
    one = ErasureScope(f"event-{AccessEvent.objects.all()[0].key}", None, None)
    grounds = Grounds(f"{mark} asked for it.", "Art. 17(1)(a) GDPR")
    return {("evidence", "erasure_id"): ask_to_erase(scope=one, grounds=grounds, by=by).pk}


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
    today = timezone.localdate(timezone=tenant.zone)
    place = approve_place(facts=PlaceFacts("ES", System.objects.get(), mark, today, tenant.zone, f"{mark} desk"), by=by)
    ids = {"search_id": view.pk, "export_id": export.pk, "hold_id": hold.pk, "place_id": place.pk}
    return {("logs", name): value for name, value in ids.items()}


def _alerts(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    world.look(tenant)
    notice = AlertNotice.objects.create(
        alert_count=1, recipients=[f"{mark}@example.org"], next_try_at=timezone.now(), last_error=mark, state="failed"
    )
    facts = IncidentFacts(f"{mark} case", f"{mark} happened.", timezone.now(), timezone.now())
    incident = open_incident(facts=facts, alert=Alert.objects.get(), by=by)
    ids: Objects = {("alerts", "alert_id"): Alert.objects.get().pk, ("alerts", "notice_id"): notice.pk}
    return {**ids, ("alerts", "incident_id"): incident.pk}


def _facts(mark: str) -> PlanFacts:
    return PlanFacts(
        name=f"{mark} review",
        systems=[System.objects.get()],
        fallback=Identity.objects.get(external_id="E2"),
        time_zone="UTC",
        starts_on=timezone.localdate(),
        strategy=Strategy.MANAGER,
    )


def _reviews(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    facts = _facts(mark)
    plan = create_plan(facts=facts, by=by)
    campaign = open_campaign(campaign=create_campaign(plan=plan, occurrence_at=timezone.now(), by=by), by=by)
    reviewer = make.actor(User.objects.get(email=f"{mark}-manager@example.org"), tenant)
    question = _question(mark)
    for item in ReviewItem.objects.all():
        decide(item=item, choice=Choice(Outcome.REVOKE, f"{mark} has left the desk."), by=reviewer)
    signature = sign(campaign, reviewer, "E2")
    ids: dict[str, object] = {
        "question_id": question,
        "campaign_id": campaign.pk,
        "item_id": ReviewItem.objects.all()[0].pk,
        "plan_id": plan.pk,
        "line_id": ScopeLine.objects.all()[0].pk,
        "remediation_id": Remediation.objects.all()[0].pk,
        "proposal_id": _risk(mark, by),
        "finding_id": _finding(mark),
        **_conflict(replace(facts, name=f"{mark} conflicts", conflicts_only=True), by, mark),
        "signature_id": signature.pk,
        "reviewer_id": Identity.objects.get(external_id="E2").pk,
        "absence_id": _away(mark, by),
        "look_id": _look(signature, mark),
        "silence_id": _silent(replace(facts, name=f"{mark} silence", silence_standard=Silence.REVOKE), by),
    }
    return {(room, name): value for room in ("reviews", "portal") for name, value in ids.items()}


def _question(mark: str) -> int:
    """Ask the person of the first item about it."""
    item, me = ReviewItem.objects.filter(subject__external_id="E1")[0], Identity.objects.get(external_id="E2")
    told = {"text": f"{mark} needs this?", "at": timezone.now(), "by": mark}
    return ItemQuestion.objects.create(campaign=item.campaign, item=item, asker=me, asked=item.subject, **told).pk


def _risk(mark: str, by: Actor) -> int:
    """Ask to accept the risk of a revocation for three days."""
    until, fix = timezone.now() + timedelta(days=3), Remediation.objects.all()[0]
    return propose_risk(remediation=fix, until=until, reason=f"{mark} waits for the vendor.", by=by).pk


def _finding(mark: str) -> int:
    """Find an account that nobody owns."""
    now = timezone.now()
    said = f"{mark} has no owner."
    return Finding.objects.create(kind="ownerless", key=mark, sentence=said, found_at=now, due_at=now).pk


def _conflict(facts: PlanFacts, by: Actor, mark: str) -> dict[str, object]:
    """Add a conflict, review its case, and end it, so that a form can add it again."""
    one, other = Entitlement.objects.order_by("pk")
    conflict = add_conflict(one=[one], other=[other], why=f"{mark} must not do both.", by=by)
    made = create_campaign(plan=create_plan(facts=facts, by=by), occurrence_at=timezone.now(), by=by)
    case = ConflictCase.objects.get(campaign=open_campaign(campaign=made, by=by))
    end_conflict(conflict=conflict, reason=f"{mark} does one of them.", by=by)
    return {"conflict_id": conflict.pk, "case_id": case.pk}


def _away(mark: str, by: Actor) -> int:
    """Say that somebody is away today."""
    absent = Identity.objects.create(external_id="E7", name=f"{mark} away")
    told, today = Identity.objects.get(external_id="E2"), timezone.localdate()
    return note_absence(facts=AbsenceFacts(absent, told, today, today, f"{mark} is on leave."), by=by).pk


def _look(signature: SignOff, mark: str) -> int:
    """Put a signed decision to a second reviewer."""
    decision = Decision.objects.filter(campaign=signature.campaign, privileged=True).select_related("item")[0]
    second = Identity.objects.create(external_id="E8", name=f"{mark} second")
    facts = {name: getattr(decision, name) for name in ("campaign", "item", "subject_key", "privileged", "advice")}
    drawn = {"seed": "0" * 32, "drawn_from": 1, "asked_at": timezone.now()}
    return SecondLook.objects.create(**facts, **drawn, decision=decision, first=signature.reviewer, second=second).pk


def _silent(facts: PlanFacts, by: Actor) -> int:
    """Let a campaign end with nobody having decided; returns what waits for the owner."""
    made = create_campaign(plan=create_plan(facts=facts, by=by), occurrence_at=timezone.now(), by=by)
    opened = open_campaign(campaign=made, by=by)
    fall_due(opened)
    close_deciding(campaign=opened, by=by)
    return SilentItem.objects.all()[0].pk


def _log_reviews(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    """Review a day of logs that held one administrator's deed, and find it a violation."""
    second = make.user(f"{mark}-second")
    make.member(second, tenant, Role.REVIEWER)
    upsert_identities(body=f"external_id,name,email\nE8,{mark} second,{second.email}\n".encode(), by=by)
    noon = timezone.now().replace(hour=12) - timedelta(days=3)
    body = f"{world.line(noon, f'{mark}1', kind='admin')}\n".encode()
    record_events(source=LogSource.objects.get(), body=body, door="tests", by=Actor.system("tests", tenant.pk))
    people = {"reviewer": Identity.objects.get(external_id="E2"), "second": Identity.objects.get(external_id="E8")}
    facts = LogScheduleFacts(f"{mark} logs", "FREQ=DAILY", noon.date(), "UTC", **people)
    plan = create_log_schedule(facts=facts, by=by)
    review = open_log_review(schedule=plan, by=by)
    assert review is not None
    item = LogItem.objects.select_related("review").get(review=review)
    reviewer = make.actor(User.objects.get(email=f"{mark}-manager@example.org"), tenant)
    dispose(item=item, looked=Looked(Disposed.VIOLATION, f"{mark} did it without a ticket."), by=reviewer)
    signature = sign_period(review, reviewer, "E2")
    ids: dict[str, object] = {
        "schedule_id": plan.pk,
        "review_id": review.pk,
        "log_item_id": item.pk,
        "log_signature_id": signature.pk,
        "follow_up_id": FollowUp.objects.get(review=review).pk,
    }
    return {("reviews", name): value for name, value in ids.items()}


def _evidence(tenant: Tenant, officer: User, by: Actor, mark: str) -> Objects:
    period = Period(timezone.now() - timedelta(days=2), timezone.now() - timedelta(days=1), "UTC")
    asked = PackRequest(period, ("gdpr",), f"{mark} auditor")
    pack = request_pack(tenant=tenant, asked=asked, by=by, queue=False)
    EvidencePack.objects.filter(pk=pack.pk).update(title=f"{mark} pack")
    issue_by_hand(pack, f"{mark} zip".encode())
    registers = _registers(mark, by)
    return {("evidence", "pack_id"): pack.pk, ("evidence", "key"): load().controls[0].key, **registers}


def _registers(mark: str, by: Actor) -> Objects:
    """File a document, note a silence and keep what a run measured."""
    today = timezone.localdate()
    facts = DocumentFacts(DocumentKind.OTHER, f"{mark} policy", "1", mark, today, today + timedelta(days=9))
    document = file_document(facts=replace(facts, file_name=f"{mark}.txt", data=mark.encode()), by=by)
    at, kind = timezone.now(), "ledger" if mark == MARK else "coverage"
    run = ControlRun.objects.create(
        period_start=at - timedelta(days=1), period_end=at, zone="UTC", computed_at=at, computed_by=mark
    )
    KindResult.objects.create(run=run, kind=kind, query=mark, query_sha256="a" * 64, row_total=0, table_sha256="b" * 64)
    return {
        ("evidence", "document_id"): document.pk,
        ("evidence", "run_id"): run.pk,
        ("evidence", "kind"): kind,
        ("evidence", "source_id"): LogSource.objects.get().pk,
    }


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
    _erasures,
    _searches,
    _alerts,
    _reviews,
    _log_reviews,
    _evidence,
    _rooms,
)
"""One function for each room: a room with new addresses adds its things here."""
