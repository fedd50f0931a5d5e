"""A saved mapping: which column or JSON path of a foreign log is which field of an event, and what its values mean.

A mapping is a plain JSON object, so that a form can edit it and a source can keep it:

- `columns`: CSV column or dotted JSON path -> field (`FIELDS`, or `extra.<name>` to keep a value beside).
- `time_format`: `iso`, `epoch`, `epoch_ms`, `epoch_us`, `epoch_ns`, or a strptime pattern such as `%d/%m/%Y %H:%M:%S`.
- `time_zone`: IANA zone of times without an offset; empty takes the source's.
- `log_type`: the kind of every record (1 to 7 or its name, `remote`); `log_types`: value of field `kind` -> kind.
- `outcome`: the outcome of every record; `outcomes`: value of field `outcome` -> `success`, `failure`, `unknown`, or
  a reason of the closed list (`bad_password`), which is a failure too.
- `activities`: value of field `action` -> [OCSF class, activity]; otherwise the usual ones of the kind.
- `app`: the application of every record; `header`: the column names of a CSV without a header line; `delimiter`.

Values are compared without regard to case. A value that no map names is kept and never guessed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

import msgspec

from logs.kinds import LogType, OcsfClass, ParseError, SourceSettings, StatusDetail
from logs.parsers.text import clean
from logs.parsers.times import Moment, epoch_time, in_range, iso_time, short, zone

TEXT_FIELDS = frozenset(
    {
        "actor_name",
        "actor_uid",
        "actor_type",
        "target_name",
        "target_uid",
        "target_kind",
        "src_host",
        "device_uid",
        "user_agent",
        "dst_host",
        "app",
        "resource",
        "database",
        "table",
        "action",
        "session_uid",
        "status_code",
        "ticket_ref",
    }
)
NUMBER_FIELDS = frozenset({"duration_ms", "bytes_in", "bytes_out", "rows_count", "repeat_count"})
FIELDS = TEXT_FIELDS | NUMBER_FIELDS
FIELDS |= {"occurred_at", "src_ip", "src_port", "duration_s", "mfa", "privileges", "native_id", "outcome", "kind"}
"""Every field that a column may be mapped to; `duration_s` is seconds and becomes `duration_ms`."""

_EPOCHS = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}
_KINDS = {kind.name.lower(): int(kind) for kind in LogType} | {str(int(kind)): int(kind) for kind in LogType}
_OUTCOMES = {"success": 1, "failure": 2, "unknown": 0}
_USUAL: dict[int, tuple[int, int]] = {
    LogType.SYSTEM_LOGIN: (OcsfClass.AUTHENTICATION, 1),
    LogType.APPLICATION: (OcsfClass.WEB_RESOURCES, 2),
    LogType.DATABASE: (OcsfClass.DATASTORE, 4),
    LogType.REMOTE: (OcsfClass.TUNNEL, 1),
    LogType.ADMIN: (OcsfClass.ENTITY_MANAGEMENT, 99),
    LogType.FAILED_LOGIN: (OcsfClass.AUTHENTICATION, 1),
    LogType.SESSION: (OcsfClass.WEB_RESOURCES, 99),
}


class SavedMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a saved mapping; `check_mapping` says what else must hold."""

    columns: dict[str, str]
    time_format: str = "iso"
    time_zone: str = ""
    log_type: int | str = ""
    log_types: dict[str, int | str] = {}
    outcome: str = ""
    outcomes: dict[str, str] = {}
    activities: dict[str, tuple[int, int]] = {}
    app: str = ""
    header: list[str] = []
    delimiter: str = ","


def check_mapping(mapping: Mapping[str, object]) -> list[str]:
    """Give a sentence for everything that is wrong with the mapping; an empty list means that it can be saved."""
    try:
        saved = msgspec.convert(dict(mapping), SavedMapping)
    except msgspec.ValidationError as error:
        return [f"The mapping has the wrong shape: {error}."]
    return [*_check_columns(saved), *_check_time(saved), *_check_values(saved)]


def _check_columns(saved: SavedMapping) -> list[str]:
    mapped = list(saved.columns.values())
    problems = [
        f"Column {column!r} is mapped to {field!r}, which is no field of an event."
        for column, field in saved.columns.items()
        if field not in FIELDS and not (field.startswith("extra.") and 6 < len(field) <= 64)
    ]
    if "occurred_at" not in mapped:
        problems.append("No column is mapped to the time (occurred_at). An event without its time cannot be stored.")
    if "actor_name" not in mapped and "actor_uid" not in mapped:
        problems.append("No column is mapped to the actor (actor_name). An event that names nobody proves nothing.")
    problems += [
        f"Two columns are mapped to {field!r}." for field in sorted({f for f in mapped if mapped.count(f) > 1})
    ]
    if len(saved.delimiter) != 1 or saved.delimiter in '"\r\n':
        problems.append("The delimiter must be one character, and neither a quote nor a line end.")
    return problems


def _check_time(saved: SavedMapping) -> list[str]:
    problems: list[str] = []
    if saved.time_zone:
        try:
            zone(saved.time_zone)
        except ParseError as error:
            problems.append(error.reason)
    if saved.time_format == "iso" or saved.time_format in _EPOCHS:
        return problems
    if not any(part in saved.time_format for part in ("%Y", "%y", "%c", "%x", "%G")):
        problems.append("The time format must be iso, epoch, epoch_ms, epoch_us, epoch_ns or hold a year (%Y).")
    return problems


