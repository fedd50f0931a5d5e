"""What was computed and issued: settings of the catalogue, runs of it with their results, and evidence packs.

Runs, results, settings and pack files are append-only: a later run supersedes an earlier one, a later setting the one
before. A pack's row moves through its states; once issued the database refuses every change of it.
"""

from typing import ClassVar, Self
from uuid import uuid4

from django.db import models
from django.db.models import F, Q

import evidence.registers.models
import evidence.signoffs.models  # noqa: F401 -- Django finds models through this module
from alerts.models import Incident
from evidence.languages import Language
from evidence.packtypes import PackKind
from evidence.room.models import AuditRequest, Population, RequestEntry, Sample, SampleMark
from evidence.signoffs.kinds import PEOPLE
from evidence.states import PackState, ResultState
from tenants.models import ObjectShare
from tenants.scope import TenantManager, TenantOwned


class SettingKind(models.TextChoices):
    """What a tenant may settle about the catalogue."""

    PARAMETER = "parameter", "Parameter"
    LOG_TYPE = "log_type", "Log type out of scope"
    ROW = "row", "Row not applicable"
    SIGN_OFF = "sign_off", "One person signs packs off"


class ControlSetting(TenantOwned):
    """One decision about the catalogue with its reason; append-only, the newest of a kind and key holds.

    ``value`` is a parameter's number; None takes the setting back. For a log type or a row, 1 puts it aside.
    """

    kind = models.CharField(max_length=10, choices=SettingKind.choices)
    key = models.CharField(max_length=100)
    value = models.FloatField(null=True)
    reason = models.TextField()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A setting says why."""

        constraints = (models.CheckConstraint(condition=~Q(reason=""), name="control_setting_says_why"),)
        indexes = (models.Index(fields=("tenant", "kind", "key", "-id"), name="control_setting_newest"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"


class ControlRun(TenantOwned):
    """One evaluation of the catalogue over a half-open period [start, end), under pinned parameters and version."""

    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    zone = models.CharField(max_length=64)
    computed_at = models.DateTimeField()
    computed_by = models.CharField(max_length=320)
    purpose = models.CharField(max_length=40, default="controls")
    catalogue_version = models.CharField(max_length=20)
    catalogue_digest = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict)
    coverage = models.JSONField(default=dict)
    out_of_scope = models.JSONField(default=dict)
    tally = models.JSONField(default=dict)
    ledger_size = models.BigIntegerField(default=0)
    ledger_root = models.BinaryField(default=bytes)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A period has a length."""

        constraints = (
            models.CheckConstraint(condition=Q(period_end__gt=F("period_start")), name="run_period_has_a_length"),
        )
        indexes = (models.Index(fields=("tenant", "purpose", "-id"), name="control_run_newest"),)

    def __str__(self) -> str:
        return f"Run of {self.computed_at:%Y-%m-%d %H:%M} UTC"


class ControlResult(TenantOwned):
    """The state of one row in one run, with what led to it; rows that are not computed yet have no result."""

    run = models.ForeignKey(ControlRun, on_delete=models.PROTECT, related_name="results")
    framework = models.CharField(max_length=20)
    control = models.CharField(max_length=60)
    state = models.CharField(max_length=14, choices=ResultState.choices)
    reasons = models.JSONField(default=list)
    metrics = models.JSONField(default=dict)
    missing_kinds = models.JSONField(default=list)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """One result for each row of a run."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "run", "control"), name="control_has_one_result_in_a_run"),
        )

    def __str__(self) -> str:
        return f"{self.control}: {self.get_state_display()}"


class KindResult(TenantOwned):
    """What one query module measured in one run: metrics, the query with its hash, and the first rows of its table.

    ``sheet`` is its information sheet (`evidence.ipe`): pairs of a label and what stands beside it.
    """

    run = models.ForeignKey(ControlRun, on_delete=models.PROTECT, related_name="kinds")
    kind = models.CharField(max_length=40)
    metrics = models.JSONField(default=dict)
    query = models.TextField()
    query_sha256 = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    row_total = models.PositiveIntegerField()
    table_sha256 = models.CharField(max_length=64)
    notes = models.JSONField(default=list)
    sheet = models.JSONField(default=list)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """One result for each evidence kind of a run."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "run", "kind"), name="kind_is_measured_once_in_a_run"),
        )

    def __str__(self) -> str:
        return self.kind


