"""Events as OCSF 1.8.0 JSON (https://schema.ocsf.io/1.8.0), which the SIEMs of clients and auditors read. Pure.

``time`` is milliseconds since 1970 in UTC; the exact time is ``metadata.original_time``. What OCSF has no attribute for
stands in ``unmapped.countersign``, so that `logs.parsers.ocsf` reads an exported event back to the same event. Where it
stands in the ledger is told in ``unmapped.record_integrity``, by the names of the profile ``record_integrity`` that
OCSF 1.9 brings: the leaf's SHA-256 (RFC 6962 2.1) and the log as the chain; the core is JSON in the form of RFC 8785.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final

import msgspec

from ledger.entries import seal
from ledger.kinds import LeafKind
from ledger.merkle import leaf_hash
from logs.devices import os_of
from logs.kinds import OCSF_VERSION, ActorType, OcsfClass, Status
from logs.parsers.ocsf import CHAIN, FIELDS, OWN, USER_TYPES, Event, facts_of
from logs.places import network_name
from logs.sealing import origin_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHA256: Final = 3
_JCS: Final = 2
_ROLES: Final = {
    OcsfClass.AUTHENTICATION,
    OcsfClass.ACCOUNT_CHANGE,
    OcsfClass.USER_ACCESS,
    OcsfClass.GROUP_MANAGEMENT,
    OcsfClass.AUTHORIZE_SESSION,
    OcsfClass.TUNNEL,
}
"""Classes with the attribute ``user``: whose account it is about."""
_HOST_PROFILE: Final = {
    OcsfClass.TUNNEL,
    OcsfClass.WEB_RESOURCES,
    OcsfClass.API,
    OcsfClass.DATASTORE,
    OcsfClass.FILE_HOSTING,
}
"""Classes whose ``actor`` comes with the profile ``host``."""
_WITH_DESTINATION: Final = _HOST_PROFILE | {OcsfClass.AUTHENTICATION, OcsfClass.AUTHORIZE_SESSION}
_WITH_SESSION: Final = {OcsfClass.AUTHENTICATION, OcsfClass.AUTHORIZE_SESSION, OcsfClass.TUNNEL}
_NOTHING: Final[tuple[object, ...]] = (None, "", [], {}, ())

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where an event is kept: its name here, receipt, delivery, and its leaf in the log; None where it was erased."""

    uid: str
    received_at: datetime
    source: str
    parser: str
    chain_uid: str
    batch_uid: str
    number: int
    leaf: bytes | None
    raw_sha256: bytes | None
    raw_bytes: int | None
    first_received_at: datetime | None = None


def kept_of(event: Any, chain_uid: str) -> Kept:
    """Tell where a row of `AccessEvent` is kept; ``chain_uid`` is the UUID of its tenant's log.

    The leaf is computed from the sealed bytes. It is left out where the subject or the record was erased.
    """
    core, subj, raw, salts = (None if part is None else bytes(part) for part in _sealed(event))
    origin = origin_of(core) if core is not None else None
    leaf = None
    if core is not None and subj is not None and raw is not None and salts is not None:
        leaf = leaf_hash(seal(LeafKind.EVENT, core, subj=subj, raw=raw, salts=salts))
    return Kept(
        uid=event.key,
        received_at=event.received_at,
        source=str(event.source_id),
        parser=event.parser,
        chain_uid=chain_uid,
        batch_uid=str(event.batch_id),
        number=event.ord,
        leaf=leaf,
        raw_sha256=None if raw is None else hashlib.sha256(raw).digest(),
        raw_bytes=None if raw is None else len(raw),
        first_received_at=datetime.fromisoformat(origin.first_received_at) if origin else None,
    )


def _sealed(event: Any) -> tuple[Any, Any, Any, Any]:
    return event.core, event.subj, event.raw, event.salts


