"""Turn the values of a mapped record (CSV row, JSON object) into an event."""

import msgspec

from logs.kinds import ActorType, LogType, OcsfClass, Outcome, Quarantined, Severity, Status, StatusDetail
from logs.parsers.facts import Facts, bounded, deed, make_draft, put_source
from logs.parsers.framing import Record
from logs.parsers.mapping import NUMBER_FIELDS, TEXT_FIELDS, Plan
from logs.parsers.text import address, clean, port_number, record_id, said, sentence

_YES, _NO = frozenset({"true", "yes", "y", "1", "passed"}), frozenset({"false", "no", "n", "0"})
_ACTOR_TYPES = frozenset(ActorType.values)
_LARGEST = 2**63 - 1

Values = dict[str, object]
"""Field of an event -> value as the record holds it."""


def as_text(value: object) -> str:
    """Give a JSON or CSV value as text: numbers and true/false as JSON writes them, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


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
    if not said(as_text(values.get("actor_name"))) and not said(as_text(values.get("actor_uid"))):
        return Quarantined(raw, "The record names no actor.", position)
    try:
        kind = plan.kind(as_text(values.get("kind")))
    except ValueError as error:
        return Quarantined(raw, sentence(error), position)
    facts = _meaning(values, plan, kind)
    _put_plain(facts, values)
    _put_place(facts, values)
    if plan.app and not facts.get("app"):
        facts["app"] = clean(plan.app)
    return make_draft(moment, raw, position, facts)


def _meaning(values: Values, plan: Plan, kind: int) -> Facts:
    """Choose class, activity and outcome; a failed authentication is always a failed log-in."""
    said_outcome = as_text(values.get("outcome"))
    status, reason = plan.outcome(said_outcome)
    class_uid, activity_id = plan.activity(as_text(values.get("action")), kind)
    if kind == LogType.FAILED_LOGIN:
        status = Status.FAILURE
    failed = status == Status.FAILURE
    if class_uid == OcsfClass.AUTHENTICATION and failed:
        kind = LogType.FAILED_LOGIN
    facts = deed(LogType(kind), class_uid, activity_id, status)
    if failed:
        facts["status_detail"] = reason or (StatusDetail.OTHER if class_uid == OcsfClass.AUTHENTICATION else "")
        facts["severity_id"] = Severity.LOW
    if said_outcome and (status == Status.UNKNOWN or reason == StatusDetail.OTHER):
        facts["status_code"] = clean(said_outcome)[:120]
    return facts


def _put_plain(facts: Facts, values: Values) -> None:
    """Write texts and numbers; a number that cannot be read stays beside, in `extra`."""
    extra: dict[str, object] = {}
    target: dict[str, object] = facts  # type: ignore[assignment]  # the keys are checked by the mapping
    for field, value in values.items():
        if field in TEXT_FIELDS:
            target[field] = said(as_text(value))
        elif field in NUMBER_FIELDS and value not in (None, ""):
            number = _number(value)
            if number is None:
                extra[field] = clean(as_text(value))[:200]
            else:
                target[field] = number
        elif field.startswith("extra."):
            extra[field[6:]] = clean(value) if isinstance(value, str) else value
    if facts.get("actor_type") not in _ACTOR_TYPES:
        facts["actor_type"] = ActorType.USER
    if values.get("duration_s") not in (None, ""):
        facts["duration_ms"] = _number(values["duration_s"], 1000)
    facts["repeat_count"] = max(1, facts.get("repeat_count", 1))
    facts["extra"] = bounded(_plain(extra))


def _plain(extra: dict[str, object]) -> dict[str, object]:
    """Give values that PostgreSQL's jsonb takes: nested ones become their JSON as clean text."""
    return {
        clean(key): value if isinstance(value, str | int | float | bool | None) else clean(as_text(value))
        for key, value in extra.items()
    }


def _put_place(facts: Facts, values: Values) -> None:
    source = address(as_text(values.get("src_ip")))
    if source.host and facts.get("src_host"):
        source = source._replace(host=facts["src_host"])
    host = facts.get("src_host", "")
    put_source(facts, source)
    facts["src_host"] = source.host or host
    port = port_number(as_text(values.get("src_port")) or None)
    if port is not None:
        facts["src_port"] = port
    word = as_text(values.get("mfa")).strip().lower()
    if word in _YES or word in _NO:
        facts["mfa"] = word in _YES
    facts["native_id"] = record_id(as_text(values.get("native_id")))
    listed = values.get("privileges")
    parts = listed if isinstance(listed, list) else as_text(listed).replace(";", ",").split(",")
    facts["privileges"] = tuple(name for part in parts[:50] if (name := said(as_text(part))))
