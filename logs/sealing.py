"""Which bytes of an event are sealed, and how its columns follow from them.

Three groups, as ledger/entries.py defines them: ``core`` holds what is never personal, ``subj`` who and from where,
``raw`` the record as it was delivered. The typed columns of `AccessEvent` are a projection of ``core`` and ``subj``:
`projection` derives them again, so that verification can compare what is shown with what is sealed.

The structs list their fields in alphabetical order and leave out what a record does not say, so that msgspec writes
the canonical JSON of the ledger (sorted keys, no spaces) at about 1 us a row; a test holds them to
`ledger.entries.canonical`.
A default of -1 never occurs: such a field is always written.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress, count, repeat
from operator import attrgetter, ne
from typing import Any, Final, NamedTuple

import msgspec

from logs.copyrows import Columns
from logs.kinds import OCSF_VERSION

VERSION: Final = 1
INT_LIMIT: Final = 2**53


class Core(msgspec.Struct, omit_defaults=True, gc=False):
    """What is never personal: kind of access, outcome, place in the delivery, times, quantities."""

    action: str = ""
    activity_id: int = -1
    actor_type: str = ""
    app: str = ""
    auth_protocol_id: int | None = None
    batch: str = ""
    bytes_in: int | None = None
    bytes_out: int | None = None
    class_uid: int = -1
    clock_quality: int = -1
    database: str = ""
    dst_host: str = ""
    duration_ms: int | None = None
    is_remote: bool | None = None
    log_type: int = -1
    logon_type_id: int | None = None
    mfa: bool | None = None
    native_id: str = ""
    occurred_at: str = ""
    ocsf: str = ""
    ord: int = -1
    parser: str = ""
    position: int = -1
    privileges: tuple[str, ...] = ()
    received_at: str = ""
    repeat_count: int = 1
    rows_count: int | None = None
    severity_id: int = -1
    source: int = -1
    stated_at: str = ""
    status_code: str = ""
    status_detail: str = ""
    status_id: int = -1
    table: str = ""
    target_kind: str = ""
    tenant: str = ""
    ticket_ref: str = ""
    v: int = -1


class Subject(msgspec.Struct, omit_defaults=True, gc=False):
    """Who, with what, from where: what may have to be erased one day. ``extra`` is JSON text."""

    actor_name: str = ""
    actor_uid: str = ""
    device_uid: str = ""
    extra: str = ""
    resource: str = ""
    session_uid: str = ""
    src_host: str = ""
    src_ip: str = ""
    src_port: int | None = None
    target_name: str = ""
    target_uid: str = ""
    user_agent: str = ""


_sorted: Final = msgspec.json.Encoder(order="deterministic")
encode_core: Final = _sorted.encode
encode_subject: Final = _sorted.encode
_read_texts: Final = msgspec.json.Decoder(list[str]).decode
_UTC_CHARS: Final = len("2026-11-22T18:20:34.000000Z")


class Place(msgspec.Struct, frozen=True):
    """What all events of one delivery share: batch and tenant as UUID text, receipt as RFC 3339."""

    batch: str
    tenant: str
    source: int
    parser: str
    received_at: str


def rfc3339(moment: datetime) -> str:
    """Return an aware moment as UTC with exactly six digits of the second."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def rfc3339_all(moments: Sequence[datetime]) -> list[str]:
    """Return aware moments as `rfc3339` does: 0.1 us each instead of 1.8, as msgspec writes all at once.

    It leaves out a fraction of zero and writes other zones as they are: these are the ones of another length.
    """
    texts = _read_texts(_sorted.encode(moments))
    return [text if len(text) == _UTC_CHARS else rfc3339(at) for text, at in zip(texts, moments, strict=True)]


def cores_of(columns: Columns, place: Place, first: int, stated: Mapping[int, str]) -> list[bytes]:
    """Return the sealed cores of events, given column by column; ``first`` is the ordinal of the first in its batch.

    ``stated`` maps the positions of records whose time was clamped to the time that they state. Structs are made from
    whole columns, without a line of Python for each event: 2 us instead of 4.
    """
    constant: dict[str, object] = {"batch": place.batch, "ocsf": OCSF_VERSION, "parser": place.parser, "v": VERSION}
    constant |= {"received_at": place.received_at, "source": place.source, "tenant": place.tenant, "stated_at": ""}
    made: dict[str, Iterable[object]] = {name: repeat(value) for name, value in constant.items()}
    made |= {"ord": count(first), "occurred_at": columns["when"]}
    if stated:
        made["stated_at"] = [stated.get(position, "") for position in columns["position"]]
    fields = [made[name] if name in made else columns[name] for name in Core.__struct_fields__]
    return list(map(encode_core, map(Core, *fields)))


