"""What the portal itself remembers: which scheduled job ran for which period."""

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now

from tenants.scope import TenantManager, TenantOwned


class ScheduledRun(TenantOwned):
    """One period of a scheduled job, claimed by whoever inserted the row."""

    name = models.CharField(max_length=60)
    period_at = models.DateTimeField()
    claimed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A period is claimed once."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "name", "period_at"), name="schedule_once_per_period"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.period_at:%Y-%m-%d %H:%M}Z"
