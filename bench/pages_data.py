"""Fills a tenant for bench/pages.py: a register and an open campaign by the product's actions, events by SQL."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg
from django.utils import timezone

from alerts.kinds import Rule, Severity
from alerts.models import Alert
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity, System
from logs.actions import SourcePlan, add_source
from logs.kinds import Format
from logs.models import LogSource
from reviews.actions import PlanFacts, create_campaign, create_plan, open_campaign
from reviews.kinds import Strategy
from reviews.models import Campaign
from tenants.actions import grant_role, open_tenant
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Tenant, User
from tenants.scope import tenant_scope

PEOPLE: Final = 2_500
RIGHTS: Final = 4
DAYS: Final = 28
REVIEWER: Final = "reviewer@example.org"


@dataclass(frozen=True)
class Filled:
    """What was made."""

    tenant: Tenant
    officer: User
    reviewer: User
    campaign: Campaign
    source: LogSource
    system: System


def fill(events: int, admin: str) -> Filled:
    """Make the tenant with 10,000 review items, then so many events over 28 days."""
    tenant, system, by = make_register()
    officer, reviewer = _person(tenant, "officer", Role.OFFICER, by), User.objects.get(email=REVIEWER)
    with tenant_scope(tenant):
        plan = SourcePlan(name="Helpdesk", format=Format.JSON, system=system, mapping=MAPPING, log_types=(1, 2, 6))
        source = add_source(plan=plan, by=by)
        campaign = open_campaign(campaign=make_campaign([system], by), by=by)
        _alerts(10_000)
    with psycopg.connect(admin, autocommit=True) as connection:
        _events(connection, tenant, source, events)
    return Filled(tenant, officer, reviewer, campaign, source, system)


MAPPING: Final = {"columns": {"time": "occurred_at", "user": "actor_name"}, "log_type": "application", "outcome": "ok"}


def make_register() -> tuple[Tenant, System, Actor]:
    """Make the tenant with a reviewer, who manages 2,500 people, and a system on which they hold 10,000 grants."""
    tenant, (system,), by = make_systems(1, PEOPLE)
    return tenant, system, by


def make_systems(count: int, holders: int) -> tuple[Tenant, list[System], Actor]:
    """Make the tenant, its reviewer, and so many systems with so many of the 2,500 people and four grants of each."""
    tenant = open_tenant(slug="bench", name="Bench", kind=TenantKind.BPO, time_zone="Europe/Madrid", parent=None)
    by = Actor.system("bench", tenant.pk)
    reviewer = _person(tenant, "reviewer", Role.REVIEWER, by)
    with tenant_scope(tenant):
        people = "".join(f"P{n},Person {n},,M1\n" for n in range(PEOPLE))
        body = f"external_id,name,email,manager\nM1,Manager,{reviewer.email},\n{people}".encode()
        upsert_identities(body=body, by=by)
    systems = []
    for number in range(count):
        with tenant_scope(tenant):
            systems.append(_system(number, holders, by))
    return tenant, systems, by


def make_officer(tenant: Tenant, by: Actor) -> User:
    """Make the compliance officer of the tenant."""
    return _person(tenant, "officer", Role.OFFICER, by)


def _person(tenant: Tenant, name: str, role: Role, by: Actor) -> User:
    user = User.objects.create_user(f"{name}@example.org", name=name.title())
    with tenant_scope(tenant):
        grant_role(tenant=tenant, user=user, role=role, by=by)
    return user


def _system(number: int, holders: int, by: Actor) -> System:
    facts = SystemFacts(f"Helpdesk {number}" if number else "Helpdesk", f"helpdesk{number or ''}", "right0")
    system = save_system(facts=facts, by=by)
    first = number * holders % PEOPLE
    held = [(n, right) for n in range(first, first + holders) for right in range(RIGHTS)]
    rows = "".join(f"agent{n % PEOPLE},right{right},P{n % PEOPLE}\n" for n, right in held)
    captured_at = timezone.now() - timedelta(hours=1)
    upload = SnapshotUpload(
        f"account,entitlement,person\n{rows}".encode(), captured_at, len(held), "list.csv", "", "", "bench"
    )
    import_snapshot(system=system, upload=upload, by=by)
    return system


def make_campaign(systems: list[System], by: Actor) -> Campaign:
    """Make a campaign over all grants of the systems that is ready to open, put to the manager."""
    facts = PlanFacts(
        name="Helpdesk, all rights",
        systems=systems,
        fallback=Identity.objects.get(external_id="M1"),
        time_zone="Europe/Madrid",
        starts_on=timezone.localdate(),
        strategy=Strategy.MANAGER,
    )
    return create_campaign(plan=create_plan(facts=facts, by=by), occurrence_at=timezone.now(), by=by)


def _alerts(count: int) -> None:
    now = timezone.now()
    Alert.objects.bulk_create(
        Alert(
            rule=Rule.FAILED_ACCOUNT,
            rule_version=1,
            group_key=f"account:1:agent{n}",
            dedup_key=n.to_bytes(32),
            severity=Severity.MEDIUM,
            subject=f"agent{n} on Helpdesk",
            attempts=12,
            event_count=12,
            first_at=now,
            last_at=now,
            numbers={"threshold": 10, "window_minutes": 10, "succeeded": False},
        )
        for n in range(count)
    )


def _events(connection: "psycopg.Connection[tuple[object, ...]]", tenant: Tenant, source: LogSource, n: int) -> None:
    """Insert the events as the database's administrator, and the counts that intake keeps beside them."""
    months = connection.execute("SELECT date_trunc('month', now() - interval '28 days'), date_trunc('month', now())")
    for month in months.fetchall()[0]:
        name = f"logs_accessevent_{month:%Y_%m}"  # type: ignore[str-format]  # a date knows %Y
        if connection.execute("SELECT to_regclass(%s)", [name]).fetchall()[0][0] is None:
            connection.execute(  # the name is made of digits here
                f"CREATE TABLE {name} PARTITION OF logs_accessevent FOR VALUES FROM ('{month}') "
                f"TO ('{month}'::timestamptz + interval '1 month')".encode()
            )
    values = {"tenant": tenant.pk, "source": source.pk, "system": source.system_id, "n": n, "seconds": DAYS * 86400}
    connection.execute(EVENTS_SQL, values)
    for statement in ROLLUPS:
        connection.execute(statement)
    connection.execute("VACUUM ANALYZE")


