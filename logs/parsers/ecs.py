"""Elastic Common Schema JSON (ECS 1.x to 9.x), as Beats, Elastic Agent and Logstash write it; nested or with dots.

``event.category`` and ``event.type`` say what happened, ``event.outcome`` how it ended (ECS field reference, "Event
fields"); where they do not, the words of ``event.action`` do. ``event.duration`` is nanoseconds.
"""

from collections.abc import Iterable, Iterator

import msgspec

from logs.kinds import ActorType, Ignored, LogType, OcsfClass, Outcome, Quarantined, SourceSettings, Status
from logs.parsers.facts import LOGOFF, LOGON, OTHER_ACTIVITY, Parser, bounded, make_draft, put_source
from logs.parsers.framing import Record, json_records
from logs.parsers.text import address, port_number, record_id, said, sentence
from logs.parsers.times import epoch_time, iso_time
from logs.parsers.tunnels import CLOSE, OPEN
from logs.parsers.words import Meaning, begin, meaning, outcome

Words = list[str | None] | str | None


class _Named(msgspec.Struct, gc=False):
    name: str | int | None = None
    id: str | int | None = None


class _User(msgspec.Struct, gc=False):
    name: Words = None
    id: str | int | None = None
    email: str | None = None
    roles: Words = None
    target: "_User | None" = None
    effective: "_User | None" = None


class _Event(msgspec.Struct, gc=False):
    action: Words = None
    category: Words = None
    type: Words = None
    outcome: str | None = None
    reason: str | None = None
    code: str | int | None = None
    duration: float | int | str | None = None
    id: str | int | None = None
    provider: str | None = None
    dataset: str | None = None
    module: str | None = None
    severity: float | int | str | None = None


class _End(msgspec.Struct, gc=False):
    ip: Words = None
    address: str | None = None
    domain: str | None = None
    port: int | str | None = None
    bytes: int | None = None


class _Host(msgspec.Struct, gc=False):
    name: Words = None
    hostname: str | None = None
    id: str | None = None


class _Agent(msgspec.Struct, gc=False):
    original: str | None = None


class _Place(msgspec.Struct, gc=False):
    original: str | None = None
    full: str | None = None
    path: str | None = None


class _Error(msgspec.Struct, gc=False):
    message: Words = None


class _Record(msgspec.Struct, gc=False):
    """The fields of a record that are read."""

    timestamp: str | int | float | None = msgspec.field(name="@timestamp", default=None)
    event: _Event | None = None
    user: _User | None = None
    source: _End | None = None
    client: _End | None = None
    destination: _End | None = None
    host: _Host | None = None
    service: _Named | None = None
    group: _Named | None = None
    session: _Named | None = None
    user_agent: _Agent | None = None
    url: _Place | None = None
    file: _Place | None = None
    error: _Error | None = None
    message: Words = None


_decoder = msgspec.json.Decoder(_Record)
_PARTS = frozenset(_Record.__struct_fields__)
_MAX_FIELDS = 4096

