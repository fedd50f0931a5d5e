"""OCSF 1.x JSON (schema.ocsf.io): events of the classes that access logs map to, of any producer and of Countersign.

What Countersign exports (`logs.ocsf`) reads back to the same event: what OCSF has no attribute for stands in
``unmapped.countersign`` by the names of `Draft`. Times are milliseconds; ``metadata.original_time`` is taken where it
is the same moment, said more exactly.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from logs.kinds import (
    ActorType,
    ClockQuality,
    Draft,
    Ignored,
    LogType,
    OcsfClass,
    Outcome,
    Quarantined,
    SourceSettings,
    Status,
    StatusDetail,
)
from logs.parsers.facts import LOGOFF, SWITCH, Facts, Parser, bounded, make_draft
from logs.parsers.framing import Record, json_records
from logs.parsers.mapped import as_text
from logs.parsers.text import address, clean, port_number, record_id, said, sentence
from logs.parsers.times import Moment, epoch_time, iso_time
from logs.parsers.tunnels import why

Id = str | int | None

OWN: Final = "countersign"
"""Member of ``unmapped`` that holds what OCSF has no attribute for."""

CHAIN: Final = "record_integrity"
"""Member of ``unmapped`` that says where the event stands in the ledger."""

USER_TYPES: Final = {
    ActorType.USER.value: 1,
    ActorType.ADMIN.value: 2,
    ActorType.SYSTEM.value: 3,
    ActorType.SERVICE.value: 4,
    ActorType.MACHINE.value: 99,
    ActorType.UNKNOWN.value: 0,
}
"""Kind of actor -> OCSF ``user.type_id``."""

_KINDS = {number: kind for kind, number in USER_TYPES.items()}


class User(msgspec.Struct, gc=False):
    """OCSF ``user``."""

    name: Id = None
    uid: Id = None
    email_addr: str | None = None
    type_id: int | None = None


class Session(msgspec.Struct, gc=False):
    """OCSF ``session``."""

    uid: Id = None
    is_remote: bool | None = None
    is_mfa: bool | None = None


class Actor(msgspec.Struct, gc=False):
    """OCSF ``actor``."""

    user: User | None = None
    session: Session | None = None
    app_name: str | None = None


class Endpoint(msgspec.Struct, gc=False):
    """OCSF ``network_endpoint``."""

    ip: str | None = None
    port: int | str | None = None
    hostname: str | None = None
    name: str | None = None
    uid: Id = None
    svc_name: str | None = None


class Named(msgspec.Struct, gc=False):
    """An object that is known by its name: service, database, table, group, file, resource, entity."""

    name: Id = None
    uid: Id = None


class Api(msgspec.Struct, gc=False):
    """OCSF ``api``."""

    operation: str | None = None
    service: Named | None = None


class Request(msgspec.Struct, gc=False):
    """OCSF ``http_request``."""

    user_agent: str | None = None


class Traffic(msgspec.Struct, gc=False):
    """OCSF ``network_traffic``."""

    bytes_in: int | None = None
    bytes_out: int | None = None


class Metadata(msgspec.Struct, gc=False):
    """OCSF ``metadata``, as far as it is read."""

    uid: Id = None
    original_event_uid: Id = None
    original_time: str | int | float | None = None
    event_code: Id = None
    product: Named | None = None


class Event(msgspec.Struct, gc=False):
    """The attributes of an OCSF event that are read."""

    class_uid: int
    time: int | float
    activity_id: int = 0
    status_id: int | None = None
    status_code: Id = None
    status_detail: str | None = None
    severity_id: int | None = None
    count: int | None = None
    duration: int | float | None = None
    metadata: Metadata | None = None
    actor: Actor | None = None
    user: User | None = None
    session: Session | None = None
    src_endpoint: Endpoint | None = None
    dst_endpoint: Endpoint | None = None
    http_request: Request | None = None
    service: Named | None = None
    app_name: str | None = None
    api: Api | None = None
    web_resources: list[Named] | None = None
    resources: list[Named] | None = None
    resource: Named | None = None
    entity: Named | None = None
    file: Named | None = None
    database: Named | None = None
    table: Named | None = None
    group: Named | None = None
    privileges: list[str] | None = None
    traffic: Traffic | None = None
    is_mfa: bool | None = None
    is_remote: bool | None = None
    logon_type_id: int | None = None
    auth_protocol_id: int | None = None
    unmapped: dict[str, object] | None = None


_decoder = msgspec.json.Decoder(Event)
_NOBODY, _NOWHERE, _NO_SESSION, _NO_TRAFFIC, _NO_API = User(), Endpoint(), Session(), Traffic(), Api()
_UNTOLD = Metadata()
"""What stands in for an object that an event does not have; none of them is ever written to."""
_CLASSES = frozenset(int(kind) for kind in OcsfClass)
_FAILURE = int(Status.FAILURE)
_ACTIVITIES = {LOGOFF: LogType.SESSION, SWITCH: LogType.ADMIN}
_LOG_TYPES: dict[int, LogType] = {
    OcsfClass.TUNNEL: LogType.REMOTE,
    OcsfClass.WEB_RESOURCES: LogType.APPLICATION,
    OcsfClass.API: LogType.APPLICATION,
    OcsfClass.DATASTORE: LogType.DATABASE,
    OcsfClass.FILE_HOSTING: LogType.SESSION,
}
_NUMBERS = frozenset({"duration_ms", "bytes_in", "bytes_out", "rows_count"})
_IDS = frozenset({"logon_type_id", "auth_protocol_id", "src_port"})
_LIMITS = {"repeat_count": (1, 1_000_000), "severity_id": (1, 5), "clock_quality": (1, 5), "log_type": (1, 7)}
_REASONS = frozenset({"", *StatusDetail.values})
_RESERVED = frozenset({OWN, CHAIN})
FIELDS: Final = tuple(name for name in Draft.__struct_fields__ if name not in {"raw", "position", "occurred_at"})
"""Fields of a `Draft` that the export states, by OCSF's attributes or beside them."""


