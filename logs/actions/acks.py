"""Acknowledgements that Splunk's senders ask for later: an id for each committed request of a channel."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from logs.models import DeliveryAck, LogSource
from logs.policies import can_record_events
from tenants.kinds import Actor, enforce

KEPT: Final = timedelta(hours=24)
"""How long an id can be asked for; older ones of the same source are removed whenever one is given."""


@transaction.atomic
def give_ack(*, source: LogSource, channel: str, by: Actor) -> int:
    """Return a new id for a delivery to the channel that is committed."""
    enforce(can_record_events(by, source))
    DeliveryAck.objects.filter(source=source, given_at__lt=timezone.now() - KEPT).delete()
    return DeliveryAck.objects.create(source=source, channel=channel, given_at=timezone.now()).pk
