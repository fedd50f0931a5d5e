"""What people do with an alert: take it into work, and close it with a reason."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from alerts.kinds import AlertState, CloseReason
from alerts.models import Alert
from alerts.policies import can_acknowledge_alert, can_close_alert, can_look_at_alert
from ledger.kinds import LeafKind
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def look_at_alert(*, alert: Alert, by: Actor) -> None:
    """Record that somebody looked at an alert and at the log events it stands on."""
    enforce(can_look_at_alert(by))
    audit("alert.look", by=by, target=str(alert), detail={"alert": alert.pk}, kind=LeafKind.LOOKED)


@transaction.atomic
def acknowledge_alert(*, alert: Alert, by: Actor) -> Alert:
    """Take a new alert into work."""
    row = _locked(alert)
    enforce(can_acknowledge_alert(by, row))
    row.state, row.acknowledged_at, row.acknowledged_by_id = AlertState.ACKNOWLEDGED, timezone.now(), by.user_id
    row.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])
    audit("alert.acknowledge", by=by, target=str(row), detail={"alert": row.pk})
    return row


@transaction.atomic
def close_alert(*, alert: Alert, reason: CloseReason, note: str, by: Actor) -> Alert:
    """Close an alert with what was found out; it stays closed, and later events raise a new one.

    Raises:
        ValidationError: the note is empty.
    """
    row = _locked(alert)
    enforce(can_close_alert(by, row))
    if not note.strip():
        message = "Say in a sentence what you found out."
        raise ValidationError(message)
    row.state, row.closed_at, row.closed_by_id = AlertState.CLOSED, timezone.now(), by.user_id
    row.close_reason, row.close_note = reason, note.strip()
    row.save(update_fields=["state", "closed_at", "closed_by", "close_reason", "close_note"])
    audit("alert.close", by=by, target=str(row), detail={"alert": row.pk, "reason": reason, "note": row.close_note})
    return row


def _locked(alert: Alert) -> Alert:
    """Return the row as it is now, locked: of two people who act at once one is told that it is over."""
    return Alert.objects.select_for_update(of=("self",)).select_related("identity").get(pk=alert.pk)
