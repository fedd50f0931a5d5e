"""Says what evidence is due when, what is missing and whom to ask: computed from the rooms below, no list of wishes.

Each line rests on something that somebody set up or that the catalogue asks for: campaigns and their plans, systems and
the longest time between two reviews, log reviews with their follow-ups, findings, documents, the record of processing,
restore tests, evaluations, management's responses, and what auditors ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, OuterRef, Subquery

from evidence.catalogue import expressions, load
from evidence.kinds import Period
from evidence.metrics.campaigns import LAST_REVIEW
from evidence.metrics.frame import Asked, Frame
from evidence.queries import newest_run, settings_in_force
from evidence.registers.kinds import Operation
from evidence.registers.models import OperatingReport
from evidence.registers.queries import document_lines, newest_processing, responses_in_force
from evidence.room.models import AuditRequest, RequestEntry
from evidence.states import RequestState, Turn
from identities.models import System
from reviews.kinds import FindingKind
from reviews.models import Campaign, CampaignPlan, Finding, FollowUp, LogReview
from reviews.queries.logreviews import period_after, schedule_lines, unopened
from reviews.recurrence import next_openings
from reviews.states import WORKING, LogReviewState
from tenants.models import Tenant

AHEAD: Final = timedelta(days=365)
OPENINGS: Final = 4
"""Of a plan or schedule that comes back, as many occurrences are shown."""
EVALUATED_EVERY: Final = timedelta(days=7)
OWED: Final = (RequestState.OPEN, RequestState.IN_WORK, RequestState.FLAGGED)
"""An auditor's request waits for the tenant in these."""
HOST: Final = "Whoever runs the portal"
OFFICER: Final = "A compliance officer"


@dataclass(frozen=True, slots=True)
class Due:
    """One piece of evidence that is to be there: `on` is a day in the tenant's zone, None where it never was there.

    `page` and `args` are the page where it is done, `frameworks` those whose rows rest on it.
    """

    key: str
    on: date | None
    what: str
    kind: str
    ask: str
    page: str
    args: tuple[object, ...] = ()
    frameworks: tuple[str, ...] = field(default=())

    def is_late(self, today: date) -> bool:
        """Tell whether it is missing, or its day has passed."""
        return self.on is None or self.on < today


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the lines are computed with."""

    now: datetime
    zone: ZoneInfo
    params: Mapping[str, float]
    frame: Frame

    def day(self, moment: datetime) -> date:
        """Return the day of a moment in the tenant's zone."""
        return moment.astimezone(self.zone).date()


def due_dates(tenant: Tenant, now: datetime, *, framework: str = "") -> list[Due]:
    """Return what is missing, overdue, and due in the year to come, soonest first; of one framework where one is named.

    Needs the tenant's scope.
    """
    params = {name: parameter.value for name, parameter in load().params.items()} | dict(settings_in_force().parameters)
    frame = Frame(Period(now - AHEAD, now, tenant.time_zone), params, tenant.pk, tenant.uuid, now)
    asked, rests = _Asked(now, tenant.zone, params, frame), frameworks_by_kind()
    parts = (_campaigns, _plans, _systems, _log_reviews, _follow_ups, _log_schedules, _findings, _documents)
    more = (_processing, _restores, _evaluations, _responses, _requests)
    found = [due for part in (*parts, *more) for due in part(asked)]
    lines = [_with_frameworks(due, rests) for due in found if due.on is None or due.on <= asked.day(now + AHEAD)]
    kept = [due for due in lines if not framework or framework in due.frameworks]
    return sorted(kept, key=lambda due: (due.on or date.min, due.what, due.key))


def frameworks_by_kind() -> dict[str, tuple[str, ...]]:
    """Return for each evidence kind the frameworks that have a row which rests on it."""
    found: dict[str, dict[str, None]] = {}
    for control in load().controls:
        named = {kind for part in expressions(control).values() for item in part for kind, _ in item.metrics}
        for kind in named | set(control.evidence):
            found.setdefault(kind, {})[control.framework] = None
    return {kind: tuple(names) for kind, names in found.items()}


def _with_frameworks(due: Due, rests: Mapping[str, tuple[str, ...]]) -> Due:
    """Return a line with the frameworks that need it: what every row needs is needed by all."""
    names = tuple(load().frameworks) if due.kind in {"", "controls"} else rests.get(due.kind, ())
    names = due.frameworks or names
    return Due(due.key, due.on, due.what, due.kind, due.ask, due.page, due.args, names)


def _campaigns(asked: _Asked) -> Iterator[Due]:
    """Yield the campaigns at work, due at their deadline."""
    for row in Campaign.objects.filter(state__in=WORKING, signed_at__isnull=True, due_at__isnull=False):
        on, what = asked.day(row.due_at or asked.now), f"Access review “{row.name}” is signed"
        yield Due(f"campaign-{row.pk}", on, what, "campaigns", row.opened_by, "reviews:campaign", (row.pk,))