def milliseconds(moment: datetime) -> int:
    """Give an aware moment as milliseconds since 1970 in UTC, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def ocsf_event(event: Any, kept: Kept) -> Json:
    """Give the OCSF object of an event: anything with the fields of `Draft`, so also a row of `AccessEvent`."""
    found = _base(event, kept)
    _put_people(found, event)
    _put_ends(found, event)
    _put_session(found, event)
    _put_things(found, event)
    found = {name: value for name, value in found.items() if value not in _NOTHING}
    found["unmapped"] = _unmapped(found, event, kept)
    return found


def ocsf_lines(events: Iterable[Any], chain_uid: str) -> Iterator[str]:
    """Give one line of JSON for each row of `AccessEvent`."""
    for event in events:
        yield msgspec.json.encode(ocsf_event(event, kept_of(event, chain_uid))).decode() + "\n"


def _base(event: Any, kept: Kept) -> Json:
    """Write what every class has."""
    found: Json = {
        "activity_id": event.activity_id,
        "category_uid": event.class_uid // 1000,
        "class_uid": event.class_uid,
        "type_uid": event.class_uid * 100 + event.activity_id,
        "severity_id": event.severity_id,
        "time": milliseconds(event.occurred_at),
        "status_id": event.status_id,
        "status": Status(event.status_id).name.title(),
        "status_code": event.status_code,
        "status_detail": event.status_detail,
        "count": event.repeat_count if event.repeat_count > 1 else None,
        "duration": event.duration_ms,
        "metadata": _metadata(event, kept),
        "raw_data_size": kept.raw_bytes,
    }
    if event.activity_id == 99:
        found["activity_name"] = event.action or "Other"
    if kept.raw_sha256 is not None:
        found["raw_data_hash"] = _fingerprint(kept.raw_sha256)
    return found


def _fingerprint(digest: bytes) -> Json:
    return {"algorithm_id": _SHA256, "algorithm": "SHA-256", "value": digest.hex()}


def _metadata(event: Any, kept: Kept) -> Json:
    found: Json = {
        "version": OCSF_VERSION,
        "product": {"name": "Countersign", "vendor_name": "Countersign"},
        "uid": kept.uid,
        "tenant_uid": kept.chain_uid,
        "original_event_uid": event.native_id,
        "original_time": event.occurred_at.astimezone(UTC).isoformat(),
        "logged_time": milliseconds(kept.first_received_at or kept.received_at),
        "processed_time": milliseconds(kept.received_at) if kept.first_received_at else None,
        "log_source": kept.source,
        "log_provider": kept.parser,
        "event_code": event.action,
        "profiles": ["host"] if event.class_uid in _HOST_PROFILE else None,
    }
    return {name: value for name, value in found.items() if value not in _NOTHING}


def _user(name: str, uid: str, kind: str = "") -> Json:
    found = _filled(name=name, uid=uid)
    if kind and (found or kind != ActorType.UNKNOWN):
        found["type_id"] = USER_TYPES.get(kind, 0)
        if found["type_id"] == 99:
            found["type"] = "Machine"
    return found


def _filled(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value not in _NOTHING}


def _put_people(found: Json, event: Any) -> None:
    """Write ``actor.user``, who acted, and ``user``, whose account it is about: the actor's own where no other is."""
    actor = _user(event.actor_name, event.actor_uid, event.actor_type)
    session = {} if event.class_uid in _WITH_SESSION else _session(event)
    found["actor"] = _filled(user=actor, session=session)
    if event.class_uid in _ROLES:
        target = _user(event.target_name, event.target_uid)
        found["user"] = target or actor or {"type_id": 0}
    if event.class_uid in {OcsfClass.API, OcsfClass.DATASTORE, OcsfClass.FILE_HOSTING} and not found["actor"]:
        found["actor"] = {"user": {"type_id": 0}}


def _put_ends(found: Json, event: Any) -> None:
    source = _filled(ip=event.src_ip, port=event.src_port, hostname=event.src_host, uid=event.device_uid)
    source |= _place(event)
    if os := os_of(event.user_agent):
        source["os"] = {"name": os[0], "type_id": os[1]}
    if event.class_uid in {OcsfClass.API, OcsfClass.DATASTORE, OcsfClass.FILE_HOSTING}:
        source = source or {"type_id": 0}
    found["src_endpoint"] = source
    if event.class_uid in _WITH_DESTINATION and event.dst_host:
        found["dst_endpoint"] = {"ip" if _is_address(event.dst_host) else "hostname": event.dst_host}
    if event.class_uid != OcsfClass.TUNNEL and event.user_agent:
        found["http_request"] = {"user_agent": event.user_agent}


