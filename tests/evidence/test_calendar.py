"""The calendar of evidence: what follows from the rooms below, what is missing, and the file for other programs."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evidence.calendar import Due, due_dates, icalendar, months
from evidence.registers.kinds import Operation
from evidence.registers.models import OperatingReport
from reviews.models import Campaign
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make


def pages_agree(bpo: Tenant, carla: User, late: int, lines: int) -> None:
    """Look at the calendar, the overview and the file as the officer sees them."""
    client = make.login(carla)
    page = client.get(reverse("evidence:calendar", args=[bpo.slug])).content.decode()
    assert "Incident response plan is on file" in page
    assert "token:host" in page
    loads = reverse("portal:overview_due", args=[bpo.slug])
    assert f'hx-get="{loads}"' in client.get(reverse("portal:overview", args=[bpo.slug])).content.decode()
    shown = client.get(loads).content.decode()
    assert "Evidence missing or overdue" in shown
    assert f">{late}" in shown.replace(" ", "").replace("\n", "")
    file = client.get(reverse("evidence:calendar_file", args=[bpo.slug]))
    assert file["Content-Type"] == "text/calendar; charset=utf-8"
    assert file.content.count(b"BEGIN:VEVENT\r\n") == lines


@pytest.mark.django_db
def test_it_says_what_is_missing_what_is_due_and_whom_to_ask(bpo: Tenant, reviewed: Campaign, carla: User) -> None:
    now = timezone.now()
    today, in_ten, in_eleven = ((now + timedelta(days=days)).astimezone(bpo.zone).date() for days in (0, 10, 11))
    with tenant_scope(bpo):
        before = {due.key: due for due in due_dates(bpo, now)}
        OperatingReport.objects.create(
            operation=Operation.RESTORE,
            succeeded=True,
            done_at=now - timedelta(days=170),
            ledger_size=1,
            ledger_root="0" * 64,
            root_agrees=True,
            reported_by="token:host",
        )
        lines = due_dates(bpo, now)
        later = due_dates(bpo, now + timedelta(days=11))
        iso = due_dates(bpo, now, framework="iso27001")
    found = {due.key: due for due in lines}
    campaign = found[f"campaign-{reviewed.pk}"]
    due_on = reviewed.due_at and reviewed.due_at.astimezone(bpo.zone).date()
    assert (campaign.on, campaign.ask) == (due_on, "carla@example.org")
    assert before["restore"].on is None
    assert (found["restore"].on, found["restore"].ask) == (in_ten, "token:host")
    assert found["document-incident"].on is None, "nobody filed one"
    assert "iso27001" in found["restore"].frameworks
    assert "gdpr" in found["processing"].frameworks
    assert {due.key for due in iso} < set(found), "the record of processing is nothing that ISO 27001 asks for"
    assert "restore" in {due.key for due in months(later, in_eleven)[0]}
    pages_agree(bpo, carla, len(months(lines, today)[0]), len(lines))


def test_its_file_keeps_to_the_rules_for_calendars() -> None:
    what = "Log review “\u202eX; a,b\\c” " + "\U0001f4a9" * 40 + "\nEND:VCALENDAR"
    due = Due("k", None, what, "documents", "Ana", "evidence:documents", (), ("gdpr",))
    body = icalendar([due], name="N", tenant="t", now=timezone.now(), urls={"k": "https://portal.example/x/"})
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert body.count(b"\r\nEND:VCALENDAR\r\n") == 1
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    unfolded = body.decode().replace("\r\n ", "")
    assert "SUMMARY:Log review “ X\\; a\\,b\\\\c” " + "\U0001f4a9" * 40 + " END:VCALENDAR\r\n" in unfolded
    assert f"DTSTART;VALUE=DATE:{date.today():%Y%m%d}" in unfolded  # noqa: DTZ011 -- the export is of now
