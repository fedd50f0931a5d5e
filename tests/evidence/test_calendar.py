"""The calendar of evidence: what follows from the rooms below, what is missing, and the file for other programs."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evidence.calendar import OFFICER, Due, due_dates, icalendar, months
from evidence.registers.kinds import Operation
from evidence.registers.models import OperatingReport
from evidence.room.actions import Attached, ask, take_turn
from evidence.room.models import AuditRequest
from evidence.states import Turn
from identities.models import System
from reviews.actions import close_follow_up
from reviews.kinds import Disposed, FindingKind, Looked
from reviews.models import Campaign, Finding, FollowUp, LogReview
from tenants.engagements import end_engagement
from tenants.kinds import Actor
from tenants.models import Engagement, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.reviews import periods
from tests.reviews.conftest import Cast


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


def asked_at(bpo: Tenant, now: datetime) -> tuple[int, dict[str, Due]]:
    """How many queries the calendar takes, and its lines by their keys."""
    with tenant_scope(bpo), CaptureQueriesContext(connection) as queries:
        found = {due.key: due for due in due_dates(bpo, now)}
    return len(queries), found


def two_requests(by: Actor, officer: Actor, due_on: date) -> list[AuditRequest]:
    """What an auditor asks for: about a row of GDPR, which an officer takes on, and about none in particular."""
    room = Engagement.objects.get(user_id=by.user_id)
    made = [ask(engagement=room, control=name, what="The list.", due_on=due_on, by=by) for name in ("gdpr-5.1.b", "")]
    take_turn(request=made[0], turn=Turn.TAKE, words="", attached=Attached(), by=officer)
    return made


def findings(system: System, now: datetime) -> None:
    """Three on a system, of which the first is overdue and one is resolved; and one of no system."""
    done = {"resolved_at": now, "resolved_by": "carla", "resolution": "They were looked at again."}
    for n, (where, more) in enumerate([(system, {}), (system, {}), (system, done), (None, {})]):
        told = {"sentence": "Too fast.", "found_at": now, "due_at": now + timedelta(days=n - 1), **more}
        Finding.objects.create(kind=FindingKind.HASTY_REVIEW, key=f"reviewer {n}", system=where, **told)


def of_incidents(bpo: Tenant, cast: Cast) -> LogReview:
    """A log review whose every item is an incident, not signed yet."""
    with tenant_scope(bpo):
        source = periods.log_source(cast)
    periods.an_eventful_day(source)
    with tenant_scope(bpo):
        review = periods.opened(cast, periods.schedule(cast))
        periods.dispose_all(review, cast, Looked(Disposed.INCIDENT, "The disk is full.", "INC-7"))
    return review


@pytest.mark.django_db
def test_follow_ups_findings_and_requests_are_due_with_whom_to_ask(
    bpo: Tenant, carla: User, remy: User, rosa: User, axel: User
) -> None:
    now, cast, auditor = timezone.now(), periods.stage(bpo, carla, remy, rosa), make.actor(axel, bpo)
    today = now.astimezone(bpo.zone).date()
    review = of_incidents(bpo, cast)
    before = asked_at(bpo, now)[0]
    with tenant_scope(bpo):
        periods.sign(review, cast.remy, "M1")
        findings(cast.crm, now)
        first, second = two_requests(auditor, cast.officer, today)
        after, count = FollowUp.objects.select_related("disposition__reviewer").latest("id"), FollowUp.objects.count()
        close_follow_up(follow_up=FollowUp.objects.earliest("id"), resolution="The disk was replaced.", by=cast.officer)
    queries, found = asked_at(bpo, now)
    assert queries == before, "as many as without any of them"
    lines = {key: (due.on, due.ask, due.args) for key, due in found.items()}
    assert sum(key.startswith("follow-up-") for key in found) == count - 1 > 2, "one is closed"
    due_on = after.due_at.astimezone(bpo.zone).date()
    assert lines[f"follow-up-{after.pk}"] == (due_on, after.disposition.reviewer.name, (review.pk,))
    crm = found[f"finding-hasty_review-{cast.crm.pk}"]
    assert (crm.on, crm.ask) == (today - timedelta(days=1), "Rosa")
    assert crm.what.endswith("on CRM are resolved (2 open)")
    assert lines["finding-hasty_review-0"][:2] == (today + timedelta(days=2), OFFICER)
    assert lines[f"request-{first.pk}"] == (today, cast.officer.name, (first.pk,))
    assert lines[f"request-{second.pk}"][1] == OFFICER
    assert found[f"request-{first.pk}"].frameworks == ("gdpr",)


@pytest.mark.django_db
def test_what_is_settled_is_not_due(bpo: Tenant, axel: User, officer: Actor) -> None:
    now, auditor = timezone.now(), make.actor(axel, bpo)
    with tenant_scope(bpo):
        first, second = two_requests(auditor, officer, now.date())
        take_turn(request=first, turn=Turn.WITHDRAW, words="", attached=Attached(), by=auditor)
    assert f"request-{first.pk}" not in asked_at(bpo, now)[1]
    assert f"request-{second.pk}" in asked_at(bpo, now)[1]
    assert f"request-{second.pk}" not in asked_at(bpo, now + timedelta(days=40))[1], "the room is open for 30 days"
    with tenant_scope(bpo):
        end_engagement(engagement=Engagement.objects.get(), by=officer)
    assert f"request-{second.pk}" not in asked_at(bpo, now)[1], "nobody can answer in a room that is closed"