class EvidencePack(TenantOwned):
    """A request for evidence over a period and frameworks, and, once issued, what was sealed.

    The report and the manifest take their issue time from ``issued_at``, which is set before anything is rendered, so
    that the same row over the same checkpoint gives the same bytes.
    """

    uuid = models.UUIDField(default=uuid4, editable=False)
    title = models.CharField(max_length=200)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    zone = models.CharField(max_length=64)
    frameworks = models.JSONField(default=list)
    recipient = models.CharField(max_length=200)
    classification = models.CharField(max_length=100, default="Confidential")
    kind = models.CharField(max_length=14, choices=PackKind.choices, default=PackKind.CONTROLS)
    language = models.CharField(max_length=5, choices=Language.choices, default=Language.ENGLISH)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, db_constraint=False, related_name="+")
    people = models.PositiveSmallIntegerField(default=PEOPLE)
    alone_reason = models.TextField(default="", blank=True)
    parquet = models.BooleanField(default=False)
    volumes = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=PackState.choices, default=PackState.REQUESTED)
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=320)
    supersedes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="successors")
    work_id = models.BigIntegerField(null=True)
    run = models.ForeignKey(ControlRun, on_delete=models.PROTECT, null=True, related_name="packs")
    issued_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    manifest_sha256 = models.CharField(max_length=64, default="", blank=True)
    content_sha256 = models.CharField(max_length=64, default="", blank=True)
    size_bytes = models.BigIntegerField(null=True)
    pages = models.PositiveIntegerField(null=True)
    table_rows = models.PositiveIntegerField(null=True)
    tier = models.CharField(max_length=2, default="", blank=True)
    ledger_size = models.BigIntegerField(null=True)
    signer_key = models.CharField(max_length=400, default="", blank=True)
    tally = models.JSONField(default=dict)
    ended_at = models.DateTimeField(null=True)
    signed_off_at = models.DateTimeField(null=True)
    keep_until = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)
    withdrawn_by = models.CharField(max_length=320, default="", db_default="", blank=True)
    withdrawn_reason = models.TextField(default="", db_default="", blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """What each state must hold."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "uuid"), name="pack_is_named_once"),
            models.CheckConstraint(condition=Q(period_end__gt=F("period_start")), name="pack_period_has_a_length"),
            models.CheckConstraint(
                condition=~Q(state=PackState.ISSUED)
                | (
                    Q(issued_at__isnull=False, size_bytes__isnull=False, ended_at__isnull=False)
                    & ~Q(sha256="")
                    & ~Q(manifest_sha256="")
                ),
                name="issued_pack_is_sealed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=(PackState.DRAFT, PackState.ISSUED, PackState.WITHDRAWN)) | Q(sha256=""),
                name="only_a_built_pack_has_a_seal",
            ),
            models.CheckConstraint(condition=~Q(state=PackState.FAILED) | ~Q(error=""), name="failed_pack_says_why"),
            models.CheckConstraint(
                condition=Q(people__in=(0, PEOPLE)) | Q(people=1, alone_reason__length__gte=10),
                name="one_person_signs_a_pack_with_a_reason",
            ),
            models.CheckConstraint(condition=Q(language__in=Language.values), name="pack_is_in_a_known_language"),
            models.CheckConstraint(
                condition=Q(kind=PackKind.INCIDENT, incident__isnull=False)
                | (~Q(kind=PackKind.INCIDENT) & Q(incident__isnull=True)),
                name="incident_pack_names_its_incident",
            ),
            models.CheckConstraint(
                condition=Q(people=0)
                | ~Q(state=PackState.ISSUED)
                | Q(signed_off_at__isnull=False, keep_until__isnull=False),
                name="issued_pack_is_signed_off_and_kept",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state=PackState.WITHDRAWN, ended_at__isnull=False, withdrawn_reason__length__gte=10)
                    & ~Q(withdrawn_by="")
                )
                | (Q(withdrawn_by="", withdrawn_reason="") & ~Q(state=PackState.WITHDRAWN)),
                name="withdrawn_pack_says_who_and_why",
            ),
        )
        indexes = (models.Index(fields=("tenant", "-id"), name="pack_newest_first"),)

    def __str__(self) -> str:
        return self.title

    @property
    def is_built(self) -> bool:
        """Whether nothing more is built: the pack waits for signatures, or is over."""
        return self.is_over or self.state == PackState.DRAFT

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to the pack."""
        return self.state in {PackState.ISSUED, PackState.FAILED, PackState.CANCELLED, PackState.WITHDRAWN}

    @property
    def file_name(self) -> str:
        """The name under which the pack is downloaded: ASCII without quotes or separators."""
        return f"evidence-pack-{self.period_start:%Y%m%d}-{self.period_end:%Y%m%d}-{str(self.uuid)[:8]}.zip"


class FileStage(models.TextChoices):
    """Which of a pack's two files it is."""

    DRAFT = "draft", "As it was built and signed over"
    ISSUED = "issued", "With the sign-off"


class PackFile(TenantOwned):
    """Where one of a pack's two zips is, noted once and never changed: its name in the storage of packs.

    Packs from before lie in `data`, in parts; a stage's parts in the order of `n` are it.
    """

    pack = models.ForeignKey(EvidencePack, on_delete=models.PROTECT, related_name="parts")
    stage = models.CharField(max_length=6, choices=FileStage.choices, default=FileStage.DRAFT)
    n = models.PositiveIntegerField(default=0)
    data = models.BinaryField(default=bytes)
    stored_as = models.CharField(max_length=200, default="")

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """One part at a place of a stage, in the row or by its name."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "pack", "stage", "n"), name="pack_stage_has_one_part_at_a_place"),
            models.CheckConstraint(
                condition=(Q(stored_as="") & ~Q(data=b"")) | (~Q(stored_as="") & Q(data=b"")),
                name="pack_file_lies_in_one_place",
            ),
        )

    def __str__(self) -> str:
        return self.stored_as or f"{len(self.data)} bytes"


class PackShare(ObjectShare):
    """A pack shared with one person, such as the client's external auditor."""

    content_object = models.ForeignKey(EvidencePack, on_delete=models.CASCADE)


__all__ = [
    "AuditRequest",
    "ControlResult",
    "ControlRun",
    "ControlSetting",
    "EvidencePack",
    "KindResult",
    "PackFile",
    "PackShare",
    "Population",
    "RequestEntry",
    "Sample",
    "SampleMark",
    "SettingKind",
]