def _plans(asked: _Asked) -> Iterator[Due]:
    """Yield the next rounds of plans that come back, due their days after the opening."""
    for plan in CampaignPlan.objects.filter(next_opening_at__isnull=False).exclude(rule=""):
        after, zone = asked.now - timedelta(seconds=1), ZoneInfo(plan.time_zone)
        for at in next_openings(plan.rule, plan.starts_on, plan.opens_at_time, zone, after=after, n=OPENINGS):
            on, what = asked.day(at + timedelta(days=plan.due_days)), f"Access review “{plan.name}”, next round"
            yield Due(f"plan-{plan.pk}-{at:%Y%m%d}", on, what, "campaigns", plan.created_by, "reviews:plans")


def _systems(asked: _Asked) -> Iterator[Due]:
    """Yield each system, due when its newest signed review is as old as the tenant's parameters allow."""
    known = {key: named for key, *named in System.objects.values_list("key", "name", "owner__name")}
    for row in Asked(asked.frame).rows(LAST_REVIEW):
        asks = [("last_all", "review_all_days", "All access")]
        asks += [("last_privileged", "review_privileged_days", "Privileged access")] if row["has_privileged"] else []
        for column, name, words in asks:
            days, last = asked.params[name], row[column]
            on = asked.day(last + timedelta(days=days)) if last else None
            system, owner = known.get(row["system"], (row["system"], None))
            what = f"{words} on {system} is reviewed again, at least every {days:.0f} days"
            key, args = f"system-{row['system']}-{column}", (row["system"],)
            yield Due(key, on, what, "campaigns", owner or OFFICER, "identities:system", args)


def _log_reviews(asked: _Asked) -> Iterator[Due]:
    """Yield log reviews that are not signed."""
    rows = LogReview.objects.exclude(state=LogReviewState.CLOSED).select_related("reviewer")
    for row in rows:
        what = f"Log review “{row.name}” is signed"
        page = ("reviews:log_review", (row.pk,))
        yield Due(f"log-review-{row.pk}", asked.day(row.due_at), what, "log_reviews", row.reviewer.name, *page)


def _follow_ups(asked: _Asked) -> Iterator[Due]:
    """Yield incidents and policy violations that a log review found and of which nobody wrote how they ended."""
    rows = FollowUp.objects.filter(closed_at__isnull=True)
    for row in rows.select_related("review", "disposition__item", "disposition__reviewer"):
        found = row.disposition
        what = f"Item {found.item.n} of log review “{row.review.name}” is followed up: {found.get_outcome_display()}"
        page = ("reviews:log_review", (row.review_id,))
        yield Due(f"follow-up-{row.pk}", asked.day(row.due_at), what, "log_reviews", found.reviewer.name, *page)


def _findings(asked: _Asked) -> Iterator[Due]:
    """Yield the findings that are not resolved, in one line for each kind and system: due with the first of them."""
    waiting = Finding.objects.filter(resolved_at__isnull=True)
    groups = waiting.values("kind", "system", "system__name", "system__owner__name").order_by()
    for row in groups.annotate(first=Min("due_at"), n=Count("pk")):
        where = f" on {row['system__name']}" if row["system"] else ""
        what = f"Findings “{FindingKind(row['kind']).label}”{where} are resolved ({row['n']} open)"
        key, ask = f"finding-{row['kind']}-{row['system'] or 0}", row["system__owner__name"] or OFFICER
        yield Due(key, asked.day(row["first"]), what, "findings", ask, "reviews:findings")


def _log_schedules(asked: _Asked) -> Iterator[Due]:
    """Yield periods of log schedules that were never opened, and the one that follows."""
    for line in schedule_lines(asked.now):
        row, page = line.schedule, ("reviews:log_schedule", (line.schedule.pk,))
        missed = unopened(row, asked.now)
        coming = line.runs or period_after(row, missed[-1][1] if missed else None)
        for _, end in (*missed, *([coming] if coming else [])):
            words = "was never opened" if end <= asked.now else "runs"
            what = f"Log review “{row.name}” of the period up to {asked.day(end):%-d %B %Y}, which {words}"
            on = asked.day(end + timedelta(days=row.due_days))
            yield Due(f"log-period-{row.pk}-{end:%Y%m%d}", on, what, "log_reviews", row.reviewer.name, *page)


def _documents(asked: _Asked) -> Iterator[Due]:
    """Yield documents: required ones that are not on file, and each when it is to be looked through again."""
    for line in document_lines(asked.now):
        if line.newest is None:
            what = f"{line.kind.label} is on file"
            yield Due(f"document-{line.kind}", None, what, "documents", OFFICER, "evidence:documents")
        else:
            what = f"“{line.newest.title}” is looked through again"
            ask, key = line.newest.approved_by, f"document-{line.newest.pk}"
            yield Due(key, line.newest.valid_until, what, "documents", ask, "evidence:documents")


