"""One reader for the JSON logs of cloud services; what differs between vendors is a table of data, a `Vendor`.

A path names a member: `a.b` is member b of object a, `a.0` the first of a list, `x|y` x or else y, and `~` stands for a
dot inside a name. Names are matched exactly first; where an exporter has lowered them (Event Hub), as it is told by
`Vendor.lowered` or by a record without event or time, they are matched without regard to case.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import methodcaller
from typing import NamedTuple, cast

import msgspec

from logs.kinds import ActorType, Ignored, LogType, OcsfClass, Outcome, Quarantined, Severity, SourceSettings, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts, Parser, make_draft, put_source
from logs.parsers.framing import Record, json_records
from logs.parsers.saas.deeds import Deed, by_verb
from logs.parsers.saas.tables import TableRow, is_table, table_rows
from logs.parsers.saas.values import Row, lowered, moment, number, shown, text
from logs.parsers.text import address, clean, record_id, said, sentence

_decoder = msgspec.json.Decoder(dict[str, object])
_PEOPLE = frozenset({"user", "users", "User", "person"})
_SUCCESS, _FAILURE = int(Status.SUCCESS), int(Status.FAILURE)
_USER, _UNKNOWN = ActorType.USER.value, ActorType.UNKNOWN.value
_OFTEN = 160
"""Longest outcome whose meaning is remembered: a hostile one must not fill the memory."""
_IAM = frozenset({OcsfClass.ACCOUNT_CHANGE, OcsfClass.USER_ACCESS, OcsfClass.GROUP_MANAGEMENT})

Getter = Callable[[Row], object]
Amend = Callable[[Facts, Row], None]


class Vendor(NamedTuple):
    """All that is to be known of one vendor's log.

    `event` is the path of the event's name, or a function; `deeds` says what the names mean, `otherwise` what other
    names do, `ignored` which are no access and why. `outcome` is the path of the value that tells success or the reason
    of a refusal (`outcomes`, by lower case; `unmapped` for other values; `silent` where there is none). `fields` are
    texts and numbers of a `Draft` by path; `native` paths that together are the record's id; `extra` what is kept
    beside. The members of the object `nested` are read beside the others; `shape` may rewrite a decoded record; `amend`
    has the last word. A CSV export has one of `columns`. `lowered` are marks of an exporter that lowers names.
    """

    name: str
    title: str
    app: str
    time: str
    event: str | Callable[[Row], str]
    deeds: Mapping[str, Deed]
    fields: Mapping[str, str]
    otherwise: Callable[[str], Deed] = by_verb
    ignored: Mapping[str, str] = {}
    native: tuple[str, ...] = ()
    outcome: str = ""
    outcomes: Mapping[str, Status | Why] = {}
    unmapped: Status | Why = Status.UNKNOWN
    silent: Status = Status.SUCCESS
    actor_types: Mapping[str, ActorType] = {}
    yes: frozenset[str] = frozenset({"true", "yes", "1"})
    extra: Mapping[str, str] = {}
    wrappers: tuple[str, ...] = ()
    nested: str = ""
    shape: Callable[[Row], Row] | None = None
    amend: Amend | None = None
    lowered: tuple[bytes, ...] = ()
    columns: tuple[bytes, ...] = ()
    version: str = "1"


def _member(parts: tuple[str, ...]) -> Getter:
    """Give the function that follows one path."""
    if len(parts) == 1:
        return methodcaller("get", parts[0])
    if len(parts) == 2 and not parts[1].isdecimal():
        return _inner_member(*parts)

    first, rest = parts[0], tuple((part, int(part) if part.isdecimal() else -1) for part in parts[1:])

    def follow(row: Row) -> object:
        value = row.get(first)
        for part, place in rest:
            if type(value) is dict:
                value = value.get(part)
            elif type(value) is list and 0 <= place < len(value):
                value = value[place]
            else:
                return None
        return value

    return follow


def _inner_member(outer: str, name: str) -> Getter:
    """Give the function that finds a member of an object; most paths are such."""

    def inner(row: Row) -> object:
        value = row.get(outer)
        return value.get(name) if isinstance(value, dict) else None

    return inner


def _first_member(names: list[str]) -> Getter:
    """Give the function that finds the first of these members of the record itself that is not empty."""

    def first(row: Row) -> object:
        for name in names:
            value = row.get(name)
            if value is not None and value != "":
                return value
        return None

    return first


def getter(paths: str) -> Getter:
    """Give the function that finds the first value at these paths that is not empty, or None."""
    parts = [tuple(part.replace("~", ".") for part in path.strip().split(".")) for path in paths.split("|")]
    found = [_member(path) for path in parts]
    if len(found) == 1:
        return found[0]
    if all(len(path) == 1 for path in parts):
        return _first_member([path[0] for path in parts])

    def first(row: Row) -> object:
        for get in found:
            value = get(row)
            if value is not None and value != "":
                return value
        return None

    return first


class Reader:
    """Reads the records of one vendor."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._time, self._outcome = getter(vendor.time), getter(vendor.outcome) if vendor.outcome else None
        self._event = self._name_from(getter(vendor.event)) if isinstance(vendor.event, str) else vendor.event
        fields = dict(vendor.fields)
        special = ("src_ip", "actor_type", "mfa", "privileges")
        self._address, self._actor_type, self._mfa, self._privileges = (
            getter(fields.pop(name)) if name in fields else None for name in special
        )
        numeric = ("duration_ms", "bytes_in", "bytes_out", "rows_count", "src_port")
        self._numbers = [(name, getter(fields.pop(name))) for name in numeric if name in fields]
        self._texts = [(name, getter(paths)) for name, paths in fields.items()]
        self._native = [getter(path) for path in vendor.native]
        self._extra = [(name, getter(paths)) for name, paths in vendor.extra.items()]
        self._names = self._known_names()
        self._meaning = lru_cache(maxsize=4096)(self._mean)
        self._result = lru_cache(maxsize=4096)(self._judge)
        self._kinds = {word: kind.value for word, kind in vendor.actor_types.items()}

    @staticmethod
    def _name_from(get: Getter) -> Callable[[Row], str]:
        return lambda row: shown(get(row))

    def _known_names(self) -> dict[str, str]:
        vendor = self._vendor
        paths = [
            vendor.time,
            vendor.outcome,
            vendor.nested,
            *vendor.fields.values(),
            *vendor.native,
            *vendor.extra.values(),
        ]
        if isinstance(vendor.event, str):
            paths.append(vendor.event)
        parts = {p.strip().replace("~", ".") for path in paths for one in path.split("|") for p in one.split(".")}
        return {part.lower(): part for part in sorted(parts)}

    def _mean(self, name: str) -> Deed | str:
        """Give what an event's name means, or the reason why it is no access event."""
        if ignored := self._vendor.ignored.get(name):
            return ignored
        deed = self._vendor.deeds.get(name) or self._vendor.otherwise(name)
        return Deed(int(deed.kind), int(deed.class_uid), deed.activity, deed.outcome)

    def read(self, record: Record) -> Outcome:
        """Read one JSON record."""
        try:
            row: Row = _decoder.decode(record.raw)
            for mark in self._vendor.lowered:
                if mark in record.raw:
                    row = lowered(row, self._names)
                    break
        except (ValueError, RecursionError) as error:
            reason = f"The record is no {self._vendor.title} that can be read. {sentence(error)}"
            return Quarantined(record.raw, reason, record.position)
        return self.understand(row, record)

    def understand(self, row: Row, record: Record) -> Outcome:
        """Give the event of one decoded record."""
        shaped = self._shaped(row)
        name, when = self._event(shaped), self._time(shaped)
        if not name or when is None:
            shaped = self._shaped(lowered(row, self._names))
            name, when = self._event(shaped), self._time(shaped)
        meaning = self._meaning(name[:300]) if name else None
        if isinstance(meaning, str):
            return Ignored(record.raw, meaning, record.position)
        try:
            at = moment(when)
        except ValueError as error:
            reason = f"The time of the {self._vendor.title} cannot be read. {sentence(error)}"
            return Quarantined(record.raw, reason, record.position)
        if meaning is None:
            reason = f"The record names no event of the {self._vendor.title}."
            return Quarantined(record.raw, reason, record.position)
        return make_draft(at, record.raw, record.position, self._facts(shaped, meaning, name))

    def _shaped(self, row: Row) -> Row:
        inner = row.get(self._vendor.nested) if self._vendor.nested else None
        if isinstance(inner, dict):
            row = {**inner, **row}
        return self._vendor.shape(row) if self._vendor.shape else row

    def _facts(self, row: Row, deed: Deed, name: str) -> Facts:
        facts = Facts(log_type=deed.kind, class_uid=deed.class_uid, activity_id=deed.activity)
        facts["app"], facts["action"] = self._vendor.app, clean(name)  # joined of raw parts by some vendors
        self._put_plain(facts, row)
        if self._address:
            put_source(facts, address(text(self._address(row))))
        self._put_outcome(facts, row, name[:300])
        self._put_people(facts, row)
        if self._native:
            facts["native_id"] = self._native_id(row)
        if self._vendor.amend:
            self._vendor.amend(facts, row)
        settle(facts)
        return facts

    def _put_plain(self, facts: Facts, row: Row) -> None:
        """Write texts, numbers and what is kept beside; flat on purpose, it runs for every field of every record."""
        plain = cast("dict[str, object]", facts)
        for field, get in self._texts:
            value = get(row)
            if value is not None and (words := said(value) if isinstance(value, str) else shown(value)):
                plain[field] = words
        for field, get in self._numbers:
            plain[field] = number(get(row))
        extra: dict[str, object] = {}
        for key, get in self._extra:
            value = get(row)
            if value is not None and (words := shown(value)):
                extra[key] = words[:300]
        if extra:
            facts["extra"] = extra

    def _native_id(self, row: Row) -> str:
        """Give the id of a record, "" where a part of it is missing."""
        if len(self._native) == 1:
            return record_id(text(self._native[0](row)))
        parts = [text(get(row)) for get in self._native]
        return record_id("/".join(parts)) if all(parts) else ""

    def _put_outcome(self, facts: Facts, row: Row, name: str) -> None:
        value = text(self._outcome(row)) if self._outcome else ""
        status, why, code = self._result(value, name) if len(value) <= _OFTEN else self._judge(value, name)
        facts["status_id"] = status
        if why:
            facts["status_detail"] = why
        if status != _SUCCESS and not facts.get("status_code"):
            facts["status_code"] = code

    def _judge(self, value: str, name: str) -> tuple[int, str, str]:
        """Give status, reason of a refusal and the shown outcome of an event whose outcome the record tells so."""
        vendor, deed = self._vendor, self._meaning(name)
        result = vendor.outcomes.get(value.lower(), vendor.unmapped) if value else vendor.silent
        if isinstance(deed, Deed) and deed.outcome is not None and not isinstance(result, Why):
            result = deed.outcome
        if isinstance(result, Why):
            return int(Status.FAILURE), result.value, clean(value)[:120]
        return int(result), "", clean(value)[:120]

    def _put_people(self, facts: Facts, row: Row) -> None:
        """Write what kind of account acted, on what kind of target, and with which factor and rights."""
        kind = text(self._actor_type(row)).lower() if self._actor_type else ""
        named = _USER if "actor_name" in facts or "actor_uid" in facts else _UNKNOWN
        facts["actor_type"] = self._kinds.get(kind, named) if kind else named
        if "target_name" in facts or "target_uid" in facts:
            plain = "account" if facts["class_uid"] in _IAM else "object"
            facts["target_kind"] = "account" if (said_kind := facts.get("target_kind", plain)) in _PEOPLE else said_kind
        if self._mfa:
            factor = text(self._mfa(row)).lower()
            if factor and facts["status_id"] == _SUCCESS:
                facts["mfa"] = factor in self._vendor.yes
        if self._privileges:
            held = self._privileges(row)
            listed = held if isinstance(held, list) else [held]
            facts["privileges"] = tuple(right for item in listed[:50] if (right := shown(item)))


def settle(facts: Facts) -> None:
    """Make kind, reason and severity agree with the outcome: a refused authentication is always a failed log-in."""
    if facts["status_id"] != _FAILURE:
        return
    facts["severity_id"] = max(int(facts.get("severity_id", 1)), Severity.LOW)
    if facts["class_uid"] == OcsfClass.AUTHENTICATION:
        facts["log_type"] = LogType.FAILED_LOGIN
        if not facts.get("status_detail"):
            facts["status_detail"] = Why.OTHER


def parser_of(vendor: Vendor) -> Parser:
    """Make the parser of one vendor."""
    reader = Reader(vendor)
    wrapper = "|".join(vendor.wrappers)

    def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:  # noqa: ARG001 -- one shape for all
        """Read a body; every record gives one draft, one quarantined or one ignored record."""
        if vendor.columns:
            tabular, body = is_table(body, vendor.columns)
            if tabular:
                for found in table_rows(body):
                    yield reader.understand(found.row, found.record) if isinstance(found, TableRow) else found
                return
        for record in json_records(body, wrapper):
            yield reader.read(record) if isinstance(record, Record) else record

    return Parser(vendor.name, vendor.version, vendor.title, parse)
