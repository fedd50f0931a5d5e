"""A made-up BPO with over 2,000 grants: every planted case of its truth file is found, and none that is not planted."""

import pytest

from identities.models import System
from logs.simulate import Scenario
from portal.loop import bpo as made
from reviews.actions import find_causes
from reviews.models import Assignment
from tenants.kinds import Actor, Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> Scenario:
    return made.made_up()


def test_every_planted_case_is_found_and_no_other(db: None) -> None:
    opened, told = made.review_bpo(Silent())
    assert int(opened.split(" grants")[0].rsplit(" ", 1)[1].replace(",", "")) >= 2000
    assert not [kind for kind in set(made.KINDS) - {"population_gap"} if kind.replace("_", " ") not in told]
    tenant = Tenant.objects.get(slug=made.SLUG)
    with tenant_scope(tenant):
        assert not [system for system in System.objects.all() if not system.snapshots.filter(complete=True).exists()]
        assert not [one for one in Assignment.objects.select_related("item") if one.reviewer_id == one.item.subject_id]
        assert find_causes(by=Actor.system("tests", tenant.pk)).opened == 0
    assert made.review_bpo(Silent()) == [opened, told]


def test_a_case_that_was_not_found_or_not_planted_is_told() -> None:
    case = ("ownerless", "crm", "svc-1")
    for wanted, got in (({case}, set()), (set(), {case})):
        with pytest.raises(AssertionError, match="svc-1"):
            made.compared(1, wanted, got)


def test_a_client_finds_the_cases_of_its_own_systems_and_no_other(
    scenario: Scenario, acme: Tenant, carla: User
) -> None:
    make.member(carla, acme, Role.OFFICER)
    with tenant_scope(acme):
        by = make.actor(carla, acme)
        made.bring(scenario, acme, "acme", by)
        find_causes(by=by)
        wanted = made.planted(scenario, "acme")
        assert {kind for kind, _system, _account in wanted} == {"leaver_active", "ownerless", "ghost_use"}
        assert made.found() == wanted
