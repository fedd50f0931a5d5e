"""A finding that somebody resolved is closed without a retest until the system looked again and the cause was gone."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from evidence.kinds import Period
from evidence.metrics import MEASURES
from evidence.metrics.frame import Frame
from reviews.actions import close_campaign, create_campaign, decide, find_causes, open_campaign, resolve_finding
from reviews.actions.findings import write_finding
from reviews.causes import Cause
from reviews.kinds import FindingKind
from reviews.models import Finding, ReviewItem
from reviews.queries.retests import retested
from tenants.models import Tenant
from tests.reviews.conftest import KEEP, Cast, deliver, person, ready
from tests.reviews.test_sign import sign

pytestmark = pytest.mark.django_db
HELD = b"""account,entitlement,person,kind
temp,agent,,human
ana,agent,E1,human
"""
SAID = "Looked into with the CRM team."


def closed_without_retest(tenant: Tenant) -> float | None:
    now = timezone.now()
    period = Period(now - timedelta(days=90), now + timedelta(minutes=1), "UTC")
    return MEASURES["findings"](Frame(period, {}, tenant.pk, tenant.uuid, now)).metrics["closed_without_retest"]


def test_words_close_a_finding_and_only_a_look_that_finds_the_cause_gone_retests_it(cast: Cast, in_bpo: Tenant) -> None:
    deliver(cast, HELD)
    find_causes(by=cast.officer)
    resolve_finding(finding=Finding.objects.get(), resolution=SAID, by=cast.officer)
    assert closed_without_retest(in_bpo) == 1
    find_causes(by=cast.officer)
    assert closed_without_retest(in_bpo) == 1, "it is explained, and still there"
    deliver(cast, HELD.replace(b"temp,agent,,", b"temp,agent,E2,"), days_ago=0.5)
    find_causes(by=cast.officer)
    assert closed_without_retest(in_bpo) == 0
    with pytest.raises(DatabaseError, match="finding_is_retested_after_its_resolution"), transaction.atomic():
        Finding.objects.update(retested_at=timezone.now() - timedelta(days=9))


def test_an_event_is_retested_by_a_quiet_day_and_a_campaign_by_the_next(cast: Cast) -> None:
    deliver(cast, HELD)
    now, first = timezone.now(), ready(cast)
    ghost, hasty = Cause(FindingKind.GHOST_USE, "a", "Used."), Cause(FindingKind.HASTY_REVIEW, "b", "Fast.")
    for cause in (ghost, hasty):
        finding = write_finding(cause, at=now, campaign=first)
        resolve_finding(finding=finding, resolution=SAID, by=cast.officer)
    event, care = (Finding.objects.get(kind=cause.kind) for cause in (ghost, hasty))
    more = Cause(FindingKind.GHOST_USE, "a", "Used.", seen_at=now + timedelta(hours=2))
    assert retested([], now + timedelta(hours=1)) == []
    assert retested([more], now + timedelta(days=2)) == []
    assert retested([], now + timedelta(days=2)) == [event.pk], "the next campaign is not closed yet"
    following = create_campaign(plan=first.plan, occurrence_at=now + timedelta(days=1), by=cast.officer)
    open_campaign(campaign=following, by=cast.officer)
    for who, by in (("M1", cast.remy), ("M2", cast.rosa)):
        for mine in ReviewItem.objects.filter(assignments__reviewer=person(who)).select_related("campaign"):
            decide(item=mine, choice=KEEP, by=by)
        sign(following, by, who)
    close_campaign(campaign=following, by=cast.officer)
    assert set(retested([], now + timedelta(days=2))) == {event.pk, care.pk}
    write_finding(Cause(FindingKind.HASTY_REVIEW, "c", "Fast."), at=now, campaign=following)
    assert retested([], now + timedelta(days=2)) == [event.pk], "the next was as hasty"