def _place(event: Any) -> Json:
    """Write what the table of addresses said at intake: an event that is no row of `AccessEvent` has no such thing."""
    asn = getattr(event, "src_asn", None)
    network = _filled(number=asn, name=network_name(asn)) if asn else {}
    return _filled(location=_filled(country=getattr(event, "src_country", "")), autonomous_system=network)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _session(event: Any) -> Json:
    return _filled(uid=event.session_uid, is_remote=event.is_remote, is_mfa=event.mfa)


def _put_session(found: Json, event: Any) -> None:
    """Write the session and how it was authenticated."""
    if event.class_uid == OcsfClass.AUTHENTICATION:
        found["session"] = _filled(uid=event.session_uid)
        found |= _filled(is_mfa=event.mfa, is_remote=event.is_remote)
        found |= _filled(logon_type_id=event.logon_type_id, auth_protocol_id=event.auth_protocol_id)
        found["service"] = _filled(name=event.app)
    elif event.class_uid == OcsfClass.TUNNEL:
        found["session"] = _session(event) | {"is_vpn": True}
        found["traffic"] = _filled(bytes_in=event.bytes_in, bytes_out=event.bytes_out)
        found["app_name"] = event.app
    elif event.class_uid == OcsfClass.AUTHORIZE_SESSION:
        found["session"] = _session(event)


def _put_things(found: Json, event: Any) -> None:
    """Write what was acted upon, as the class names it; what a class requires is written as unknown."""
    thing = _filled(name=event.resource)
    match event.class_uid:
        case OcsfClass.WEB_RESOURCES:
            found["web_resources"] = [thing or {"name": "Unknown"}]
        case OcsfClass.API:
            service = _filled(service=_filled(name=event.app))
            found["api"] = {"operation": event.action or "Unknown"} | service
            found["resources"] = [thing] if thing else None
        case OcsfClass.FILE_HOSTING:
            found["file"] = {"name": event.resource or "Unknown", "type_id": 0}
        case OcsfClass.ENTITY_MANAGEMENT:
            found["entity"] = thing or {"name": event.target_name or "Unknown"}
        case OcsfClass.DATASTORE:
            found["database"] = {"name": event.database, "type_id": 0} if event.database else None
            found["table"] = _filled(name=event.table)
        case _:
            _put_privileges(found, event, thing)


def _put_privileges(found: Json, event: Any, thing: Json) -> None:
    """Write what was given or taken away, and in which group."""
    names = list(event.privileges)
    if event.class_uid in {OcsfClass.USER_ACCESS, OcsfClass.GROUP_MANAGEMENT}:
        found["privileges"], found["resource"] = names, thing
    if event.class_uid == OcsfClass.GROUP_MANAGEMENT:
        found["group"] = {"name": names[0] if names else event.resource or "Unknown"}
    elif event.class_uid == OcsfClass.USER_ACCESS and not names:
        found["privileges"] = ["Unknown"]
    elif event.class_uid == OcsfClass.AUTHORIZE_SESSION:
        found["privileges"] = names


def _unmapped(found: Json, event: Any, kept: Kept) -> Json:
    """Write what nobody's attribute holds, by comparing what would be read back with what the event says."""
    beside = {name: value for name, value in event.extra.items() if name not in {OWN, CHAIN}}
    read = facts_of(msgspec.convert({**found, "unmapped": beside}, Event))
    own: Json = {}
    for name in FIELDS:
        stated = getattr(event, name)
        stated = tuple(stated) if name == "privileges" else stated
        if name == "clock_quality" or read.get(name) != stated:
            own[name] = stated
    unmapped = beside | {OWN: own}
    if kept.leaf is not None:
        proof = {
            "chain_uid": kept.chain_uid,
            "fingerprint": _fingerprint(kept.leaf),
            "batch_uid": kept.batch_uid,
            "number": kept.number,
        }
        unmapped[CHAIN] = {"attestation_list": [proof], "serialization_id": _JCS}
    return unmapped
