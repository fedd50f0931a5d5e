"""Counting log reviews: due and signed in time, those that nobody opened or signed, and exceptions that stay open."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.metrics.log_reviews import measure
from reviews.actions import close_follow_up
from reviews.kinds import Disposed, Looked
from reviews.models import FollowUp
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.evidence.test_count_revocations import frame
from tests.reviews import periods
from tests.reviews.conftest import Cast

pytestmark = pytest.mark.django_db
FOUND = Looked(Disposed.VIOLATION, "Nobody had asked for it.")


@pytest.fixture
def cast(bpo: Tenant, carla: User, remy: User, rosa: User) -> Iterator[Cast]:
    """The reviewers after an eventful day three days ago; the scope is open."""
    cast = periods.stage(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        source = periods.log_source(cast)
    periods.an_eventful_day(source)
    with tenant_scope(bpo):
        yield cast


def test_each_plant_changes_its_metric(cast: Cast, bpo: Tenant) -> None:
    assert measure(frame(bpo)).metrics["on_time_ratio"] is None, "nothing was due: no data"
    plan = periods.schedule(cast, due_days=1)
    planned = measure(frame(bpo)).metrics
    assert (planned["due"], planned["overdue"], planned["unsigned"], planned["on_time_ratio"]) == (2, 2, 2, 0.0)
    first = periods.opened(cast, plan)
    opened = measure(frame(bpo))
    assert opened.metrics["due"] == 2
    assert opened.table.rows[0][1] == first.name
    periods.dispose_all(first, cast, FOUND)
    signature = periods.sign(first, cast.remy, "M1")
    late = measure(frame(bpo)).metrics
    assert (late["unsigned"], late["overdue"]) == (1, 2), "signed, and too late"
    assert (late["exceptions_raised"], late["exceptions_open_over_limit"]) == (first.item_count, 0)
    assert signature.count == first.item_count


def test_a_review_signed_in_time_counts_and_open_exceptions_get_late(cast: Cast, bpo: Tenant) -> None:
    first = periods.opened(cast, periods.schedule(cast, due_days=7, follow_up_days=1))
    periods.dispose_all(first, cast, FOUND)
    periods.sign(first, cast.remy, "M1")
    assert measure(frame(bpo)).metrics["due"] == 0, "signed ahead of its time"
    then = measure(in_days(bpo, 10)).metrics
    assert (then["due"], then["overdue"], then["unsigned"]) == (6, 5, 5), "and five that nobody will have opened"
    assert then["on_time_ratio"] == pytest.approx(1 / 6)
    assert then["exceptions_open_over_limit"] == first.item_count
    for one in FollowUp.objects.all():
        close_follow_up(follow_up=one, resolution="The administrator had asked by phone.", by=cast.officer)
    assert measure(in_days(bpo, 10)).metrics["exceptions_open_over_limit"] == 0


def in_days(tenant: Tenant, days: int) -> Frame:
    """Return the frame of somebody who looks some days from now, at everything until then."""
    then = timezone.now() + timedelta(days=days)
    return replace(frame(tenant), period=Period(then - timedelta(days=90), then, "UTC"), now=then)
