"""Re-sending: what was delivered before changes nothing, and genuine repeats are kept."""

import pytest

from logs.actions import Envelope, KeyReusedError, record_events
from logs.intake import ContentKeys
from logs.kinds import Format
from logs.models import AccessEvent, Delivery
from tenants.kinds import Actor
from tenants.models import Tenant
from tests.logs.sources import SSHD_BAD, SSHD_OK, failures, lines, okta, source

pytestmark = pytest.mark.django_db


def test_it_answers_the_same_body_as_before(in_bpo: Tenant, system: Actor) -> None:
    bastion, body = source(), lines(*failures(3))
    first = record_events(source=bastion, body=body, door="test", by=system)
    again = record_events(source=bastion, body=body, door="test", by=system)
    assert again.replayed
    assert (again.batch, again.stored) == (first.batch, 3)
    assert AccessEvent.objects.count() == 3
    assert Delivery.objects.count() == 1


def test_it_stores_the_same_body_of_another_source(in_bpo: Tenant, system: Actor) -> None:
    body = lines(SSHD_OK)
    for name in ("One", "Two"):
        assert record_events(source=source(name), body=body, door="test", by=system).stored == 1


def test_it_keeps_equal_lines_of_one_body_and_of_two(in_bpo: Tenant, system: Actor) -> None:
    bastion = source()
    first = record_events(source=bastion, body=lines(SSHD_OK, SSHD_OK), door="test", by=system)
    second = record_events(source=bastion, body=lines(SSHD_OK, SSHD_BAD), door="test", by=system)
    assert (first.stored, second.stored, second.duplicates) == (2, 2, 0)


def test_it_stores_a_record_with_an_id_once(in_bpo: Tenant, system: Actor) -> None:
    cloud = source("Okta", Format.OKTA)
    first = record_events(source=cloud, body=lines(okta(1), okta(2)), door="test", by=system)
    second = record_events(source=cloud, body=lines(okta(2), okta(3), okta(3)), door="test", by=system)
    assert (first.stored, second.stored, second.duplicates) == (2, 1, 2)
    assert sorted(AccessEvent.objects.values_list("native_id", flat=True)) == ["event-1", "event-2", "event-3"]
    assert list(AccessEvent.objects.filter(batch_id=second.batch).values_list("ord", flat=True)) == [0]


def test_it_stores_a_file_that_grew_once(in_bpo: Tenant, system: Actor) -> None:
    bastion = source()
    old, new = lines(SSHD_OK, SSHD_OK), lines(SSHD_OK, SSHD_OK, SSHD_OK, SSHD_BAD)
    for body, stored, duplicates in ((old, 2, 0), (new, 2, 2)):
        file = Envelope(door="file", keys=ContentKeys(bastion.pk))
        answer = record_events(source=bastion, body=body, door=file, by=system)
        assert (answer.stored, answer.duplicates) == (stored, duplicates)


def test_it_refuses_a_key_with_another_body(in_bpo: Tenant, system: Actor) -> None:
    bastion = source()
    first = record_events(source=bastion, body=lines(SSHD_OK), door="http", by=system, idempotency_key="k1")
    again = record_events(source=bastion, body=lines(SSHD_OK), door="http", by=system, idempotency_key="k1")
    assert (again.replayed, again.batch) == (True, first.batch)
    with pytest.raises(KeyReusedError):
        record_events(source=bastion, body=lines(SSHD_BAD), door="http", by=system, idempotency_key="k1")
    other = record_events(source=bastion, body=lines(SSHD_OK), door="http", by=system, idempotency_key="k2")
    assert (other.replayed, other.stored) == (False, 1)


def test_it_stores_the_rest_of_a_chunked_body_that_was_cut(in_bpo: Tenant, system: Actor) -> None:
    bastion, whole = source(), lines(SSHD_OK, b"not a line", SSHD_OK, SSHD_BAD)
    beginning = lines(SSHD_OK, b"not a line", SSHD_OK)
    record_events(source=bastion, body=beginning, door="http-chunked", by=system)
    answer = record_events(source=bastion, body=whole, door="http", by=system)
    assert (answer.stored, answer.duplicates, answer.quarantined) == (1, 3, 0)
    assert AccessEvent.objects.count() == 3
