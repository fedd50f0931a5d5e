"""The mail: sent after the commit to a real mail server, without names, and never lost when the server is away."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from alerts.actions import claim_notice, finish_notice
from alerts.kinds import MAX_SENDS, NoticeState, RuleSettings
from alerts.mail import alert_letter
from alerts.models import Alert, AlertNotice
from alerts.watch import send_round
from logs.models import LogSource
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.alerts import world
from tests.mailing import Sink, free_port

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture
def no_server(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()


@pytest.fixture
def raised(bpo: Tenant) -> Alert:
    """An alert that was raised while mail is on."""
    world.settle(bpo, RuleSettings(mail_to=("soc@example.org", "dpo@example.org")))
    source: LogSource = world.source(bpo, world.system(bpo))
    start = timezone.now() - timedelta(hours=1)
    world.deliver(source, [world.line(start + timedelta(seconds=n), "mallory", ok=False) for n in range(12)])
    world.look(bpo)
    with tenant_scope(bpo):
        return Alert.objects.select_related("notice").get()


def notice(bpo: Tenant) -> AlertNotice:
    with tenant_scope(bpo):
        return AlertNotice.objects.get()


def test_the_mail_server_gets_one_mail_without_names_or_systems(raised: Alert, sink: Sink, bpo: Tenant) -> None:
    assert send_round() == 1
    assert send_round() == 0
    (mail,) = sink.mails
    text = mail.as_bytes().decode()
    assert (mail["Subject"], mail["To"]) == (
        "[Countersign] 1 alert needs a look: Northwind Services",
        "soc@example.org, dpo@example.org",
    )
    assert "http://localhost:8000/t/northwind/alerts/" in text
    assert mail.get_content_type() == "text/plain"
    for secret in ("mallory", "Payments", "198.51.100.7"):
        assert secret not in mail.as_string()
    assert (notice(bpo).state, notice(bpo).attempts) == (NoticeState.SENT, 1)
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="alert.mail").count() == 1


@pytest.mark.usefixtures("no_server")
def test_a_missing_mail_server_loses_nothing_and_is_visible(raised: Alert, bpo: Tenant) -> None:
    assert send_round() == 0
    row = notice(bpo)
    assert (row.state, row.attempts) == (NoticeState.FAILED, 1)
    assert "refused" in row.last_error.lower()
    assert row.next_try_at > timezone.now() + timedelta(seconds=25)
    with tenant_scope(bpo):
        assert Alert.objects.get().is_open


def test_a_failed_mail_is_sent_when_the_server_is_back(raised: Alert, bpo: Tenant, sink: Sink) -> None:
    with tenant_scope(bpo):
        AlertNotice.objects.update(state=NoticeState.FAILED, last_error="Refused.", attempts=3)
    assert send_round() == 1
    assert len(sink.mails) == 1
    assert notice(bpo).last_error == ""


def test_no_mail_is_written_when_it_is_off_or_goes_to_nobody(bpo: Tenant) -> None:
    source = world.source(bpo, world.system(bpo))
    start = timezone.now() - timedelta(hours=1)
    for mail_on, mail_to, who in ((False, ("soc@example.org",), "a"), (True, (), "b")):
        world.settle(bpo, RuleSettings(mail_on=mail_on, mail_to=mail_to))
        world.deliver(source, [world.line(start + timedelta(seconds=n), who, ok=False, ip="") for n in range(12)])
        world.look(bpo)
    with tenant_scope(bpo):
        assert Alert.objects.count() == 2
        assert not AlertNotice.objects.exists()


def test_it_gives_up_after_the_last_attempt_and_says_so(raised: Alert, bpo: Tenant) -> None:
    by = Actor.system("alerts", bpo.pk)
    for _ in range(MAX_SENDS):
        with tenant_scope(bpo):
            AlertNotice.objects.update(next_try_at=timezone.now())
            claimed = claim_notice(by=by)
            assert claimed is not None
            assert claim_notice(by=by) is None
            finish_notice(notice=claimed, error="Refused.", by=by)
    assert notice(bpo).state == NoticeState.GIVEN_UP
    with tenant_scope(bpo):
        assert claim_notice(by=by) is None


def test_a_tenants_name_cannot_forge_headers() -> None:
    letter = alert_letter(tenant_name="Acme\r\nBcc: all@example.org", alert_count=3, link="http://x/")
    assert letter.subject == "[Countersign] 3 alerts need a look: Acme Bcc: all@example.org"
