"""Turn the values of a mapped record (CSV row, JSON object) into an event."""

from typing import cast

import msgspec

from logs.kinds import ActorType, Outcome, Quarantined
from logs.parsers.facts import Facts, bounded, plain_draft, put_source
from logs.parsers.framing import Record
from logs.parsers.mapping import Plan
from logs.parsers.text import address, clean, port_number, record_id, said, sentence

_YES, _NO = frozenset({"true", "yes", "y", "1", "passed"}), frozenset({"false", "no", "n", "0"})
_ACTOR_TYPES = frozenset(ActorType.values)
_USER = ActorType.USER.value
_LARGEST = 2**63 - 1
_OFTEN = 160
"""Longest words whose meaning is remembered: hostile ones must not fill the memory."""

Values = dict[str, object]
"""Field of an event -> value as the record holds it."""


def as_text(value: object) -> str:
    """Give a JSON or CSV value as text: numbers and true/false as JSON writes them, lists and objects as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _number(value: object, factor: int = 1) -> int | None:
    """Read a number that fits 64 bits and is not negative, or None."""
    try:
        text = as_text(value).strip()
        number = round(float(text) * factor) if "." in text or "e" in text else int(text) * factor
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= _LARGEST else None


def read_values(record: Record, values: Values, plan: Plan) -> Outcome:
    """Give the event of one record; a record without a readable time, actor or kind is quarantined with the reason."""
    raw, position = record.raw, record.position
    try:
        moment = plan.moment(values.get("occurred_at"))
    except ValueError as error:
        shown = as_text(values.get("occurred_at"))[:80]
        return Quarantined(raw, f"The time {shown!r} cannot be read with the mapping. {sentence(error)}", position)
    texts = _texts(values, plan)
    if not texts.get("actor_name") and not texts.get("actor_uid"):
        return Quarantined(raw, "The record names no actor.", position)
    try:
        kind = plan.kind(as_text(values.get("kind")))
    except ValueError as error:
        return Quarantined(raw, sentence(error), position)
    facts = _meaning(values, plan, kind)
    target = cast("dict[str, object]", facts)
    target.update(texts)
    if facts.get("actor_type") not in _ACTOR_TYPES:
        facts["actor_type"] = _USER
    _put_numbers(target, values, plan)
    if plan.places:
        _put_place(facts, values)
    if plan.app and not texts.get("app"):
        facts["app"] = clean(plan.app)
    return plain_draft(moment, raw, position, facts)


def _texts(values: Values, plan: Plan) -> dict[str, object]:
    found: dict[str, object] = {}
    for field in plan.texts:
        value = values.get(field)
        found[field] = said(value if type(value) is str else as_text(value))
    return found


def _meaning(values: Values, plan: Plan, kind: int) -> Facts:
    """Choose class, activity and outcome; a failed authentication is always a failed log-in."""
    outcome, action = as_text(values.get("outcome")), as_text(values.get("action"))
    read = plan.meaning if len(outcome) + len(action) <= _OFTEN else plan.read_meaning
    return read(outcome, action, kind).copy()


def _put_numbers(target: dict[str, object], values: Values, plan: Plan) -> None:
    """Write numbers and what is kept beside; a number that cannot be read stays there, too."""
    extra: dict[str, object] = {}
    for field in plan.numbers:
        value = values.get(field)
        if value in (None, ""):
            continue
        number = _number(value)
        if number is None:
            extra[field] = clean(as_text(value))[:200]
        else:
            target[field] = max(1, number) if field == "repeat_count" else number
    for field in plan.beside:
        extra[field[6:]] = values.get(field)
    if values.get("duration_s") not in (None, ""):
        target["duration_ms"] = _number(values["duration_s"], 1000)
    if extra:
        target["extra"] = bounded(_plain(extra))


def _plain(extra: dict[str, object]) -> dict[str, object]:
    """Give values that PostgreSQL's jsonb takes: nested ones become their JSON as clean text."""
    return {
        clean(key): value if isinstance(value, int | float | bool | None) else clean(as_text(value))
        for key, value in extra.items()
    }


def _put_place(facts: Facts, values: Values) -> None:
    """Write the record's id, from where, with which factor and under which rights."""
    if "src_ip" in values:
        source, host = address(as_text(values["src_ip"])), facts.get("src_host", "")
        put_source(facts, source)
        facts["src_host"] = host or source.host
    if "native_id" in values:
        facts["native_id"] = record_id(as_text(values["native_id"]))
    if "src_port" in values:
        port = port_number(as_text(values["src_port"]) or None)
        if port is not None:
            facts["src_port"] = port
    if "mfa" in values:
        word = as_text(values["mfa"]).strip().lower()
        if word in _YES or word in _NO:
            facts["mfa"] = word in _YES
    if "privileges" in values:
        listed = values["privileges"]
        parts = listed if isinstance(listed, list) else as_text(listed).replace(";", ",").split(",")
        facts["privileges"] = tuple(name for part in parts[:50] if (name := said(as_text(part))))
