"""Where log records come from: sources, their tokens, and how far the portal's own files were read."""

import zoneinfo
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from identities.models import System
from logs.kinds import Format, LogType
from tenants.models import ObjectShare
from tenants.scope import TenantManager, TenantOwned


class Grade(models.TextChoices):
    """How well a source's delivery can be trusted to be whole, best first."""

    ID_AND_ACK = "A", "A: own record ids and acknowledged delivery"
    CONTENT_AND_ACK = "B", "B: acknowledged delivery, records told apart by content"
    NO_ACK = "C", "C: no acknowledgement"
    MANUAL = "D", "D: file delivered by hand"


class LogSource(TenantOwned):
    """One place that delivers log records to a tenant, in one format.

    ``expected`` says when records must arrive, in the source's zone: ``{"every_minutes": 60, "hours": [8, 9],
    "weekdays": [1, 2, 3, 4, 5]}``; empty means that nothing is expected and silence is no gap.

    A shared source has routing rules: ``routing_version`` is above 0. A routed source is fed from one: it belongs to a
    client, takes nothing itself, and names the shared source, which foreign keys hold to be one of its own operator.

    ``left_open`` is what a parser remembers from one delivery to the next (`logs.leftopen`); it names nobody.
    """

    name = models.CharField(max_length=120)
    key = models.SlugField(max_length=60, help_text="Stands in the address of the intake door.")
    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, blank=True, related_name="log_sources")
    format = models.CharField(max_length=24)
    log_types = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, for records without a zone.")
    year = models.PositiveSmallIntegerField(null=True, blank=True, help_text="For records without a year.")
    mapping = models.JSONField(null=True, blank=True)
    mapping_version = models.PositiveIntegerField(default=1)
    expected = models.JSONField(default=dict, blank=True)
    grade = models.CharField(max_length=1, choices=Grade.choices, default=Grade.CONTENT_AND_ACK)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_received_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_occurred_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_record = models.TextField(default="", blank=True, editable=False)
    left_open = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    routing_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    fed_by = models.ForeignKey(
        "tenants.Tenant", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    fed_by_source = models.BigIntegerField(null=True, blank=True, editable=False)
    fed_by_name = models.CharField(max_length=120, default="", db_default="", blank=True, editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A tenant names its sources apart."""

        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "key"), name="log_source_key_is_unique_in_a_tenant"),
            models.UniqueConstraint(fields=("tenant", "name"), name="log_source_name_is_unique_in_a_tenant"),
            models.UniqueConstraint(fields=("tenant", "fed_by_source"), name="log_source_is_fed_by_a_source_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(key=""), name="log_source_has_a_name_and_a_key"),
            models.CheckConstraint(
                condition=Q(fed_by=None, fed_by_source=None, fed_by_name="")
                | Q(fed_by__isnull=False, fed_by_source__isnull=False, routing_version=0) & ~Q(fed_by_name=""),
                name="log_source_that_is_fed_names_its_feed_and_routes_nothing",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_fed(self) -> bool:
        """Whether its events come from a shared source of the operator."""
        return self.fed_by_source is not None

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone of records that name none."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def format_name(self) -> str:
        """The source's format in words."""
        return str(Format(self.format).label)

    @property
    def log_type_names(self) -> list[str]:
        """What the source delivers, in words."""
        return [str(LogType(number).label) for number in self.log_types]


class SourceRouting(TenantOwned):
    """One version of a shared source's routing rules, whole (`logs.routing.as_json`); append-only.

    ``digest`` is salted: it stands in the manifests of deliveries, at the clients too.
    """

    source = models.ForeignKey(LogSource, on_delete=models.PROTECT, related_name="routings")
    version = models.PositiveIntegerField()
    rules = models.JSONField()
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    salt = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A source's versions are numbered from 1, and each says why."""

        ordering = ("-version",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "source", "version"), name="source_routing_version_is_one"),
            models.CheckConstraint(condition=Q(version__gte=1) & ~Q(reason=""), name="source_routing_says_why"),
        )

    def __str__(self) -> str:
        return f"version {self.version}"


class LogSourceShare(ObjectShare):
    """Shares one log source, and with it its events, with one person."""

    content_object = models.ForeignKey(LogSource, on_delete=models.CASCADE)

    class Meta(ObjectShare.Meta):
        """One row for a person, a right and a source."""

        abstract = False


class SourceToken(TenantOwned):
    """A bearer token of one source: only its SHA-256 is stored, the prefix is shown; several may overlap."""

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32)
    prefix = models.CharField(max_length=16)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, default="", blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A token is revoked by somebody."""

        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "digest"), name="source_token_is_unique"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by="") | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
                name="source_token_is_revoked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("created_at")),
                name="source_token_expires_after_birth",
            ),
        )

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def is_live(self, now: datetime) -> bool:
        """Return whether the token opens its source at the moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class SourceCertificate(TenantOwned):
    """A sender's certificate that opens the syslog door to one source (docs/adr/0303).

    Known by the SHA-256 of its DER form; nothing of it is secret. ``ends_at`` is empty where only the fingerprint was
    given: the door itself reads the end from the certificate.
    """

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="certificates")
    fingerprint = models.BinaryField(max_length=32)
    subject = models.CharField(max_length=255, default="", blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    registered_at = models.DateTimeField(db_default=Now(), editable=False)
    registered_by = models.CharField(max_length=200)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, default="", blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A certificate opens one source of a tenant at a time, and is revoked by somebody."""

        ordering = ("-registered_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "fingerprint"),
                condition=Q(revoked_at=None),
                name="source_certificate_opens_one_source",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by="") | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
                name="source_certificate_is_revoked_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return self.shown

    @property
    def shown(self) -> str:
        """The fingerprint as tools print it: upper-case pairs with colons."""
        return bytes(self.fingerprint).hex(":").upper()


class DeliveryAck(TenantOwned):
    """The receipt of one committed request of a channel of Splunk's protocol; its id is the ``ackId``."""

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=100)
    given_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Old receipts of a source are removed together."""

        indexes = (models.Index(fields=("tenant", "source", "given_at"), name="delivery_ack_by_age"),)

    def __str__(self) -> str:
        return f"{self.channel} {self.pk}"


class ReadPosition(TenantOwned):
    """How far a file of an own source was read: its lines and its position are committed together.

    ``head`` is the SHA-256 of the file's first line, by which it is known after rotation.
    """

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="positions")
    head = models.BinaryField(max_length=32)
    path = models.CharField(max_length=255, help_text="File name inside the source's directory, when it was last read.")
    offset = models.BigIntegerField(default=0)
    filtered = models.BigIntegerField(default=0, help_text="Lines about the shipping itself, which are left out.")
    updated_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """One position a file."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "source", "head"), name="read_position_is_one_a_file"),
            models.CheckConstraint(condition=Q(offset__gte=0), name="read_position_is_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.path} at {self.offset}"
