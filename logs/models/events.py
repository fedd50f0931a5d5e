"""What arrived: deliveries, events, the keys that tell duplicates, and the lines that could not be read.

All of it is append-only for the run-time roles (ledger.md 7). `AccessEvent` is partitioned by the month of receipt; its
table is made by SQL in the migration, and `logs/partitions.py` adds the months.
"""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q

from logs.models.keys import event_key
from logs.models.readings import Superseded
from logs.models.sources import LogSource
from tenants.scope import TenantManager, TenantOwned, current_tenant_id

SKEW_SECONDS = 120
"""How far ahead of its receipt an event may claim to be (clock skew)."""


class SealedEvents(TenantManager["AccessEvent"]):
    """Every row that was sealed, superseded readings too: for what verifies, proves or follows a link."""


class CurrentEvents(TenantManager["AccessEvent"]):
    """Each access once, as it is read now: whatever counts, lists or exports goes by this one."""

    def get_queryset(self) -> models.QuerySet["AccessEvent"]:
        """Return the rows that no later reading supersedes (the view logs_currentevent says the same in SQL)."""
        later = Superseded.objects.filter(
            tenant_id=current_tenant_id(), received_at=OuterRef("received_at"), event_id=OuterRef("id")
        )
        return super().get_queryset().filter(~Exists(later))


class FirstReadings(TenantManager["AccessEvent"]):
    """Each access once, as it was read first: what alerts judge and stand on."""

    def get_queryset(self) -> models.QuerySet["AccessEvent"]:
        """Return the rows that supersede nothing; a record that left quarantine is read for the first time."""
        earlier = Superseded.objects.filter(
            tenant_id=current_tenant_id(), by_received_at=OuterRef("received_at"), by_id=OuterRef("id")
        )
        return super().get_queryset().filter(~Exists(earlier))


class Delivery(TenantOwned):
    """One body that a source delivered, with its counts and the sealed manifest (leaf kind 02, last of its batch).

    A delivery to a shared source names the version of the rules (``routing``) and where its events went: ``stored`` are
    those that stayed, ``routed`` those that clients got. What a client got of it is a delivery of the client's own,
    whose ``origin_batch`` is the operator's; its body is the part that came there.

    ``id`` is also the id of the ledger's batch: leaf index = the batch's first index + ``AccessEvent.ord``; the
    manifest's ordinal is ``stored``.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.ForeignKey(LogSource, on_delete=models.PROTECT, related_name="deliveries")
    door = models.CharField(max_length=16)
    received_at = models.DateTimeField()
    by = models.CharField(max_length=200)
    address = models.GenericIPAddressField(null=True, blank=True)
    body_sha256 = models.BinaryField(max_length=32)
    body_bytes = models.BigIntegerField()
    idempotency_key = models.CharField(max_length=200, default="", blank=True)
    parser = models.CharField(max_length=64)
    received = models.IntegerField()
    stored = models.IntegerField()
    duplicates = models.IntegerField()
    ignored = models.IntegerField()
    quarantined = models.IntegerField()
    routing = models.PositiveIntegerField(default=0, db_default=0)
    routed = models.IntegerField(default=0, db_default=0)
    routed_to = models.JSONField(default=list)
    origin_batch = models.UUIDField(null=True)
    ignored_reasons = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    first_record = models.TextField(default="", blank=True)
    last_record = models.TextField(default="", blank=True)
    previous_record = models.TextField(default="", blank=True)
    first_occurred_at = models.DateTimeField(null=True)
    last_occurred_at = models.DateTimeField(null=True)
    core = models.BinaryField()
    salts = models.BinaryField(max_length=32)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Every record of a body is accounted for."""

        ordering = ("-received_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "source", "idempotency_key"),
                condition=~Q(idempotency_key=""),
                name="delivery_idempotency_key_is_used_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    received=models.F("stored")
                    + models.F("routed")
                    + models.F("duplicates")
                    + models.F("ignored")
                    + models.F("quarantined")
                ),
                name="delivery_accounts_for_every_record",
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "source", "body_sha256"), name="delivery_by_body"),
            models.Index(fields=("tenant", "source", "-received_at"), name="delivery_by_source_and_time"),
            models.Index(fields=("tenant", "received_at"), name="delivery_by_time"),
        )

    def __str__(self) -> str:
        return str(self.id)


