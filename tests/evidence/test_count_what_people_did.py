"""Numbers that rest on what people did: requests of auditors, rules switched off, lists that do not add up."""

import pytest
from django.utils import timezone

from alerts.kinds import RuleSettings
from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from evidence.room.actions import Attached, ask, look, take_turn
from evidence.states import Turn
from ledger.kinds import LeafKind
from logs.actions.looks import look_at_events
from logs.models import LogSource
from reviews.models import LogItem
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import Engagement, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.evidence.facts import good
from tests.evidence.planted import at, crm, line, measured
from tests.reviews import periods
from tests.reviews.conftest import Cast, deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(bpo: Tenant, carla: User, remy: User, rosa: User) -> tuple[Cast, LogSource]:
    """The CRM and its log."""
    return crm(bpo, carla, remy, rosa)


def test_requests_of_auditors_wait_until_evidence_is_provided(bpo: Tenant, carla: User, axel: User) -> None:
    auditor, officer, today = make.actor(axel, bpo), make.actor(carla, bpo), timezone.localdate()
    with tenant_scope(bpo):
        room = {"engagement": Engagement.objects.get(), "control": "soc2-cc6.3", "due_on": today, "by": auditor}
        first, second, third = (ask(what=f"List {n}.", **room) for n in range(3))
        document = Attached(document_name="list.txt", document=b"rows")
        take_turn(request=first, turn=Turn.PROVIDE, words="", attached=document, by=officer)
        take_turn(request=second, turn=Turn.WITHDRAW, words="", attached=Attached(), by=auditor)
        take_turn(request=third, turn=Turn.TAKE, words="", attached=Attached(), by=officer)
    told = [measured(bpo, "client_access", ahead=days).metrics for days in (0, 9, 11)]
    assert [row["requests"] for row in told] == [3, 3, 3]
    assert [row["requests_over_limit"] for row in told] == [0, 0, 1]
    assert measured(bpo, "client_access", {"request_days": 12}, ahead=11).metrics["requests_over_limit"] == 0
    later = measured(bpo, "client_access", days=5, ahead=11).metrics
    assert (later["requests"], later["requests_over_limit"]) == (0, 1), "asked before the period, and still waiting"
    shown = {f"client_access.{name}": value for name, value in told[0].items()} | {"client_access.packs_issued": 1}
    row = {item.control.key: item.state for item in evaluate_all(load(), good(shown))}
    assert row["gdpr-28.3.h"] == "pass"


def test_a_rule_that_was_off_is_missing_and_nobody_records_who_agreed(bpo: Tenant) -> None:
    found = measured(bpo, "alert_rules").metrics
    assert (found["enabled"], found["mandatory_missing"], found["disabled_without_approval"]) == (2, 0, 0)
    world.settle(bpo, RuleSettings(failed_on=False))
    world.settle(bpo, RuleSettings())
    found = measured(bpo, "alert_rules").metrics
    assert (found["enabled"], found["mandatory_missing"], found["disabled_without_approval"]) == (2, 1, None)


def test_a_list_that_does_not_add_up_to_the_systems_total(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    found = measured(bpo, "population").metrics
    assert (found["snapshots"], found["systems_without_snapshot"], found["unreconciled_difference"]) == (1, 0, 0)
    with tenant_scope(bpo):
        deliver(made[0], days_ago=2, total=9)
    found = measured(bpo, "population", days=20).metrics
    assert (found["snapshots"], found["systems_without_snapshot"], found["unreconciled_difference"]) == (1, 1, 3)


def test_access_that_a_list_shows_anew_needs_its_request(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    assert measured(bpo, "grants").metrics["granted"] == 0, "the first list is what was there before"
    body = b"""account,entitlement,person,kind,granted_by,origin
ana,agent,E1,human,,
bob,agent,E2,human,,
bob,admin_all,E2,human,,
cem,agent,E3,human,,
remy,agent,M1,human,,
backup,agent,,service,,
ana,admin_all,E1,human,Ana Ruiz,CHG-7
cem,admin_all,E3,human,Rosa,
"""
    with tenant_scope(bpo):
        deliver(made[0], body, days_ago=2)
    found = measured(bpo, "grants").metrics
    assert found == {"granted": 2, "without_approval": 1, "approved_after_grant": None, "approved_by_grantee": 1}


def test_a_bulk_read_that_a_log_review_drew_counts_once_it_is_judged(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    world.deliver(made[1], [line(at(3, 2), "ana", "app", rows=20_000)])
    with tenant_scope(bpo):
        review = periods.opened(made[0], periods.schedule(made[0]))
        assert LogItem.objects.filter(kind="out_of_hours").count() == 1
    assert measured(bpo, "data_access").metrics["bulk_reads_unreviewed"] == 1
    with tenant_scope(bpo):
        periods.dispose_all(review, made[0])
    found = measured(bpo, "data_access").metrics
    assert (found["bulk_reads"], found["bulk_reads_unreviewed"]) == (1, 0)


def test_who_looked_at_the_logs_and_who_might_not(bpo: Tenant, ana: User, axel: User, rosa: User) -> None:
    stranger = make.user("sam")
    gone = Actor(stranger.email, stranger.pk, bpo.pk)
    with tenant_scope(bpo):
        look_at_events(what="Search", asked={}, shown=3, by=make.actor(ana, bpo))
        look(what="request", target="Request 1", by=make.actor(axel, bpo))
    assert measured(bpo, "log_access").metrics["by_unauthorised_role"] == 0, "an auditor may look at their own room"
    with tenant_scope(bpo):
        for person, verb in ((make.actor(rosa, bpo), "event.look"), (gone, "request.look")):
            audit(verb, by=person, kind=LeafKind.LOOKED)
    found = measured(bpo, "log_access").metrics
    assert (found["reads"], found["by_unauthorised_role"], found["without_purpose"]) == (4, 2, None), (
        "no purposes are set"
    )
    assert (found["readers"], found["readers_not_reviewed"]) == (1, 1), "Ana, whom no campaign decided about"
