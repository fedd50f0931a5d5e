"""Stores which entitlements one person must not hold together."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Entitlement
from reviews.kinds import REASON_MIN
from tenants.scope import TenantManager, TenantOwned


class DutyConflict(TenantOwned):
    """Stores that two entitlements conflict (separation of duties), from its adding to its end.

    What it says is never changed: it is ended, and another one is added. The lower id stands first.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    first = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=300)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=320)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=320, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        """Holds the rules of a conflict."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "first", "second"],
                condition=Q(ended_at__isnull=True),
                name="conflict_is_in_force_once",
            ),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="conflict_names_the_lower_entitlement_first"
            ),
            models.CheckConstraint(
                condition=Q(why__length__gte=REASON_MIN) & ~Q(added_by=""), name="conflict_says_why_and_who"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="", end_reason="")
                | (Q(ended_at__isnull=False, end_reason__length__gte=REASON_MIN) & ~Q(ended_by="")),
                name="ended_conflict_says_why_and_who",
            ),
        ]

    def __str__(self) -> str:
        return self.why
