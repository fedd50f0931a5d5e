"""Stores what a tenant's directory says: its people, each of one identity, and its groups."""

from typing import ClassVar, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q

from tenants.scope import TenantManager, TenantOwned


class DirectoryPerson(TenantOwned):
    """Stores a person as the directory describes them; the identity is what the register watches.

    `said` is the SCIM resource as the directory sent it, without what the portal assigns. The other columns are taken
    from it, so that filters find them: `user_name_key` and `email_keys` (value and type) are in lower case. Whoever is
    removed keeps the row as a fact about the leaver, without `said`.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    uid = models.UUIDField(default=uuid4, editable=False)
    identity = models.ForeignKey("identities.Identity", on_delete=models.PROTECT, related_name="directory_entries")
    user_name = models.CharField(max_length=200)
    user_name_key = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200, blank=True)
    display_name = models.CharField(max_length=200, blank=True)
    email_keys = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    said = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Holds the rules of a directory's person."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="directory_person_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "user_name_key"],
                condition=Q(removed_at=None),
                name="directory_user_name_is_unique",
            ),
            models.UniqueConstraint(
                fields=["tenant", "identity"], condition=Q(removed_at=None), name="directory_says_an_identity_once"
            ),
            models.CheckConstraint(condition=~Q(user_name_key=""), name="directory_person_has_a_user_name"),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(active=False), name="directory_person_removed_is_not_active"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "external_id"], name="directory_by_external_id")]

    def __str__(self) -> str:
        return self.user_name


class DirectoryGroup(TenantOwned):
    """Stores a group of the directory: a named set of people. It gives no right, neither here nor anywhere else."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    uid = models.UUIDField(default=uuid4, editable=False)
    display_name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        """Holds the rules of a directory's group."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="directory_group_uid_is_unique"),
            models.CheckConstraint(condition=~Q(display_name=""), name="directory_group_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.display_name


class DirectoryMember(TenantOwned):
    """Stores that a person is in a group of the directory now."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    group = models.ForeignKey(DirectoryGroup, on_delete=models.PROTECT, related_name="members")
    person = models.ForeignKey(DirectoryPerson, on_delete=models.PROTECT, related_name="memberships")

    class Meta:
        """Holds the rules of a membership."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "group", "person"], name="directory_member_is_in_a_group_once")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"
