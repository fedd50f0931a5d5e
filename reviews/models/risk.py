"""Stores that the risk of a late revocation is accepted for a time: asked for by one person, signed by another.

Both rows are evidence: only ever added. The migration `0006_remedies` holds that they are two people, that the
statement says exactly what is accepted, and that no revocation stands still without both.
"""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from reviews.kinds import OWNERLESS, REASON_MIN
from reviews.models.outcome import Remediation
from reviews.models.signing import FRESH, Signature
from tenants.scope import TenantManager, TenantOwned


class RiskProposal(TenantOwned):
    """Stores who asks to leave a revocation undone until when, and why; by itself it changes nothing.

    `manifest` is the statement that is to be signed, `digest` its SHA-256. `asker_key` and `subject_key` are ids of the
    register, 0 for a user who is not in it and for an ownerless account.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="proposals")
    until = models.DateTimeField()
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=320)
    asker_user = models.BigIntegerField()
    asker_key = models.BigIntegerField(default=OWNERLESS)
    subject_key = models.BigIntegerField()
    manifest = models.TextField()
    digest = models.CharField(max_length=64)

    class Meta:
        """Holds the rules of a proposal."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "id", "remediation", "asker_user", "asker_key", "subject_key", "digest"],
                name="risk_proposal_is_copied_whole",
            ),
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN, until__gt=F("asked_at")) & ~Q(asked_by=""),
                name="risk_proposal_has_end_reason_and_person",
            ),
            models.CheckConstraint(
                condition=Q(asker_key=OWNERLESS) | ~Q(asker_key=F("subject_key")),
                name="nobody_asks_to_accept_their_own_risk",
            ),
        ]

    def __str__(self) -> str:
        return f"risk of remediation {self.remediation_id} until {self.until:%Y-%m-%d}"


class RiskSignature(Signature):
    """Stores the second person's signature over a proposal's statement, with the proof of who signed."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    proposal = models.OneToOneField(RiskProposal, on_delete=models.PROTECT, related_name="signature")
    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="risk_signatures")
    asker_user = models.BigIntegerField()
    asker_key = models.BigIntegerField()
    subject_key = models.BigIntegerField()
    signer_user = models.BigIntegerField()
    signer_key = models.BigIntegerField(default=OWNERLESS)
    signed_by = models.CharField(max_length=320)
    meaning = models.CharField(max_length=300)

    class Meta:
        """Holds the rules of the second signature."""

        constraints = [
            models.CheckConstraint(
                condition=~Q(signer_user=F("asker_user")) & (Q(signer_key=OWNERLESS) | ~Q(signer_key=F("asker_key"))),
                name="risk_is_signed_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(signer_key=OWNERLESS) | ~Q(signer_key=F("subject_key")),
                name="nobody_signs_their_own_risk",
            ),
            models.CheckConstraint(
                condition=~Q(signed_by="") & ~Q(printed_name="") & ~Q(meaning=""),
                name="risk_signature_says_who_and_what",
            ),
            models.CheckConstraint(condition=FRESH, name="risk_signature_follows_its_authentication"),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}, {self.signed_at:%Y-%m-%d}"
