"""Stores when a reviewer is away, and who reviews instead."""

from datetime import date
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Identity
from reviews.kinds import REASON_MIN
from tenants.scope import TenantManager, TenantOwned


class Absence(TenantOwned):
    """Stores that a reviewer is away from one day to another (both included), and who reviews in their place."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    reviewer = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="absences")
    deputy = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    first_on = models.DateField()
    last_on = models.DateField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=320)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=320, blank=True)

    class Meta:
        """Holds the rules of an absence."""

        constraints = [
            models.CheckConstraint(condition=~Q(reviewer=F("deputy")), name="nobody_is_their_own_deputy"),
            models.CheckConstraint(condition=Q(last_on__gte=F("first_on")), name="absence_ends_after_it_begins"),
            models.CheckConstraint(condition=Q(reason__length__gte=REASON_MIN), name="absence_has_a_reason"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="") | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="absence_ended_early_has_time_and_person",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "last_on"], name="absence_by_last_day")]

    def __str__(self) -> str:
        return f"{self.reviewer_id} away from {self.first_on} to {self.last_on}"

    def covers(self, day: date) -> bool:
        """Returns whether the reviewer is away on the day."""
        return self.ended_at is None and self.first_on <= day <= self.last_on
