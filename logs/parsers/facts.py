"""What a parser has understood of one record, and how it becomes a `Draft`."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypedDict

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
    """A reader of one format: the name and version that each event stores, and the pure function that reads a body."""

    name: str
    version: str
    title: str
    parse: Callable[[Iterable[bytes], SourceSettings], Iterator[Outcome]]


MAX_REPEATS = 1_000_000
"""Cap on `repeat_count`, so that a hostile "message repeated" cannot overflow a column or a sum."""

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


def put_source(facts: Facts, source: Address) -> None:
    """Write where it came from."""
    facts["src_ip"] = source.ip
    facts["src_host"] = source.host
    if source.port is not None:
        facts["src_port"] = source.port


def make_draft(moment: Moment, raw: bytes, position: int, facts: Facts) -> Draft:
    """Join time, exact bytes and position of a record with what it says, in plain numbers and texts."""
    facts["log_type"] = int(facts["log_type"])
    facts["class_uid"] = int(facts["class_uid"])
    facts["status_id"] = int(facts.get("status_id", 0))
    facts["severity_id"] = int(facts.get("severity_id", 1))
    facts["status_detail"] = str(facts.get("status_detail", ""))
    facts["actor_type"] = str(facts.get("actor_type", "unknown"))
    if facts.get("repeat_count", 1) > MAX_REPEATS:
        facts["repeat_count"] = MAX_REPEATS
    return Draft(occurred_at=moment[0], clock_quality=int(moment[1]), raw=raw, position=position, **facts)


def bounded(extra: dict[str, object]) -> dict[str, object]:
    """Drop empty values, and the longest values until the JSON fits `MAX_EXTRA_BYTES`; what went is named in "cut"."""
    kept = {key: value for key, value in extra.items() if value not in (None, "", [], {}, ())}
    if not kept:
        return kept
    cut: list[str] = []
    while kept and len(msgspec.json.encode({**kept, "cut": cut})) > MAX_EXTRA_BYTES:
        longest = max(kept, key=lambda key: len(msgspec.json.encode(kept[key])))
        del kept[longest]
        cut.append(longest)
    if cut:
        kept["cut"] = cut
    return kept
