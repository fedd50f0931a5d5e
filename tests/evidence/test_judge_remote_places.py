"""Where remote sessions came from: the approvals of their time, alerts about the others, and the rows that ask."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone

from alerts.actions import close_alert
from alerts.kinds import CloseReason
from alerts.models import Alert
from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from identities.models import Identity, System
from logs.actions import PlaceFacts, approve_place, end_approved_place
from logs.approval import Approval, approved
from logs.models import AccessEvent, ApprovedPlace
from logs.queries.approvals import approvals
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.evidence.facts import good
from tests.evidence.planted import at, crm, line, measured

pytestmark = pytest.mark.django_db
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


def approve(by: Actor, bpo: Tenant, place: str, days_ago: int, system: System | None = None) -> ApprovedPlace:
    facts = PlaceFacts(place, system, "Ines Coll", at(days_ago, 12).date(), bpo.zone, "Policy 4.2.")
    with tenant_scope(bpo):
        return approve_place(facts=facts, by=by)


def states(bpo: Tenant, also: Mapping[str, float | None] | None = None) -> tuple[object, ...]:
    """What CC6.6 and A.6.7 say where everything but remote access is good."""
    found = {**measured(bpo, "remote_access", days=20).metrics, "out_of_hours_unreviewed": 0}
    facts = good({f"remote_access.{name}": value for name, value in found.items()} | dict(also or {}))
    rows = {row.control.key: row.state for row in evaluate_all(load(), facts)}
    return found["unapproved_place"], rows["soc2-cc6.6"], rows["iso27001-a.6.7"]


def test_a_session_from_elsewhere_counts_until_its_alert_is_closed(
    bpo: Tenant, carla: User, remy: User, rosa: User
) -> None:
    cast, source = crm(bpo, carla, remy, rosa)
    world.deliver(source, [line(at(9, 12), "ana", "remote"), line(at(8, 12), "bob", "remote", ip=ELSEWHERE)])
    world.look(bpo)
    assert states(bpo) == (None, "no_data", "no_data"), "nothing is approved: nobody knows whether it was allowed"
    approve(cast.officer, bpo, "198.51.100.0/24", 30)
    assert states(bpo) == (1, "attention", "attention")
    assert states(bpo, {"auth_strength.remote_without_mfa": 1})[1:] == ("fail", "fail")
    world.deliver(source, [line(at(7, 12), "bob", "remote", ip=ELSEWHERE), line(at(7, 13), "bob", "remote", ip=HOME)])
    approve(cast.officer, bpo, ELSEWHERE, 8)
    assert states(bpo) == (0, "pass", "pass"), "no alert was raised about either session"
    with tenant_scope(bpo):
        end_approved_place(place=ApprovedPlace.objects.get(network=f"{ELSEWHERE}/32"), reason="Moved.", by=cast.officer)
    world.deliver(source, [line(timezone.now(), "bob", "remote", ip=ELSEWHERE)])
    world.look(bpo)
    assert states(bpo) == (1, "attention", "attention")
    with tenant_scope(bpo):
        alert = Alert.objects.get(rule="elsewhere")
        assert (alert.account_name, alert.source_ip, alert.event_count) == ("bob", ELSEWHERE, 1)
        assert alert.why.startswith(f"1 remote session from {ELSEWHERE}, an address whose country is not known.")
    approve(cast.officer, bpo, "203.0.113.0/24", 30)
    assert states(bpo)[0] == 1, "an approval that comes after the alert does not close it"
    with tenant_scope(bpo):
        close_alert(alert=alert, reason=CloseReason.EXPECTED, note="A hotel, asked her.", by=make.actor(carla, bpo))
    assert states(bpo) == (0, "pass", "pass")
    assert "203.0.113.0/24 (Ines Coll, " in measured(bpo, "remote_access").notes[0]


CASES = (HOME, ELSEWHERE, "2001:db8::5", "1.1.1.1", "")


def test_the_database_and_the_rule_judge_alike(bpo: Tenant, carla: User, remy: User, rosa: User) -> None:
    cast, source = crm(bpo, carla, remy, rosa)
    when = [at(12, 12), at(9, 12), timezone.now() - timedelta(minutes=1)]
    world.deliver(source, [line(moment, "ana", "remote", ip=ip) for moment in when for ip in CASES])
    with tenant_scope(bpo):
        other = System.objects.create(name="VPN", key="vpn", privileged_rule="none: tests")
    for place, system in (("198.51.100.0/24", None), ("AU", cast.crm), ("2001:db8::/32", other)):
        approve(cast.officer, bpo, place, 10, system)
    with tenant_scope(bpo):
        end_approved_place(place=ApprovedPlace.objects.get(country="AU"), reason="Over.", by=cast.officer)
    world.deliver(source, [line(timezone.now(), "ana", "remote", ip="1.1.1.1")])
    with tenant_scope(bpo):
        events = AccessEvent.objects.filter(log_type=4)
        verdicts = [_judged(event, approvals()) for event in events]
    row = measured(bpo, "remote_access").table
    told = dict(zip(row.columns, row.rows[0], strict=True))
    assert (verdicts.count(False), verdicts.count(None)) == (told["elsewhere_open"], told["place_not_judged"])
    assert (verdicts.count(True), verdicts.count(False), verdicts.count(None)) == (4, 5, 7)


def _judged(event: AccessEvent, held: tuple[Approval, ...]) -> bool | None:
    place = {"system_id": event.system_id, "address": event.src_ip, "country": event.src_country}
    return approved(held, at=event.occurred_at, **place)


def test_an_approval_holds_from_its_day_until_its_end(bpo: Tenant) -> None:
    begin, end = at(9, 0), at(5, 0)
    held = [Approval(ip_network("198.51.100.0/24"), "", None, begin, end)]

    def judged(when: datetime) -> bool | None:
        return approved(held, system_id=None, address=HOME, country="", at=when)

    moments = (begin - timedelta(seconds=1), begin, end - timedelta(seconds=1), end)
    assert [judged(moment) for moment in moments] == [None, True, True, False]


def test_a_third_party_comes_in_within_its_term(bpo: Tenant, carla: User, remy: User, rosa: User) -> None:
    _cast, source = crm(bpo, carla, remy, rosa)
    day = at(9, 12).date()
    with tenant_scope(bpo):
        Identity.objects.filter(external_id="E1").update(kind="vendor")
        Identity.objects.filter(external_id="E2").update(kind="contractor", employed_from=day, employed_until=day)
    world.deliver(source, [line(at(days, 12), "bob", "remote") for days in (9,)])
    assert measured(bpo, "remote_access").metrics["third_party_outside_window"] == 0
    world.deliver(source, [line(at(9, 12), "ana", "remote")])
    assert measured(bpo, "remote_access").metrics["third_party_outside_window"] is None, "Ana's term is not known"
    world.deliver(source, [line(at(days, 12), "bob", "remote") for days in (10, 8)])
    assert measured(bpo, "remote_access").metrics["third_party_outside_window"] == 2
