"""The job queue looks for work over one connection, and takes a new one where that was ended."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django_q.conf import Conf
from pytest_django import DjangoDbBlocker

from portal import queue


@pytest.fixture
def idle(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[queue.Broker]:
    """The broker outside of a test's transaction, of a queue of its own: browser tests leave work in the usual one."""
    monkeypatch.setattr(Conf, "POLL", 0.0)
    with django_db_blocker.unblock():
        yield queue.Broker("idle")
        connection.close()


def server_process(broker: queue.Broker) -> int:
    """Look for work and return which process of the server answered."""
    assert broker.dequeue() is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_it_keeps_its_connection_between_looks(idle: queue.Broker) -> None:
    first = server_process(idle)
    assert [server_process(idle) for _look in range(3)] == [first] * 3


def test_it_renews_the_connection_in_time_and_in_a_new_process(idle: queue.Broker) -> None:
    first = server_process(idle)
    idle._until = 0.0  # noqa: SLF001 -- five minutes later
    second = server_process(idle)
    idle._process = 1  # noqa: SLF001 -- after a fork
    assert len({first, second, server_process(idle)}) == 3


def test_it_goes_on_after_the_server_ended_the_connection(idle: queue.Broker) -> None:
    ended = server_process(idle)
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert server_process(idle) != ended
