"""What a parser has understood of one record, and how it becomes a `Draft`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple, TypedDict, cast

import msgspec

from logs.kinds import MAX_EXTRA_BYTES, Draft, LogType, OcsfClass, Outcome, SourceSettings, Status
from logs.parsers.text import Address
from logs.parsers.times import Moment


class _Meaning(TypedDict):
    log_type: int
    class_uid: int
    activity_id: int


class Facts(_Meaning, total=False):
    """Fields of a `Draft` by name; those that a record does not speak of are absent."""

    status_id: int
    status_code: str
    status_detail: str
    severity_id: int
    actor_uid: str
    actor_name: str
    actor_type: str
    target_uid: str
    target_name: str
    target_kind: str
    privileges: tuple[str, ...]
    src_ip: str | None
    src_port: int | None
    src_host: str
    device_uid: str
    user_agent: str
    dst_host: str
    app: str
    resource: str
    database: str
    table: str
    action: str
    session_uid: str
    duration_ms: int | None
    bytes_in: int | None
    bytes_out: int | None
    rows_count: int | None
    logon_type_id: int | None
    auth_protocol_id: int | None
    mfa: bool | None
    is_remote: bool | None
    repeat_count: int
    ticket_ref: str
    native_id: str
    extra: dict[str, object]


class Parser(NamedTuple):
    """A reader of one format: the name and version that each event stores, and the pure function that reads a body.

    One that `remembers` tells lines of one attempt from each other across bodies, by the memory in its settings.
    """

    name: str
    version: str
    title: str
    parse: Callable[[Iterable[bytes], SourceSettings], Iterator[Outcome]]
    remembers: bool = False


_NUMBERS = ("log_type", "class_uid", "status_id", "severity_id")
_WORDS = ("status_detail", "actor_type")
"""Facts that a parser may give as members of their enumerations."""

MAX_REPEATS = 1_000_000
"""Cap on `repeat_count`, so that a hostile "message repeated" cannot overflow a column or a sum."""

_NUMBER_TYPES = frozenset({bool, int, float})
"""What says something although it is false."""

LOGON, LOGOFF, SWITCH, OTHER_ACTIVITY = 1, 2, 7, 99
"""OCSF 3002 activities: Logon, Logoff, Account Switch, Other."""


def logon(kind: LogType) -> Facts:
    """Begin the facts of a log-in that succeeded, shown under the log type given."""
    return Facts(log_type=kind, class_uid=OcsfClass.AUTHENTICATION, activity_id=LOGON, status_id=Status.SUCCESS)


def refused(detail: str, code: str = "") -> Facts:
    """Begin the facts of a log-in that failed; its log type is always `FAILED_LOGIN`."""
    return Facts(
        log_type=LogType.FAILED_LOGIN,
        class_uid=OcsfClass.AUTHENTICATION,
        activity_id=LOGON,
        status_id=Status.FAILURE,
        status_detail=detail,
        status_code=code,
        severity_id=2,
    )


def logoff() -> Facts:
    """Begin the facts of the end of a session."""
    return Facts(
        log_type=LogType.SESSION,
        class_uid=OcsfClass.AUTHENTICATION,
        activity_id=LOGOFF,
        status_id=Status.SUCCESS,
    )


def deed(kind: LogType, class_uid: int, activity_id: int, status_id: int = Status.SUCCESS) -> Facts:
    """Begin the facts of anything else."""
    return Facts(log_type=kind, class_uid=class_uid, activity_id=activity_id, status_id=status_id)


def put_source(facts: Facts, source: Address, port: int | None = None) -> None:
    """Write where it came from; ``port`` where another field than the address states it."""
    facts["src_ip"], facts["src_host"], own = source
    if port is not None or own is not None:
        facts["src_port"] = own if port is None else port


def make_draft(moment: Moment, raw: bytes, position: int, facts: Facts) -> Draft:
    """Join time, exact bytes and position of a record with what it says, in plain numbers and texts.

    A member of an enumeration becomes its plain value here; most facts are plain already and are only looked at.
    """
    plain = cast("dict[str, object]", facts)
    for name in _NUMBERS:
        value = plain.get(name)
        if value is not None and type(value) is not int:
            plain[name] = int(cast("int", value))
    for name in _WORDS:
        value = plain.get(name)
        if value is not None and type(value) is not str:
            plain[name] = str(value)
    return plain_draft(moment, raw, position, facts)


def plain_draft(moment: Moment, raw: bytes, position: int, facts: Facts) -> Draft:
    """Join a record with facts that are plain already; they are used up: writing into them saves a copy of all."""
    if "repeat_count" in facts and facts["repeat_count"] > MAX_REPEATS:
        facts["repeat_count"] = MAX_REPEATS
    plain, quality = cast("dict[str, Any]", facts), moment[1]
    plain["occurred_at"], plain["raw"], plain["position"] = moment[0], raw, position
    plain["clock_quality"] = quality if type(quality) is int else int(quality)
    return Draft(**plain)


_FIELDS: Final = Draft.__struct_fields__
_ABSENT: Final = dict(zip(reversed(_FIELDS), reversed(Draft.__struct_defaults__), strict=False))


def drafts_of(columns: Mapping[str, Sequence[object]], count: int) -> Iterator[Draft]:
    """Give so many events from plain facts, field by field; ``extra`` is one of them.

    An event of 38 fields costs 0.4 us so, by their names 5.
    """
    fields = [columns[name] if name in columns else repeat(_ABSENT[name], count) for name in _FIELDS]
    return map(Draft, *fields)


def _is_surely_short(extra: dict[str, object]) -> bool:
    """Tell of texts alone whether they fit, without writing them: a character is at most six bytes of JSON."""
    characters = 0
    for key, value in extra.items():
        if type(value) is not str:
            return False
        characters += len(key) + len(value) + 6
    return 6 * characters < MAX_EXTRA_BYTES


def bounded(extra: dict[str, object]) -> dict[str, object]:
    """Drop empty values, and the longest values until the JSON fits `MAX_EXTRA_BYTES`; what went is named in "cut"."""
    kept = {key: value for key, value in extra.items() if value or type(value) in _NUMBER_TYPES}
    if _is_surely_short(kept):
        return kept
    cut: list[str] = []
    while kept and len(msgspec.json.encode({**kept, "cut": cut})) > MAX_EXTRA_BYTES:
        longest = max(kept, key=lambda key: len(msgspec.json.encode(kept[key])))
        del kept[longest]
        cut.append(longest)
    if cut:
        kept["cut"] = cut
    return kept
