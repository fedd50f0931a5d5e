"""The language in which events are searched: qualifiers and free text, read into terms and written again. Pure.

``user:ana outcome:denied -ip:10.0.0.0/8 "data export" after:2026-11-01`` is a conjunction of terms. A term is a
qualifier with one value or several (commas mean or), or a word or quoted phrase of free text; a minus in front leaves
its matches out. ``action:exp*`` is a beginning, ``ticket:*`` any value. Docs: docs/search.md.
"""

import difflib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from logs.kinds import StatusDetail
from logs.qualifiers import ALIASES, QUALIFIERS, TYPES
from logs.querytimes import begin_of, end_of, read_moment

MOST_CHARS: Final = 2000
MOST_VALUES: Final = 50
SPANS: Final = frozenset({"1", "7", "30", "90"})
"""Windows in days that an address may hold."""


class QueryError(ValueError):
    """A query that cannot be read: a full sentence that says what is wrong and at which character (from 1)."""

    def __init__(self, sentence: str, at: int) -> None:
        super().__init__(sentence)
        self.sentence, self.at = sentence, at


class Form(Enum):
    """How a value is compared."""

    IS = "is"
    BEGINS = "begins"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Value:
    """What a term compares with; ``text`` is empty for `Form.ANY`."""

    text: str
    form: Form = Form.IS


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: a qualifier ("" for free text), its alternatives, and where it stands in the text."""

    name: str
    values: tuple[Value, ...]
    negated: bool = False
    at: int = field(default=1, compare=False)

    @property
    def text(self) -> str:
        """The first value, as it is compared."""
        return self.values[0].text


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that must all hold."""

    terms: tuple[Term, ...] = ()

    def of(self, name: str) -> Term | None:
        """Return the first term of a qualifier."""
        return next((term for term in self.terms if term.name == name), None)


_NAME: Final = re.compile(r"([A-Za-z_]+):")
_SPACE: Final = re.compile(r"\s*")
_PLAIN: Final = re.compile(r'[^\s",]+')
_WORD: Final = re.compile(r'[^\s"]+')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")
_SAFE_WORD: Final = re.compile(r"\w[\w.@/+=-]*")
_LOGIC: Final = {"AND", "OR", "NOT"}


def parse(text: str) -> Query:
    """Return the terms of a query; an empty text gives a query that everything matches.

    Raises:
        QueryError: the text is no query; the sentence says what is wrong and where.
    """
    if len(text) > MOST_CHARS:
        message = f"This query is longer than {MOST_CHARS:,} characters: shorten it."
        raise QueryError(message, MOST_CHARS)
    if bad := _UNREADABLE.search(text):
        raise _wrong(bad.start(), "stands a character that no log holds: take it out")
    terms: list[Term] = []
    place, values = _skip(text, 0), 0
    while place < len(text):
        term, place = _term(text, place)
        values += len(term.values)
        if values > MOST_VALUES:
            raise _wrong(term.at - 1, f"stands the value after number {MOST_VALUES}: ask for fewer at once")
        terms.append(term)
        place = _skip(text, place)
    _check_times(terms)
    return Query(tuple(terms))


def _wrong(place: int, what: str) -> QueryError:
    return QueryError(f"At character {place + 1} {what}.", place + 1)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _term(text: str, place: int) -> tuple[Term, int]:
    """Return the term that begins at a place, and where it ends."""
    start = place
    negated = text[place] == "-"
    place += negated
    if place >= len(text) or text[place].isspace():
        raise _wrong(start, "stands a minus with nothing behind it: write -user:ana or -word, or take it away")
    named = _NAME.match(text, place)
    if named and not _is_address(text, place):
        name = _known(named[1], start)
        values, end = _values(text, named.end(), name, start)
        _check(name, values, negated=negated, at=start)
        return Term(name, tuple(_normal(name, value, start) for value in values), negated, start + 1), end
    word, end = _read(text, place, _WORD)
    return Term("", (_free(word, start),), negated, start + 1), end


def _is_address(text: str, place: int) -> bool:
    """Return whether the word is an IPv6 address, which would else look like a qualifier."""
    word = _WORD.match(text, place)
    return bool(word and address_of(word[0]))


