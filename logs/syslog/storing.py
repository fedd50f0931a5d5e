"""What the syslog door asks the database: whose connection it is, and to record a batch. Runs in threads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import close_old_connections
from django.utils import timezone

from logs.actions import Envelope, record_events
from logs.answers import DeliveryAnswer
from logs.bodies import Unwrapped, body_of, unwrapped
from logs.certificates import CertificateFacts
from logs.kinds import Format
from logs.models import LogSource
from logs.policies import can_record_events
from logs.queries import source_by_certificate, source_by_token
from logs.syslog.framing import Frame
from logs.syslog.records import UNFIT, record_of
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.queries import tenant_by_uuid
from tenants.scope import tenant_scope
from tenants.tokens import tenant_named

DOOR: Final = "syslog"
T = TypeVar("T")


class TurnedAwayError(Exception):
    """A sender that may not deliver; its words say why and what to do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a connection is: its tenant, and the certificate or token by which its source is looked up each time."""

    tenant: Tenant
    certificate: bytes = b""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one connection, in their order; the key stays the same when the batch is tried again."""

    frames: tuple[Frame, ...]
    key: str
    address: str


def caller_by_certificate(facts: CertificateFacts) -> Caller:
    """Return whose certificate it is; raises `TurnedAwayError`, which tells nothing of other tenants."""
    tenant = tenant_by_uuid(facts.tenant) if facts.tenant else None
    if tenant is None:
        raise TurnedAwayError("its certificate names no tenant of this portal in its subject")
    if facts.ends_at and facts.ends_at <= timezone.now():
        raise TurnedAwayError("its certificate has ended: make a new one and register it")
    return _known(Caller(tenant, certificate=facts.fingerprint))


def caller_by_token(token: str) -> Caller:
    """Return whose token a port was given; raises `TurnedAwayError`."""
    named = tenant_named(token)
    tenant = tenant_by_uuid(named) if named else None
    if tenant is None:
        raise TurnedAwayError("the port's token names no tenant of this portal: issue a new one for the source")
    return _known(Caller(tenant, token=token))


def record(caller: Caller, batch: Batch) -> DeliveryAnswer:
    """Record a batch in one transaction, under what is registered now; what is returned is committed.

    Syslog knows no resend, so equal batches are two: the key, and not the content, tells a batch that is tried again.

    Raises:
        TurnedAwayError: the certificate or token was revoked, or the source switched off.
    """
    with tenant_scope(caller.tenant):
        source = _source(caller)
        form = Format(source.format)
        records = [(record_of(form, frame.text), frame.fault) for frame in batch.frames]
        envelope = Envelope(
            door=DOOR,
            idempotency_key=batch.key,
            address=batch.address,
            spoilt={text: fault for text, fault in records if fault},
            note={"sender_certificate": caller.certificate.hex()} if caller.certificate else {},
        )
        body = _body(batch, [text for text, _fault in records])
        try:
            return record_events(source=source, body=body, door=envelope, by=_actor(source))
        finally:
            body.close()


def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Do work in a thread that lives long, as the web server does a request: never on a broken or old connection."""
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        close_old_connections()


def _known(caller: Caller) -> Caller:
    with tenant_scope(caller.tenant):
        _source(caller)
    return caller


def _source(caller: Caller) -> LogSource:
    found = source_by_token(caller.token) if caller.token else source_by_certificate(caller.certificate)
    if found is None:
        raise TurnedAwayError("its certificate is not registered for a source, or the port's token is none")
    if not found.live:
        raise TurnedAwayError("its certificate or the port's token was revoked or has expired")
    if found.source.format in UNFIT:
        raise TurnedAwayError("its source reads CSV, whose column names syslog does not carry: use another door")
    verdict = can_record_events(_actor(found.source), found.source)
    if not verdict:
        raise TurnedAwayError(verdict.reason)
    return found.source


def _actor(source: LogSource) -> Actor:
    return Actor.system(f"source {source.key}", source.tenant.pk)


def _body(batch: Batch, records: list[bytes]) -> Unwrapped:
    """Return the batch as a body: the messages with their counts as RFC 5425 writes them, whose hash is kept."""
    return unwrapped(body_of(b"".join(b"%d %s" % (len(one.text), one.text) for one in batch.frames)), iter(records))
