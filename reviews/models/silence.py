"""Stores access that nobody decided in time and that is revoked once the owner of its system confirms it."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Identity
from reviews.kinds import REASON_MIN, Advice, SilenceAnswer
from reviews.models.campaign import Campaign
from reviews.models.decision import Decision
from reviews.models.population import ReviewItem
from tenants.scope import TenantManager, TenantOwned


class SilentItem(TenantOwned):
    """Stores that an undecided item waits for the owner of its system, and what the owner answered, once.

    The decision beside it stays "not decided": the answer is not a review, and the access is never approved by it.
    `confirmer` is who is asked, empty where nobody but the subject came into question: then whoever runs campaigns
    answers. `answerer` is who did answer, and never the person whose access it is.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="silences")
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="silences")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="silence")
    subject_key = models.BigIntegerField()
    privileged = models.BooleanField()
    advice = models.CharField(max_length=12, choices=Advice.choices)
    confirmer = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=6, choices=SilenceAnswer.choices, default=SilenceAnswer.WAITING, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    answerer = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=320, blank=True)

    class Meta:
        """Holds the rules of an answer."""

        constraints = [
            models.CheckConstraint(
                condition=Q(answerer__isnull=True) | ~Q(answerer=F("subject_key")),
                name="nobody_answers_about_their_own_access",
            ),
            models.CheckConstraint(
                condition=Q(confirmer__isnull=True) | ~Q(confirmer=F("subject_key")),
                name="nobody_is_asked_about_their_own_access",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True, answered_by="", answerer__isnull=True)
                | (
                    Q(answer__in=["revoke", "keep"], answered_at__isnull=False, answerer__isnull=False)
                    & Q(reason__length__gte=REASON_MIN)
                    & ~Q(answered_by="")
                ),
                name="answer_has_reason_time_and_person",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "confirmer", "answer"], name="silent_item_by_confirmer")]

    def __str__(self) -> str:
        return f"item {self.item_id} without a decision"