def _processing(asked: _Asked) -> Iterator[Due]:
    """Yield the record of processing, due when its newest version has its age."""
    row, days = newest_processing(), asked.params["record_stale_days"]
    on = asked.day(row.recorded_at + timedelta(days=days)) if row else None
    what = f"The record of processing is looked through, at least every {days:.0f} days"
    yield Due("processing", on, what, "processing_record", row.recorded_by if row else OFFICER, "evidence:processing")


def _restores(asked: _Asked) -> Iterator[Due]:
    """Yield the next restore test."""
    days = asked.params["restore_test_days"]
    good = OperatingReport.objects.filter(operation=Operation.RESTORE, succeeded=True)
    last = good.order_by("-done_at").first()
    on = asked.day(last.done_at + timedelta(days=days)) if last else None
    what = f"A restore of the backup is tried and reported, at least every {days:.0f} days"
    yield Due("restore", on, what, "backup", last.reported_by if last else HOST, "evidence:operations")


def _evaluations(asked: _Asked) -> Iterator[Due]:
    """Yield the next evaluation of the controls, which the schedule makes."""
    run = newest_run()
    on = asked.day(run.computed_at + EVALUATED_EVERY) if run else None
    yield Due("evaluation", on, "The controls are evaluated, every 7 days", "controls", HOST, "evidence:controls")


def _responses(asked: _Asked) -> Iterator[Due]:  # noqa: ARG001 -- as every part is asked
    """Yield what management promised about rows that did not pass."""
    catalogue = load()
    for row in responses_in_force():
        control = catalogue.control(row.control)
        if row.stand != "end" and control is not None:
            what = f"{control.id} {control.title}: {row.get_stand_display().lower()}"
            page = ("evidence:control", (row.control,))
            yield Due(f"response-{row.pk}", row.due_on, what, "exceptions", row.owner, *page, (control.framework,))


def _requests(asked: _Asked) -> Iterator[Due]:
    """Yield what auditors of open rooms ask for, by their own day; who took a request on is the one to ask."""
    catalogue = load()
    taken = RequestEntry.objects.filter(request=OuterRef("pk"), turn=Turn.TAKE).order_by("-id")
    rows = AuditRequest.objects.filter(state__in=OWED, engagement__ended_at=None, engagement__ends_at__gt=asked.now)
    for row in rows.select_related("engagement").annotate(taken_by=Subquery(taken.values("by")[:1])):
        control = catalogue.control(row.control)
        names = (control.framework,) if control else tuple(row.engagement.frameworks)
        what = f"Request {row.n} of {row.engagement.firm} is answered"
        page = ("evidence:request", (row.pk,))
        yield Due(f"request-{row.pk}", row.due_on, what, "", row.taken_by or OFFICER, *page, names)


def months(lines: Iterable[Due], today: date) -> tuple[list[Due], dict[date, list[Due]]]:
    """Return what is missing or overdue, and the rest by the first day of its month."""
    late: list[Due] = []
    coming: dict[date, list[Due]] = {}
    for due in lines:
        if due.on is None or due.on < today:
            late.append(due)
        else:
            coming.setdefault(due.on.replace(day=1), []).append(due)
    return late, coming


def icalendar(lines: Iterable[Due], *, name: str, tenant: str, now: datetime, urls: Mapping[str, str]) -> bytes:
    """Return the dated lines as an iCalendar file (RFC 5545); what is missing stands on the day of the export."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    rows: list[str] = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Countersign//Evidence calendar//EN"]
    rows += ["CALSCALE:GREGORIAN", f"X-WR-CALNAME:{_text(name)}"]
    names: Any = load().frameworks
    for due in lines:
        on = due.on or now.date()
        said = f"{'Missing. ' if due.on is None else ''}Ask: {due.ask}. Supports: " + ", ".join(
            names[key].name for key in due.frameworks if key in names
        )
        rows += ["BEGIN:VEVENT", f"UID:{_text(due.key)}@{tenant}", f"DTSTAMP:{stamp}"]
        rows += [f"DTSTART;VALUE=DATE:{on:%Y%m%d}", f"SUMMARY:{_text(due.what)}", f"DESCRIPTION:{_text(said)}"]
        rows += [f"URL:{urls[due.key]}", "TRANSP:TRANSPARENT", "END:VEVENT"]
    return "".join(f"{_folded(row)}\r\n" for row in (*rows, "END:VCALENDAR")).encode()


def _text(value: str) -> str:
    """Escape a TEXT value (RFC 5545 3.3.11); control characters become spaces."""
    plain = "".join(char if char.isprintable() else " " for char in value)
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(row: str) -> str:
    """Fold a line at 75 octets, never inside of a character (RFC 5545 3.1)."""
    lines, size = [""], 0
    for char in row:
        octets = len(char.encode())
        if size + octets > 75:
            lines.append(" ")
            size = 1
        lines[-1] += char
        size += octets
    return "\r\n".join(lines)