def _known(name: str, place: int) -> str:
    lower = name.lower()
    found = ALIASES.get(lower, lower)
    if found in QUALIFIERS:
        return found
    near = difflib.get_close_matches(lower, [*QUALIFIERS, *ALIASES], 1)
    hint = f"write {near[0]}:, or put" if near else "put"
    raise _wrong(place, f"stands “{name}:”, which is no qualifier; {hint} the text in quotation marks to look for it")


def _values(text: str, place: int, name: str, start: int) -> tuple[list[Value], int]:
    """Return the alternatives of a qualifier, and where they end."""
    values = []
    while True:
        if place >= len(text) or text[place].isspace() or text[place] == ",":
            raise _wrong(start, f"stands {name}: without a value: write {name}:value, or {name}:* for any")
        value, place = _read(text, place, _PLAIN)
        values.append(value)
        if place >= len(text) or text[place] != ",":
            return values, place
        place += 1


def _read(text: str, place: int, bare: re.Pattern[str]) -> tuple[Value, int]:
    """Return a quoted or a bare value, and where it ends."""
    if text[place] == '"':
        quoted = _QUOTED.match(text, place)
        if quoted is None:
            raise _wrong(place, "begins a quotation that never ends: add a quotation mark")
        value, end = Value(_ESCAPED.sub(r"\1", quoted[1])), quoted.end()
        if not value.text.strip():
            raise _wrong(place, "stands an empty quotation: write something between the marks")
    else:
        found = bare.match(text, place)
        word, end = (found[0], found.end()) if found else ("", place)
        shape = Form.BEGINS if word.endswith("*") else Form.IS
        word = word.rstrip("*")
        value = Value(word, shape if word else Form.ANY)
    if end < len(text) and not (text[end].isspace() or (bare is _PLAIN and text[end] == ",")):
        raise _wrong(end, "is a quotation mark inside a value: put the marks around the whole value")
    return value, end


def _free(value: Value, place: int) -> Value:
    """Return a word of free text, which is found anywhere in a text, so that a star adds nothing."""
    if value.form is Form.ANY:
        raise _wrong(place, "stands a star alone, which means nothing here: write a word")
    if value.text in _LOGIC and value.form is Form.IS:
        hint = "all parts must hold anyway, a comma means or (user:ana,bob), a minus means not"
        raise _wrong(place, f"stands {value.text}: {hint}; to look for the word itself write it in small letters")
    return Value(value.text)


def _check(name: str, values: Iterable[Value], *, negated: bool, at: int) -> None:
    """Refuse what a qualifier does not take.

    Raises:
        QueryError: a value is none of its choices, no address, no time, or the minus makes no sense.
    """
    known = QUALIFIERS[name]
    for number, value in enumerate(values):
        if known.is_time and (negated or number or read_moment(value.text) is None or value.form is not Form.IS):
            hint = "write one day (2026-11-20), a time (2026-11-20T14:30) or an age (90m, 24h, 7d, 2w), without a minus"
            raise _wrong(at, f"stands {name}: with a time that cannot be read; {hint}")
        if known.choices and (value.form is not Form.IS or value.text.lower() not in known.choices):
            words = ", ".join(dict.fromkeys(known.choices.values()))
            raise _wrong(at, f"stands {name}: with “{value.text or '*'}”; it takes one of {words}")
        if known.read and (value.form is Form.BEGINS or (value.form is Form.IS and not known.read(value.text))):
            raise _wrong(at, f"stands {name}: with “{value.text}”, which it does not take; {known.hint}")
        if known.shape == "address" and value.form is not Form.ANY and network_of(value) is None:
            hint = "write 203.0.113.7, 10.0.0.0/8 or an IPv6 address"
            raise _wrong(at, f"stands {name}: with “{value.text}”, which is no address; {hint}")


def _normal(name: str, value: Value, place: int) -> Value:  # noqa: ARG001 -- one shape for all parts of a term
    """Return the value in the one form in which it is kept."""
    known = QUALIFIERS[name]
    if known.choices:
        return Value(known.choices[value.text.lower()])
    if known.read and value.form is Form.IS:
        return Value(known.read(value.text))
    if known.shape == "address" and (network := network_of(value)) is not None:
        whole = network.prefixlen == network.max_prefixlen
        return Value(str(network.network_address) if whole else str(network))
    return value


