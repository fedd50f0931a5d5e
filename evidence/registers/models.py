"""What the registers hold. Every table is append-only: a further row supersedes the one before, and both stay."""

from pathlib import PurePath
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from evidence.registers.kinds import DocumentKind, GapCause, Operation, Stand
from tenants.scope import TenantManager, TenantOwned


class Document(TenantOwned):
    """One version of a policy or procedure: its file, or where it is kept; the newest of a kind and title holds."""

    kind = models.CharField(max_length=12, choices=DocumentKind.choices)
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=40)
    approved_by = models.CharField(max_length=200)
    approved_on = models.DateField()
    valid_until = models.DateField()
    reference = models.CharField(max_length=500, default="", blank=True)
    file_name = models.CharField(max_length=200, default="", blank=True)
    data = models.BinaryField(default=bytes)
    size_bytes = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    recorded_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A document was approved by somebody, holds for a time, and can be found."""

        constraints = (
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(version="") & ~Q(approved_by=""), name="document_is_named_and_approved"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("approved_on")), name="document_holds_after_its_approval"
            ),
            models.CheckConstraint(
                condition=(Q(size_bytes__gt=0) & ~Q(sha256="") & ~Q(file_name=""))
                | (Q(size_bytes=0, sha256="", file_name="") & ~Q(reference="")),
                name="document_has_a_file_or_says_where_it_is",
            ),
        )
        indexes = (models.Index(fields=("tenant", "kind", "-id"), name="document_newest_of_a_kind"),)

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"

    @property
    def suffix(self) -> str:
        """The ending of the file's name, where it is a plain one."""
        ending = PurePath(self.file_name).suffix
        return ending if ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 8 else ""


class ProcessingRecord(TenantOwned):
    """One version of the record of processing that Art. 30(2) GDPR asks of a processor; the newest holds."""

    version = models.PositiveIntegerField()
    processor = models.TextField(default="", blank=True)
    controllers = models.TextField(default="", blank=True)
    officer = models.TextField(default="", blank=True)
    categories = models.TextField(default="", blank=True)
    transfers = models.TextField(default="", blank=True)
    security = models.TextField(default="", blank=True)
    subprocessors = models.TextField(default="", blank=True)
    sources = models.JSONField(default=list)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    recorded_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Versions count up in each tenant."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "version"), name="processing_record_version_is_unique"),
        )

    def __str__(self) -> str:
        return f"Record of processing, version {self.version}"


class ControlResponse(TenantOwned):
    """What management says to a row that did not pass; the newest of a control holds.

    ``result`` is the result that was answered, or, where the matter is ended, the one that was the retest. ``owner`` is
    the e-mail address of the person in charge.
    """

    control = models.CharField(max_length=60)
    result = models.ForeignKey("evidence.ControlResult", on_delete=models.PROTECT, null=True, related_name="responses")
    stand = models.CharField(max_length=8, choices=Stand.choices)
    owner = models.CharField(max_length=320)
    said = models.TextField()
    due_on = models.DateField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    recorded_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A response has an owner and says something; it answers a result, unless it ends the matter."""

        constraints = (
            models.CheckConstraint(condition=~Q(said="") & ~Q(owner=""), name="response_has_an_owner_and_words"),
            models.CheckConstraint(
                condition=Q(stand=Stand.END) | Q(result__isnull=False), name="response_answers_a_result"
            ),
        )
        indexes = (models.Index(fields=("tenant", "control", "-id"), name="response_newest_of_a_control"),)

    def __str__(self) -> str:
        return f"{self.control}: {self.get_stand_display()}"


class GapNote(TenantOwned):
    """That somebody noticed a silence of a source, and why there was one; the first note of a gap counts as noticing.

    ``gap_from`` is the first missing hour (aware UTC), by which the gap is known.
    """

    source = models.ForeignKey("logs.LogSource", on_delete=models.PROTECT, related_name="+")
    gap_from = models.DateTimeField()
    cause = models.CharField(max_length=8, choices=GapCause.choices)
    said = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    recorded_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A note says something, after the silence began."""

        constraints = (
            models.CheckConstraint(condition=~Q(said=""), name="gap_note_says_something"),
            models.CheckConstraint(condition=Q(recorded_at__gte=F("gap_from")), name="gap_is_noted_after_it_began"),
        )
        indexes = (models.Index(fields=("tenant", "source", "gap_from", "id"), name="gap_note_of_a_gap"),)

    def __str__(self) -> str:
        return f"{self.get_cause_display()}: {self.said}"


class OperatingReport(TenantOwned):
    """What a tool reports of the installation, one row for each tenant: a backup, or a restore that was tried.

    A restore test says what the restored copy recomputed of this tenant's ledger: size, root, and whether it agrees.
    """

    operation = models.CharField(max_length=8, choices=Operation.choices)
    done_at = models.DateTimeField()
    succeeded = models.BooleanField()
    what = models.CharField(max_length=300, default="", blank=True)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    size_bytes = models.BigIntegerField(default=0)
    ledger_size = models.BigIntegerField(null=True)
    ledger_root = models.CharField(max_length=64, default="", blank=True)
    root_agrees = models.BooleanField(null=True)
    said = models.TextField(default="", blank=True)
    reported_at = models.DateTimeField(db_default=Now(), editable=False)
    reported_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """What failed says why, a backup has bytes, a restore test recomputed the ledger."""

        constraints = (
            models.CheckConstraint(condition=Q(succeeded=True) | ~Q(said=""), name="failed_operation_says_why"),
            models.CheckConstraint(
                condition=~Q(operation=Operation.BACKUP, succeeded=True) | (Q(size_bytes__gt=0) & ~Q(sha256="")),
                name="backup_has_bytes",
            ),
            models.CheckConstraint(
                condition=~Q(operation=Operation.RESTORE, succeeded=True)
                | Q(ledger_size__isnull=False, root_agrees__isnull=False) & ~Q(ledger_root=""),
                name="restore_test_recomputed_the_ledger",
            ),
        )
        indexes = (models.Index(fields=("tenant", "operation", "-done_at"), name="operating_report_newest"),)

    def __str__(self) -> str:
        return f"{self.get_operation_display()} of {self.done_at:%Y-%m-%d %H:%M} UTC"
