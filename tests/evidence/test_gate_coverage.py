"""The headline: a source that gave 62 % of its hours, through the real door, leaves "no data" and not "pass"."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from evidence.actions import compute_controls
from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from evidence.kinds import Facts, Period
from evidence.metrics import MEASURES
from evidence.models import ControlResult, ControlRun
from evidence.registers.queries import gaps_between
from logs.actions import issue_source_token
from logs.kinds import Format
from logs.models import LogSource
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.alerts import world
from tests.evidence.facts import good

HOURS = 50
COVERED = 31
pytestmark = pytest.mark.django_db


@pytest.fixture
def silent(bpo: Tenant, client: Client, system: Actor) -> datetime:
    """A source of every log type that gave an event in 31 of 50 hours; gives the period's start."""
    end = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    start = end - timedelta(hours=HOURS)
    with tenant_scope(bpo):
        source = LogSource.objects.create(
            name="Desk",
            key="desk",
            format=Format.JSON,
            mapping=world.MAPPING,
            log_types=[1, 2, 3, 4, 5, 6, 7],
            expected={"every_minutes": 60},
        )
        token = issue_source_token(source=source, by=system)
    seen = [start + timedelta(hours=number, minutes=5) for number in range(COVERED)]
    body = "\n".join(world.line(at, "amy") for at in seen)
    answer = client.post(
        "/api/v1/t/northwind/ingest/desk",
        data=body.encode(),
        content_type="text/plain",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert json.loads(answer.content)["stored"] == COVERED
    return start


def test_62_percent_of_the_hours_is_no_data_on_every_row_that_depends_on_them(
    silent: datetime, bpo: Tenant, system: Actor
) -> None:
    period = Period(silent, silent + timedelta(hours=HOURS), "Asia/Tokyo")
    with tenant_scope(bpo):
        computed = compute_controls(tenant=bpo, period=period, by=system)
        states = {row.control: (row.state, " ".join(row.reasons)) for row in ControlResult.objects.all()}
        assert len(gaps_between(period.start, period.end)) == 1
    use, days = computed.patterns["use_by_hour"].table, computed.patterns["coverage_days"].table
    seen = [(silent + timedelta(hours=number)).astimezone(ZoneInfo("Asia/Tokyo")) for number in range(COVERED)]
    assert {row[:2]: row[2] for row in use.rows} == {(at.isoweekday(), at.hour): 1 for at in seen}
    assert (sum(row[2] for row in days.rows), sum(row[3] for row in days.rows)) == (HOURS, COVERED)
    assert set(computed.coverage.values()) == {0.62}
    depends = [row for row in load().controls if _depends(row.evidence) or _needs_coverage(row.criterion.needs)]
    assert len(depends) == 44
    for row in depends:
        if not MEASURES.keys() >= set(row.evidence):
            continue  # not computed yet: it has no result at all
        state, why = states[row.key]
        assert state == "no_data", (row.id, state, why)
        assert "is 62.0%, below the floor of 90%" in why or "expected hours = 62.0%" in why, (row.id, why)
    counts = computed.evidence["coverage"].metrics
    assert (counts["coverage_ratio"], counts["sources_expected"], counts["sources_reporting"]) == (0.62, 1, 1)
    assert (counts["log_types_expected"], counts["log_types_received"]) == (7, 1), "only log-ins came"
    # And the gate alone does it: with every metric good, the measured coverage turns these rows and no other.
    gated = evaluate_all(load(), Facts(good().metrics, computed.coverage))
    assert {item.control.key for item in gated if item.state == "no_data"} == {
        row.key for row in load().controls if _depends(row.evidence)
    }


def _depends(evidence: tuple[str, ...]) -> bool:
    return any(load().kinds[name].log_types for name in evidence)


def _needs_coverage(needs: tuple[str, ...]) -> bool:
    return any("coverage." in need for need in needs)


def test_a_run_is_superseded_and_never_changed_and_pins_its_catalogue(
    bpo: Tenant, system: Actor, period: Period
) -> None:
    with tenant_scope(bpo):
        first = compute_controls(tenant=bpo, period=period, by=system).run
        before = list(ControlResult.objects.filter(run=first).order_by("pk").values())
        second = compute_controls(tenant=bpo, period=period, by=system).run
        assert list(ControlResult.objects.filter(run=first).order_by("pk").values()) == before
        pinned = set(ControlRun.objects.values_list("catalogue_version", "catalogue_digest"))
    assert second.pk > first.pk
    assert pinned == {(load().version, load().digest)}
