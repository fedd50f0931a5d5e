"""The pages: list, detail, handling and settings, with constant queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.kinds import AlertState, NoticeState, Severity
from alerts.models import Alert, AlertNotice, AlertSettings
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.alerts import world

pytestmark = pytest.mark.django_db
LIST = "/t/northwind/alerts/"
SETTINGS = LIST + "settings/"
ENTERED = {
    "failed_on": "on",
    "account_threshold": 5,
    "source_threshold": 20,
    "window_minutes": 10,
    "success_minutes": 30,
    "hours_on": "on",
    "hours_start": "08:00",
    "hours_end": "18:00",
    "days": [1, 2, 3, 4, 5],
    "slack_minutes": 30,
    "mail_on": "on",
    "mail_to": "soc@example.org\nsoc@example.org",
}


@pytest.fixture
def as_ana(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def as_carla(carla: User) -> Client:
    client = Client()
    client.force_login(carla)
    return client


def made(bpo: Tenant, n: int = 1, **fields: object) -> Alert:
    with tenant_scope(bpo):
        return [world.alert(**fields) for _ in range(n)][-1]


@contextmanager
def queries() -> Iterator[CaptureQueriesContext]:
    with CaptureQueriesContext(connection) as captured:
        yield captured


def test_the_list_has_constant_queries_and_pages(as_ana: Client, bpo: Tenant) -> None:
    made(bpo)
    as_ana.get(LIST)
    with queries() as few:
        assert as_ana.get(LIST).status_code == 200
    made(bpo, 60)
    with queries() as many:
        text = as_ana.get(LIST).content.decode()
    assert len(many) == len(few)
    assert text.count("mallory on Payments") == 50
    with tenant_scope(bpo):
        last = Alert.objects.order_by("-id")[49].pk
    assert as_ana.get(f"{LIST}?before={last}").content.decode().count("mallory on Payments") == 11


def test_the_list_is_filtered(as_ana: Client, bpo: Tenant) -> None:
    made(bpo, severity=Severity.HIGH)
    for query, shown in (("severity=4", True), ("severity=3", False), ("rule=out_of_hours", False), ("state=x", True)):
        assert ("mallory" in as_ana.get(f"{LIST}?{query}").content.decode()) is shown, query
    assert "mallory" not in as_ana.get(f"{LIST}?state=closed").content.decode()


def test_the_alert_says_why_shows_its_events_and_the_look_is_a_deed(as_ana: Client, bpo: Tenant) -> None:
    source = world.source(bpo, world.system(bpo))
    start = timezone.now().replace(microsecond=0) - timedelta(hours=1)
    world.deliver(source, [world.line(start + timedelta(seconds=n), "mallory", ok=False) for n in range(12)])
    world.look(bpo)
    with tenant_scope(bpo):
        alert = Alert.objects.get()
    text = as_ana.get(f"{LIST}{alert.pk}/").content.decode()
    assert "12 failed log-ins of one account within 11 seconds." in text
    assert text.count("198.51.100.7") == 13
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="alert.look", actor_name="ana@example.org").count() == 1


def test_a_person_acknowledges_and_closes_on_the_page(as_ana: Client, bpo: Tenant) -> None:
    alert = made(bpo)
    where = f"{LIST}{alert.pk}/"
    assert as_ana.post(f"{where}acknowledge/", follow=True).status_code == 200
    assert as_ana.post(f"{where}close/", {"reason": "mistake"}).status_code == 422
    answer = as_ana.post(f"{where}close/", {"reason": "mistake", "note": "Caps lock."}, follow=True)
    assert "Caps lock." in answer.content.decode()
    with tenant_scope(bpo):
        assert Alert.objects.get().state == AlertState.CLOSED
    assert as_ana.post(f"{where}acknowledge/").status_code == 403


def test_settings_are_shown_saved_and_refused_with_sentences(as_carla: Client, bpo: Tenant) -> None:
    assert 'value="10"' in as_carla.get(SETTINGS).content.decode()
    assert as_carla.post(SETTINGS, ENTERED).status_code == 302
    with tenant_scope(bpo):
        saved = AlertSettings.objects.get()
    assert (saved.account_threshold, saved.mail_to, saved.created_by) == (5, ["soc@example.org"], "carla@example.org")
    answer = as_carla.post(SETTINGS, ENTERED | {"mail_to": "soc", "window_minutes": 0})
    assert answer.status_code == 422
    assert "soc is not an e-mail address." in answer.content.decode()
    assert "switch the mail off" in as_carla.post(SETTINGS, ENTERED | {"mail_to": ""}).content.decode()


def test_the_preview_counts_what_the_last_30_days_would_have_made(as_carla: Client, bpo: Tenant) -> None:
    source = world.source(bpo, world.system(bpo))
    start = timezone.now().replace(microsecond=0) - timedelta(days=3)
    world.deliver(source, [world.line(start + timedelta(seconds=n), "mallory", ok=False) for n in range(6)])
    text = as_carla.post(f"{SETTINGS}preview/", ENTERED).content.decode()
    assert "The last 30 days would have made 1 alert." in text
    strict = as_carla.post(f"{SETTINGS}preview/", ENTERED | {"account_threshold": 7}).content.decode()
    assert "The last 30 days would have made no alerts." in strict
    assert "cannot be tried out yet" in as_carla.post(f"{SETTINGS}preview/", {}).content.decode()
    with tenant_scope(bpo):
        assert not Alert.objects.exists()


def test_an_analyst_cannot_change_settings_and_a_stranger_sees_nothing(
    as_ana: Client, bpo: Tenant, stella: User, strangers: Tenant
) -> None:
    alert = made(bpo)
    assert as_ana.get(SETTINGS).status_code == 403
    stranger = Client()
    stranger.force_login(stella)
    assert stranger.get(f"{LIST}{alert.pk}/").status_code == 404
    assert stranger.get(f"/t/harbour/alerts/{alert.pk}/").status_code == 404
    assert "mallory" not in stranger.get("/t/harbour/alerts/").content.decode()


def test_a_failed_mail_is_shown_and_can_be_sent_again(as_ana: Client, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        notice = AlertNotice.objects.create(
            alert_count=2, state=NoticeState.GIVEN_UP, last_error="Refused.", attempts=12, next_try_at=timezone.now()
        )
    assert "The mail server said: Refused." in as_ana.get(LIST).content.decode()
    assert as_ana.post(f"{LIST}mail/{notice.pk}/retry/").status_code == 302
    with tenant_scope(bpo):
        notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (NoticeState.WAITING, 0)
