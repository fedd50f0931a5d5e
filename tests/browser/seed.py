"""What the browsers find: a BPO with a client and one person of each role, made by the product's own actions."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.utils import timezone

from alerts.watch import look_round
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity, System
from logs.actions import record_events
from logs.actions.sources import SourcePlan, add_source
from logs.kinds import Format, LogType
from logs.models import LogSource
from reviews.actions import PlanFacts, create_campaign, create_plan, decide, open_campaign
from reviews.kinds import Choice, Outcome, Strategy
from reviews.models import Campaign, ReviewItem
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission, Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.sharing import share
from tests import make

ROLES: Final = {
    "olga": Role.OPERATOR,
    "carla": Role.OFFICER,
    "ana": Role.ANALYST,
    "remy": Role.REVIEWER,
    "axel": Role.AUDITOR,
    "cleo": Role.CLIENT,
}
PEOPLE: Final = b"""external_id,name,email,manager,programme,site
M1,Remy Okafor,remy@example.org,,Acme claims,Manila
M2,Rosa Delgado,rosa@example.org,,Acme claims,Madrid
E1,Ana Ruiz,,M1,Acme claims,Manila
E2,Bob Lim,,M1,Acme claims,Manila
E3,Cem Oz,,M1,Acme claims,Madrid
E4,Dana Wolf,,M2,Acme billing,Madrid
E5,Eli Brandt,,M2,Acme billing,Madrid
"""
CRM: Final = b"""account,entitlement,person,kind
ana.ruiz@example.org,agent,E1,human
bob.lim@example.org,agent,E2,human
bob.lim@example.org,admin_all,E2,human
cem.oz@example.org,agent,E3,human
dana.wolf@example.org,agent,E4,human
eli.brandt@example.org,admin_export,E5,human
remy@example.org,team_lead,M1,human
backup,agent,,service
"""
NAMES: Final = ("ana.ruiz", "bob.lim", "cem.oz", "dana.wolf", "eli.brandt")


@dataclass(frozen=True)
class Cast:
    """The tenants and the people by first name."""

    bpo: Tenant
    acme: Tenant
    people: dict[str, User]

    def home(self, name: str) -> Tenant:
        """Return the tenant in which the person works."""
        return self.acme if name == "cleo" else self.bpo


def everything() -> Cast:
    """Fill the database; returns who is in it."""
    cast = _people()
    for tenant in (cast.bpo, cast.acme):
        officer = make.actor(cast.people["carla"], tenant)
        with tenant_scope(tenant):
            crm = _register(officer)
            source = _logs(crm, officer)
            campaign = _campaign(crm, officer)
            _decide(campaign, make.actor(cast.people["remy"], tenant))
        with tenant_scope(tenant):
            _shares(cast, tenant, source, campaign, officer)
    look_round()
    return cast


def _people() -> Cast:
    bpo = make.tenant("northwind", "Northwind Services")
    acme = make.tenant("acme", "Acme Insurance", parent=bpo, time_zone="America/New_York")
    people = {name: make.user(name) for name in (*ROLES, "rosa")}
    # The server knows the product's password hash alone; made once, with all its rounds, so that no log-in renews it.
    User.objects.update(password=make_password(make.PASSWORD, hasher=PBKDF2PasswordHasher()))
    for user in people.values():
        user.refresh_from_db()
    for name, role in {**ROLES, "rosa": Role.REVIEWER}.items():
        where = acme if name == "cleo" else bpo
        make.member(people[name], where, role, days=30 if role == Role.AUDITOR else None)
    for name in ("carla", "remy", "rosa"):
        make.member(people[name], acme, Role.OFFICER if name == "carla" else Role.REVIEWER)
    return Cast(bpo, acme, people)


def _register(officer: Actor) -> System:
    upsert_identities(body=PEOPLE, by=officer)
    facts = SystemFacts("Claims CRM", "crm", "admin*", owner=Identity.objects.get(external_id="M2"))
    crm = save_system(facts=facts, by=officer)
    captured_at = timezone.now() - timedelta(days=1)
    upload = SnapshotUpload(CRM, captured_at, 8, "crm.csv", "active accounts", "report 12", "Ines Vidal, CRM team")
    import_snapshot(system=crm, upload=upload, by=officer)
    return crm


def _logs(crm: System, officer: Actor) -> LogSource:
    kinds = (LogType.SYSTEM_LOGIN, LogType.FAILED_LOGIN, LogType.APPLICATION)
    expected = {"every_minutes": 1440}
    plan = SourcePlan(name="CRM log-ins", format=Format.OKTA, system=crm, log_types=kinds, expected=expected)
    source = add_source(plan=plan, by=officer)
    now = timezone.now()
    noon = now.replace(hour=15, minute=5)  # in the business hours of Madrid and of New York
    days = [day for n in range(1, 45) if (day := noon - timedelta(days=n)).isoweekday() < 6]
    good = [_okta(day, NAMES[n % 5], "SUCCESS", n) for n, day in enumerate([*days, now - timedelta(minutes=2)])]
    bad = [_okta(now - timedelta(minutes=5, seconds=n), "bob.lim", "FAILURE", 100 + n) for n in range(12)]
    record_events(source=source, body=b"\n".join([*good, *bad, b"{not json"]) + b"\n", door="file", by=officer)
    silent = SourcePlan(name="VPN concentrator", format=Format.SSHD_SYSLOG, log_types=(4,), year=now.year)
    add_source(plan=silent, by=officer)
    _mapped(noon - timedelta(days=20), officer)
    return source


def _mapped(at: datetime, officer: Actor) -> None:
    """Add a source whose first mapping was wrong, with records that it read, and one that it could not read."""
    mapping = {"columns": {"at": "occurred_at", "till": "actor_name", "what": "action"}, "log_type": 2}
    plan = SourcePlan(name="Desk tool", format=Format.JSON, log_types=(LogType.APPLICATION,), mapping=mapping)
    source = add_source(plan=plan, by=officer)
    rows: list[dict[str, str]] = [
        {"at": (at + timedelta(minutes=n)).isoformat(), "till": f"till-{n}", "user": f"user{n}", "what": "open"}
        for n in range(3)
    ]
    rows.append({"at": at.isoformat(), "user": "user9", "what": "export", "result": "no"})
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    record_events(source=source, body=body, door="file", by=officer)


def _okta(at: datetime, name: str, result: str, number: int) -> bytes:
    event = {
        "uuid": f"event-{number}",
        "published": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "eventType": "user.session.start",
        "displayMessage": "User login to Okta",
        "severity": "INFO",
        "actor": {"id": f"00u{name}", "type": "User", "alternateId": f"{name}@example.org", "displayName": name},
        "client": {"ipAddress": "203.0.113.9", "userAgent": {"rawUserAgent": "Mozilla/5.0"}},
        "outcome": {"result": result, "reason": "INVALID_CREDENTIALS"} if result == "FAILURE" else {"result": result},
        "target": [],
    }
    return json.dumps(event).encode()


def _campaign(crm: System, officer: Actor) -> Campaign:
    facts = PlanFacts(
        name="CRM access, fourth quarter",
        systems=[crm],
        fallback=Identity.objects.get(external_id="M2"),
        time_zone="Europe/Madrid",
        starts_on=timezone.localdate(),
        strategy=Strategy.MANAGER,
    )
    plan = create_plan(facts=facts, by=officer)
    campaign = create_campaign(plan=plan, occurrence_at=timezone.now(), by=officer)
    return open_campaign(campaign=campaign, by=officer)


def _decide(campaign: Campaign, remy: Actor) -> None:
    """Keep half of what one reviewer has, so that pages show decided and undecided items."""
    mine = ReviewItem.objects.filter(campaign=campaign, assignments__reviewer__external_id="M1", privileged=False)
    for item in mine.order_by("n")[:2]:
        decide(item=item, choice=Choice(Outcome.CERTIFY, "Works on the Acme desk every day."), by=remy)


def _shares(cast: Cast, tenant: Tenant, source: LogSource, campaign: Campaign, officer: Actor) -> None:
    if tenant == cast.acme:
        share(source, user=cast.people["cleo"], by=officer)
    else:
        share(campaign, user=cast.people["axel"], by=officer)
        issue_token(name="SIEM export", scopes=[Permission.AUDIT_VIEW], days=90, user=cast.people["carla"], by=officer)