def _text(value: Id | float) -> str:
    if value is None:
        return ""
    return said(value if isinstance(value, str) else str(value))


def _name(named: Named | None) -> str:
    return (_text(named.name) or _text(named.uid)) if named else ""


def _whole(number: float | None) -> int | None:
    return int(number) if number is not None and 0 <= number < 2**63 else None


def _kind(event: Event, status: int) -> LogType:
    """Give the kind of log of a class: what Countersign did not write says it by class and activity alone."""
    if event.class_uid != OcsfClass.AUTHENTICATION:
        return _LOG_TYPES.get(event.class_uid, LogType.ADMIN)
    if status == _FAILURE:
        return LogType.FAILED_LOGIN
    return _ACTIVITIES.get(event.activity_id, LogType.SYSTEM_LOGIN)


def _reason(event: Event, status: int) -> tuple[str, str]:
    """Give code and reason; a reason in the producer's own words becomes one of the closed list."""
    code, detail = _text(event.status_code), said(event.status_detail)
    if status != Status.FAILURE:
        return code, ""
    if detail and detail in _REASONS:
        return code, detail
    reason = why(detail, code) if event.class_uid == OcsfClass.AUTHENTICATION else ""
    return code or detail[:120], str(reason)


def _put_who(facts: Facts, event: Event) -> None:
    """Write actor and target: ``actor.user`` acts on ``user``; where only ``user`` is named, it acted."""
    user, actor = event.user or _NOBODY, (event.actor.user if event.actor else None) or _NOBODY
    name, uid = _text(actor.name) or said(actor.email_addr), _text(actor.uid)
    target, target_uid = _text(user.name) or said(user.email_addr), _text(user.uid)
    acted = actor
    if not name and not uid:
        name, uid, target, target_uid, acted = target, target_uid, "", "", user
    facts["actor_name"], facts["actor_uid"] = name, uid
    facts["actor_type"] = _KINDS.get(acted.type_id or 0, ActorType.UNKNOWN.value)
    if (target or target_uid) and (target, target_uid) != (name, uid):
        facts["target_name"], facts["target_uid"], facts["target_kind"] = target, target_uid, "account"


def _put_place(facts: Facts, event: Event) -> None:
    source, end = event.src_endpoint or _NOWHERE, event.dst_endpoint or _NOWHERE
    found = address(source.ip)
    facts["src_ip"], facts["src_port"] = found.ip, port_number(source.port)
    facts["src_host"] = said(source.hostname) or said(source.name) or found.host
    facts["device_uid"] = _text(source.uid)
    facts["dst_host"] = said(end.hostname) or said(end.name) or address(end.ip).ip or ""
    session = event.session or (event.actor.session if event.actor else None) or _NO_SESSION
    facts["session_uid"] = _text(session.uid)
    facts["is_remote"] = event.is_remote if event.is_remote is not None else session.is_remote
    facts["mfa"] = event.is_mfa if event.is_mfa is not None else session.is_mfa
    facts["user_agent"] = said(event.http_request.user_agent) if event.http_request else ""


def _put_what(facts: Facts, event: Event, metadata: Metadata) -> None:
    api = event.api or _NO_API
    app = _name(event.service) or said(event.app_name) or _name(api.service)
    facts["app"] = app or (said(event.dst_endpoint.svc_name) if event.dst_endpoint else "") or _name(metadata.product)
    listed = [*(event.web_resources or []), *(event.resources or [])]
    one = event.resource or event.entity or event.file
    facts["resource"] = _name(listed[0] if listed else one)
    facts["database"], facts["table"] = _name(event.database), _name(event.table)
    group = _name(event.group)
    names = [clean(name) for name in (event.privileges or [])[:50]]
    facts["privileges"] = tuple(names or ([group] if group else []))
    facts["action"] = _text(metadata.event_code) or said(api.operation)