def subjects_of(columns: Columns) -> list[bytes]:
    """Return the sealed subjects of events, given column by column; ``extra`` is JSON text, "" for none."""
    addresses = [address or "" for address in columns["src_ip"]]
    fields = [addresses if name == "src_ip" else columns[name] for name in Subject.__struct_fields__]
    return list(map(encode_subject, map(Subject, *fields)))


def extra_text(extra: Mapping[str, object]) -> str:
    """Return unmapped fields as JSON text with sorted keys, "" for none."""
    return _sorted.encode(extra).decode() if extra else ""


class AgainCore(Core, omit_defaults=True, gc=False):
    """The core of an event whose record was read again: what it takes the place of, and when the record came in.

    ``supersedes`` names an event by its leaf (batch and ordinal), ``resolves`` a record that lay in quarantine (by
    delivery and position). Its fields are sorted when it is written.
    """

    first_received_at: str = ""
    resolves: str = ""
    supersedes: str = ""


class Origin(NamedTuple):
    """Where an event comes from whose record was read again; times as RFC 3339 text, what does not apply is ""."""

    first_received_at: str
    supersedes: str = ""
    resolves: str = ""


def leaf_name(batch: object, number: int) -> str:
    """Return the name of a leaf, or of a record of a delivery, inside the tenant's log: ``<batch>/<number>``."""
    return f"{batch}/{number}"


_read_again: Final = msgspec.json.Decoder(AgainCore)
_encode_again: Final = msgspec.json.Encoder(order="sorted").encode


def with_origin(core: bytes, origin: Origin) -> bytes:
    """Return the sealed core of an event with where it comes from."""
    read = _read_again.decode(core)
    read.first_received_at, read.supersedes, read.resolves = origin
    return _encode_again(read)


def origin_of(core: bytes) -> Origin | None:
    """Return where an event comes from, None when its record was read only once.

    Raises:
        msgspec.DecodeError: the bytes are no sealed event.
    """
    read = _read_again.decode(core)
    return Origin(read.first_received_at, read.supersedes, read.resolves) if read.first_received_at else None


CORE_COLUMNS: Final = tuple(
    name for name in Core.__struct_fields__ if name not in {"batch", "ocsf", "source", "tenant", "v", "stated_at"}
)
SUBJECT_COLUMNS: Final = tuple(name for name in Subject.__struct_fields__ if name != "extra")

_core_values: Final = attrgetter(*CORE_COLUMNS)
_subject_values: Final = attrgetter(*SUBJECT_COLUMNS)
_read_core: Final = msgspec.json.Decoder(Core)
_read_subject: Final = msgspec.json.Decoder(Subject)


def projection(core: bytes, subj: bytes | None) -> dict[str, Any]:
    """Return the columns that follow from the sealed bytes: names of `AccessEvent`, times as RFC 3339 text.

    Without ``subj`` (erased) only the columns of the core are given.

    Raises:
        msgspec.DecodeError: the bytes are no sealed event.
    """
    sealed = _read_core.decode(core)
    columns: dict[str, Any] = dict(zip(CORE_COLUMNS, _core_values(sealed), strict=True))
    columns |= {"batch_id": sealed.batch, "source_id": sealed.source, "privileges": list(sealed.privileges)}
    if subj is not None:
        who = _read_subject.decode(subj)
        columns |= zip(SUBJECT_COLUMNS, _subject_values(who), strict=True)
        columns["src_ip"] = who.src_ip or None
        columns["extra"] = json.loads(who.extra) if who.extra else {}
    return columns


def differences(core: bytes, subj: bytes | None, shown: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns whose shown value does not follow from the sealed bytes, in order.

    ``shown`` maps column names of `AccessEvent` to their values (times aware, batch id as UUID).
    """
    derived = projection(core, subj)
    # Compared as they are first: turning all 45 into plain values took 70 % of a whole verification.
    unequal = compress(derived, map(ne, map(shown.get, derived), derived.values()))
    return sorted(name for name in unequal if _plain(shown.get(name)) != _plain(derived[name]))


_PLAIN: Final = frozenset({type(None), str, int, bool, list, dict, float})


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    return list(value) if isinstance(value, tuple) else str(value)
