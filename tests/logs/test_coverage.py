"""Coverage: expected hours against received ones, and what a short log cannot show."""

from datetime import timedelta

import pytest
from django.utils import timezone

from identities.models import System
from logs.models import LogSource, SourceHour
from logs.queries import coverage, source_lines, system_coverage
from logs.queries.calendars import coverage_overview
from tenants.models import Tenant, User
from tests import make

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(minute=0, second=0, microsecond=0)


def _source(hours: int, **expected: object) -> LogSource:
    """Return a source of a system whose events fill the last whole hours, one older hour left for the grace."""
    system = System.objects.create(name="Jump hosts", key="jump", privileged_rule="sudo")
    source = LogSource.objects.create(name="jump", key="jump", format="sshd_syslog", system=system, expected=expected)
    SourceHour.objects.bulk_create(
        SourceHour(
            tenant_id=source.tenant_id,
            source_id=source.pk,
            hour=NOW - timedelta(hours=number),
            events=1,
            quarantined=0,
            ignored=0,
        )
        for number in range(1, hours + 1)
    )
    return source


def test_a_short_log_covers_all_that_was_expected_but_not_the_whole_period(in_bpo: Tenant) -> None:
    source = _source(240, every_minutes=60)
    since = NOW - timedelta(days=100)
    (answer,) = coverage(since=since, until=NOW)
    assert answer.ratio == 1.0
    share = system_coverage([source.system_id], since, NOW)[source.system_id]
    assert share == pytest.approx(0.1, abs=0.005)


def test_a_source_that_nothing_is_expected_of_has_no_ratio(in_bpo: Tenant) -> None:
    source = _source(240)
    assert coverage(since=NOW - timedelta(days=10), until=NOW)[0].ratio is None
    assert system_coverage([source.system_id], NOW - timedelta(days=10), NOW) == {source.system_id: None}


def test_silence_is_a_gap_with_its_begin_and_end(in_bpo: Tenant) -> None:
    source = _source(240, every_minutes=60)
    SourceHour.objects.filter(
        source_id=source.pk, hour__gt=NOW - timedelta(hours=30), hour__lte=NOW - timedelta(hours=20)
    ).update(events=0)
    (answer,) = coverage(since=NOW - timedelta(hours=200), until=NOW)
    assert answer.gaps == ((NOW - timedelta(hours=29), NOW - timedelta(hours=19)),)
    assert answer.expected_hours - answer.received_hours == 10


def test_every_page_calls_the_same_sources_silent(in_bpo: Tenant, carla: User) -> None:
    source, by = _source(240, every_minutes=60), make.actor(carla, in_bpo)
    LogSource.objects.update(last_received_at=timezone.now())  # it delivered just now, and old records alone
    lately = SourceHour.objects.filter(source_id=source.pk, hour__gte=NOW - timedelta(hours=6))
    for events, silent in ((0, True), (1, False)):
        lately.update(events=events)
        (health,) = coverage_overview([source], zone=in_bpo.zone).lines
        assert [line.late for line in source_lines(by)] == [health.silent_since is not None] == [silent]
    LogSource.objects.update(enabled=False)
    lately.update(events=0)
    assert not source_lines(by)[0].late, "what is switched off is not expected to speak"
