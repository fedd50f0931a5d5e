"""A pack ends at its checkpoint: what is recorded later is in no table of it, and changes nothing that it says."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from alerts.actions import acknowledge_alert, close_alert, open_incident, record_step
from alerts.kinds import CloseReason, IncidentFacts, IncidentStep, Rule
from alerts.models import Alert, Incident
from alerts.watch import look_round
from evidence.kinds import Cell, Period
from evidence.metrics.frame import Frame
from evidence.records import Records, gather
from ledger.queries import head
from logs.models import LogSource
from reviews.actions import (
    answer_question,
    ask,
    cancel_campaign,
    close_follow_up,
    decide_control,
    extend_campaign,
    open_campaign,
    set_care_rule,
)
from reviews.kinds import Disposed, Looked
from reviews.models import Campaign, ControlItem, FollowUp, ItemQuestion, LogItem, LogReview
from reviews.quality import figures_of
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.alerts import world
from tests.reviews import periods
from tests.reviews.conftest import KEEP, Cast, deliver, item, person, ready

TOLD_LATER = {
    *("campaign_moves", "campaign_scope", "control_items", "dispositions", "questions"),
    *("cited_events", "incident_alert", "incident_steps", "log_sign_offs"),
}
"""Tables that say something else once everything went on."""
AS_IT_STOOD = {"severity": 3, "state": "new", "event_count": 12, "acknowledged_by": None, "close_note": ""}
AS_IT_ENDED = {
    "severity": 4,
    "state": "closed",
    "event_count": 14,
    "acknowledged_by": "Carla",
    "close_note": "Mistyped.",
}


@dataclass(frozen=True)
class Begun:
    """What was there when the checkpoint was signed: who acts, and on what."""

    bpo: Tenant
    cast: Cast
    source: LogSource
    next_review: LogReview
    campaign: Campaign
    incident: Incident
    began_at: datetime


@pytest.fixture
def begun(bpo: Tenant, carla: User, remy: User, rosa: User) -> Begun:
    """A signed log review with a follow-up and one to be signed, a campaign with a question, and an incident."""
    cast = periods.stage(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        source = periods.log_source(cast)
    periods.an_eventful_day(source)
    look_round()
    with tenant_scope(bpo):
        plan = periods.schedule(cast)
        review, following = periods.opened(cast, plan), periods.opened(cast, plan)
        periods.dispose_all(following, cast)
        found = Looked(Disposed.INCIDENT, "The disk of the log server is full.", "INC-7")
        gap = LogItem.objects.filter(review=review, kind="gap").select_related("review")[0]
        periods.dispose(item=gap, looked=found, by=cast.remy)
        periods.dispose_all(review, cast)
        periods.sign(review, cast.remy, "M1")
    with tenant_scope(bpo):
        campaign, incident = campaign_of(cast), incident_of(cast)
    return Begun(bpo, cast, source, following, campaign, incident, timezone.now() - timedelta(days=90))


def campaign_of(cast: Cast) -> Campaign:
    deliver(cast)
    waiting = ready(cast)
    figures = {**figures_of({}), "control_items": 1}
    set_care_rule(plan=waiting.plan, figures=figures, reason="Asked for by the client.", by=cast.officer)
    waiting.refresh_from_db()
    campaign = open_campaign(campaign=waiting, by=cast.officer)
    ask(item=item(campaign, "bob"), asked=person("M2"), text="Does he still need it?", by=cast.remy)
    return campaign


def incident_of(cast: Cast) -> Incident:
    at = timezone.now() - timedelta(hours=5)
    facts = IncidentFacts("Somebody guesses passwords", "Twelve log-ins failed.", at, at, "Agents")
    alert = Alert.objects.filter(rule=Rule.FAILED_ACCOUNT).earliest("id")
    return open_incident(facts=facts, alert=alert, by=cast.officer)


@pytest.mark.django_db
def test_what_is_recorded_after_the_checkpoint_is_not_in_the_pack(begun: Begun) -> None:
    at, before = gathered(begun)
    goes_on(begun)
    _later, after = gathered(begun)
    _at, again = gathered(begun, at)
    rows, later = rows_of(before), rows_of(after)
    assert {name for name in rows if rows[name] != later[name]} == TOLD_LATER
    assert {name for name, found in rows_of(again).items() if found != rows[name]} == set()
    assert (again.statements, again.assertions) == (before.statements, before.assertions)
    assert len(after.statements) == len(before.statements) + 1
    for (alert,), told in ((rows["incident_alert"], AS_IT_STOOD), (later["incident_alert"], AS_IT_ENDED)):
        assert {name: alert[name] for name in told} == told


def gathered(begun: Begun, at: tuple[datetime, int] | None = None) -> tuple[tuple[datetime, int], Records]:
    """Collect what a checkpoint of a moment and a size covers, or one of now."""
    with tenant_scope(begun.bpo):
        now, size = at or (timezone.now(), head(begun.bpo.uuid).size)
        period = Period(begun.began_at, begun.began_at + timedelta(days=91), "UTC")
        frame = Frame(period, {}, begun.bpo.pk, begun.bpo.uuid, now)
        return (now, size), gather(frame, size, incident=begun.incident.pk)


def rows_of(records: Records) -> dict[str, list[dict[str, Cell]]]:
    return {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in records.tables}


def goes_on(begun: Begun) -> None:
    """Everything goes on: in the log and its alert, its reviews, the campaign, and the incident."""
    cast, now = begun.cast, timezone.now()
    world.deliver(begun.source, [world.line(periods.at(3, 8, 1), "ana", ok=ok) for ok in (False, True)])
    look_round()
    with tenant_scope(begun.bpo):
        alert = Alert.objects.get(pk=begun.incident.alert_id)
        acknowledge_alert(alert=alert, by=cast.officer)
        close_alert(alert=alert, reason=CloseReason.MISTAKE, note="Mistyped.", by=cast.officer)
        step = {"step": IncidentStep.TRIAGED, "happened_at": now, "note": "Nobody came in."}
        record_step(incident=begun.incident, by=cast.officer, **step)
    with tenant_scope(begun.bpo):
        close_follow_up(follow_up=FollowUp.objects.get(), resolution="The disk was replaced.", by=cast.officer)
        periods.sign(begun.next_review, cast.remy, "M1")
    with tenant_scope(begun.bpo):
        answer_question(question=ItemQuestion.objects.get(), text="Yes, until May.", by=cast.rosa)
        control = ControlItem.objects.select_related("campaign", "system").get(reviewer=person("M1"))
        decide_control(control=control, choice=KEEP, by=cast.remy)
        extend_campaign(
            campaign=begun.campaign, due_at=now + timedelta(days=40), reason="Many are on leave.", by=cast.officer
        )
        cancel_campaign(campaign=begun.campaign, reason="The client asked for another one.", by=cast.officer)
