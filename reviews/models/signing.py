"""Holds what every signature stores, and how surely a signer must have proved who they are."""

from datetime import timedelta
from typing import ClassVar, Final, Self

from django.db import models
from django.db.models import F, Q

from reviews.kinds import REASON_MIN, SIGNING_WINDOW_SECONDS, Level
from tenants.scope import TenantManager, TenantOwned

FRESH: Final = Q(
    signed_at__gte=F("authenticated_at"),
    signed_at__lte=F("authenticated_at") + timedelta(seconds=SIGNING_WINDOW_SECONDS),
)
"""The rule of each signature that it follows its proof within the window (21 CFR 11.200(a))."""


class Signature(TenantOwned):
    """Holds what every signature stores: who is printed, how they proved it and when, and the digest of the statement.

    What is signed, and by whom, is the model's own. A passkey's assertion stands in `authentication`.
    """

    printed_name = models.CharField(max_length=200)
    level = models.CharField(max_length=8, choices=Level.choices)
    methods = models.JSONField()
    authentication = models.JSONField(default=dict)
    authenticated_at = models.DateTimeField()
    signed_at = models.DateTimeField()
    digest = models.CharField(max_length=64)

    class Meta:
        """Has no table of its own."""

        abstract = True


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
