"""Stores where tickets about revocations go, the tickets, and every attempt to hand one over."""

from typing import ClassVar, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q

from reviews.kinds import TicketEvent, TicketWay
from reviews.models.message import FAILURE_SAYS_WHY, SENT_HAS_ITS_TIME, WAITS, Message
from reviews.models.outcome import Remediation
from tenants.scope import TenantManager, TenantOwned


class TicketRoute(TenantOwned):
    """Stores where tickets go from a time on; the newest row counts, and one without an address turns them off.

    `secret` is encrypted (`reviews.webhooks`). `since` is when they were turned on: what was verified before is past.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    mail = models.CharField(max_length=254, blank=True)
    url = models.CharField(max_length=500, blank=True)
    secret = models.TextField(blank=True)
    since = models.DateTimeField()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a route."""

        constraints = [
            models.CheckConstraint(
                condition=Q(url="") | (Q(url__regex="^https?://") & ~Q(secret="")),
                name="webhook_has_an_address_and_a_secret",
            )
        ]

    def __str__(self) -> str:
        return " and ".join(filter(None, (self.mail, self.url))) or "nowhere"


class Ticket(Message):
    """Stores one message about one revocation, written once and sent until it is taken or given up.

    `step` names the occurrence, so that it is written once. `address` is empty where it goes by the route of the day.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="tickets")
    event = models.CharField(max_length=8, choices=TicketEvent.choices)
    step = models.CharField(max_length=40)
    way = models.CharField(max_length=7, choices=TicketWay.choices)
    message_id = models.UUIDField(default=uuid4)
    body = models.TextField()

    class Meta:
        """Holds that a ticket is written once, and that a sent one has its time."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "remediation", "step", "way", "address"], name="ticket_is_written_once"
            ),
            models.CheckConstraint(condition=SENT_HAS_ITS_TIME, name="ticket_sent_has_its_time"),
            models.CheckConstraint(condition=FAILURE_SAYS_WHY, name="ticket_failure_says_why"),
        ]
        indexes = [models.Index(fields=["tenant", "next_try_at"], condition=WAITS, name="ticket_due")]

    def __str__(self) -> str:
        return f"ticket {self.step} of remediation {self.remediation_id} by {self.way}"


class TicketTry(TenantOwned):
    """Stores one attempt to hand a ticket over: where to, what came back, and how long it took; never changed."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="tries")
    n = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    to = models.CharField(max_length=500)
    ip = models.CharField(max_length=45, blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        """Holds no rule but the order in which attempts are shown."""

        ordering = ["id"]

    def __str__(self) -> str:
        return self.error or f"taken ({self.status or 'mail'})"
