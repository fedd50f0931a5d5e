"""Stores how surely a signer must have proved who they are; each change is a new row."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from reviews.kinds import REASON_MIN, Level
from tenants.scope import TenantManager, TenantOwned


class SigningRule(TenantOwned):
    """Stores the weakest level that signs from a time on; the newest row counts, and the database holds it."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    minimum = models.CharField(max_length=8, choices=Level.choices)
    reason = models.CharField(max_length=300)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a signing rule."""

        constraints = [
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN) & ~Q(set_by=""), name="signing_rule_has_reason_and_person"
            ),
            models.CheckConstraint(condition=Q(minimum__in=Level.values), name="signing_rule_names_a_level"),
        ]

    def __str__(self) -> str:
        return self.get_minimum_display()
