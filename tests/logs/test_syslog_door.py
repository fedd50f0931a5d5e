"""The syslog door: whose connection it is, what is stored of it, and what hostile or broken senders get."""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from logs.actions import issue_source_token, register_certificate, revoke_certificate
from logs.certificates import read_certificate
from logs.models import AccessEvent, Delivery, LogSource, QuarantinedLine, SourceCertificate
from logs.syslog.connection import Limits
from logs.syslog.ports import Port
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.database import FreshDatabase, connect, fresh_copy
from tests.flows.running import free_port
from tests.logs.collectors import waits_for
from tests.logs.sources import failures, lines, source
from tests.logs.syslogging import counted, running_door, sender

OK = b"<86>1 2026-11-20T09:15:01Z web1 sshd 4242 - - Accepted password for alice from 203.0.113.7 port 50022 ssh2"
BAD = b"<86>Nov 20 09:16:02 web1 sshd[4243]: Failed password for root from 198.51.100.9 port 41000 ssh2"


@pytest.fixture(scope="module")
def copy(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[FreshDatabase]:
    """One committed database for all tests of this module; each opens a tenant of its own."""
    with django_db_blocker.unblock(), fresh_copy() as fresh:
        yield fresh


@pytest.fixture
def northwind(copy: FreshDatabase, socket_enabled: None, request: pytest.FixtureRequest) -> Tenant:
    return make.tenant(f"north-{request.node.name.replace('_', '-')[5:40]}".rstrip("-"))


@pytest.fixture
def bastion(northwind: Tenant) -> LogSource:
    with tenant_scope(northwind):
        return source()


@pytest.fixture
def web1(northwind: Tenant, bastion: LogSource, tmp_path: Path) -> Path:
    return registered(northwind, bastion, sender(tmp_path, northwind.uuid))


def registered(tenant: Tenant, of: LogSource, file: Path) -> Path:
    """Register a sender's certificate for a source."""
    with tenant_scope(tenant):
        facts = read_certificate(file.read_text().partition("-----BEGIN PRIVATE")[0])
        register_certificate(source=of, facts=facts, by=Actor.system("tests", tenant.pk))
    return file


def seen(tenant: Tenant, what: Callable[[], Any], wanted: Any) -> Any:
    """Ask the tenant's database until it answers what is wanted, 20 s at most."""

    def ask() -> Any:
        with tenant_scope(tenant):
            return what()

    return wanted if waits_for(lambda: ask() == wanted) else ask()


def closed(connection: socket.socket) -> bool:
    """Tell whether the door ends the connection, politely or not."""
    try:
        return connection.recv(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def test_both_framings_and_both_headers_are_stored_and_repeats_are_no_duplicates(
    northwind: Tenant, web1: Path, tmp_path: Path
) -> None:
    with running_door(tmp_path) as door, door.connect(web1) as tls:
        tls.sendall(counted(OK) + BAD + b"\n")
        assert seen(northwind, AccessEvent.objects.count, 2) == 2
        tls.sendall(counted(OK) + BAD + b"\n")
        assert seen(northwind, AccessEvent.objects.count, 4) == 4
    with tenant_scope(northwind):
        first = Delivery.objects.order_by("received_at")[0]
        found = SourceCertificate.objects.get()
        assert (first.door, first.address) == ("syslog", "127.0.0.1")
        assert found.fingerprint.hex() in bytes(first.core).decode()
        assert set(AccessEvent.objects.values_list("actor_name", flat=True)) == {"alice", "root"}


def test_a_certificate_opens_only_the_source_of_the_tenant_it_names(
    northwind: Tenant, bastion: LogSource, web1: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harbour = make.tenant("harbour")
    with tenant_scope(harbour):
        theirs = source("Theirs")
        own = read_certificate(web1.read_text().partition("-----BEGIN PRIVATE")[0])
        SourceCertificate.objects.create(source=theirs, fingerprint=own.fingerprint, registered_by="a thief")
    strange, ended = sender(tmp_path, northwind.uuid, "strange"), sender(tmp_path, northwind.uuid, "ended", days=-1)
    with tenant_scope(northwind):
        facts = read_certificate(ended.read_text().partition("-----BEGIN PRIVATE")[0])
        SourceCertificate.objects.create(source=bastion, fingerprint=facts.fingerprint, registered_by="tests")
    with running_door(tmp_path) as door:
        for file in (strange, ended):
            with door.connect(file) as tls:
                tls.sendall(counted(OK))
                assert closed(tls)
        with pytest.raises(ssl.SSLError), door.connect(None) as tls:
            tls.recv(1)
        with door.connect(web1) as tls:
            tls.sendall(counted(OK))
            assert seen(northwind, AccessEvent.objects.count, 1) == 1
    with tenant_scope(harbour):
        assert not Delivery.objects.exists()
    assert "its certificate is not registered" in caplog.text


def test_a_revoked_certificate_ends_its_open_connection(northwind: Tenant, web1: Path, tmp_path: Path) -> None:
    with running_door(tmp_path) as door, door.connect(web1) as tls:
        tls.sendall(counted(OK))
        assert seen(northwind, AccessEvent.objects.count, 1) == 1
        with tenant_scope(northwind):
            certificate = SourceCertificate.objects.get()
            revoke_certificate(certificate=certificate, by=Actor.system("tests", northwind.pk))
        tls.sendall(counted(OK))
        assert closed(tls)
        with door.connect(web1) as again:
            assert closed(again)
    assert seen(northwind, AccessEvent.objects.count, 1) == 1


def test_a_port_of_a_source_takes_tls_without_a_certificate_and_plain_tcp(
    northwind: Tenant, bastion: LogSource, tmp_path: Path
) -> None:
    with tenant_scope(northwind):
        token = issue_source_token(source=bastion, by=Actor.system("tests", northwind.pk))
    bound = Port("127.0.0.1", free_port(), token=token), Port("127.0.0.1", free_port(), tls=False, token=token)
    with running_door(tmp_path, *bound) as door:
        with door.connect(None, bound[0].number) as tls:
            tls.sendall(counted(OK))
            tls.unwrap()
        with socket.create_connection(("127.0.0.1", bound[1].number), 20) as plain:
            plain.sendall(lines(*failures(300)) + BAD)
            plain.shutdown(socket.SHUT_WR)
            assert closed(plain)
    assert seen(northwind, AccessEvent.objects.count, 302) == 302


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING):
        yield caplog


def test_hostile_bytes_are_kept_with_a_reason_and_the_connection_goes_on(
    northwind: Tenant, web1: Path, tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    long = b"<13>" + b"x" * 300_000
    with running_door(tmp_path) as door:
        with socket.create_connection(("127.0.0.1", door.port), 20) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert closed(plain)
        with door.connect(web1) as tls:
            tls.sendall(b"\0\0" + counted(long) + b"9999999999 <13>absurd\n" + b"\xff\xfe\x00\x00\n" + counted(OK))
            assert seen(northwind, AccessEvent.objects.count, 1) == 1
            tls.sendall(b"95 " + BAD[:60])
            tls.unwrap()
        assert seen(northwind, QuarantinedLine.objects.count, 4) == 4
    with tenant_scope(northwind):
        reasons = " ".join(QuarantinedLine.objects.values_list("reason", flat=True))
        assert AccessEvent.objects.count() == 1
    assert "300,004 bytes long" in reasons
    assert "ended within the message: 60 of 95 bytes came" in reasons
    assert "did not get through TLS" in logged.text


def test_silent_and_too_many_senders_are_let_go(
    northwind: Tenant, web1: Path, tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    limits = Limits(stalled_seconds=0.2, idle_seconds=0.4, connections=1, batch_seconds=0.05)
    with running_door(tmp_path, limits=limits) as door, door.connect(web1) as tls:
        tls.sendall(BAD[:30])
        with pytest.raises((ConnectionError, ssl.SSLError)):
            door.connect(web1)
        assert closed(tls)
    assert seen(northwind, QuarantinedLine.objects.count, 1) == 1
    assert "connections are open" in logged.text
    assert "has sent nothing for" in logged.text


def test_nothing_that_was_read_is_lost_while_the_database_is_away_nor_at_the_stop(
    northwind: Tenant, web1: Path, tmp_path: Path, copy: FreshDatabase, logged: pytest.LogCaptureFixture
) -> None:
    with running_door(tmp_path) as door, door.connect(web1) as tls:
        tls.sendall(counted(OK))
        assert seen(northwind, AccessEvent.objects.count, 1) == 1
        connections["default"].close()
        with connect("owner", "postgres") as owner:
            owner.execute(f"ALTER DATABASE {copy.name} ALLOW_CONNECTIONS false")
            tls.sendall(counted(*[OK] * 500))
            assert waits_for(lambda: "500 messages wait" in logged.text)
            owner.execute(f"ALTER DATABASE {copy.name} ALLOW_CONNECTIONS true")
        assert seen(northwind, AccessEvent.objects.count, 501) == 501
        tls.sendall(counted(*[OK] * 3000) + b"90 " + BAD[:50])
        door.stop()
        assert closed(tls)
    with tenant_scope(northwind):
        assert (AccessEvent.objects.count(), QuarantinedLine.objects.count()) == (3501, 1)