_AUTH, _CHANGE, _GROUP = OcsfClass.AUTHENTICATION, OcsfClass.ACCOUNT_CHANGE, OcsfClass.GROUP_MANAGEMENT
_TYPES: dict[str, dict[str, Meaning]] = {
    "authentication": {
        "end": (LogType.SESSION, _AUTH, LOGOFF),
        "start": (LogType.SYSTEM_LOGIN, _AUTH, LOGON),
        "": (LogType.SYSTEM_LOGIN, _AUTH, LOGON),
    },
    "session": {
        "end": (LogType.SESSION, _AUTH, LOGOFF),
        "start": (LogType.SYSTEM_LOGIN, _AUTH, LOGON),
    },
    "vpn": {
        "end": (LogType.REMOTE, OcsfClass.TUNNEL, CLOSE),
        "start": (LogType.REMOTE, OcsfClass.TUNNEL, OPEN),
    },
    "database": {
        "access": (LogType.DATABASE, OcsfClass.DATASTORE, 4),
        "change": (LogType.DATABASE, OcsfClass.DATASTORE, 2),
        "creation": (LogType.DATABASE, OcsfClass.DATASTORE, 6),
        "deletion": (LogType.DATABASE, OcsfClass.DATASTORE, 7),
        "": (LogType.DATABASE, OcsfClass.DATASTORE, OTHER_ACTIVITY),
    },
    "configuration": {
        "creation": (LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, 1),
        "access": (LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, 2),
        "change": (LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, 3),
        "deletion": (LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, 4),
        "": (LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, OTHER_ACTIVITY),
    },
    "file": {
        "creation": (LogType.SESSION, OcsfClass.FILE_HOSTING, 1),
        "change": (LogType.SESSION, OcsfClass.FILE_HOSTING, 3),
        "deletion": (LogType.SESSION, OcsfClass.FILE_HOSTING, 4),
        "access": (LogType.SESSION, OcsfClass.FILE_HOSTING, 14),
    },
    "web": {
        "access": (LogType.APPLICATION, OcsfClass.WEB_RESOURCES, 2),
        "change": (LogType.APPLICATION, OcsfClass.WEB_RESOURCES, 3),
        "creation": (LogType.APPLICATION, OcsfClass.WEB_RESOURCES, 1),
        "deletion": (LogType.APPLICATION, OcsfClass.WEB_RESOURCES, 4),
    },
    "api": {"": (LogType.APPLICATION, OcsfClass.API, OTHER_ACTIVITY)},
}
_IAM: dict[tuple[str, str], Meaning] = {
    ("user", "creation"): (LogType.ADMIN, _CHANGE, 1),
    ("user", "deletion"): (LogType.ADMIN, _CHANGE, 6),
    ("group", "creation"): (LogType.ADMIN, _GROUP, 6),
    ("group", "deletion"): (LogType.ADMIN, _GROUP, 5),
}
_ANOTHER = "ECS record that names no actor"


def _list(words: Words) -> list[str]:
    return [words] if isinstance(words, str) else [word for word in words or [] if word]


def _text(value: Words | int | float) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = next((word for word in value if word), "")
    return said(value if isinstance(value, str) else str(value))


def _nested(raw: bytes) -> _Record:
    """Decode a record whose names are written with dots ("user.name"). Raises ValueError."""
    plain = msgspec.json.decode(raw)
    if not isinstance(plain, dict):
        raise msgspec.ValidationError("The record is no JSON object.")
    tree: dict[str, object] = {}
    for key, value in list(plain.items())[:_MAX_FIELDS]:
        parts = key.split(".")
        if parts[0] in _PARTS or key == "@timestamp":
            _put(tree, parts[:4], value)
    return msgspec.convert(tree, _Record)


def _put(tree: dict[str, object], parts: list[str], value: object) -> None:
    for part in parts[:-1]:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    held = tree.get(parts[-1])
    if isinstance(held, dict) and isinstance(value, dict):
        held.update(value)
    else:
        tree[parts[-1]] = value


def _decode(raw: bytes) -> _Record:
    found = _decoder.decode(raw)
    return found if found.event or found.user else _nested(raw)


def _meaning(record: _Record, event: _Event) -> Meaning:
    """Choose by category and type; where they leave it open, the words of the action decide."""
    categories, types = _list(event.category), _list(event.type)
    words = _text(event.action).replace("-", " ")
    if "iam" in categories:
        exact = next((_IAM[pair] for pair in ((a, b) for a in types for b in types) if pair in _IAM), None)
        if exact:
            return exact
        guessed = meaning(words)
        if guessed[0] == LogType.ADMIN:
            return guessed
        return (LogType.ADMIN, _GROUP if "group" in types else _CHANGE, OTHER_ACTIVITY)
    if "vpn" in words or "vpn" in (event.dataset or ""):
        categories = ["vpn", *categories]
    for category in categories:
        table = _TYPES.get(category, {})
        found = next((table[kind] for kind in types if kind in table), table.get(""))
        if found:
            return found
    return meaning(words, _text(record.message)[:200])


