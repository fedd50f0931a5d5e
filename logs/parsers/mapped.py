"""Turn the values of mapped records (CSV rows, JSON objects) into events, many at once.

Values are read column by column: what a mapping does to a field is asked once for a part of the body, and what many
records say alike is read once. An event costs 10 us instead of 15 (bench/RESULTS.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Final, TypeVar

import msgspec

from logs.kinds import ActorType, Outcome, Quarantined, Severity, Status
from logs.parsers.facts import MAX_REPEATS, bounded, drafts_of
from logs.parsers.mapping import Plan
from logs.parsers.text import address, clean, port_number, record_id, said, sentence
from logs.parsers.times import EPOCH, Moment

_YES, _NO = frozenset({"true", "yes", "y", "1", "passed"}), frozenset({"false", "no", "n", "0"})
_ACTOR_TYPES = frozenset(ActorType.values)
_USER = ActorType.USER.value
_LARGEST = 2**63 - 1
_NO_MOMENT: Final[Moment] = (EPOCH, 0)
_ANY_KIND: Final = 1
"""What stands for the time and the kind of a record that is quarantined for the lack of them."""

AT_ONCE: Final = 500
AT_ONCE_BYTES: Final = 1024 * 1024
"""Most records and, but for the last one, most bytes of them that are read together: their values are held."""

_V = TypeVar("_V")
Column = Sequence[object]
Columns = dict[str, Column]
"""Field of an event -> its values, one for each record."""
Reasons = dict[int, str]
"""Number of a record in its part -> why it is quarantined."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One mapped record: its exact bytes, its position, and its values in the order of `Plan.fields`."""

    raw: bytes
    position: int
    values: Sequence[object]


