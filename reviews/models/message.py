"""Holds in one place what mails and tickets have in common: how often they were tried, and when they were sent."""

from typing import Final

from django.db import models
from django.db.models import Q

from reviews.states import NoticeState
from tenants.scope import TenantOwned

SENT_HAS_ITS_TIME: Final = Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True))
FAILURE_SAYS_WHY: Final = ~Q(state__in=["failed", "given_up"]) | ~Q(last_error="")
WAITS: Final = Q(state__in=["waiting", "failed"])


class Message(TenantOwned):
    """A message that is written once and sent until it is taken, given up or dropped; abstract."""

    address = models.CharField(max_length=254, blank=True)
    state = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Abstract: each kind of message derives its own table."""

        abstract = True

    @property
    def is_over(self) -> bool:
        """Returns whether nothing more is tried."""
        return self.state in {NoticeState.SENT, NoticeState.GIVEN_UP, NoticeState.DROPPED}
