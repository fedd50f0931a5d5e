"""Stores the mails of a campaign: written in the transaction that finds them due, sent after it."""

from typing import ClassVar, Self

from django.db import models

from identities.models import Identity
from reviews.kinds import NoticeKind
from reviews.models.campaign import Campaign
from reviews.models.message import FAILURE_SAYS_WHY, SENT_HAS_ITS_TIME, WAITS, Message
from tenants.scope import TenantManager


class ReviewNotice(Message):
    """Stores one mail of a campaign to one person.

    `covers` are the ids of what it is about: assignments, or for later kinds silent items or remediations. Just before
    it is sent they are looked at again; where none of them waits any more, nothing is sent.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=8, choices=NoticeKind.choices)
    step = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    about = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    recipient = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    covers = models.JSONField(default=list)

    class Meta:
        """Holds that a mail is written once, and that a sent one has its time."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "campaign", "kind", "step", "due_at", "about", "recipient"],
                name="notice_is_written_once",
            ),
            models.CheckConstraint(condition=SENT_HAS_ITS_TIME, name="review_notice_sent_has_its_time"),
            models.CheckConstraint(
                condition=FAILURE_SAYS_WHY,
                name="review_notice_failure_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"],
                condition=WAITS,
                name="review_notice_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.step}"
