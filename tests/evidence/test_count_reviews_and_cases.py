"""Numbers of campaigns, revocations, alerts and incidents: each plant beside one that changes nothing."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from alerts.models import AlertNotice, Incident, IncidentEntry
from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.records import DECISIONS
from evidence.rounds import campaign_tables
from identities.models import Identity, SnapshotRow
from reviews.actions import claim_remediation, create_postponed_campaigns, decide, decide_in_bulk, open_campaign
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Finding, Remediation
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.alerts import world
from tests.database import without_triggers
from tests.evidence.planted import crm, measured
from tests.reviews.conftest import KEEP, REVOKE, Cast, deliver, item, ready
from tests.reviews.test_postpone import later, move, pass_by
from tests.reviews.test_sign import sign

pytestmark = pytest.mark.django_db
WAITS = "waits for its day"
UNSAID = """
INSERT INTO reviews_exclusion (tenant_id, campaign_id, row_id, reason, approved_by)
VALUES ($1[1]::bigint, $1[2]::bigint, $1[3]::bigint, repeat(' ', 20), 'carla')
"""


@pytest.fixture
def signed(bpo: Tenant, carla: User, remy: User, rosa: User) -> tuple[Cast, Campaign]:
    """A campaign of today: Remy keeps two in bulk and revokes Bob's administration, Rosa keeps three one by one."""
    cast, _source = crm(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        deliver(cast, days_ago=1)
        campaign = open_campaign(campaign=ready(cast), by=cast.officer)
        decide_in_bulk(
            items=[item(campaign, "ana"), item(campaign, "bob")], choice=Choice(Outcome.CERTIFY), by=cast.remy
        )
        decide(item=item(campaign, "bob", "admin_all"), choice=REVOKE, by=cast.remy)
        for account in ("cem", "remy", "backup"):
            decide(item=item(campaign, account), choice=KEEP, by=cast.rosa)
        sign(campaign, cast.remy, "M1")
        sign(campaign, cast.rosa, "M2")
    return cast, campaign


def test_what_is_postponed_or_abstained_from_counts_as_undecided_in_numbers_and_in_the_table(
    bpo: Tenant, carla: User, remy: User, rosa: User
) -> None:
    cast, _source = crm(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        deliver(cast, days_ago=1)
        campaign = open_campaign(campaign=ready(cast), by=cast.officer)
        move(cast)
        made = decide(item=item(campaign, "ana"), choice=later(9), by=cast.remy)
        decide(item=item(campaign, "cem"), choice=Choice(Outcome.ABSTAIN, "I do not know Cem."), by=cast.rosa)
    done = measured(bpo, "campaigns", ahead=60)
    assert (done.metrics["items"], done.metrics["decided_ratio"]) == (6, 0)
    with tenant_scope(bpo), connection.cursor() as cursor:
        span = {"since": made.decided_at, "until": timezone.now() + timedelta(days=1), "now": timezone.now()}
        cursor.execute(f"SELECT outcome, postponed_until FROM ({DECISIONS}) d", {"tenant": bpo.pk, **span})  # noqa: S608 -- our own
        assert cursor.fetchall() == [("abstain", str(made.postponed_until)), ("abstain", None)]


def put_off(bpo: Tenant) -> list[tuple[object, ...]]:
    """Return what a pack tells of postponed items: whose, where reviewed, with which decision, what came of it."""
    day, columns = timedelta(days=1), ("account", "reviewed_in", "outcome", "what_came_of_it")
    period = Period(timezone.now() - day, timezone.now() + day, "UTC")
    with tenant_scope(bpo):
        tables, _texts = campaign_tables(Frame(period, {}, bpo.pk, bpo.uuid, timezone.now()))
    table = next(one for one in tables if one.name == "postponed")
    return [tuple(row[table.columns.index(name)] for name in columns) for row in table.rows]


def test_a_pack_tells_what_came_of_each_postponed_item(bpo: Tenant, carla: User, remy: User, rosa: User) -> None:
    cast, _source = crm(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        deliver(cast, days_ago=1)
        campaign = open_campaign(campaign=ready(cast), by=cast.officer)
        move(cast)
        for account in ("ana", "bob"):
            decide(item=item(campaign, account), choice=later(5), by=cast.remy)
        decide(item=item(campaign, "bob", "admin_all"), choice=later(5), by=cast.remy)
        decide(item=item(campaign, "bob", "admin_all"), choice=KEEP, by=cast.remy)
    assert put_off(bpo) == [("ana", None, None, WAITS), ("bob", None, None, WAITS)]
    with tenant_scope(bpo):
        pass_by(5)
        Identity.objects.filter(external_id="E2").update(employed_until=timezone.localdate() - timedelta(days=2))
        made = create_postponed_campaigns(by=cast.officer)[0]
    left = ("bob", None, None, "not reviewed: the person left")
    assert put_off(bpo) == [("ana", made.name, None, "taken up, not decided yet"), left]
    with tenant_scope(bpo):
        again = open_campaign(campaign=made, by=cast.officer)
        decide(item=item(again, "ana"), choice=REVOKE, by=cast.rosa)
    assert put_off(bpo) == [("ana", made.name, "revoke", "taken up and decided"), left]


def test_what_a_campaign_decided_and_what_became_of_it(signed: tuple[Cast, Campaign], bpo: Tenant) -> None:
    done = measured(bpo, "campaigns", ahead=60).metrics
    assert (done["due"], done["overdue"], done["unsigned"], done["items"], done["decided_ratio"]) == (1, 0, 0, 6, 1)
    ages = [done[f"days_since_{what}"] for what in ("all", "privileged", "service_accounts")]
    assert ages == pytest.approx([60, 60, 60], abs=0.01)
    care = measured(bpo, "review_quality").metrics
    assert (care["decisions"], care["bulk_kept_ratio"], care["self_reviews"]) == (6, 2 / 5, 0)
    assert care["decided_and_executed_by_same"] == 0
    gone = measured(bpo, "revocations").metrics
    assert (gone["decided"], gone["verified_ratio"], gone["unverified_over_limit"]) == (1, 0, 0)
    late = measured(bpo, "revocations", ahead=60).metrics
    assert (late["unverified_over_limit"], late["activity_after_revocation"]) == (1, 0)
    with tenant_scope(bpo):
        claim_remediation(remediation=Remediation.objects.get(), ticket="CHG-1", by=signed[0].officer)
        about = {"kind": "use_after_revocation", "key": "1", "sentence": "Bob still uses it.", "item_id": 0}
        about |= {"item_id": Remediation.objects.get().item_id, "found_at": timezone.now(), "due_at": timezone.now()}
        Finding.objects.create(**about)
    used = measured(bpo, "revocations", ahead=60).metrics
    assert (used["executed_in_limit_ratio"], used["verified_ratio"], used["unverified_over_limit"]) == (1, 0, 1)
    assert used["activity_after_revocation"] == 1
    assert [measured(bpo, "findings", ahead=days).metrics["overdue"] for days in (0, 60)] == [1, 1]
    with tenant_scope(bpo):
        Remediation.objects.update(executor_id=item(signed[1], "remy").subject_id)
        without_triggers(UNSAID, bpo.pk, signed[1].pk, SnapshotRow.objects.earliest("id").pk)
        without_triggers("ALTER TABLE reviews_decision DROP CONSTRAINT nobody_reviews_their_own_access")
        without_triggers("UPDATE reviews_decision SET subject_key = reviewer_id WHERE outcome = 'revoke'")
    care = measured(bpo, "review_quality").metrics
    assert (care["self_reviews"], care["decided_and_executed_by_same"]) == (1, 1), "the database itself lets nobody"
    assert measured(bpo, "population").metrics["excluded_without_reason"] == 1, "spaces are no reason"


def test_a_campaign_that_nobody_signed_is_late_and_its_systems_stay_without_review(
    bpo: Tenant, carla: User, remy: User, rosa: User
) -> None:
    cast, _source = crm(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        deliver(cast, days_ago=1)
        open_campaign(campaign=ready(cast), by=cast.officer)
    found = measured(bpo, "campaigns", ahead=60).metrics
    assert (found["due"], found["overdue"], found["unsigned"], found["decided_ratio"]) == (1, 1, 1, 0)
    assert {found[f"days_since_{what}"] for what in ("all", "privileged", "service_accounts")} == {None}


def test_alerts_wait_by_their_severity_and_rules_are_tested_by_firing(bpo: Tenant, carla: User) -> None:
    now = timezone.now()
    assert measured(bpo, "alert_rules").metrics["untested"] == 2
    with tenant_scope(bpo):
        seen = {"state": "acknowledged", "acknowledged_by": carla}
        over = {"state": "closed", "closed_by": carla, "close_reason": "expected"}
        world.alert(severity=5, raised_at=now - timedelta(hours=2))
        world.alert(severity=3, raised_at=now - timedelta(hours=2))
        world.alert(severity=5, raised_at=now - timedelta(hours=3), acknowledged_at=now - timedelta(hours=2.5), **seen)
        world.alert(severity=4, raised_at=now - timedelta(hours=10), closed_at=now - timedelta(hours=5), **over)
        failed = {"state": "given_up", "last_error": "no route", "next_try_at": now}
        AlertNotice.objects.create(alert_count=1, **failed)
    found = measured(bpo, "alerts").metrics
    assert (found["raised"], found["acknowledged"], found["ack_within_limit_ratio"]) == (4, 2, 0.5)
    assert (found["open_over_limit"], found["closed_without_reason"]) == (1, 0)
    assert found["ack_p95_minutes"] == pytest.approx(300)
    without_triggers("SET CONSTRAINTS ALL IMMEDIATE")
    without_triggers("ALTER TABLE alerts_alert DROP CONSTRAINT alert_closed_with_a_reason_by_somebody")
    without_triggers("UPDATE alerts_alert SET close_reason = ''")
    assert measured(bpo, "alerts").metrics["closed_without_reason"] == 1, "the database itself lets nobody"
    rules = measured(bpo, "alert_rules").metrics
    assert (rules["untested"], rules["delivery_failures"]) == (1, 1), "the rule on hours has never fired"


def incident(known: datetime, *steps: tuple[str, float]) -> None:
    """An incident that was opened an hour after it was known, with steps some hours after it was known."""
    told = {"title": "Export", "what": "Rows were exported.", "opened_by": "carla", "found_at": known}
    made = Incident.objects.create(known_at=known, opened_at=known + timedelta(hours=1), **told)
    for step, hours in steps:
        at = known + timedelta(hours=hours)
        IncidentEntry.objects.create(incident=made, step=step, note="Done.", happened_at=at, recorded_by="carla")


def test_the_clocks_of_incidents_run_from_what_people_recorded(bpo: Tenant) -> None:
    now = timezone.now()
    with tenant_scope(bpo):
        told = (("triaged", 2), ("breach", 3), ("client_told", 10), ("authority_told", 90), ("effects", 91))
        incident(now - timedelta(days=28), *told)
        incident(now - timedelta(days=70), ("breach", 30))
        incident(now - timedelta(days=3), ("triaged", 30), ("no_breach", 31), ("closed", 32))
    found = measured(bpo, "incidents").metrics
    assert (found["opened"], found["triaged_ratio"], found["triage_p95_hours"]) == (3, 2 / 3, 30)
    assert (found["breaches"], found["breach_records_incomplete"], found["without_root_cause"]) == (2, 2, 1)
    assert found["client_notify_max_hours"] == pytest.approx(70 * 24, abs=1)
    assert (found["client_notify_late"], found["client_notify_over_60_days"]) == (1, 1)
    assert (found["authority_clock_missing"], found["authority_notify_late"]) == (1, 1), "80 hours after the client"
    assert found["open_over_limit"] == 1, "the one that nobody assessed"
    assert measured(bpo, "incidents", {"incident_open_days": 20}).metrics["open_over_limit"] == 2
    assert measured(bpo, "incidents", {"authority_notify_hours": 96}).metrics["authority_notify_late"] == 0
