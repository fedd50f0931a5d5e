"""Recording: what one delivered body leaves behind."""

import pytest

from logs.actions import record_events
from logs.models import AccessEvent, Delivery, LastUse, SourceHour, TypeDay, UsageDay
from tenants.kinds import Actor
from tenants.models import Tenant
from tests.logs.sources import SSHD_BAD, SSHD_OK, lines, source

pytestmark = pytest.mark.django_db


def test_it_stores_every_access_of_a_body(in_bpo: Tenant, system: Actor) -> None:
    bastion = source()
    answer = record_events(source=bastion, body=lines(SSHD_OK, SSHD_BAD), door="test", by=system)
    assert (answer.received, answer.stored, answer.quarantined, answer.replayed) == (2, 2, 0, False)
    first, second = AccessEvent.objects.order_by("ord")
    assert (first.actor_name, first.status_id, first.src_ip, first.log_type) == ("alice", 1, "203.0.113.7", 1)
    assert (second.actor_name, second.status_id, second.log_type) == ("root", 2, 6)
    assert bytes(first.raw) == SSHD_OK
    assert Delivery.objects.get().stored == 2
    assert UsageDay.objects.count() == LastUse.objects.count() == 2
    assert TypeDay.objects.count() == 2
    assert SourceHour.objects.get().events == 2
