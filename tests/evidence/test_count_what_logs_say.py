"""Numbers that criteria rest on, each with a plant in the logs that changes it and one beside it that does not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alerts.models import Alert, AlertEvent
from identities.models import Account, Identity
from logs.actions import HoldFacts, record_events, set_legal_hold
from logs.models import AccessEvent, HoldKind, LastUse, LogSource, SourceStream, TypeDay, UsageDay
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.alerts import world
from tests.database import without_triggers
from tests.evidence.planted import at, crm, line, measured
from tests.logs.sources import SSHD_OK, lines
from tests.logs.sources import source as sshd
from tests.reviews.conftest import Cast

pytestmark = pytest.mark.django_db
PRUNED = """
INSERT INTO logs_retentionprune (id, tenant_id, month, epoch, log_types, count, quarantined, held, holds, places,
    places_sha256, removed_root, batch_id, removed_at, removed)
VALUES (gen_random_uuid(), $1[1]::bigint, $1[2]::date, 1, '{1}', 1, 0, 0, '{}', '', '', '', gen_random_uuid(), now(), 1)
"""


@pytest.fixture
def made(bpo: Tenant, carla: User, remy: User, rosa: User) -> tuple[Cast, LogSource]:
    """The CRM and its log."""
    return crm(bpo, carla, remy, rosa)


def an_eventful_day(source: LogSource) -> None:
    """Nine days ago: three bursts at noon, one locked and one with a log-in after it, and log-ins of all kinds."""
    noon = at(9, 12)
    bursts = [line(noon + timedelta(seconds=n), "cem", "login", "no") for n in range(11)]
    bursts += [line(noon + timedelta(seconds=n), "bob", "login", "no") for n in range(10)]
    bursts += [line(noon + timedelta(seconds=n), "ana", "login", "locked" if n else "no") for n in range(12)]
    good = [
        line(at(9, 12, 20), "cem", "login"), line(at(9, 13), "bob", "login", mfa="no"),
        line(at(9, 14), "ana", "remote", mfa="no"), line(at(9, 15), "ana", "remote", mfa="yes"),
        line(at(9, 3), "bob", "remote", mfa="yes"), line(at(9, 16), "ana", "remote", does="bye"),
        line(at(7, 3), "bob", "remote", mfa="yes"), line(at(9, 12, 15), "bob", "remote", does="bye"),
    ]  # fmt: skip
    world.deliver(source, [*bursts, *good])


def test_log_ins_without_a_second_factor_and_bursts_without_a_lock(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    an_eventful_day(made[1])
    assert measured(bpo, "auth_strength").metrics == {
        "logins": 6, "remote_without_mfa": 1, "privileged_without_mfa": 1, "method_unknown_ratio": 1 / 6,
    }  # fmt: skip
    failed = measured(bpo, "login_failures").metrics
    assert (failed["attempts"], failed["failures"], failed["accounts_over_threshold"]) == (35, 33, 3)
    assert (failed["not_locked_out"], failed["success_after_burst"]) == (1, 1), (
        "eleven of Cem's, no lock, then he is in"
    )
    assert failed["success_after_burst_unreviewed"] == 1
    tighter = measured(bpo, "login_failures", {"lockout_attempts": 9}).metrics
    assert tighter["not_locked_out"] == 2
    remote = measured(bpo, "remote_access").metrics
    assert (remote["unapproved_place"], remote["third_party_outside_window"]) == (None, 0), "no place is approved"
    assert (remote["sessions"], remote["out_of_hours"], remote["out_of_hours_unreviewed"]) == (4, 2, 2)
    with tenant_scope(bpo):
        carla = User.objects.get(email="carla@example.org")
        seen = {"acknowledged_at": timezone.now(), "acknowledged_by": carla, "state": "acknowledged"}
        over = {"closed_at": timezone.now(), "closed_by": carla, "state": "closed", "close_reason": "mistake"}
        world.alert(account_name="Cem", first_at=at(9, 12), last_at=at(9, 12, 5), **over)
        world.alert(rule="out_of_hours", account_name="Bob", first_at=at(9, 3), last_at=at(9, 3), **seen)
    assert measured(bpo, "login_failures").metrics["success_after_burst_unreviewed"] == 0
    assert measured(bpo, "remote_access").metrics["out_of_hours_unreviewed"] == 1, "the other night is still open"


def test_reads_of_data_by_right_in_bulk_and_looked_at(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    reads = [
        line(at(8, 9), "ana", "app", rows=9_000), line(at(8, 10), "ana", "app", rows=1_000),
        line(at(7, 10), "ana", "app", rows=9_999), line(at(6, 10), "ana", "db", rows=50_000),
        line(at(6, 11), "ghost", "db"), line(at(6, 12), "nobody", "db", "no"),
    ]  # fmt: skip
    world.deliver(made[1], reads)
    found = measured(bpo, "data_access").metrics
    assert found == {"events": 6, "by_unapproved_accounts": 1, "bulk_reads": 2, "bulk_reads_unreviewed": 2}
    with tenant_scope(bpo):
        event = AccessEvent.objects.get(occurred_at=at(8, 9))
        about = world.alert(rule="out_of_hours", account_name="ana", first_at=at(8, 9), last_at=at(8, 9))
        named = {"event_received_at": event.received_at, "event_id": event.id, "occurred_at": event.occurred_at}
        AlertEvent.objects.create(alert=about, rule=about.rule, **named)
    assert measured(bpo, "data_access").metrics["bulk_reads_unreviewed"] == 2, "nobody has looked at the alert"
    with tenant_scope(bpo):
        seen = {"acknowledged_at": timezone.now(), "acknowledged_by": User.objects.get(email="carla@example.org")}
        Alert.objects.update(state="acknowledged", **seen)
    assert measured(bpo, "data_access").metrics["bulk_reads_unreviewed"] == 1, "the other day is still open"
    assert measured(bpo, "data_access", days=7).metrics["bulk_reads"] == 1, "the period ends before the first"


def test_deeds_of_administrators_and_the_glass_that_is_broken(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    deeds = [
        line(at(5, 9), "bob", "admin"), line(at(5, 10), "ana", "admin"), line(at(5, 11), "ana", "admin"),
        line(at(5, 12), "ghost", "admin", "no"), line(at(5, 13), "backup", "admin", ticket="CHG-1"),
        line(at(5, 14), "backup", "login"), line(at(5, 15), "backup", "app"),
        line(at(5, 16), "backup", "remote", does="bye"),
    ]  # fmt: skip
    world.deliver(made[1], deeds)
    with tenant_scope(bpo):
        day = {
            "tenant_id": bpo.pk,
            "system_id": made[0].crm.pk,
            "day": at(5, 9).date(),
            "log_type": 5,
            "action": "reset",
        }
        counts = dict.fromkeys(("ok_count", "denied_count", "out_of_hours_count", "rows_count", "bytes_out"), 0)
        UsageDay.objects.create(actor_key="", events=4, **day, **counts)
    found = measured(bpo, "privileged").metrics
    assert (found["accounts"], found["actions"], found["actions_by_unlisted_accounts"]) == (1, 4, 2), "Ana and backup"
    assert (found["without_owner"], found["unused_over_limit"], found["not_reviewed_in_period"]) == (0, 0, 1)
    assert measured(bpo, "privileged", {"dormant_days": 4}).metrics["unused_over_limit"] == 1
    with tenant_scope(bpo):
        Account.objects.filter(name="bob").update(identity=None)
    assert measured(bpo, "privileged").metrics["without_owner"] == 1
    assert measured(bpo, "credential_changes").metrics == {"changes": 9, "unattributed": 4}
    assert measured(bpo, "emergency").metrics == {"uses": 2, "without_reason": 1, "not_reviewed_after_use": 2}


def test_accounts_that_sleep_belong_to_nobody_or_to_leavers(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    world.deliver(
        made[1], [line(at(4, 9), "cem", "app"), line(at(4, 9), "ana", "login"), line(at(4, 9), "bob", "login")]
    )
    with tenant_scope(bpo):
        LastUse.objects.filter(actor_key="ana").update(last_ok_at=timezone.now() - timedelta(days=91))
        Account.objects.filter(name="remy").update(identity=None, kind="shared")
        Identity.objects.filter(external_id="E3").update(employed_until=at(6, 9).date())
        Identity.objects.filter(external_id="E2").update(employed_until=at(6, 9).date())
        Account.objects.filter(name="bob").update(enabled=False, disabled_at=at(6, 9) + timedelta(hours=1))
    assert measured(bpo, "dormant").metrics == {"accounts": 4, "enabled_over_limit": 1, "last_login_unknown": 2}
    assert measured(bpo, "dormant", {"dormant_days": 92}).metrics["enabled_over_limit"] == 0
    people = measured(bpo, "identities").metrics
    assert (people["accounts"], people["mapped_ratio"], people["unmapped"]) == (4, 0.5, 1)
    assert (people["shared_without_exception"], people["parallel_use_flags"]) == (1, None)
    left = measured(bpo, "leavers").metrics
    assert [round(measured(bpo, "leavers", ahead=days).metrics["feed_age_days"] or 0) for days in (0, 8)] == [0, 8]
    assert (left["leavers"], left["still_enabled"], left["disabled_in_limit_ratio"]) == (2, 1, 0.5)
    assert left["activity_after_leaving"] == 2, "both were used two days after"


def test_clocks_that_are_ahead_and_numbers_that_are_missing(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    world.deliver(made[1], [line(timezone.now() + timedelta(seconds=60), "ana", "login")])
    assert measured(bpo, "clock").metrics == {"sources": 1, "over_limit": 0, "unknown": 0}
    assert measured(bpo, "clock", {"skew_seconds": 30}).metrics["over_limit"] == 1
    world.deliver(made[1], [line(timezone.now() + timedelta(seconds=600), "bob", "login")])
    assert measured(bpo, "clock", {"skew_seconds": 3600}).metrics["over_limit"] == 1, "intake replaced that time"
    with tenant_scope(bpo):
        LogSource.objects.filter(pk=sshd().pk).update(year=None)
        desk = LogSource.objects.get(key="bastion")
        record_events(source=desk, body=lines(SSHD_OK), door="tests", by=Actor.system("tests", bpo.pk))
    assert measured(bpo, "clock").metrics["unknown"] == 1, "sshd's times are without a year"
    assert measured(bpo, "coverage").metrics["sequence_gaps"] is None, "the source does not number its records"
    with tenant_scope(bpo):
        stream = {
            "tenant_id": bpo.pk,
            "source_id": made[1].pk,
            "first": 1,
            "lost": 0,
            "restarts": 0,
            "seen_at": timezone.now(),
        }
        SourceStream.objects.create(stream="a", runs=[[1, 4], [8, 9]], missing=3, **stream)
        old = {**stream, "seen_at": timezone.now() - timedelta(days=100)}
        SourceStream.objects.create(stream="b", runs=[[1, 4], [9, 9]], missing=4, **old)
    assert measured(bpo, "coverage").metrics["sequence_gaps"] == 3


def test_the_shortest_history_of_a_log_type_is_what_is_at_hand(made: tuple[Cast, LogSource], bpo: Tenant) -> None:
    world.deliver(
        made[1], [line(at(9, 12), "ana", "login"), line(at(40, 12), "ana", "app"), line(at(40, 9), "ana", "app")]
    )
    found = measured(bpo, "retention").metrics
    assert found["log_types_held"] == 2
    assert (9 <= (found["oldest_available_days"] or 0) < 11, 9 <= (found["online_days"] or 0) < 11) == (True, True)
    assert (found["due_not_purged"], found["purged_early"], found["holds_broken"]) == (0, 0, 0)
    assert found["evidence_purged_early"] == 0, "the portal's role can delete no evidence"
    removed_too_soon_and_under_a_hold(bpo)
    with tenant_scope(bpo):
        TypeDay.objects.filter(log_type=1).update(log_type=7)
    found = measured(bpo, "retention").metrics
    assert 40 <= (found["oldest_available_days"] or 0) < 42, "session activity is kept 90 days by design"
    assert 9 <= (found["online_days"] or 0) < 11


def removed_too_soon_and_under_a_hold(bpo: Tenant) -> None:
    """What went before its term and against a hold counts, and a role that could delete evidence counts as having."""
    with tenant_scope(bpo):
        by = Actor.system("tests", bpo.pk)
        set_legal_hold(facts=HoldFacts(kind=HoldKind.TENANT, reason="A case is open."), by=by)
        without_triggers(PRUNED, bpo.pk, at(9, 12).date().replace(day=1))
        without_triggers("GRANT DELETE ON public.reviews_decision TO PUBLIC")
    found = measured(bpo, "retention").metrics
    assert (found["purged_early"], found["holds_broken"], found["evidence_purged_early"]) == (1, 1, 1)
