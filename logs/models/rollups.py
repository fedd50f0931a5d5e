"""Counts kept in the transaction that stores the events, so that pages never count rows (postgres.md 5).

Roll-ups go by ``actor_key``, the lower-case name in the log: an account that is imported later finds its use. The
system is 0 where a source has none.
"""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from tenants.scope import TenantManager, TenantOwned


def _tenant() -> "models.ForeignKey[object, object]":
    return models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )


class UsageDay(TenantOwned):
    """What one actor did on one system on one UTC day, by log type and action."""

    pk = models.CompositePrimaryKey("tenant_id", "system_id", "actor_key", "day", "log_type", "action")
    tenant = _tenant()
    system_id = models.BigIntegerField()
    actor_key = models.TextField()
    day = models.DateField()
    log_type = models.SmallIntegerField()
    action = models.TextField()
    events = models.BigIntegerField()
    ok_count = models.BigIntegerField()
    denied_count = models.BigIntegerField()
    out_of_hours_count = models.BigIntegerField()
    rows_count = models.BigIntegerField()
    bytes_out = models.BigIntegerField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return f"{self.actor_key} on {self.day}"


class TypeDay(TenantOwned):
    """How many events of a type a source gave on one UTC day."""

    pk = models.CompositePrimaryKey("tenant_id", "day", "source_id", "log_type")
    tenant = _tenant()
    day = models.DateField()
    source_id = models.BigIntegerField()
    log_type = models.SmallIntegerField()
    events = models.BigIntegerField()
    denied_count = models.BigIntegerField()
    out_of_hours_count = models.BigIntegerField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return f"{self.log_type} on {self.day}"


class LastUse(TenantOwned):
    """When an actor was first and last seen on a system."""

    pk = models.CompositePrimaryKey("tenant_id", "system_id", "actor_key")
    tenant = _tenant()
    system_id = models.BigIntegerField()
    actor_key = models.TextField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    last_ok_at = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return f"{self.actor_key} last at {self.last_at}"


class SourceHour(TenantOwned):
    """What a source gave for an hour (UTC): events by their own time, lines without one by their receipt.

    ``future`` counts the events whose stated time lay after their receipt by more than the tolerated skew.
    """

    pk = models.CompositePrimaryKey("tenant_id", "source_id", "hour")
    tenant = _tenant()
    source_id = models.BigIntegerField()
    hour = models.DateTimeField()
    events = models.BigIntegerField()
    quarantined = models.BigIntegerField()
    ignored = models.BigIntegerField()
    future = models.BigIntegerField(default=0, db_default=0)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return f"{self.hour}: {self.events}"


class SourceStream(TenantOwned):
    """The numbers that came of one stream of a source whose records are numbered (`logs.sequences.Track`).

    ``missing`` is how many numbers are missing between the first and the last; it is kept to find streams with gaps.
    """

    pk = models.CompositePrimaryKey("tenant_id", "source_id", "stream")
    tenant = _tenant()
    source_id = models.BigIntegerField()
    stream = models.TextField()
    first = models.BigIntegerField()
    runs = models.JSONField()
    lost = models.BigIntegerField()
    restarts = models.IntegerField()
    missing = models.BigIntegerField()
    seen_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Streams with gaps are few; old ones go by their age."""

        indexes = (
            models.Index(fields=("tenant", "source_id"), condition=Q(missing__gt=0), name="source_stream_with_gaps"),
            models.Index(fields=("tenant", "seen_at"), name="source_stream_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.stream}: {self.missing} missing"