def as_text(value: object) -> str:
    """Give a JSON or CSV value as text: numbers and true/false as JSON writes them, lists and objects as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def read_all(rows: Iterable[Row | Outcome], plan: Plan) -> Iterator[Outcome]:
    """Give the outcome of every row in its place; what is an outcome already stays as it is."""
    part: list[Row | Outcome] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(row.raw)
        if len(part) == AT_ONCE or size > AT_ONCE_BYTES:
            yield from _outcomes(part, plan)
            part, size = [], 0
    yield from _outcomes(part, plan)


def _outcomes(part: Sequence[Row | Outcome], plan: Plan) -> Iterator[Outcome]:
    read = iter(read_rows([row for row in part if isinstance(row, Row)], plan))
    return (next(read) if isinstance(row, Row) else row for row in part)


def read_rows(rows: Sequence[Row], plan: Plan) -> list[Outcome]:
    """Give the events of some records; one without a readable time, actor or kind is quarantined with the reason."""
    if not rows:
        return []
    values: Columns = dict(zip(plan.fields, zip(*[row.values for row in rows], strict=True), strict=True))
    reasons: Reasons = {}
    moments = _moments(values["occurred_at"], plan, reasons)
    texts = {field: _of_each(said, _as_texts(values[field])) for field in plan.texts}
    _miss_actors(texts, reasons)
    columns: Columns = {
        "occurred_at": [moment[0] for moment in moments],
        "clock_quality": [int(moment[1]) for moment in moments],
        "raw": [row.raw for row in rows],
        "position": [row.position for row in rows],
        **_meanings(values, len(rows), plan, reasons),
        **texts,
    }
    columns["actor_type"] = [_USER] * len(rows)
    if "actor_type" in texts:
        columns["actor_type"] = [kind if kind in _ACTOR_TYPES else _USER for kind in texts["actor_type"]]
    if plan.app:
        columns["app"] = [app or clean(plan.app) for app in texts.get("app", [""] * len(rows))]
    columns |= _numbers(values, len(rows), plan)
    if plan.places:
        columns |= _places(values, texts, len(rows))
    drafts: list[Outcome] = list(drafts_of(columns, len(rows)))
    for at, reason in reasons.items():
        drafts[at] = Quarantined(rows[at].raw, reason, rows[at].position)
    return drafts


def _as_texts(column: Column) -> Sequence[str]:
    return [value if type(value) is str else as_text(value) for value in column]


def _of_each(read: Callable[[str], _V], texts: Sequence[str]) -> list[_V]:
    """Read each text, one that occurs many times once."""
    known = {text: read(text) for text in set(texts)}
    return [known[text] for text in texts]


def _moments(column: Column, plan: Plan, reasons: Reasons) -> list[Moment]:
    moments = []
    for at, value in enumerate(column):
        try:
            moments.append(plan.moment(value))
        except ValueError as error:
            shown = as_text(value)[:80]
            reasons[at] = f"The time {shown!r} cannot be read with the mapping. {sentence(error)}"
            moments.append(_NO_MOMENT)
    return moments


def _miss_actors(texts: Mapping[str, Sequence[str]], reasons: Reasons) -> None:
    """Note the records that name nobody."""
    named = [texts[field] for field in ("actor_name", "actor_uid") if field in texts]
    if all("" in names for names in named):
        for at, names in enumerate(zip(*named, strict=True)):
            if not any(names):
                reasons.setdefault(at, "The record names no actor.")


def _meanings(values: Columns, count: int, plan: Plan, reasons: Reasons) -> Columns:
    """Choose kind, class, activity and outcome; a failed authentication is always a failed log-in."""
    told = [_as_texts(values[field]) if field in values else [""] * count for field in ("outcome", "action", "kind")]
    known: dict[tuple[str, str, str], Sequence[int | str]] = {}
    wrong: dict[str, str] = {}
    meant = list(zip(*told, strict=True))
    for outcome, action, kind in set(meant):
        try:
            number = plan.kind(kind)
        except ValueError as error:
            number, wrong[kind] = _ANY_KIND, sentence(error)
        judged = plan.judge(outcome, action, number)
        known[outcome, action, kind] = (*judged, int(Severity.LOW if judged[3] == Status.FAILURE else 1))
    if wrong:
        for at, words in enumerate(meant):
            if words[2] in wrong:
                reasons.setdefault(at, wrong[words[2]])
    names = ("log_type", "class_uid", "activity_id", "status_id", "status_detail", "status_code", "severity_id")
    return dict(zip(names, zip(*[known[words] for words in meant], strict=True), strict=True))


def _number(value: object, factor: int = 1) -> int | None:
    """Read a number that fits 64 bits and is not negative, or None."""
    try:
        text = as_text(value).strip()
        number = round(float(text) * factor) if "." in text or "e" in text else int(text) * factor
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= _LARGEST else None


def _numbers(values: Columns, count: int, plan: Plan) -> Columns:
    """Read numbers and what is kept beside; a number that cannot be read is kept there, too."""
    columns: Columns = {}
    extras: list[dict[str, object]] = [{} for _ in range(count)]
    for field in plan.numbers:
        numbers = [_number(value) for value in values[field]]
        for at, value in enumerate(values[field]):
            if numbers[at] is None and value not in (None, ""):
                extras[at][field] = clean(as_text(value))[:200]
        columns[field] = numbers
        if field == "repeat_count":
            columns[field] = [min(max(1, number or 1), MAX_REPEATS) for number in numbers]
    for field in plan.beside:
        for extra, value in zip(extras, values[field], strict=True):
            extra[field[6:]] = value
    if "duration_s" in values:
        given = zip(values["duration_s"], columns.get("duration_ms", repeat(None)), strict=False)
        columns["duration_ms"] = [ms if seconds in (None, "") else _number(seconds, 1000) for seconds, ms in given]
    columns["extra"] = [bounded(_plain(extra)) if extra else extra for extra in extras]
    return columns


def _plain(extra: dict[str, object]) -> dict[str, object]:
    """Give values that PostgreSQL's jsonb takes: nested ones become their JSON as clean text."""
    return {
        clean(key): value if isinstance(value, int | float | bool | None) else clean(as_text(value))
        for key, value in extra.items()
    }


def _places(values: Columns, texts: Mapping[str, Sequence[str]], count: int) -> Columns:
    """Read the records' ids, from where, with which factor and under which rights."""
    columns: Columns = {}
    ports: Sequence[int | None] = [None] * count
    if "src_ip" in values:
        found = _of_each(address, _as_texts(values["src_ip"]))
        hosts = texts.get("src_host", [""] * count)
        columns["src_ip"] = [one.ip for one in found]
        columns["src_host"] = [host or one.host for host, one in zip(hosts, found, strict=True)]
        columns["src_port"] = ports = [one.port for one in found]
    if "src_port" in values:
        stated = [port_number(text or None) for text in _as_texts(values["src_port"])]
        columns["src_port"] = [own if port is None else port for port, own in zip(stated, ports, strict=True)]
    if "native_id" in values:
        columns["native_id"] = [record_id(text) for text in _as_texts(values["native_id"])]
    if "mfa" in values:
        columns["mfa"] = _of_each(_yes_or_no, _as_texts(values["mfa"]))
    if "privileges" in values:
        columns["privileges"] = [_rights(value) for value in values["privileges"]]
    return columns


def _yes_or_no(text: str) -> bool | None:
    word = text.strip().lower()
    return word in _YES if word in _YES or word in _NO else None


def _rights(listed: object) -> tuple[str, ...]:
    parts = listed if isinstance(listed, list) else as_text(listed).replace(";", ",").split(",")
    return tuple(name for part in parts[:50] if (name := said(as_text(part))))
