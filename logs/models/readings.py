"""How records were read: versions of mappings, and what reading old records again put in the place of what.

All append-only. An event that was read again stays as it was sealed; a row here names the event that takes its place,
and the sealed bytes of that one name it back, so that verification sees a row that was put in or taken out.
"""

from typing import ClassVar, Final, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from logs.models.keys import event_key
from logs.models.sources import LogSource
from tenants.scope import TenantManager, TenantOwned

AGAIN: Final = "again"
"""The door of a batch that nobody delivered: records that were read again."""


class MappingVersion(TenantOwned):
    """One saved mapping of a source: who, when, why, and the SHA-256 of its canonical JSON.

    ``taken_from`` is the version that was taken up again.
    """

    source = models.ForeignKey(LogSource, on_delete=models.PROTECT, related_name="mapping_versions")
    version = models.PositiveIntegerField()
    mapping = models.JSONField()
    digest = models.BinaryField(max_length=32)
    why = models.TextField()
    by = models.CharField(max_length=200)
    saved_at = models.DateTimeField(db_default=Now(), editable=False)
    taken_from = models.PositiveIntegerField(null=True, blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A source's versions are numbered."""

        ordering = ("-version",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "source", "version"), name="mapping_version_is_numbered_once"),
            models.CheckConstraint(condition=~Q(why="") & ~Q(by=""), name="mapping_version_says_who_and_why"),
            models.CheckConstraint(
                condition=Q(taken_from=None) | Q(taken_from__lt=F("version")),
                name="mapping_version_takes_up_an_older_one",
            ),
        )

    def __str__(self) -> str:
        return f"version {self.version}"

    @property
    def sha256(self) -> str:
        """The digest as hexadecimal text."""
        return bytes(self.digest).hex()


class Superseded(TenantOwned):
    """An event whose record was read again, and the event that takes its place.

    ``received_at`` and ``event_id`` name the one that is left out, ``batch_id`` and ``ord`` its leaf; the columns that
    begin with ``by_`` name its successor. ``first_received_at`` is when the record came in, over all readings.
    """

    pk = models.CompositePrimaryKey("tenant_id", "received_at", "event_id")
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    received_at = models.DateTimeField()
    event_id = models.BigIntegerField()
    batch_id = models.UUIDField()
    ord = models.IntegerField()
    by_received_at = models.DateTimeField()
    by_id = models.BigIntegerField()
    by_batch_id = models.UUIDField()
    first_received_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """An event takes the place of one other, received before it."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "by_received_at", "by_id"), name="event_supersedes_one_other"),
            models.CheckConstraint(
                condition=Q(by_received_at__gt=F("received_at")) & Q(first_received_at__lte=F("received_at")),
                name="event_is_superseded_by_a_later_one",
            ),
        )
        indexes = (models.Index(fields=("tenant", "by_batch_id"), name="superseded_by_batch"),)

    def __str__(self) -> str:
        return f"{self.event_id} by {self.by_id}"


class ResolvedLine(TenantOwned):
    """A quarantined record that could be read later: by which batch, and what it became.

    An event has its receipt and number here. A record that is no access event, or that is stored already because it was
    delivered again, has none.
    """

    class Outcome(models.TextChoices):
        """What a record from quarantine became."""

        EVENT = "event", "Became an event"
        IGNORED = "ignored", "Is no access event"
        DUPLICATE = "duplicate", "Was stored already"

    line = models.OneToOneField("logs.QuarantinedLine", on_delete=models.PROTECT, related_name="resolved")
    batch = models.ForeignKey("logs.Delivery", on_delete=models.PROTECT, related_name="resolved_lines")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    resolved_at = models.DateTimeField()
    event_id = models.BigIntegerField(null=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Only an event has a number."""

        constraints = (
            models.CheckConstraint(
                condition=Q(outcome="event", event_id__isnull=False) | (~Q(outcome="event") & Q(event_id=None)),
                name="resolved_line_names_its_event",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=("event", "ignored", "duplicate")), name="resolved_is_known"
            ),
        )
        indexes = (models.Index(fields=("tenant", "batch"), name="resolved_line_by_batch"),)

    def __str__(self) -> str:
        return self.get_outcome_display()

    @property
    def event_key(self) -> str:
        """The event's name in addresses, "" for none; its batch is at hand."""
        return event_key(self.batch.received_at, self.event_id) if self.event_id is not None else ""


class Rereading(TenantOwned):
    """One batch that was read again by one reader (parser and mapping version): so that it is not done twice.

    ``read`` = superseded + resolved + unchanged + kept. ``kept`` counts what the present reader cannot take as an event
    where an older one could, which stays as it was read, and what stays in quarantine. ``by_batch`` is the batch that
    holds what differed, null where nothing did.
    """

    batch = models.ForeignKey("logs.Delivery", on_delete=models.PROTECT, related_name="rereadings")
    reader = models.CharField(max_length=64)
    first_received_at = models.DateTimeField(help_text="When the records came in.")
    by_batch = models.ForeignKey("logs.Delivery", on_delete=models.PROTECT, null=True, related_name="+")
    read = models.IntegerField()
    superseded = models.IntegerField()
    resolved = models.IntegerField()
    unchanged = models.IntegerField()
    kept = models.IntegerField()
    by = models.CharField(max_length=200)
    ended_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A reader reads a batch again once, and every record is accounted for."""

        ordering = ("-ended_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "batch", "reader"), name="batch_is_read_again_once_a_reader"),
            models.CheckConstraint(
                condition=Q(read=F("superseded") + F("resolved") + F("unchanged") + F("kept")),
                name="rereading_accounts_for_every_record",
            ),
        )

    def __str__(self) -> str:
        return f"{self.batch_id} by {self.reader}"
