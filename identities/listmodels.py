"""Stores how a system's lists are read, and what lists of people told: who joined, moved and left.

`identities.models` gives these models to Django; they stand here because it is long.
"""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from identities.kinds import PersonChangeKind
from tenants.scope import TenantManager, TenantOwned


class ListMapping(TenantOwned):
    """Stores which column of a system's own export is what (`identities.readers.mapped`); a snapshot keeps a copy.

    Without a system it is the mapping of the list of people; the audit entry of each import keeps a copy.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    system = models.ForeignKey("identities.System", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    mapping = models.JSONField()
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=200)

    class Meta:
        """Holds the rules of a mapping."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "system"], name="system_has_one_list_mapping"),
            models.UniqueConstraint(fields=["tenant"], condition=Q(system=None), name="people_have_one_list_mapping"),
        ]

    def __str__(self) -> str:
        return f"mapping of system {self.system_id}" if self.system_id else "mapping of people"


class PersonChange(TenantOwned):
    """Stores one thing that a list of people told of a person and the list before did not; it is never changed.

    `before` and `after` are values of `field`; a manager is named by id, so that no name stands in them.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    feed = models.ForeignKey("identities.PeopleFeed", on_delete=models.PROTECT, related_name="changes")
    identity = models.ForeignKey("identities.Identity", on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=8, choices=PersonChangeKind.choices)
    field = models.CharField(max_length=20, blank=True)
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100, blank=True)
    effective_on = models.DateField(null=True, blank=True)

    class Meta:
        """Holds the rules of a change."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "feed", "identity", "kind", "field"], name="list_tells_a_change_once"
            ),
            models.CheckConstraint(
                condition=~Q(kind=PersonChangeKind.MOVED) | ~Q(field=""), name="move_says_what_changed"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "identity", "-feed"], name="change_of_person_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.field}".strip()