def _check_times(terms: Iterable[Term]) -> None:
    """Refuse a time that is given twice."""
    seen: set[str] = set()
    for term in terms:
        if term.name in {"after", "before", "on"}:
            twice = term.name in seen or (seen and "on" in {term.name, *seen})
            if twice:
                raise _wrong(
                    term.at - 1, "the time is given a second time: keep one after: and one before:, or one on:"
                )
            seen.add(term.name)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network_of(value: Value) -> Network | None:
    """Return the network that a value names, a single address as a network of one; None when it names none."""
    if value.form is not Form.IS or "%" in value.text:
        return None
    try:
        found = ipaddress.ip_network(value.text.strip(), strict=False)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen == 128:
        mapped = found.network_address.ipv4_mapped
        return ipaddress.IPv4Network(mapped) if mapped else found
    return found


def address_of(text: str) -> str:
    """Return a canonical IP address, "" when the text is none; an IPv4 address in IPv6 clothes is the IPv4 address."""
    found = network_of(Value(text))
    return str(found.network_address) if found and found.num_addresses == 1 and "/" not in text else ""


def span(query: Query, *, zone: ZoneInfo, now: datetime, usual: timedelta) -> tuple[datetime, datetime] | None:
    """Return the window that a query asks for, None when it names none; without a begin it is ``usual`` long.

    Raises:
        QueryError: it ends before it begins.
    """
    on, after, before = (query.of(name) for name in ("on", "after", "before"))
    if on and (moment := read_moment(on.text)) is not None:
        return begin_of(moment, zone, now), end_of(moment, zone, now)
    start = read_moment(after.text) if after else None
    end = read_moment(before.text) if before else None
    if start is None and end is None:
        return None
    until = now if end is None else begin_of(end, zone, now)
    since = until - usual if start is None else begin_of(start, zone, now)
    if since >= until:
        place = max(one.at for one in (after, before) if one)
        raise _wrong(place - 1, "the time ends before it begins: put a later time in before:, or an earlier in after:")
    return since, until


def term(name: str, text: str, *, negated: bool = False) -> Term:
    """Return a term of one exact value, as `parse` would read it.

    Raises:
        QueryError: the qualifier does not take the value.
    """
    value = Value(text)
    if name:
        _check(name, [value], negated=negated, at=0)
        value = _normal(name, value, 0)
    return Term(name, (value,), negated)


def written(query: Query) -> str:
    """Return the query as text that `parse` reads as the same query."""
    return " ".join(written_term(one) for one in query.terms)


def written_term(one: Term) -> str:
    """Return a term as text."""
    minus = "-" if one.negated else ""
    if not one.name:
        return minus + _word(one.text)
    return f"{minus}{one.name}:" + ",".join(_value(value) for value in one.values)


def _word(text: str) -> str:
    bare = _SAFE_WORD.fullmatch(text) and text not in _LOGIC
    return text if bare else _quote(text)


def _value(value: Value) -> str:
    if value.form is not Form.IS:
        return f"{value.text}*"
    bare = _PLAIN.fullmatch(value.text) and not value.text.endswith("*")
    return value.text if bare else _quote(value.text)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def only(query: Query, one: Term) -> Query:
    """Return the query narrowed to a term: it takes the place of what was asked of the same qualifier."""
    if not one.name:
        return add(query, one)
    return Query((*(other for other in query.terms if other.name != one.name), one))


def add(query: Query, one: Term) -> Query:
    """Return the query with one more term; what contradicts it, or says the same, goes."""
    opposite = replace(one, negated=not one.negated)
    return Query((*(other for other in query.terms if other not in {one, opposite}), one))


def without(query: Query, one: Term) -> Query:
    """Return the query without a term."""
    return Query(tuple(other for other in query.terms if other != one))


def address(text: str, window: str) -> str:
    """Return the part of the search page's address that holds a query and a window ("" for the page's own)."""
    tail = f"&window={window}" if window in SPANS else ""
    return f"?q={quote(text, safe=':,*/@')}{tail}"


def words_of(one: Term) -> str:
    """Return a term in words, for a reader of the page."""
    alternatives = " or ".join(_spoken(one, value) for value in one.values)
    label = QUALIFIERS[one.name].label if one.name else "Words"
    return f"{'Not ' + label.lower() if one.negated else label}: {alternatives}"


def _spoken(one: Term, value: Value) -> str:
    if one.name == "type":
        return str(TYPES[value.text].label)
    if one.name == "reason":
        return str(StatusDetail(value.text).label)
    return {Form.IS: value.text, Form.BEGINS: f"{value.text}…", Form.ANY: "any"}[value.form]