class AccessEvent(TenantOwned):
    """One access, in typed columns with the meaning of OCSF 1.8.0 beside the sealed bytes they are a projection of.

    ``objects`` gives each access once, as it is read now; ``sealed`` every row; ``firsts`` each as it was read first.
    ``actor_key`` is the lower-case name that roll-ups and timelines go by. ``account_id``, ``identity_id`` and
    ``out_of_hours`` are what the register and the hours said at intake, ``src_country`` and ``src_asn`` what the table
    of addresses said (its day is in the delivery's sealed manifest), ``client`` what the user agent means in words.
    They are not part of the sealed bytes.
    """

    pk = models.CompositePrimaryKey("tenant_id", "received_at", "id")
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    received_at = models.DateTimeField()
    id = models.BigIntegerField()
    source = models.ForeignKey(
        LogSource, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    system_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    identity_id = models.BigIntegerField(null=True)
    batch_id = models.UUIDField()
    ord = models.IntegerField()
    position = models.IntegerField()
    occurred_at = models.DateTimeField()
    clock_quality = models.SmallIntegerField()
    log_type = models.SmallIntegerField()
    class_uid = models.IntegerField()
    activity_id = models.SmallIntegerField()
    status_id = models.SmallIntegerField()
    status_code = models.TextField(default="", blank=True)
    status_detail = models.TextField(default="", blank=True)
    severity_id = models.SmallIntegerField()
    actor_key = models.TextField(default="", blank=True)
    actor_uid = models.TextField(default="", blank=True)
    actor_name = models.TextField(default="", blank=True)
    actor_type = models.TextField(default="", blank=True)
    target_uid = models.TextField(default="", blank=True)
    target_name = models.TextField(default="", blank=True)
    target_kind = models.TextField(default="", blank=True)
    privileges = ArrayField(models.TextField(), default=list, blank=True)
    src_ip = models.GenericIPAddressField(null=True, blank=True)
    src_port = models.IntegerField(null=True, blank=True)
    src_host = models.TextField(default="", blank=True)
    src_country = models.TextField(default="", blank=True)
    src_asn = models.BigIntegerField(null=True, blank=True)
    device_uid = models.TextField(default="", blank=True)
    user_agent = models.TextField(default="", blank=True)
    client = models.TextField(default="", blank=True)
    dst_host = models.TextField(default="", blank=True)
    app = models.TextField(default="", blank=True)
    resource = models.TextField(default="", blank=True)
    database = models.TextField(default="", blank=True)
    table = models.TextField(default="", blank=True, db_column="table_name")
    action = models.TextField(default="", blank=True)
    session_uid = models.TextField(default="", blank=True)
    duration_ms = models.BigIntegerField(null=True, blank=True)
    bytes_in = models.BigIntegerField(null=True, blank=True)
    bytes_out = models.BigIntegerField(null=True, blank=True)
    rows_count = models.BigIntegerField(null=True, blank=True)
    logon_type_id = models.SmallIntegerField(null=True, blank=True)
    auth_protocol_id = models.SmallIntegerField(null=True, blank=True)
    mfa = models.BooleanField(null=True, blank=True)
    is_remote = models.BooleanField(null=True, blank=True)
    repeat_count = models.IntegerField(default=1)
    ticket_ref = models.TextField(default="", blank=True)
    native_id = models.TextField(default="", blank=True)
    parser = models.TextField(default="", blank=True)
    out_of_hours = models.BooleanField(null=True, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    core = models.BinaryField()
    subj = models.BinaryField(null=True)
    raw = models.BinaryField(null=True)
    salts = models.BinaryField(null=True)

    objects: ClassVar[CurrentEvents] = CurrentEvents()
    sealed: ClassVar[SealedEvents] = SealedEvents()
    firsts: ClassVar[FirstReadings] = FirstReadings()

    class Meta:
        """The table, its partitions, indexes and checks are SQL in the migration."""

        ordering = ("-occurred_at", "-id")

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """The event's name in addresses: microseconds of its receipt (UTC) and its number."""
        return event_key(self.received_at, self.id)

    @property
    def failed(self) -> bool:
        """True when the access was refused."""
        return self.status_id == 2


class RecordKey(TenantOwned):
    """The key of a record that was stored, so that a resend stores nothing.

    ``received_at`` is when the record was last delivered, to the day; a key goes `COUNTERSIGN_RESEND_DAYS` after that.
    """

    pk = models.CompositePrimaryKey("tenant_id", "source_id", "key")
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    source_id = models.BigIntegerField()
    key = models.BinaryField(max_length=16)
    received_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Old keys are found by their age."""

        indexes = (models.Index(fields=("tenant", "received_at"), name="record_key_by_age"),)

    def __str__(self) -> str:
        return bytes(self.key).hex()


class QuarantinedLine(TenantOwned):
    """A record that could not be read, with the reason; of a long one the beginning, length and hash are kept."""

    source = models.ForeignKey(LogSource, on_delete=models.PROTECT, related_name="quarantined_lines")
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="quarantined_lines")
    received_at = models.DateTimeField()
    position = models.IntegerField()
    reason = models.TextField()
    raw = models.BinaryField()
    raw_bytes = models.BigIntegerField()
    raw_sha256 = models.BinaryField(max_length=32)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A position of a delivery is quarantined once."""

        ordering = ("-received_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "delivery", "position"), name="quarantine_keeps_a_record_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="quarantine_says_why"),
        )
        indexes = (models.Index(fields=("tenant", "-received_at", "-id"), name="quarantine_by_time"),)

    def __str__(self) -> str:
        return self.reason

    @property
    def text(self) -> str:
        """The kept beginning as text; bytes that are no UTF-8 are written as escapes."""
        return bytes(self.raw).decode("utf-8", "backslashreplace")

    @property
    def cut(self) -> bool:
        """True when only the beginning of the record is kept."""
        return len(self.raw) < self.raw_bytes