def _why(record: _Record, event: _Event) -> str:
    error = _text(record.error.message) if record.error else ""
    return " ".join(part for part in (_text(event.reason), error, _text(event.action)) if part)


def _name(user: _User | None) -> tuple[str, str]:
    return (_text(user.name) or said(user.email), _text(user.id)) if user else ("", "")


def _put_all(facts: dict[str, object], record: _Record, event: _Event) -> None:
    source, end, host = record.source or record.client or _End(), record.destination or _End(), record.host or _Host()
    found = address(_text(source.ip) or source.address or source.domain)
    put_source(facts, found, port_number(source.port))  # type: ignore[arg-type]  # a Facts
    facts["src_host"] = said(source.domain) or found.host
    facts["dst_host"] = said(end.domain) or _text(host.name) or said(host.hostname) or _text(end.ip)
    facts["device_uid"] = said(host.id)
    facts["user_agent"] = said(record.user_agent.original) if record.user_agent else ""
    place = record.url or record.file or _Place()
    facts["resource"] = said(place.full or place.original or place.path)
    facts["session_uid"] = _text(record.session.id) if record.session else ""
    service = _text(record.service.name) if record.service else ""
    facts["app"] = service or said(event.provider) or said(event.module) or said(event.dataset)
    facts["bytes_in"], facts["bytes_out"] = _whole(source.bytes), _whole(end.bytes)


def _whole(number: float | str | None) -> int | None:
    try:
        whole = int(number) if number is not None else -1
    except (ValueError, OverflowError):
        return None
    return whole if 0 <= whole < 2**63 else None


def _put_who(facts: dict[str, object], record: _Record) -> None:
    user = record.user or _User()
    facts["actor_name"], facts["actor_uid"] = _name(user)
    target = user.target or user.effective
    if target:
        facts["target_name"], facts["target_uid"] = _name(target)
        facts["target_kind"] = "account"
    roles = [said(role) for role in _list(user.roles)[:50]]
    facts["actor_type"] = ActorType.ADMIN if any("admin" in role.lower() for role in roles) else ActorType.USER
    group = _text(record.group.name) if record.group else ""
    facts["privileges"] = (group,) if group else ()


def _read(record: Record, zone_name: str) -> Outcome:
    raw, position = record.raw, record.position
    try:
        found = _decode(raw)
        stamp = found.timestamp
        if stamp is None:
            return Quarantined(raw, "The record has no @timestamp.", position)
        moment = iso_time(stamp, zone_name) if isinstance(stamp, str) else epoch_time(stamp, 1000)
    except (ValueError, RecursionError) as error:
        return Quarantined(raw, f"The record is no ECS record that can be read. {sentence(error)}", position)
    event, user = found.event or _Event(), found.user
    if not any(_name(user)):
        return Ignored(raw, _ANOTHER, position)
    status = outcome(event.outcome or "")
    if status == Status.UNKNOWN and "denied" in _list(event.type):
        status = Status.FAILURE
    facts = begin(_meaning(found, event), status, _why(found, event))
    loose: dict[str, object] = facts  # type: ignore[assignment]  # the same object, written by name
    _put_all(loose, found, event)
    _put_who(loose, found)
    nanoseconds = _whole(event.duration)
    facts["duration_ms"] = None if nanoseconds is None else nanoseconds // 1_000_000
    facts["action"], facts["native_id"] = _text(event.action)[:300], record_id(_text(event.id))
    facts["status_code"] = (said(event.reason) or _text(event.code))[:120]
    facts["extra"] = bounded({"dataset": said(event.dataset)[:200], "code": _text(event.code)[:100]})
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of ECS records; every record gives one draft, one quarantined or one ignored record."""
    for record in json_records(body):
        yield _read(record, settings.time_zone) if isinstance(record, Record) else record


PARSER = Parser("ecs", "1", "Elastic Common Schema JSON", parse)
