"""What people do about an incident: open it, with or without an alert behind it, and record each step."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from alerts.kinds import IncidentFacts, IncidentStep
from alerts.models import Alert, Incident, IncidentEntry
from alerts.policies import can_open_incident, can_record_step
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def open_incident(*, facts: IncidentFacts, alert: Alert | None, by: Actor) -> Incident:
    """Open an incident; an alert that stands behind it keeps its own state.

    Raises:
        ValidationError: it became known before its first sign was found.
    """
    enforce(can_open_incident(by))
    if facts.known_at < facts.found_at:
        message = "It cannot be known to be an incident before its first sign was found."
        raise ValidationError(message)
    row = Incident(alert=alert, title=facts.title, what=facts.what, affected=facts.affected, opened_by=by.name)
    row.found_at, row.known_at = facts.found_at, facts.known_at
    row.save(force_insert=True)
    detail = {"alert": alert.pk if alert else None, "found_at": facts.found_at, "known_at": facts.known_at}
    audit("incident.open", by=by, target=str(row), detail={**detail, "incident": row.pk, "what": facts.what})
    return row


@transaction.atomic
def record_step(
    *, incident: Incident, step: IncidentStep, happened_at: datetime, note: str, by: Actor
) -> IncidentEntry:
    """Record one step of an incident with the moment at which it happened.

    Raises:
        ValidationError: it happened before the incident's first sign was found.
    """
    done = IncidentEntry.objects.filter(incident=incident, step=IncidentStep.CLOSED).exists()
    enforce(can_record_step(by, closed=done))
    if happened_at < incident.found_at:
        message = "This lies before the first sign of the incident was found. Give a later time."
        raise ValidationError(message)
    row = IncidentEntry(incident=incident, step=step, happened_at=happened_at, note=note.strip(), recorded_by=by.name)
    row.save(force_insert=True)
    detail = {"incident": incident.pk, "step": step, "happened_at": happened_at, "note": row.note}
    audit("incident.record", by=by, target=str(incident), detail=detail)
    return row
