"""Stores the mails that are written once a person and day: log reviews and second looks that wait or are overdue."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from identities.models import Identity
from reviews.states import NoticeState
from tenants.scope import TenantManager, TenantOwned


class DayMail(TenantOwned):
    """Stores the one mail of a day (the tenant's) to one address.

    `covers` says what it is about: for each the kind, its id, the step that was due, and whose work it is. Just before
    it is sent all is looked at again; where nothing of it waits any more, nothing is sent. `person` is empty for those
    who run campaigns and stand in no register.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    day = models.DateField()
    person = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    address = models.CharField(max_length=254, blank=True)
    covers = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Holds that nobody is mailed twice a day, and that a sent one has its time."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "address"], condition=~Q(address=""), name="address_is_mailed_once_a_day"
            ),
            models.UniqueConstraint(
                fields=["tenant", "day", "person"],
                condition=Q(person__isnull=False),
                name="person_is_mailed_once_a_day",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="day_mail_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "given_up"]) | ~Q(last_error=""), name="day_mail_failure_says_why"
            ),
            models.CheckConstraint(condition=~Q(address="") | Q(person__isnull=False), name="day_mail_is_to_somebody"),
        ]

    def __str__(self) -> str:
        return f"mail of {self.day:%Y-%m-%d}"

    @property
    def is_over(self) -> bool:
        """Returns whether nothing more is tried."""
        return self.state in {NoticeState.SENT, NoticeState.GIVEN_UP, NoticeState.DROPPED}
