"""A register with people and two systems, a campaign over it, and the CRM's log-ins."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity, Snapshot, System
from logs.actions import record_events
from logs.actions.sources import SourcePlan, add_source
from logs.kinds import Format, LogType
from logs.models import LogSource
from reviews.actions import (
    PlanFacts,
    create_campaign,
    create_plan,
    open_campaign,
    propose_risk,
    sign_risk,
    waive_system,
)
from reviews.kinds import Authentication, Choice, Level, Outcome, Strategy
from reviews.models import Campaign, CampaignPlan, Remediation, ReviewItem, RiskSignature, ScopeLine
from reviews.queries.waivers import waiver_statement
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tests import make
from tests.database import without_triggers

PEOPLE = b"""external_id,name,email,manager,programme
M1,Remy,remy@example.org,,Acme
M2,Rosa,rosa@example.org,,Acme
E1,Ana Ruiz,,M1,Acme
E2,Bob Lim,,M1,Acme
E3,Cem Oz,,M2,Zenith
"""
CRM = b"""account,entitlement,person,kind
ana,agent,E1,human
bob,agent,E2,human
bob,admin_all,E2,human
cem,agent,E3,human
remy,agent,M1,human
backup,agent,,service
"""


@dataclass(frozen=True)
class Cast:
    """Who acts, and on what."""

    officer: Actor
    remy: Actor
    rosa: Actor
    crm: System


def deliver(cast: Cast, body: bytes = CRM, *, days_ago: float = 1.0, total: int | None = None) -> Snapshot:
    """Deliver a list of the CRM's grants, captured some days ago."""
    rows = body.strip().count(b"\n") if total is None else total
    captured_at = timezone.now() - timedelta(days=days_ago)
    upload = SnapshotUpload(body, captured_at, rows, "crm.csv", "", "report 12", "Ines, CRM team")
    return import_snapshot(system=cast.crm, upload=upload, by=cast.officer)


@pytest.fixture
def cast(in_bpo: Tenant, carla: User, remy: User, rosa: User) -> Cast:
    """The officer, two reviewers who are linked to the register, and the CRM."""
    return cast_of(in_bpo, carla, remy, rosa)


def cast_of(in_bpo: Tenant, carla: User, remy: User, rosa: User) -> Cast:
    """Make the cast in the open scope."""
    officer = make.actor(carla, in_bpo)
    upsert_identities(body=PEOPLE, by=officer)
    facts = SystemFacts("CRM", "crm", "admin*", owner=Identity.objects.get(external_id="M2"))
    crm = save_system(facts=facts, by=officer)
    return Cast(officer, make.actor(remy, in_bpo), make.actor(rosa, in_bpo), crm)


def fall_due(campaign: Campaign, at: datetime | None = None) -> None:
    """Let a campaign be due at a time, or since a second: the database lets nobody shorten the time to decide."""
    due_at = at or timezone.now() - timedelta(seconds=1)
    moved = "UPDATE reviews_campaign SET due_at = $1[1]::timestamptz WHERE id = $1[2]::bigint"
    without_triggers(moved, due_at, campaign.pk)


def fall_late(at: datetime | None = None) -> None:
    """Let every revocation be due at a time, or since a minute: the database lets nobody move when it is due."""
    due_at = at or timezone.now() - timedelta(minutes=1)
    without_triggers("UPDATE reviews_remediation SET due_at = $1[1]::timestamptz", due_at)


def person(external_id: str) -> Identity:
    """Return a person of the register."""
    return Identity.objects.get(external_id=external_id)


def plan(cast: Cast, name: str = "CRM, second quarter", **changes: object) -> CampaignPlan:
    """Make a plan over the CRM: managers review, Rosa is the fallback."""
    facts: dict[str, object] = {
        "name": name,
        "systems": [cast.crm],
        "fallback": person("M2"),
        "time_zone": "Europe/Madrid",
        "starts_on": timezone.localdate(),
        "strategy": Strategy.MANAGER,
        **changes,
    }
    return create_plan(facts=PlanFacts(**facts), by=cast.officer)


def ready(cast: Cast, **changes: object) -> Campaign:
    """Make a campaign that is ready to open."""
    return create_campaign(plan=plan(cast, **changes), occurrence_at=timezone.now(), by=cast.officer)


@pytest.fixture
def campaign(cast: Cast) -> Campaign:
    """An open campaign over six grants: Remy reviews three, Rosa the other three."""
    deliver(cast)
    return open_campaign(campaign=ready(cast), by=cast.officer)


def item(campaign: Campaign, account: str, entitlement: str = "agent") -> ReviewItem:
    """Return the item of a grant."""
    return ReviewItem.objects.select_related("campaign").get(
        campaign=campaign, account__name=account, entitlement__key=entitlement
    )


KEEP = Choice(Outcome.CERTIFY, "Works on the Acme desk every day.")
REVOKE = Choice(Outcome.REVOKE, "Left the Acme desk in March.")


@pytest.fixture
def source(cast: Cast) -> LogSource:
    """The CRM's log-ins: one record each day at eight is expected."""
    expected = {"every_minutes": 60, "hours": [8]}
    kinds = (LogType.SYSTEM_LOGIN, LogType.FAILED_LOGIN)
    plan = SourcePlan(name="CRM", format=Format.OKTA, system=cast.crm, log_types=kinds, expected=expected)
    return add_source(plan=plan, by=cast.officer)


def record(at: datetime, name: str, result: str = "SUCCESS") -> bytes:
    """Return one log-in of the CRM."""
    event = {
        "uuid": f"{name}-{at.timestamp()}",
        "published": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventType": "user.session.start",
        "displayMessage": "User login to Okta",
        "severity": "INFO",
        "actor": {"id": f"00u{name}", "type": "User", "alternateId": name, "displayName": name},
        "client": {"ipAddress": "203.0.113.9"},
        "outcome": {"result": result},
        "target": [],
    }
    return json.dumps(event).encode()


def arrive(source: LogSource, cast: Cast, records: Iterable[bytes]) -> None:
    """Deliver log-ins of the CRM."""
    record_events(source=source, body=b"\n".join(records) + b"\n", door="file", by=cast.officer)


def days(n: int) -> list[datetime]:
    """Return eight o'clock UTC of the last days, newest first."""
    first = timezone.now().replace(hour=8, minute=10, second=0, microsecond=0) - timedelta(days=1)
    return [first - timedelta(days=back) for back in range(n)]


def proof(seconds_ago: float = 1) -> Authentication:
    """Prove who signs, some seconds ago."""
    return Authentication(Level.CODE, ("password", "code"), timezone.now() - timedelta(seconds=seconds_ago))


def waive(line: ScopeLine, by: Actor, reason: str = "The CRM is being replaced.", **changes: object) -> Campaign:
    """Sign that a campaign goes on without the list of a system."""
    digest = waiver_statement(line, reason, by.name)[1]
    facts: dict[str, object] = {"printed_name": "Carla", "shown_digest": digest, "proof": proof(), **changes}
    return waive_system(line=line, reason=reason, by=by, **facts)


def accept(fix: Remediation, asked_by: Actor, signed_by: Actor, until: datetime, why: str = "") -> RiskSignature:
    """Let one person ask to accept a risk and another sign it."""
    made = propose_risk(remediation=fix, until=until, reason=why or "The vendor's fix is coming.", by=asked_by)
    return sign_risk(proposal=made, by=signed_by, printed_name="Rosa", shown_digest=made.digest, proof=proof())