EVENTS_SQL: Final = """
INSERT INTO logs_accessevent (tenant_id, received_at, source_id, system_id, account_id, identity_id, batch_id, ord,
    position, occurred_at, clock_quality, log_type, class_uid, activity_id, status_id, severity_id, src_ip,
    repeat_count, out_of_hours, status_code, status_detail, actor_key, actor_uid, actor_name, actor_type, target_uid,
    target_name, target_kind, src_host, device_uid, user_agent, dst_host, app, resource, database, table_name, action,
    session_uid, ticket_ref, native_id, parser, privileges, extra, core)
SELECT %(tenant)s, at + interval '1 second', %(source)s, %(system)s, a.id, a.identity_id, gen_random_uuid(), 0, n, at,
    1, CASE WHEN n %% 25 = 0 THEN 6 ELSE 2 END, CASE WHEN n %% 25 = 0 THEN 3002 ELSE 6001 END,
    CASE WHEN n %% 25 = 0 THEN 1 ELSE 2 END, CASE WHEN n %% 25 = 0 THEN 2 ELSE 1 END, 1,
    ('10.' || n %% 4 || '.' || n %% 250 || '.' || n %% 251)::inet, 1, n %% 40 = 0, '',
    CASE WHEN n %% 25 = 0 THEN 'bad_password' ELSE '' END, a.name_key, '', a.name, 'user', '', '', '', '', '',
    'Mozilla/5.0', '', 'helpdesk', '/customers/' || n %% 100000, '', '', 'record.view', 's-' || n %% 2000, '',
    'evt-' || n, 'json/1', '{}', '{}', ''
FROM (SELECT n, now() - interval '1 minute' - make_interval(secs => %(seconds)s::float * n / %(n)s) AS at
      FROM generate_series(0, %(n)s - 1) n) made
JOIN LATERAL (SELECT 'agent' || made.n %% 2500 AS key) who ON true
JOIN identities_account a ON a.tenant_id = %(tenant)s AND a.name_key = who.key
"""
ROLLUPS: Final = (
    """INSERT INTO logs_usageday (tenant_id, system_id, actor_key, day, log_type, action, events,
    ok_count, denied_count, out_of_hours_count, rows_count, bytes_out)
    SELECT tenant_id, system_id, actor_key, (occurred_at AT TIME ZONE 'UTC')::date,
    log_type, action, count(*), count(*) FILTER (WHERE status_id <> 2), count(*) FILTER (WHERE status_id = 2),
    count(*) FILTER (WHERE out_of_hours), 0, 0 FROM logs_accessevent GROUP BY 1, 2, 3, 4, 5, 6""",
    """INSERT INTO logs_typeday (tenant_id, day, source_id, log_type, events, denied_count, out_of_hours_count)
    SELECT tenant_id, (occurred_at AT TIME ZONE 'UTC')::date, source_id, log_type, count(*),
    count(*) FILTER (WHERE status_id = 2), count(*) FILTER (WHERE out_of_hours)
    FROM logs_accessevent GROUP BY 1, 2, 3, 4""",
    """INSERT INTO logs_lastuse (tenant_id, system_id, actor_key, first_at, last_at, last_ok_at)
    SELECT tenant_id, system_id, actor_key, min(occurred_at), max(occurred_at), max(occurred_at)
    FROM logs_accessevent GROUP BY 1, 2, 3""",
    """INSERT INTO logs_sourcehour (tenant_id, source_id, hour, events, quarantined, ignored)
    SELECT tenant_id, source_id, date_trunc('hour', occurred_at), count(*), 0, 0
    FROM logs_accessevent GROUP BY 1, 2, 3""",
)
