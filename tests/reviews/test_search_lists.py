"""Each sealed list is searched for conflicts of duties, so that what the next one hides again is found all the same."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from identities.actions import SystemFacts, import_snapshot, save_system
from identities.kinds import SnapshotUpload
from identities.models import Entitlement, System
from reviews import jobs
from reviews.actions import add_conflict, find_causes, find_conflicts_of_list, resolve_finding
from reviews.models import Finding, SearchedList
from reviews.queries.duties import lists_to_search
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant
from tenants.work import Silent
from tests.reviews.conftest import Cast, deliver

pytestmark = pytest.mark.django_db

ONE = b"account,entitlement,person,kind,enabled\nbob,approve,E2,human,yes\ncem,pay,E3,human,yes\n"
BOTH = ONE + b"bob,pay,E2,human,yes\n"
SWITCHED_OFF = BOTH.replace(b"bob,approve,E2,human,yes", b"bob,approve,E2,human,no").replace(
    b"bob,pay,E2,human,yes", b"bob,pay,E2,human,no"
)
MINUTE = 1 / 1440


@pytest.fixture
def ruled(cast: Cast) -> Cast:
    """The CRM with a first list, searched already, and the rule that who pays must not approve."""
    deliver(cast, ONE)
    forbid("pay", "approve", cast)
    look(cast)
    return cast


def forbid(one: str, other: str, cast: Cast) -> None:
    """Add the rule that nobody holds both."""
    sides = [[Entitlement.objects.get(key=key)] for key in (one, other)]
    add_conflict(one=sides[0], other=sides[1], why="Whoever pays must not approve.", by=cast.officer)


def look(cast: Cast) -> int:
    """Run what the schedule runs; return how many findings it opened."""
    return int(jobs.search_lists(Silent(), Tenant.objects.get(pk=cast.officer.tenant_id))["opened"])


@pytest.mark.parametrize("after", [ONE, SWITCHED_OFF], ids=["taken away", "switched off"])
def test_a_pair_that_the_next_list_hides_five_minutes_later_is_found(ruled: Cast, after: bytes) -> None:
    listed = deliver(ruled, BOTH, days_ago=10 * MINUTE)
    deliver(ruled, after, days_ago=5 * MINUTE)
    assert find_causes(by=ruled.officer).opened == 0, "the register holds it no more"
    assert look(ruled) == 1
    found = Finding.objects.get(kind="conflict")
    assert found.sentence.startswith("Bob Lim held pay on CRM and approve on CRM by the list of ")
    assert found.evidence["list_at"] == listed.captured_at.isoformat(timespec="seconds")
    assert AuditEntry.objects.filter(verb="finding.search", target="list of CRM").count() == 1
    assert look(ruled) == 0, "each list is searched once"
    find_causes(by=ruled.officer)
    found = Finding.objects.get(kind="conflict")
    assert (found.resolved_at, found.retested_at) == (None, None), "it was over when it was found: nobody decided yet"
    resolve_finding(finding=found, resolution="Bob covered for Cem; his payments were read.", by=ruled.officer)
    find_causes(by=ruled.officer)
    assert Finding.objects.get(kind="conflict").retested_at is not None


def test_what_the_hourly_look_found_or_a_person_explained_is_not_found_again(ruled: Cast) -> None:
    deliver(ruled, BOTH, days_ago=10 * MINUTE)
    find_causes(by=ruled.officer)
    deliver(ruled, ONE, days_ago=5 * MINUTE)
    find_causes(by=ruled.officer)
    assert look(ruled) == 0, "it was found and ended since the list came"
    deliver(ruled, BOTH, days_ago=4 * MINUTE)
    assert look(ruled) == 1
    assert "Bob Lim holds pay on CRM" in Finding.objects.get(resolved_at=None).sentence, "the register holds it still"
    deliver(ruled, ONE, days_ago=3.8 * MINUTE)
    find_causes(by=ruled.officer)
    assert not Finding.objects.filter(resolved_at=None).exists(), "a state ends with its cause"
    deliver(ruled, BOTH, days_ago=3.5 * MINUTE)
    assert look(ruled) == 1
    words = "Payroll agreed with it."
    resolve_finding(finding=Finding.objects.get(resolved_at=None), resolution=words, by=ruled.officer)
    deliver(ruled, BOTH, days_ago=3 * MINUTE)
    assert look(ruled) == 0


def test_the_other_side_is_what_the_other_systems_newest_list_then_said(ruled: Cast) -> None:
    bank = save_system(facts=SystemFacts("Bank", "bank", "admin*"), by=ruled.officer)
    hand_in(bank, b"account,entitlement,person,kind\nbob,transfer,E2,human\n", 60, ruled)
    forbid("transfer", "approve", ruled)
    hand_in(bank, b"account,entitlement,person,kind\nbob,read,E2,human\n", 20, ruled)
    deliver(ruled, ONE, days_ago=10 * MINUTE)
    assert look(ruled) == 0, "the bank's newest list lacks it by then"
    deliver(ruled, ONE, days_ago=30 * MINUTE)
    assert look(ruled) == 1
    assert "transfer on Bank" in Finding.objects.get().sentence


def hand_in(system: System, body: bytes, minutes_ago: int, cast: Cast) -> None:
    """Deliver a list of another system."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    upload = SnapshotUpload(body, at, 1, "bank.csv", "", "report 7", "Ines, bank team")
    import_snapshot(system=system, upload=upload, by=cast.officer)


def test_a_list_from_before_the_rule_an_incomplete_and_a_stale_one_are_left_alone(cast: Cast) -> None:
    deliver(cast, BOTH, days_ago=3)
    forbid("pay", "approve", cast)
    deliver(cast, BOTH, days_ago=2, total=9)
    deliver(cast, ONE, days_ago=1)
    assert lists_to_search(timezone.now() + timedelta(days=7)) == []
    assert look(cast) == 0
    assert SearchedList.objects.count() == 2


def test_a_search_is_kept_and_needs_the_right(ruled: Cast) -> None:
    listed = deliver(ruled, BOTH, days_ago=10 * MINUTE)
    with pytest.raises(Refused):
        find_conflicts_of_list(snapshot=listed, by=ruled.remy)
    look(ruled)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        SearchedList.objects.all().delete()
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        SearchedList.objects.update(searched_at=timezone.now())
