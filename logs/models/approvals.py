"""From where remote access is allowed: approved networks and countries."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from identities.models import System
from tenants.scope import TenantManager, TenantOwned


class ApprovedPlace(TenantOwned):
    """A network or a country from which remote access is allowed, to one system or to all, until somebody ends it.

    ``approved_by`` and ``approved_at`` say who gave the approval and from when it holds (the day's begin in the
    tenant's zone), ``set_by`` and ``set_at`` who recorded it and when: a later record says so beside every result.
    The key to the system is the composite one, which also holds the tenant.
    """

    network = models.CharField(max_length=43, default="", blank=True)
    country = models.CharField(max_length=2, default="", blank=True)
    system = models.ForeignKey(
        System, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_constraint=False
    )
    approved_by = models.CharField(max_length=200)
    approved_at = models.DateTimeField()
    reason = models.TextField()
    set_at = models.DateTimeField(db_default=Now(), editable=False)
    set_by = models.CharField(max_length=320)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=320, default="")
    end_reason = models.TextField(default="")

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """One place, approved by somebody who says why; it is ended once, by somebody who says why."""

        ordering = ("-set_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "network", "country", "system"),
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="approved_place_is_approved_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(network="") & ~Q(country="")) | (~Q(network="") & Q(country="")),
                name="approved_place_is_a_network_or_a_country",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by="") & ~Q(reason=""), name="approved_place_says_who_approved_it_and_why"
            ),
            models.CheckConstraint(
                condition=Q(approved_at__lte=F("set_at")), name="approved_place_is_approved_before_it_is_recorded"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="", end_reason="")
                | (Q(ended_at__gte=F("set_at")) & ~Q(ended_by="") & ~Q(end_reason="")),
                name="approved_place_is_ended_by_somebody_who_says_why",
            ),
        )

    def __str__(self) -> str:
        return self.network or self.country
