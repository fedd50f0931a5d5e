"""Stores the mails of a campaign: written in the transaction that finds them due, sent after it."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from identities.models import Identity
from reviews.kinds import NoticeKind
from reviews.models.campaign import Campaign
from reviews.states import NoticeState
from tenants.scope import TenantManager, TenantOwned


class ReviewNotice(TenantOwned):
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
    address = models.CharField(max_length=254, blank=True)
    covers = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Holds that a mail is written once, and that a sent one has its time."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "campaign", "kind", "step", "due_at", "about", "recipient"],
                name="notice_is_written_once",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="review_notice_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "given_up"]) | ~Q(last_error=""),
                name="review_notice_failure_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"],
                condition=Q(state__in=["waiting", "failed"]),
                name="review_notice_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.step}"

    @property
    def is_over(self) -> bool:
        """Returns whether nothing more is tried."""
        return self.state in {NoticeState.SENT, NoticeState.GIVEN_UP, NoticeState.DROPPED}
