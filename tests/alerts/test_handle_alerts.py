"""Handling: acknowledge, close with a reason, and who may not."""

from itertools import product

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from alerts.actions import acknowledge_alert, close_alert, save_settings
from alerts.kinds import MOVES, AlertState, CloseReason, RuleSettings
from alerts.models import Alert, AlertSettings
from alerts.policies import can_acknowledge_alert, can_close_alert
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tests import make
from tests.alerts import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst(ana: User, bpo: Tenant) -> Actor:
    return make.actor(ana, bpo)


def test_acknowledging_and_closing_leave_who_when_and_why(in_bpo: Tenant, analyst: Actor, ana: User) -> None:
    alert = world.alert()
    acknowledge_alert(alert=alert, by=analyst)
    close_alert(alert=alert, reason=CloseReason.EXPECTED, note=" Planned work. ", by=analyst)
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.closed_by) == (AlertState.CLOSED, ana, ana)
    assert (alert.close_reason, alert.close_note) == (CloseReason.EXPECTED, "Planned work.")
    verbs = list(AuditEntry.objects.filter(verb__startswith="alert.").order_by("ord").values_list("verb", flat=True))
    assert verbs == ["alert.acknowledge", "alert.close"]


@pytest.mark.parametrize(("before", "after"), list(product(AlertState, (AlertState.ACKNOWLEDGED, AlertState.CLOSED))))
def test_only_the_moves_of_the_table_are_allowed(
    in_bpo: Tenant, analyst: Actor, before: AlertState, after: AlertState
) -> None:
    judge = can_acknowledge_alert if after is AlertState.ACKNOWLEDGED else can_close_alert
    assert judge(analyst, Alert(state=before)).allowed is (after in MOVES[before])


def test_closing_needs_a_note(in_bpo: Tenant, analyst: Actor) -> None:
    alert = world.alert()
    with pytest.raises(ValidationError, match="what you found out"):
        close_alert(alert=alert, reason=CloseReason.MISTAKE, note="  ", by=analyst)


def test_nobody_closes_an_alert_about_themselves(in_bpo: Tenant, analyst: Actor, ana: User) -> None:
    alert = world.alert(identity=world.identity(user=ana))
    with pytest.raises(Refused, match="about your own access"):
        close_alert(alert=alert, reason=CloseReason.MISTAKE, note="It was me.", by=analyst)


def test_a_token_a_reviewer_and_the_system_cannot_handle_alerts(in_bpo: Tenant, analyst: Actor, remy: User) -> None:
    alert = world.alert()
    token = Actor("token:x", None, in_bpo.pk, analyst.roles, analyst.permissions)
    for by in (token, make.actor(remy, in_bpo), Actor.system("alerts", in_bpo.pk)):
        with pytest.raises(Refused):
            acknowledge_alert(alert=alert, by=by)


def test_the_database_refuses_a_closed_alert_without_a_reason(in_bpo: Tenant) -> None:
    alert = world.alert()
    with pytest.raises(IntegrityError, match="alert_closed_with_a_reason"), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(state=AlertState.CLOSED)


def test_settings_are_versions_and_changes_are_deeds(in_bpo: Tenant, carla: User, ana: User) -> None:
    officer = make.actor(carla, in_bpo)
    save_settings(settings=RuleSettings(), by=officer)
    save_settings(settings=RuleSettings(account_threshold=7, mail_to=("soc@example.org",)), by=officer)
    assert list(AlertSettings.objects.order_by("version").values_list("account_threshold", flat=True)) == [10, 7]
    entry = AuditEntry.objects.filter(verb="alert.configure").order_by("-ord")[0]
    assert entry.detail == {"account_threshold": 7, "mail_to": ["soc@example.org"]}
    with pytest.raises(Refused):
        save_settings(settings=RuleSettings(), by=make.actor(ana, in_bpo))


@pytest.mark.parametrize("wrong", [{"account_threshold": 1}, {"window_minutes": 0}, {"slack_minutes": 241}])
def test_settings_out_of_bounds_are_refused(in_bpo: Tenant, carla: User, wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        save_settings(settings=RuleSettings(**wrong), by=make.actor(carla, in_bpo))
