"""What the pages of incidents show: each incident with where it stands, and its entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Subquery

from alerts.kinds import IncidentStep
from alerts.models import Alert, Incident, IncidentEntry

SHOWN = 200


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident with what is recorded of it: whether it is a breach, told to the client, and closed."""

    incident: Incident
    triaged: bool
    breach: bool | None
    client_told_at: datetime | None
    closed_at: datetime | None


def incident(incident_id: int) -> Incident | None:
    """Return an incident of the open tenant with its alert."""
    return Incident.objects.select_related("alert").filter(pk=incident_id).first()


def incidents_of(alert: Alert) -> list[Incident]:
    """Return the incidents that an alert led to, newest first."""
    return list(Incident.objects.filter(alert=alert))


def incident_entries(row: Incident) -> list[IncidentEntry]:
    """Return an incident's entries in the order of recording."""
    return list(IncidentEntry.objects.filter(incident=row))


def incident_lines() -> list[IncidentLine]:
    """Return the newest incidents, newest first; one query whatever their number."""
    entries = IncidentEntry.objects.filter(incident=OuterRef("pk")).order_by("id")
    judged = entries.filter(step__in=(IncidentStep.BREACH, IncidentStep.NO_BREACH)).order_by("-id")
    rows = Incident.objects.annotate(
        triaged=Exists(entries.filter(step=IncidentStep.TRIAGED)),
        judged=Subquery(judged.values("step")[:1]),
        told=Subquery(entries.filter(step=IncidentStep.CLIENT_TOLD).order_by("happened_at").values("happened_at")[:1]),
        closed=Subquery(entries.filter(step=IncidentStep.CLOSED).values("happened_at")[:1]),
    )
    return [
        IncidentLine(row, row.triaged, row.judged == IncidentStep.BREACH if row.judged else None, row.told, row.closed)
        for row in rows[:SHOWN]
    ]
