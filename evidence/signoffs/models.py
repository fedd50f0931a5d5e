"""Stores the signatures over built packs, append-only."""

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from evidence.signoffs.kinds import SignRole
from reviews.kinds import SIGNING_WINDOW_SECONDS, Level
from tenants.scope import TenantManager, TenantOwned


class PackSignOff(TenantOwned):
    """One person's signature over exactly one manifest; a pack has one for each role, each by another person.

    ``signer`` is the user, ``identity`` the watched person behind it, 0 where there is none. A trigger (migration
    `0002_rules`) holds that the pack is a draft of this very manifest, others (`0005_ask_who_signs_packs`) how surely
    it is known who signs.
    """

    pack = models.ForeignKey("evidence.EvidencePack", on_delete=models.PROTECT, related_name="sign_offs")
    role = models.CharField(max_length=8, choices=SignRole.choices)
    signer = models.BigIntegerField()
    identity = models.BigIntegerField(default=0)
    account = models.CharField(max_length=320)
    capacity = models.CharField(max_length=200)
    printed_name = models.CharField(max_length=200)
    meaning = models.TextField()
    level = models.CharField(max_length=8, choices=Level.choices)
    methods = models.JSONField()
    authentication = models.JSONField(default=dict)
    authenticated_at = models.DateTimeField()
    signed_at = models.DateTimeField()
    manifest_sha256 = models.CharField(max_length=64)
    statement = models.TextField()
    digest = models.CharField(max_length=64)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Two different people sign, each moments after they proved who they are."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "pack", "role"), name="pack_is_signed_once_in_a_role"),
            models.UniqueConstraint(fields=("tenant", "pack", "signer"), name="pack_is_signed_by_different_people"),
            models.UniqueConstraint(
                fields=("tenant", "pack", "identity"),
                condition=~Q(identity=0),
                name="pack_is_signed_by_different_identities",
            ),
            models.CheckConstraint(condition=Q(role__in=SignRole.values), name="pack_is_signed_in_a_known_role"),
            models.CheckConstraint(
                condition=~Q(printed_name="") & ~Q(meaning="") & ~Q(capacity=""),
                name="pack_signature_says_who_and_what",
            ),
            models.CheckConstraint(
                condition=Q(signed_at__gte=F("authenticated_at"))
                & Q(signed_at__lte=F("authenticated_at") + timedelta(seconds=SIGNING_WINDOW_SECONDS)),
                name="pack_signature_follows_its_authentication",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.printed_name}"
