"""What is wrong with access, found by the system itself: each kind of account by its rule, and no false alarm."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identities.models import Entitlement, Identity
from logs.models import LogSource
from reviews.actions import add_conflict, decide_in_bulk, end_conflict, find_causes, open_campaign, resolve_finding
from reviews.models import AbsentAccount, DutyConflict, Finding
from tenants.kinds import Refused
from tenants.models import Tenant
from tests.reviews.conftest import KEEP, Cast, arrive, days, deliver, item, ready, record

pytestmark = pytest.mark.django_db

HELD = b"""account,entitlement,person,kind,granted_at,enabled
ana,agent,E1,human,2025-01-15,yes
bob,admin_all,E2,human,2025-01-15,yes
bob,approve,E2,human,2025-01-15,yes
cem,admin_all,E3,human,2025-01-15,yes
temp,agent,,human,2025-01-15,yes
old,agent,,human,2025-01-15,no
robot,admin_all,,service,2025-01-15,yes
robot,approve,,service,2025-01-15,yes
glass,admin_all,,break_glass,2025-01-15,yes
glass,approve,,break_glass,2025-01-15,yes
"""


def kinds() -> dict[str, list[str]]:
    """Return the accounts of the open findings by kind."""
    found: dict[str, list[str]] = {}
    for finding in Finding.objects.filter(resolved_at=None).select_related("account").order_by("pk"):
        found.setdefault(finding.kind, []).append(finding.account.name if finding.account else finding.evidence["name"])
    return found


def conflict(cast: Cast) -> DutyConflict:
    one, other = Entitlement.objects.get(key="admin_all"), Entitlement.objects.get(key="approve")
    return add_conflict(one=[other], other=[one], why="Whoever pays must not approve.", by=cast.officer)


def test_each_kind_of_account_is_judged_by_its_own_rule(cast: Cast) -> None:
    deliver(cast, HELD)
    conflict(cast)
    find_causes(by=cast.officer)
    assert kinds() == {"ownerless": ["temp"], "conflict": ["bob"]}
    Identity.objects.filter(external_id="M2").update(employed_until=timezone.now().date() - timedelta(days=3))
    find_causes(by=cast.officer)
    assert kinds()["ownerless"] == ["temp", "glass", "robot"]
    assert (
        "The service account 'robot' on CRM has no owner, and Rosa"
        in Finding.objects.get(account__name="robot").sentence
    )


def test_an_unused_privileged_grant_is_found_where_the_logs_would_have_shown_its_use(
    cast: Cast, source: LogSource
) -> None:
    deliver(cast, HELD)
    records = [record(day, "ana") for day in days(60)] + [record(days(1)[0], "cem")]
    arrive(source, cast, records)
    find_causes(by=cast.officer)
    assert "dormant_privileged" not in kinds()
    arrive(source, cast, [record(day + timedelta(minutes=1), "ana") for day in days(95)[60:]])
    find_causes(by=cast.officer)
    assert kinds()["dormant_privileged"] == ["bob"]
    assert Finding.objects.get(kind="dormant_privileged").evidence["coverage_per_mille"] >= 950
    arrive(source, cast, [record(timezone.now(), "bob")])
    assert find_causes(by=cast.officer).resolved == 1


def test_a_name_in_no_list_is_a_gap_before_the_first_list_and_a_ghost_after_it(cast: Cast, source: LogSource) -> None:
    Identity.objects.filter(external_id="E3").update(email="cem@example.org", employed_until=days(12)[9].date())
    deliver(cast, HELD.replace(b"cem,admin_all,E3,human,2025-01-15,yes\n", b""), days_ago=5)
    arrive(source, cast, [record(days(12)[10], name) for name in ("shadow", "cem@example.org", "ana")])
    arrive(source, cast, [record(days(1)[0], name) for name in ("phantom", "ana")])
    find_causes(by=cast.officer)
    told = kinds()
    assert (told["population_gap"], told["ghost_use"]) == (["shadow"], ["phantom"])
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    assert list(AbsentAccount.objects.order_by("name").values_list("name", flat=True)) == ["phantom", "shadow"]
    one = AbsentAccount.objects.filter(campaign=campaign)[0]
    one.pk, one.actor_key = None, "other"
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        one.save()
    deliver(cast, HELD + b"shadow,agent,E3,human,2025-01-15,yes\n", days_ago=0)
    find_causes(by=cast.officer)
    assert "population_gap" not in kinds()
    assert "ghost_use" in kinds()


def test_use_before_a_grant_is_without_a_grant_and_an_unknown_beginning_is_not(cast: Cast, source: LogSource) -> None:
    deliver(cast, HELD, days_ago=20)
    granted = days(1)[0].isoformat().encode()
    later = HELD + b"dina,agent,E1,human," + granted + b",yes\nfay,agent,E2,human,,yes\n"
    deliver(cast, later, days_ago=0)
    arrive(source, cast, [record(days(12)[9], name) for name in ("dina", "fay")])
    find_causes(by=cast.officer)
    assert kinds()["ghost_use"] == ["dina"]


def test_what_a_person_explained_stays_explained_and_a_leavers_account_does_not(cast: Cast) -> None:
    deliver(cast, HELD)
    Identity.objects.filter(external_id="E1").update(employed_until=timezone.now().date() - timedelta(days=3))
    find_causes(by=cast.officer)
    for finding in Finding.objects.all():
        resolve_finding(finding=finding, resolution="Looked into with the CRM team.", by=cast.officer)
    find_causes(by=cast.officer)
    assert kinds() == {"leaver_active": ["ana"]}
    Finding.objects.filter(kind="ownerless").update(resolved_at=timezone.now() - timedelta(days=91))
    find_causes(by=cast.officer)
    assert set(kinds()) == {"leaver_active", "ownerless"}


def test_a_conflict_stands_beside_the_persons_items_and_is_decided_alone(cast: Cast) -> None:
    deliver(cast, HELD + b"bob2,approve,E2,human,2025-01-15,yes\n")
    conflict(cast)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    (told,) = item(campaign, "bob2", "approve").evidence["conflicts"]
    assert (told["with"], told["why"]) == ("admin_all on CRM", "Whoever pays must not approve.")
    assert item(campaign, "ana").evidence["conflicts"] == []
    with pytest.raises(Refused, match="conflicts with other access"):
        decide_in_bulk(items=[item(campaign, "bob2", "approve")], choice=KEEP, by=cast.remy)


def test_a_conflict_is_ended_once_and_never_changed(cast: Cast) -> None:
    deliver(cast, HELD)
    made = conflict(cast)
    with pytest.raises(Refused, match="in conflict already"):
        conflict(cast)
    right = Entitlement.objects.get(key="approve")
    with pytest.raises(Refused, match="different entitlements"):
        add_conflict(one=[right], other=[right], why="The same one twice.", by=cast.officer)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        DutyConflict.objects.update(why="Somebody else's words.")
    find_causes(by=cast.officer)
    end_conflict(conflict=made, reason="The ledger was split in two.", by=cast.officer)
    assert find_causes(by=cast.officer).resolved == 1
    with pytest.raises(DatabaseError, match="ended once"), transaction.atomic():
        DutyConflict.objects.update(ended_at=None, ended_by="", end_reason="")
    assert conflict(cast).pk != made.pk


def test_a_search_costs_the_same_whatever_it_finds(cast: Cast, in_bpo: Tenant) -> None:
    deliver(cast, HELD)
    with CaptureQueriesContext(connection) as few:
        find_causes(by=cast.officer)
    more = b"".join(b"temp%d,admin_all,,human,2025-01-15,yes\n" % n for n in range(40))
    deliver(cast, HELD + more, days_ago=0)
    with CaptureQueriesContext(connection) as many:
        assert find_causes(by=cast.officer).opened == 40
    assert len(many) <= len(few)
