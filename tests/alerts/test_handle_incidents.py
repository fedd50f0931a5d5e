"""Incidents: escalated from an alert, recorded step by step, and measured by their clocks."""

from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts.actions import open_incident
from alerts.kinds import IncidentFacts
from alerts.models import Incident, IncidentEntry
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.evidence.test_keep_registers import measured, send

pytestmark = pytest.mark.django_db


def local(at: datetime, tenant: Tenant) -> str:
    """Spell a moment as the browser sends it, in the tenant's zone."""
    return timezone.localtime(at, tenant.zone).strftime("%Y-%m-%dT%H:%M")


def test_an_alert_is_escalated_to_an_incident(bpo: Tenant, carla: User, remy: User) -> None:
    now = timezone.now()
    with tenant_scope(bpo):
        alert = world.alert()
    client, page = make.login(carla), reverse("alerts:incident_new", args=[bpo.slug])
    assert alert.subject in client.get(f"{page}?alert={alert.pk}").content.decode()
    assert client.get(f"{page}?alert={alert.pk + 1}").status_code == 404
    found, ahead = local(now - timedelta(hours=3), bpo), local(now + timedelta(hours=2), bpo)
    form = {"title": "Mallory", "what": "Read records.", "found_at": found, "known_at": found}
    assert client.post(f"{page}?alert={alert.pk}", {**form, "known_at": ahead}).status_code == 422
    assert make.login(remy).post(page, form).status_code == 403
    assert client.post(f"{page}?alert={alert.pk}", form).status_code == 302
    with tenant_scope(bpo):
        incident = Incident.objects.get(alert=alert)
        assert AuditEntry.objects.get(verb="incident.open").detail["alert"] == alert.pk
    for name, args in (("incidents", []), ("alert", [alert.pk]), ("incident", [incident.pk])):
        assert "Mallory" in client.get(reverse(f"alerts:{name}", args=[bpo.slug, *args])).content.decode()


def test_the_clocks_of_a_breach_are_measured_from_its_steps(bpo: Tenant, carla: User) -> None:
    known = timezone.now() - timedelta(hours=30)
    with tenant_scope(bpo):
        facts = IncidentFacts("Mallory", "Read records.", known, known)
        incident = open_incident(facts=facts, alert=None, by=make.actor(carla, bpo))
    told = measured(bpo, "incidents")
    assert (told["opened"], told["triaged_ratio"], told["open_over_limit"], told["breaches"]) == (1, 0, 1, 0)
    sent: dict[str, object] = {"step": "triaged", "happened_at": "2020-01-01T00:00", "note": "By telephone."}
    assert send(carla, bpo, "alerts:incident", sent, incident.pk) == 422, "before it was found"
    for step, hours in (("triaged", 1), ("breach", 2), ("client_told", 26), ("closed", 28)):
        sent |= {"step": step, "happened_at": local(known + timedelta(hours=hours), bpo)}
        assert send(carla, bpo, "alerts:incident", sent, incident.pk) == 302
    told = measured(bpo, "incidents")
    assert (told["triaged_ratio"], told["breaches"], told["client_notify_late"]) == (1, 1, 1)
    assert told["client_notify_max_hours"] == pytest.approx(26, abs=0.1)
    assert (told["authority_clock_missing"], told["breach_records_incomplete"], told["without_root_cause"]) == (0, 1, 1)
    assert send(carla, bpo, "alerts:incident", sent, incident.pk) == 403, "a closed incident takes no more"
    with tenant_scope(bpo):
        assert IncidentEntry.objects.count() == AuditEntry.objects.filter(verb="incident.record").count() == 4
