"""What is kept of an auditor's room: requests with their thread, populations, samples and marks.

All of it belongs to one engagement, and row security shows an auditor that of their own alone. Only a request's state
changes; everything else is added and never changed.
"""

from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Q

from evidence.states import DONE, Mark, RequestState, Turn
from tenants.models import Engagement
from tenants.scope import TenantManager, TenantOwned

WITHIN_TENANT: Final[dict[str, Any]] = {"on_delete": models.PROTECT, "db_constraint": False, "db_index": False}
"""A key whose target is held by a composite key with the tenant, in the migration."""


class Population(TenantOwned):
    """A list of things as it was at one moment, for one room: `data` is the CSV that is downloaded, `sha256` its hash.

    Its first column is the stable id by which samples are drawn. `sheet` are the pairs of the information sheet (IPE).
    """

    engagement = models.ForeignKey(Engagement, **WITHIN_TENANT, related_name="populations")
    title = models.CharField(max_length=200)
    data = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    sheet = models.JSONField()
    ledger_size = models.BigIntegerField(help_text="Leaves of the ledger before it was frozen.")
    frozen_at = models.DateTimeField()
    frozen_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return self.title


class Sample(TenantOwned):
    """The ids drawn from a population, by rank; `ledger_size` names the checkpoint whose root is the seed."""

    engagement = models.ForeignKey(Engagement, **WITHIN_TENANT, related_name="samples")
    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="samples")
    seed = models.CharField(max_length=200)
    ledger_size = models.BigIntegerField(null=True)
    size = models.PositiveIntegerField()
    ids = models.JSONField()
    drawn_at = models.DateTimeField()
    drawn_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A sample has a seed and something in it."""

        constraints = (
            models.CheckConstraint(condition=~Q(seed="") & Q(size__gt=0), name="sample_has_a_seed_and_a_size"),
        )

    def __str__(self) -> str:
        return f"{self.size} of {self.population}"


class SampleMark(TenantOwned):
    """What an auditor says of one thing of a sample; the newest of a thing counts."""

    engagement = models.ForeignKey(Engagement, **WITHIN_TENANT, related_name="+")
    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="marks")
    item = models.CharField(max_length=100)
    mark = models.CharField(max_length=10, choices=Mark.choices)
    note = models.TextField(default="", blank=True)
    marked_at = models.DateTimeField()
    marked_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A flag says why."""

        constraints = (
            models.CheckConstraint(condition=Q(mark=Mark.ACCEPTED) | ~Q(note=""), name="flagged_thing_says_why"),
        )

    def __str__(self) -> str:
        return f"{self.item}: {self.get_mark_display()}"


class AuditRequest(TenantOwned):
    """What an auditor asks for: the control (a row of the catalogue, or none), the words, and when it is due."""

    engagement = models.ForeignKey(Engagement, **WITHIN_TENANT, related_name="requests")
    n = models.PositiveIntegerField()
    control = models.CharField(max_length=100, default="", blank=True)
    what = models.TextField()
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.OPEN)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A request has its number in its room."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "engagement", "n"), name="request_has_one_number_in_a_room"),
            models.CheckConstraint(condition=~Q(what=""), name="request_says_what"),
        )

    def __str__(self) -> str:
        return f"Request {self.n}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is asked."""
        return self.state in {RequestState.ACCEPTED, RequestState.WITHDRAWN}


class RequestEntry(TenantOwned):
    """One turn of a request's thread, with what was attached to it; never changed."""

    engagement = models.ForeignKey(Engagement, **WITHIN_TENANT, related_name="+")
    request = models.ForeignKey(AuditRequest, on_delete=models.PROTECT, related_name="entries")
    turn = models.CharField(max_length=10, choices=Turn.choices)
    state = models.CharField(max_length=10, choices=RequestState.choices)
    words = models.TextField(default="", blank=True)
    pack = models.ForeignKey("evidence.EvidencePack", null=True, **WITHIN_TENANT, related_name="+")
    population = models.ForeignKey(Population, on_delete=models.PROTECT, null=True, related_name="+")
    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, null=True, related_name="+")
    document_name = models.CharField(max_length=200, default="", blank=True)
    document = models.BinaryField(null=True)
    document_sha256 = models.CharField(max_length=64, default="", blank=True)
    by_auditor = models.BooleanField()
    at = models.DateTimeField()
    by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A flag says why; a document has a name and a hash."""

        constraints = (
            models.CheckConstraint(
                condition=~Q(turn__in=(Turn.FLAG, Turn.SAY)) | ~Q(words=""), name="flag_and_message_have_words"
            ),
            models.CheckConstraint(
                condition=Q(document=None, document_name="", document_sha256="")
                | (Q(document__isnull=False) & ~Q(document_name="") & ~Q(document_sha256="")),
                name="document_has_name_and_hash",
            ),
        )

    def __str__(self) -> str:
        return f"{self.done} by {self.by}"

    @property
    def done(self) -> str:
        """What was done, in a word."""
        return DONE[Turn(self.turn)]