def _check_values(saved: SavedMapping) -> list[str]:
    kinds = [saved.log_type, *saved.log_types.values()]
    problems = [f"{kind!r} is no log type." for kind in kinds if kind != "" and str(kind).lower() not in _KINDS]
    words = [saved.outcome, *saved.outcomes.values()]
    known = {*_OUTCOMES, *StatusDetail.values, ""}
    problems += [
        f"{word!r} is no outcome: use success, failure, unknown or a reason." for word in words if word not in known
    ]
    classes = {int(number) for number in OcsfClass}
    problems += [
        f"{pair[0]} is no class of access events." for pair in saved.activities.values() if pair[0] not in classes
    ]
    problems += [f"{pair[1]} is no activity." for pair in saved.activities.values() if not 0 <= pair[1] <= 99]
    if saved.log_type == "" and "kind" not in saved.columns.values():
        problems.append("Neither a log type nor a column that tells it (kind) is given.")
    return problems


Judged = tuple[int, int, int, int, str, str]
"""Log type, OCSF class, activity and status, the reason of a refusal, and the outcome as it was told."""


class Plan:
    """A checked mapping, ready to read records with."""

    def __init__(self, settings: SourceSettings) -> None:
        mapping = dict(settings.mapping or {})
        problems = check_mapping(mapping)
        if problems:
            raise ParseError(" ".join(problems))
        saved = msgspec.convert(mapping, SavedMapping)
        self.saved = saved
        self.columns = saved.columns
        self.app = saved.app
        self._zone = saved.time_zone or settings.time_zone
        zone(self._zone)
        self._kind = _KINDS.get(str(saved.log_type).lower(), 0)
        self._kinds = {key.strip().lower(): _KINDS[str(value).lower()] for key, value in saved.log_types.items()}
        self._outcomes = {key.strip().lower(): value for key, value in saved.outcomes.items()}
        self._activities = {key.strip().lower(): value for key, value in saved.activities.items()}
        self.fields = fields = tuple(saved.columns.values())
        self.texts = tuple(field for field in fields if field in TEXT_FIELDS)
        self.numbers = tuple(field for field in fields if field in NUMBER_FIELDS)
        self.beside = tuple(field for field in fields if field.startswith("extra."))
        self.places = not {"native_id", "src_ip", "src_port", "mfa", "privileges"}.isdisjoint(fields)

    def moment(self, value: object) -> Moment:
        """Read the time of a record. Raises ValueError with a sentence."""
        form = self.saved.time_format
        if form in _EPOCHS:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError("It is no number.")
            return epoch_time(value, _EPOCHS[form])
        if not isinstance(value, str):
            raise ValueError("It is no text.")  # noqa: TRY004 -- wrong data, not a wrong call
        return iso_time(value, self._zone) if form == "iso" else pattern_time(value, form, self._zone)

    def kind(self, value: str) -> int:
        """Give the log type of a record. Raises ValueError when no map and no default tells it."""
        kind = self._kinds.get(value.strip().lower(), self._kind)
        if not kind:
            raise ValueError(f"{value[:80]!r} is no kind of record that the mapping names, and there is no default.")
        return kind

    def outcome(self, value: str) -> tuple[int, str]:
        """Give OCSF status and reason; a value that the mapping does not name is unknown."""
        word = self._outcomes.get(value.strip().lower(), "" if value.strip() else self.saved.outcome)
        if word in _OUTCOMES:
            return _OUTCOMES[word], ""
        return (2, word) if word else (0, "")

    def activity(self, action: str, kind: int) -> tuple[int, int]:
        """Give OCSF class and activity of the vendor's word, or the usual ones of the kind."""
        return self._activities.get(action.strip().lower(), _USUAL[kind])

    def judge(self, outcome: str, action: str, kind: int) -> Judged:
        """Give what a record of this kind means whose outcome and action are told so."""
        status, reason = self.outcome(outcome)
        class_uid, activity_id = self.activity(action, kind)
        if kind == LogType.FAILED_LOGIN:
            status = 2
        authentication, code = class_uid == OcsfClass.AUTHENTICATION, ""
        if outcome and (status == 0 or reason == StatusDetail.OTHER):
            code = clean(outcome)[:120]
        if status != 2:
            return kind, int(class_uid), activity_id, status, "", code
        log_type = int(LogType.FAILED_LOGIN) if authentication else kind
        why = str(reason or (StatusDetail.OTHER if authentication else ""))
        return log_type, int(class_uid), activity_id, status, why, code


def pattern_time(text: str, pattern: str, zone_name: str) -> Moment:
    """Read a time by a strptime pattern; without %z it is in the zone given. Raises ValueError."""
    return _pattern_time(short(text), pattern, zone_name)


@lru_cache(maxsize=4096)
def _pattern_time(text: str, pattern: str, zone_name: str) -> Moment:
    try:
        when = datetime.strptime(text, pattern)  # noqa: DTZ007 -- the zone is put on below
    except re.error as error:
        raise ValueError(f"The time format {pattern!r} names a part twice.") from error
    if when.tzinfo is None:
        return in_range(when.replace(tzinfo=zone(zone_name))), 2
    return in_range(when), 1
