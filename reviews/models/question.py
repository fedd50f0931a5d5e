"""Stores what a reviewer asked about an item, and what the person asked answered: a thread that is only added to."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from identities.models import Identity
from reviews.kinds import ANSWER_MIN, QUESTION_MIN
from reviews.models.campaign import Campaign
from reviews.models.population import ReviewItem
from tenants.scope import TenantManager, TenantOwned


class ItemQuestion(TenantOwned):
    """Stores one question of an item's reviewer to one person, or a comment: that asks nobody. It decides nothing."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="questions")
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="questions")
    asker = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    asked = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    text = models.CharField(max_length=1000)
    at = models.DateTimeField()
    by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a question."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "id", "asked"], name="question_is_answered_by_whom_it_asked"),
            models.CheckConstraint(
                condition=Q(text__length__gte=QUESTION_MIN) & ~Q(by=""), name="question_has_words_and_a_person"
            ),
            models.CheckConstraint(condition=~Q(asker=models.F("asked")), name="nobody_asks_themselves"),
        ]

    def __str__(self) -> str:
        return self.text


class ItemAnswer(TenantOwned):
    """Stores one answer of the person who was asked; there may be several, and none is changed."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    question = models.ForeignKey(ItemQuestion, on_delete=models.PROTECT, related_name="answers")
    answerer = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=2000)
    at = models.DateTimeField()
    by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of an answer."""

        constraints = [
            models.CheckConstraint(
                condition=Q(text__length__gte=ANSWER_MIN) & ~Q(by=""), name="reply_has_words_and_a_person"
            )
        ]

    def __str__(self) -> str:
        return self.text