def facts_of(event: Event) -> Facts:
    """Give what the attributes of OCSF say, without what stands in ``unmapped.countersign``."""
    status = event.status_id if event.status_id in {Status.SUCCESS, Status.FAILURE} else 0
    activity = event.activity_id if 0 <= event.activity_id <= 99 else 0
    metadata, traffic = event.metadata or _UNTOLD, event.traffic or _NO_TRAFFIC
    facts = Facts(log_type=_kind(event, status), class_uid=event.class_uid, activity_id=activity, status_id=status)
    facts["status_code"], facts["status_detail"] = _reason(event, status)
    facts["severity_id"] = min(max(event.severity_id or 1, 1), 5) if (event.severity_id or 0) < 99 else 1
    facts["repeat_count"] = min(max(event.count or 1, 1), 1_000_000)
    facts["duration_ms"] = _whole(event.duration)
    facts["bytes_in"], facts["bytes_out"] = _whole(traffic.bytes_in), _whole(traffic.bytes_out)
    for name in ("logon_type_id", "auth_protocol_id"):
        number = getattr(event, name)
        facts[name] = number if number is not None and 0 <= number <= 99 else None
    _put_who(facts, event)
    _put_place(facts, event)
    _put_what(facts, event, metadata)
    facts["native_id"] = record_id(_text(metadata.original_event_uid) or _text(metadata.uid))
    facts["extra"] = bounded(_beside(event.unmapped or {}))
    return facts


def _beside(unmapped: dict[str, object]) -> dict[str, object]:
    """Give what stands in ``unmapped`` but Countersign's own members: plain values, lists, the rest as JSON text."""
    return {clean(key): _kept(value) for key, value in list(unmapped.items())[:200] if key not in _RESERVED}


def _kept(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return [clean(item) if isinstance(item, str) else item for item in value]
    return clean(as_text(value))


def _own(stated: object) -> dict[str, object]:
    """Give what ``unmapped.countersign`` states, each value checked; what does not fit is left out."""
    found: dict[str, object] = {}
    if not isinstance(stated, dict):
        return found
    for name, value in stated.items():
        if name in _LIMITS:
            low, high = _LIMITS[name]
            fits = type(value) is int and low <= value <= high
        elif name in _NUMBERS or name in _IDS:
            fits = value is None or (type(value) is int and 0 <= value < (2**63 if name in _NUMBERS else 65536))
        else:
            fits = name in _TEXTS and isinstance(value, str) and (name != "status_detail" or value in _REASONS)
        if fits:
            found[name] = clean(value) if isinstance(value, str) else value
    return found | _own_rest(stated)


def _own_rest(stated: dict[str, object]) -> dict[str, object]:
    """Give the members that are neither texts nor numbers."""
    found: dict[str, object] = {name: stated[name] for name in ("mfa", "is_remote") if name in stated}
    found = {name: value for name, value in found.items() if value is None or isinstance(value, bool)}
    names, extra = stated.get("privileges"), stated.get("extra")
    if isinstance(names, list):
        found["privileges"] = tuple(clean(name) for name in names[:50] if isinstance(name, str))
    if isinstance(extra, dict):
        found["extra"] = bounded(_beside(extra))
    return found


_TEXTS = frozenset(name for name, kind in Draft.__annotations__.items() if kind is str)


def _moment(event: Event) -> Moment:
    """Give the time; ``original_time`` where it is the same millisecond. Raises ValueError."""
    when, quality = epoch_time(event.time, 1000)
    stated = event.metadata.original_time if event.metadata else None
    if isinstance(stated, str):
        try:
            exact: datetime = iso_time(stated)[0]
        except ValueError:
            return when, quality
        if abs(exact - when) < timedelta(milliseconds=1):
            return exact, quality
    return when, quality


def _read(record: Record) -> Outcome:
    raw, position = record.raw, record.position
    try:
        event = _decoder.decode(raw)
        moment = _moment(event)
    except (ValueError, RecursionError) as error:
        return Quarantined(raw, f"The record is no OCSF event that can be read. {sentence(error)}", position)
    if event.class_uid not in _CLASSES:
        return Ignored(raw, "OCSF class that is no access", position)
    facts = facts_of(event)
    own = _own((event.unmapped or {}).get(OWN))
    quality = own.pop("clock_quality", ClockQuality.ZONE_KNOWN)
    merged: Facts = facts | own  # type: ignore[assignment]  # checked by name and kind above
    refused = merged["class_uid"] == OcsfClass.AUTHENTICATION and merged["status_id"] == Status.FAILURE
    if refused or merged["log_type"] == LogType.FAILED_LOGIN:
        merged["log_type"] = facts["log_type"]
    return make_draft((moment[0], quality), raw, position, merged)  # type: ignore[arg-type]  # an int


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:  # noqa: ARG001 -- one shape for all
    """Read a body of OCSF events; every record gives one draft, one quarantined or one ignored record."""
    for record in json_records(body):
        yield _read(record) if isinstance(record, Record) else record


PARSER = Parser("ocsf", "1", "OCSF JSON", parse)
