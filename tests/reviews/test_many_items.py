"""A campaign of more than 10,000 items: no list ends early, and what is written about all is written about all.

Lists of another product ended at 10,000 cases, in silence. Opening so many is measured in `bench/`.
"""

import pytest
from django.db import connection

from reviews.actions import close_deciding
from reviews.models import Campaign, Decision, Finding
from reviews.queries.campaigns import items_of, standing
from reviews.queries.desk import desk_for
from reviews.queries.standing import undecided_count
from tenants.kinds import Actor
from tenants.models import User
from tests import make
from tests.database import without_triggers
from tests.reviews.conftest import fall_due, item, person
from tests.reviews.test_pages import page

MANY = 10_050
ITEMS = """
INSERT INTO reviews_reviewitem (tenant_id, campaign_id, n, system_id, snapshot_id, row_id, account_id, entitlement_id,
    subject_key, privileged, advice, advice_reason, evidence)
SELECT i.tenant_id, i.campaign_id, g, i.system_id, i.snapshot_id, -g, i.account_id, i.entitlement_id, i.subject_key,
    i.privileged, i.advice, i.advice_reason, i.evidence
FROM reviews_reviewitem i, generate_series(7, $1[2]::integer) g WHERE i.id = $1[1]::bigint
"""
ASSIGNMENTS = """
INSERT INTO reviews_assignment (tenant_id, campaign_id, item_id, stage, reviewer_id, subject_key, privileged, advice,
    basis, reason, since, by)
SELECT a.tenant_id, a.campaign_id, i.id, a.stage, a.reviewer_id, a.subject_key, a.privileged, a.advice, a.basis,
    a.reason, a.since, a.by
FROM reviews_assignment a JOIN reviews_reviewitem i ON i.campaign_id = a.campaign_id AND i.n > 6
WHERE a.item_id = $1[1]::bigint
"""


@pytest.fixture
def large(campaign: Campaign) -> Campaign:
    """Copies one of Rosa's six items until there are very many: her own three, and all copies."""
    one = item(campaign, "backup")
    without_triggers(ITEMS, one.pk, MANY)
    without_triggers(ASSIGNMENTS, one.pk)
    with connection.cursor() as cursor:  # as the opening of so many does: a planner that knows no row takes 40 s
        cursor.execute("SELECT reviews_refresh_statistics()")
    return campaign


@pytest.mark.django_db
def test_more_than_ten_thousand_items_are_listed_and_closed(large: Campaign, rosa: User, system: Actor) -> None:
    rosas = desk_for(large, person("M2"))
    assert (len(rosas.numbers), len(rosas.waiting), undecided_count(large, person("M2"))) == (MANY - 3,) * 3
    assert (items_of(large).count(), standing(large).undecided) == (MANY, MANY)
    last = make.login(rosa).get(page("review", large.pk), {"page": -(-MANY // 50)}).context["rows"][-1]
    assert last.item.n == MANY
    fall_due(large)
    close_deciding(campaign=large, by=system)
    assert Decision.objects.filter(campaign=large, outcome="not_decided").count() == MANY
    assert Finding.objects.get(kind="not_decided").sentence.startswith(f"{MANY} grants")
