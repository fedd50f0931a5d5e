"""Recording: what one delivered body leaves behind."""

from datetime import UTC, datetime, timedelta

import pytest

from logs.actions import record_events
from logs.leftopen import LeftOpen, UsedMeanwhileError
from logs.models import AccessEvent, Delivery, LastUse, LogSource, SourceHour, TypeDay, UsageDay
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


PAM = (
    b"Aug  1 10:00:00 web sshd[81]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
)
PAM += b"rhost=198.51.100.4  user=root"
FAILED = b"Aug  1 10:00:02 web sshd[81]: Failed password for root from 198.51.100.4 port 4711 ssh2"


def test_an_attempt_that_a_sender_cut_in_two_counts_once(in_bpo: Tenant, system: Actor) -> None:
    bastion = source()
    stale = LogSource.objects.get(pk=bastion.pk)  # as a door holds it for the time of a connection
    answers = [record_events(source=bastion, body=lines(line), door="test", by=system) for line in (PAM, SSHD_OK)]
    answers.append(record_events(source=stale, body=lines(FAILED), door="test", by=system))
    assert [(answer.stored, answer.ignored) for answer in answers] == [(1, 0), (1, 0), (0, 1)]
    again = FAILED.replace(b"10:00:02", b"10:00:05")
    assert record_events(source=stale, body=lines(again), door="test", by=system).stored == 1, "the second attempt"
    (left,) = LogSource.objects.values_list("left_open", flat=True)
    assert "web" not in str(left)
    assert "root" not in str(left)


def test_what_two_deliveries_remember_is_used_once_and_forgotten_in_time() -> None:
    at = datetime(2026, 8, 1, 10, tzinfo=UTC)
    begun = at.timestamp()
    stored = {"used": [begun, 1.0, 1], "old": [begun - 599, 1.0, 1]}
    one, two, other = LeftOpen(), LeftOpen(), LeftOpen()
    for memory in (one, two, other):
        memory.recall(stored)
    assert (one.now.pop("used"), two.now.pop("used")) == ([1.0, 1], [1.0, 1])
    other.now["new"] = [2.0, 1]
    left = one.joined(stored, at)
    assert left == {"old": stored["old"]}
    with pytest.raises(UsedMeanwhileError):
        two.joined(left, at)
    later = at + timedelta(seconds=2)
    assert other.joined(left, later) == {"new": [begun + 2, 2.0, 1]}, "what another used does not come back"
    assert other.joined(stored, later) == {"used": stored["used"], "new": [begun + 2, 2.0, 1]}
    first, second = LeftOpen(), LeftOpen()
    for memory, seen in ((first, 5.0), (second, 6.0)):
        memory.recall({"seen": [begun, 1.0]})
        memory.now["seen"] = [seen]
    assert second.joined(first.joined({"seen": [begun, 1.0]}, at), later) == {"seen": [begun + 2, 6.0]}, "no conflict"
