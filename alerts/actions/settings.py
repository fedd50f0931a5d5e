"""Changing the settings: a new version each time, the old ones stay."""

from django.db import transaction

from alerts.kinds import RuleSettings
from alerts.models import AlertSettings, row_of
from alerts.policies import can_save_settings
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def save_settings(*, settings: RuleSettings, by: Actor) -> AlertSettings:
    """Store the next version of the tenant's settings; events that were judged already are not judged again.

    Raises:
        ValidationError: a number is outside of its bounds.
    """
    enforce(can_save_settings(by))
    last = AlertSettings.objects.order_by("-version").first()
    row = AlertSettings(version=(last.version if last else 0) + 1, created_by=by.name, **row_of(settings))
    row.full_clean(exclude=["tenant"])
    row.save(force_insert=True)
    before, after = (row_of(last.values) if last else {}), row_of(settings)
    changed = {name: _text(value) for name, value in after.items() if before.get(name) != value}
    audit("alert.configure", by=by, target=f"Alert settings, version {row.version}", detail=changed)
    return row


def _text(value: object) -> object:
    return value if isinstance(value, bool | int | list) else str(value)
