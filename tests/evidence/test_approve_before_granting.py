"""Whether access was approved before it was granted, as the lists of a system tell it, and the row that asks."""

import pytest

from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from identities.models import Grant
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.evidence.facts import good
from tests.evidence.planted import at, crm, measured
from tests.reviews.conftest import CRM, Cast, deliver

pytestmark = pytest.mark.django_db


def approved(cast: Cast, days_ago: int, grants: list[str]) -> None:
    """Deliver the list of the CRM with further grants that say when they were granted and approved."""
    head, *held = CRM.decode().splitlines()
    lines = [f"{head},granted_at,approved_by,approved_at", *(f"{row},,," for row in held), *grants]
    deliver(cast, ("\n".join(lines) + "\n").encode(), days_ago=days_ago)


def told(bpo: Tenant, also: dict[str, float | None] | None = None) -> tuple[float | None, str]:
    """How many grants were approved afterwards, and what the row says where everything else is good."""
    metrics = measured(bpo, "grants").metrics
    facts = good({f"grants.{name}": value for name, value in metrics.items()} | (also or {}))
    row = next(one for one in evaluate_all(load(), facts) if one.control.key == "hipaa-164.308.a.3.ii.A")
    return metrics["approved_after_grant"], str(row.state)


def test_access_is_approved_before_it_is_granted(bpo: Tenant, carla: User, remy: User, rosa: User) -> None:
    cast, _source = crm(bpo, carla, remy, rosa)
    day, long_before = at(9, 0).date().isoformat(), at(40, 0).date().isoformat()
    grants = [
        f"ana,export,E1,human,{at(9, 10).isoformat()},Rosa,{at(9, 9).isoformat()}",
        f"bob,export,E2,human,{day},Rosa,{at(9, 15).isoformat()}",
        f"cem,export,E3,human,,Cem Oz,{long_before}",
    ]
    with tenant_scope(bpo):
        approved(cast, 8, grants)
        kept = Grant.objects.get(account__name="bob", entitlement__key="export")
    assert (kept.approved_by, kept.approved_at) == ("Rosa", at(9, 15))
    assert told(bpo) == (0, "pass"), "before it, on its day, and before the list that did not have it"
    found = measured(bpo, "grants").metrics
    assert (found["without_approval"], found["approved_by_grantee"]) == (0, 1), "Cem approved his own"
    grants.append(f"remy,export,M1,human,,Rosa,{at(7, 9).isoformat()}")
    with tenant_scope(bpo):
        approved(cast, 6, grants)
    assert told(bpo) == (None, "no_data"), "nobody knows when it was granted: before or after that day"
    grants.append(f"backup,export,,service,{at(5, 9).isoformat()},Rosa,{at(5, 10).isoformat()}")
    with tenant_scope(bpo):
        approved(cast, 4, grants)
    assert told(bpo) == (1, "attention")
    assert told(bpo, {"grants.without_approval": 1})[1] == "fail"
