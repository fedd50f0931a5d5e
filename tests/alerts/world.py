"""A small world for the watch: one system, people with shifts, a source, and log lines that arrive through it."""

import json
from datetime import datetime, time, timedelta
from secrets import token_bytes
from typing import Any

from django.utils import timezone

from alerts.actions import look_for_alerts
from alerts.actions.watching import Look
from alerts.kinds import Rule, RuleSettings, Severity
from alerts.models import Alert, AlertSettings, row_of
from identities.kinds import AccountKind
from identities.models import Account, Identity, System
from logs.actions import record_events
from logs.kinds import Format
from logs.models import LogSource
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

MAPPING: dict[str, Any] = {
    "columns": {"at": "occurred_at", "who": "actor_name", "ip": "src_ip", "kind": "kind", "result": "outcome"}
    | {"times": "repeat_count"},
    "log_types": {"login": "system_login", "failed": "failed_login", "app": "application", "admin": "admin"},
    "outcomes": {"ok": "success", "no": "bad_password"},
}


def source(tenant: Tenant, system: System | None = None) -> LogSource:
    """Add a JSON source with a saved mapping."""
    with tenant_scope(tenant):
        return LogSource.objects.create(
            name="Payments log", key="payments", system=system, format=Format.JSON, mapping=MAPPING
        )


def system(tenant: Tenant) -> System:
    """Add the system that the source belongs to."""
    with tenant_scope(tenant):
        return System.objects.create(name="Payments", key="payments", privileged_rule="none: tests")


def person(tenant: Tenant, where: System, name: str, shift: tuple[time, time] | None = None, **fields: Any) -> Identity:
    """Add a person with an account on the system, and with a shift when one is given."""
    start, end = shift or (None, None)
    with tenant_scope(tenant):
        who = Identity.objects.create(name=name.title(), external_id=name, shift_start=start, shift_end=end, **fields)
        ref = f"{name:0>64}"
        Account.objects.create(
            system=where, name=name, name_key=name, identity=who, kind=AccountKind.HUMAN, salt=b"s" * 16, ref=ref
        )
    return who


def line(at: datetime, who: str, *, ok: bool = True, kind: str = "", ip: str = "198.51.100.7", times: int = 1) -> str:
    """Return one record of the source."""
    word = kind or ("login" if ok else "failed")
    record = {"at": at.isoformat(), "who": who, "ip": ip, "kind": word, "result": "ok" if ok else "no", "times": times}
    return json.dumps(record)


def deliver(to: LogSource, lines: list[str]) -> None:
    """Record the lines as one delivery, committed to the tenant's log."""
    body = "".join(f"{text}\n" for text in lines).encode()
    with tenant_scope(to.tenant):
        answer = record_events(source=to, body=body, door="tests", by=Actor.system("tests", to.tenant.pk))
    assert answer.stored == len(lines), answer


def look(tenant: Tenant, limit: int = 5000) -> Look:
    """Judge what is new, once."""
    with tenant_scope(tenant):
        return look_for_alerts(tenant=tenant, by=Actor.system("alerts", tenant.pk), limit=limit)


def settle(tenant: Tenant, settings: RuleSettings) -> None:
    """Store settings as the next version, without the action's policy."""
    with tenant_scope(tenant):
        version = AlertSettings.objects.count() + 1
        AlertSettings.objects.create(version=version, created_by="tests", **row_of(settings))


def alert(**fields: Any) -> Alert:
    """Add an alert to the open tenant, as the watch would."""
    now = timezone.now()
    values: dict[str, Any] = {
        "rule": Rule.FAILED_ACCOUNT,
        "rule_version": 1,
        "group_key": "account:0:mallory",
        "dedup_key": token_bytes(32),
        "severity": Severity.MEDIUM,
        "subject": "mallory on Payments",
        "attempts": 12,
        "event_count": 12,
        "first_at": now - timedelta(minutes=5),
        "last_at": now,
        "numbers": {"threshold": 10, "window_minutes": 10, "succeeded": False},
    }
    return Alert.objects.create(**values | fields)


def identity(**fields: Any) -> Identity:
    """Add a person to the open tenant's register."""
    return Identity.objects.create(name="Somebody", external_id="somebody", **fields)
