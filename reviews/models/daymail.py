"""Stores the mails that are written once a person and day: log reviews and second looks that wait or are overdue."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from identities.models import Identity
from reviews.models.message import FAILURE_SAYS_WHY, SENT_HAS_ITS_TIME, Message
from tenants.scope import TenantManager


class DayMail(Message):
    """Stores the one mail of a day (the tenant's) to one address.

    `covers` says what it is about: for each the kind, its id, the step that was due, and whose work it is. Just before
    it is sent all is looked at again; where nothing of it waits any more, nothing is sent. `person` is empty for those
    who run campaigns and stand in no register.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    day = models.DateField()
    person = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    covers = models.JSONField(default=list)

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
            models.CheckConstraint(condition=SENT_HAS_ITS_TIME, name="day_mail_sent_has_its_time"),
            models.CheckConstraint(condition=FAILURE_SAYS_WHY, name="day_mail_failure_says_why"),
            models.CheckConstraint(condition=~Q(address="") | Q(person__isnull=False), name="day_mail_is_to_somebody"),
        ]

    def __str__(self) -> str:
        return f"mail of {self.day:%Y-%m-%d}"
