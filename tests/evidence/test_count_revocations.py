"""Counting revocations: those that stand, and none whose decision was replaced after a reopening."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evidence.catalogue import load
from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.metrics.revocations import measure
from reviews.actions import close_deciding, decide, open_campaign, reopen_campaign, verify_remediations
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Finding, Remediation
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tests.reviews import conftest as reviewing
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(in_bpo: Tenant, carla: User, remy: User, rosa: User) -> reviewing.Cast:
    """The officer, two reviewers and the CRM."""
    made: reviewing.Cast = reviewing.cast.__wrapped__(in_bpo, carla, remy, rosa)
    return made


@pytest.fixture
def reopened(cast: reviewing.Cast, system: Actor) -> Campaign:
    """A campaign that was reopened after Remy had signed the revocation of Bob's administration."""
    reviewing.deliver(cast)
    campaign = open_campaign(campaign=reviewing.ready(cast), by=cast.officer)
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    reviewing.fall_due(campaign)
    late, again = close_deciding(campaign=campaign, by=system), timezone.now() + timedelta(days=3)
    return reopen_campaign(campaign=late, due_at=again, reason="Remy found a mistake.", by=cast.officer)


def frame(tenant: Tenant, minutes: float = 1) -> Frame:
    """Return the last ninety days of the tenant, looked at some minutes from now."""
    now = timezone.now()
    params = {name: parameter.value for name, parameter in load().params.items()}
    period = Period(now - timedelta(days=90), now + timedelta(days=1), "Europe/Madrid")
    return Frame(period, params, tenant.pk, tenant.uuid, now + timedelta(minutes=minutes))


def test_a_decision_that_was_replaced_is_no_revocation(
    reopened: Campaign, cast: reviewing.Cast, in_bpo: Tenant
) -> None:
    before = measure(frame(in_bpo))
    named = dict(zip(before.table.columns, before.table.rows[0], strict=True))
    assert (before.metrics["decided"], named["owner"]) == (1, "Rosa")
    kept = Choice(Outcome.CERTIFY, "Needed until the migration ends.")
    decide(item=reviewing.item(reopened, "bob", "admin_all"), choice=kept, by=cast.remy)
    assert Remediation.objects.count() == 1
    after = measure(frame(in_bpo))
    assert (after.metrics["decided"], after.metrics["verified_ratio"]) == (0, None)
    assert after.table.rows == ()
    assert measure(frame(in_bpo, minutes=-1)).metrics["decided"] == 1, "it counted at that time"


def test_the_same_revocation_decided_again_counts_once(
    reopened: Campaign, cast: reviewing.Cast, in_bpo: Tenant
) -> None:
    decide(item=reviewing.item(reopened, "bob", "admin_all"), choice=reviewing.REVOKE, by=cast.remy)
    sign(reopened, cast.remy, "M1")
    assert Remediation.objects.count() == 2
    assert measure(frame(in_bpo)).metrics["decided"] == 1


def test_a_replaced_revocation_is_not_held_against_anybody(reopened: Campaign, cast: reviewing.Cast) -> None:
    Remediation.objects.update(state="claimed_done", claimed_at=timezone.now(), claimed_by="Olga")
    kept = Choice(Outcome.CERTIFY, "Needed until the migration ends.")
    decide(item=reviewing.item(reopened, "bob", "admin_all"), choice=kept, by=cast.remy)
    reviewing.deliver(cast, days_ago=0)
    assert verify_remediations(by=cast.officer).failed == 0
    assert not Finding.objects.filter(kind="unverified").exists()
