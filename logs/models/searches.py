"""What people keep of their searches: saved views, and the manifests of exports."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from logs.querylang import address
from tenants.models import User
from tenants.scope import TenantManager, TenantOwned


class SavedSearch(TenantOwned):
    """A search under a name: its query, and its window in days ("" where the query or the page decides)."""

    name = models.CharField(max_length=80)
    q = models.TextField(blank=True, default="")
    window = models.CharField(max_length=4, blank=True, default="")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False, help_text="Whether everybody of the tenant who reads events sees it.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A person's views have names of their own."""

        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "owner", "name"), name="saved_search_name_is_used_once_a_person"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_search_has_a_name"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """The part of the search page's address that opens the view."""
        return address(self.q, self.window)


class EventExport(TenantOwned):
    """An export that came to its end: what was asked, what left, and where the ledger stood. Never changed.

    ``sha256`` is over the bytes that were sent; ``ledger_size`` and ``checkpoint`` are those at the end.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    form = models.CharField(max_length=16)
    q = models.TextField(blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    rows = models.BigIntegerField()
    size_bytes = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    ledger_size = models.BigIntegerField()
    ledger_root = models.BinaryField(max_length=32)
    checkpoint = models.TextField(blank=True)
    by = models.CharField(max_length=200)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Newest first."""

        ordering = ("-ended_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(rows__gte=0, size_bytes__gte=0), name="export_counts_are_not_negative"),
            models.CheckConstraint(condition=Q(ended_at__gte=models.F("began_at")), name="export_ends_after_its_begin"),
        )
        indexes = (models.Index(fields=("tenant", "-ended_at", "id"), name="export_by_time"),)

    def __str__(self) -> str:
        return str(self.id)
