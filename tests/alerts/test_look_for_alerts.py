"""The watch: it judges committed rows by event time, once, and raises what the rules find."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from alerts.actions import acknowledge_alert, close_alert, raise_alerts
from alerts.kinds import AlertState, CloseReason, Rule, RuleSettings, Severity
from alerts.models import Alert, AlertEvent, WatchCursor
from identities.models import System
from logs.models import LogSource
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world

pytestmark = pytest.mark.django_db
START = timezone.now().replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture
def payments(bpo: Tenant) -> System:
    return world.system(bpo)


@pytest.fixture
def source(bpo: Tenant, payments: System) -> LogSource:
    return world.source(bpo, payments)


def failures(n: int, who: str = "mallory", *, after: float = 0, **fields: object) -> list[str]:
    at = START + timedelta(minutes=after)
    return [world.line(at + timedelta(seconds=i), who, ok=False, **fields) for i in range(n)]


def alerts(tenant: Tenant) -> list[Alert]:
    with tenant_scope(tenant):
        return list(Alert.objects.select_related("system", "identity").order_by("id"))


def test_it_raises_an_alert_with_its_evidence_and_an_entry(bpo: Tenant, source: LogSource, payments: System) -> None:
    world.deliver(source, failures(12))
    seen = world.look(bpo)
    (alert,) = alerts(bpo)
    assert (seen.seen, len(seen.raised.new), seen.more) == (12, 1, False)
    assert (alert.rule, alert.state, alert.severity) == (Rule.FAILED_ACCOUNT, AlertState.NEW, Severity.MEDIUM)
    assert (alert.subject, alert.system, alert.attempts, alert.event_count) == ("mallory on Payments", payments, 12, 12)
    assert (alert.first_at, alert.last_at) == (START, START + timedelta(seconds=11))
    with tenant_scope(bpo):
        assert AlertEvent.objects.filter(alert=alert).count() == 12
        assert AuditEntry.objects.filter(verb="alert.raise").count() == 1


def test_it_looks_at_nothing_twice(bpo: Tenant, source: LogSource) -> None:
    world.deliver(source, failures(12))
    world.look(bpo)
    again = world.look(bpo)
    assert (again.seen, again.raised.new, len(alerts(bpo))) == (0, [], 1)
    with tenant_scope(bpo):
        assert WatchCursor.objects.get().seen_events == 12


def test_an_open_alert_absorbs_further_hits(bpo: Tenant, source: LogSource) -> None:
    world.deliver(source, failures(12))
    world.look(bpo)
    world.deliver(source, failures(5, after=2))
    seen = world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.attempts, alert.event_count, len(seen.raised.absorbed)) == (17, 17, 1)
    assert alert.last_at == START + timedelta(minutes=2, seconds=4)


def test_a_burst_that_arrives_in_pieces_is_found(bpo: Tenant, source: LogSource) -> None:
    for piece in range(4):
        world.deliver(source, failures(3, after=piece))
        world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.attempts, alert.first_at) == (12, START)


def test_one_large_delivery_is_judged_in_parts(bpo: Tenant, source: LogSource) -> None:
    world.deliver(source, failures(25))
    looks = [world.look(bpo, limit=4) for _ in range(8)]
    (alert,) = alerts(bpo)
    assert alert.attempts == 25
    assert sum(one.seen for one in looks) == 25


def test_late_events_complete_a_burst_and_are_marked(bpo: Tenant, source: LogSource) -> None:
    old = timedelta(days=3).total_seconds() / 60
    world.deliver(source, failures(6, after=-old))
    world.look(bpo)
    assert alerts(bpo) == []
    world.deliver(source, failures(6, after=-old + 1))
    world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.late, alert.attempts) == (True, 12)


def test_a_success_after_the_burst_makes_the_alert_graver(bpo: Tenant, source: LogSource) -> None:
    world.deliver(source, failures(12))
    world.look(bpo)
    world.deliver(source, [world.line(START + timedelta(minutes=5), "mallory")])
    seen = world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.severity, alert.attempts, alert.event_count) == (Severity.HIGH, 12, 13)
    assert "succeeded" in alert.why
    assert [one.pk for one in seen.raised.graver] == [alert.pk]


def test_repeats_count_and_an_address_is_judged_across_accounts(bpo: Tenant, source: LogSource) -> None:
    world.deliver(source, [*failures(1, "a", times=9), *failures(1, "b", times=9), *failures(1, "c", times=9)])
    world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.rule, alert.subject, alert.attempts) == (Rule.FAILED_SOURCE, "198.51.100.7", 27)


def test_what_happens_after_closing_is_a_new_alert_of_its_own_events(bpo: Tenant, source: LogSource, ana: User) -> None:
    world.deliver(source, failures(12))
    world.look(bpo)
    with tenant_scope(bpo):
        by = make.actor(ana, bpo)
        close_alert(alert=Alert.objects.get(), reason=CloseReason.MISTAKE, note="Typed wrongly.", by=by)
    world.deliver(source, failures(9, after=1))
    world.look(bpo)
    assert len(alerts(bpo)) == 1
    world.deliver(source, failures(1, after=2))
    world.look(bpo)
    first, second = alerts(bpo)
    assert (first.state, first.attempts) == (AlertState.CLOSED, 12)
    assert (second.state, second.attempts) == (AlertState.NEW, 10)
    assert bytes(first.dedup_key) != bytes(second.dedup_key)


def test_access_out_of_hours_is_raised_once_a_night(bpo: Tenant, source: LogSource, payments: System) -> None:
    night = datetime.combine(START.date() - timedelta(days=1), time(23, 30), ZoneInfo("Europe/Madrid"))
    agent = world.person(bpo, payments, "agent", (time(9), time(17)))
    world.deliver(source, [world.line(night, "agent", kind="app"), world.line(night.replace(hour=12), "agent")])
    world.look(bpo)
    world.deliver(source, [world.line(night + timedelta(hours=1), "AGENT", kind="app")])
    world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.rule, alert.identity, alert.event_count) == (Rule.OUT_OF_HOURS, agent, 2)
    assert alert.subject == "Agent on Payments"
    assert "the person's shift, 09:00 to 17:00 (Europe/Madrid)" in alert.why


def test_services_and_unknown_accounts_have_no_hours(bpo: Tenant, source: LogSource, payments: System) -> None:
    night = datetime.combine(START.date() - timedelta(days=1), time(3), ZoneInfo("Europe/Madrid"))
    world.person(bpo, payments, "batch", (time(9), time(17)), kind="service")
    world.deliver(source, [world.line(night, "batch"), world.line(night, "nobody")])
    world.look(bpo)
    assert alerts(bpo) == []


def test_settings_of_the_tenant_hold(bpo: Tenant, source: LogSource) -> None:
    world.settle(bpo, RuleSettings(account_threshold=3, hours_on=False))
    world.deliver(source, failures(3))
    world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.settings_version, alert.numbers["threshold"]) == (1, 3)


def test_another_tenant_sees_and_raises_nothing(bpo: Tenant, acme: Tenant, source: LogSource) -> None:
    world.deliver(source, failures(12))
    assert world.look(acme).seen == 0
    world.look(bpo)
    assert alerts(acme) == []


def test_a_person_cannot_raise_alerts(bpo: Tenant, ana: User) -> None:
    with tenant_scope(bpo), pytest.raises(Refused):
        raise_alerts(hits=[], settings=RuleSettings(), version=0, by=make.actor(ana, bpo))


def test_normal_traffic_raises_nothing(bpo: Tenant, source: LogSource, payments: System) -> None:
    noon = datetime.combine(START.date() - timedelta(days=1), time(12), ZoneInfo("Europe/Madrid"))
    for number in range(5):
        world.person(bpo, payments, f"agent{number}", (time(8), time(16)))
    lines = [
        world.line(noon + timedelta(minutes=minute), f"agent{minute % 5}", ok=minute % 7 != 0) for minute in range(120)
    ]
    world.deliver(source, lines)
    world.look(bpo)
    assert alerts(bpo) == []


def test_acknowledging_does_not_stop_absorbing(bpo: Tenant, source: LogSource, ana: User) -> None:
    world.deliver(source, failures(12))
    world.look(bpo)
    with tenant_scope(bpo):
        acknowledge_alert(alert=Alert.objects.get(), by=make.actor(ana, bpo))
    world.deliver(source, failures(3, after=1))
    world.look(bpo)
    (alert,) = alerts(bpo)
    assert (alert.state, alert.attempts) == (AlertState.ACKNOWLEDGED, 15)
