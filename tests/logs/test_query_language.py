"""The query language: what is read, what is refused and where, and that nothing ever breaks it."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.qualifiers import QUALIFIERS
from logs.querylang import (
    Form,
    Query,
    QueryError,
    Term,
    Value,
    add,
    address_of,
    only,
    parse,
    span,
    term,
    without,
    words_of,
    written,
)

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
MADRID: Final = ZoneInfo("Europe/Madrid")


def is_(name: str, *texts: str, negated: bool = False) -> Term:
    return Term(name, tuple(Value(text) for text in texts), negated)


def read(text: str) -> Query | QueryError:
    try:
        return parse(text)
    except QueryError as refused:
        return refused


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  ", []),
        ("user:ana", [is_("user", "ana")]),
        ("User:ana ACTOR:bob", [is_("user", "ana"), is_("user", "bob")]),
        ("-user:ana,bob", [is_("user", "ana", "bob", negated=True)]),
        ('action:"data export",read', [is_("action", "data export", "read")]),
        (r'action:"a \"b\" \\c"', [is_("action", r'a "b" \c')]),
        ("action:exp*", [Term("action", (Value("exp", Form.BEGINS),))]),
        ("ticket:*", [Term("ticket", (Value("", Form.ANY),))]),
        ('action:"exp*"', [is_("action", "exp*")]),
        ("ip:10.1.2.3/8", [is_("ip", "10.0.0.0/8")]),
        ("network:::ffff:203.0.113.7", [is_("ip", "203.0.113.7")]),
        ("ip:2001:DB8::1", [is_("ip", "2001:db8::1")]),
        ("type:6 kind:VPN", [is_("type", "failed"), is_("type", "remote")]),
        ("outcome:Denied", [is_("outcome", "denied")]),
        ('web1 "data export" -root', [is_("", "web1"), is_("", "data export"), is_("", "root", negated=True)]),
        ("fe80::1 10:30:15", [is_("", "fe80::1"), is_("", "10:30:15")]),
        ("a,b and x*", [is_("", "a,b"), is_("", "and"), is_("", "x")]),
        ("'; DROP TABLE x--", [is_("", "';"), is_("", "DROP"), is_("", "TABLE"), is_("", "x--")]),
    ],
)
def test_what_is_typed_is_read(text: str, terms: list[Term]) -> None:
    assert list(parse(text).terms) == terms


@pytest.mark.parametrize(
    ("text", "at", "part"),
    [
        ("ana usr:bob", 5, "write user:, or put"),
        ("zzzz:bob", 1, "put the text in quotation marks"),
        ("user:", 1, "user:* for any"),
        ("user:ana,", 1, "without a value"),
        ("user:,ana", 1, "without a value"),
        ("- ana", 1, "a minus with nothing behind it"),
        ("ana -", 5, "a minus with nothing behind it"),
        ('x "data export', 3, "never ends"),
        ('"" x', 1, "empty quotation"),
        ('user:a"b"', 7, "around the whole value"),
        ('"a"b', 4, "around the whole value"),
        ("outcome:maybe", 1, "allowed, denied, unstated"),
        ("outcome:*", 1, "it takes one of"),
        ("type:8", 1, "it takes one of login"),
        ("ip:10.0.0", 1, "no address"),
        ("ip:fe80::1%eth0", 1, "no address"),
        ("a OR b", 3, "a comma means or"),
        ("*", 1, "a star alone"),
        ("after:yesterday", 1, "2026-11-20"),
        ("after:2026-02-30", 1, "cannot be read"),
        ("after:1800-01-01", 1, "cannot be read"),
        ("-after:2026-01-01", 1, "without a minus"),
        ("after:1d,2d", 1, "cannot be read"),
        ("after:1d after:2d", 10, "second time"),
        ("on:2026-11-20 after:1d", 15, "second time"),
        ("a\x00b", 2, "no log holds"),
        ("x " * 60, 101, "value after number 50"),
    ],
)
def test_a_wrong_query_gets_a_sentence_that_says_where(text: str, at: int, part: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text)
    assert (refused.value.at, part in refused.value.sentence) == (at, True), refused.value.sentence
    assert refused.value.sentence.startswith(f"At character {at} ")
    assert refused.value.sentence.endswith(".")


def test_a_query_that_is_too_long_is_refused() -> None:
    with pytest.raises(QueryError, match="longer than 2,000 characters"):
        parse("x" * 2001)


PIECES: Final = st.one_of(
    st.sampled_from([*(f"{name}:" for name in QUALIFIERS), "-", '"', ",", "*", " ", "\\", "OR", "7d", "::1", "denied"]),
    st.text(max_size=6),
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join)))
def test_any_text_is_a_query_or_a_sentence(text: str) -> None:
    found = read(text)
    if isinstance(found, QueryError):
        assert 1 <= found.at <= len(text) + 1
    else:
        assert parse(written(found)) == found
        assert all(words_of(one) for one in found.terms)


@given(st.text(min_size=1), st.booleans())
def test_any_value_is_written_so_that_it_is_read_again(text: str, negated: bool) -> None:
    for name in ("", "user", "action"):
        one = term(name, text, negated=negated)
        found = read(written(Query((one,))))
        if isinstance(found, QueryError):
            assert "no log holds" in found.sentence or "empty quotation" in found.sentence or len(text) > 900
        else:
            assert found.terms == (one,)


def test_plus_and_minus_replace_what_they_contradict() -> None:
    read = parse("user:ana -action:read web1")
    assert written(only(read, term("user", "bob"))) == "-action:read web1 user:bob"
    assert written(add(read, term("user", "ana", negated=True))) == "-action:read web1 -user:ana"
    assert written(add(read, term("action", "read"))) == "user:ana web1 action:read"
    assert written(without(read, term("", "web1"))) == "user:ana -action:read"


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("after:2026-11-19", datetime(2026, 11, 18, 23, tzinfo=UTC), NOW),
        ("before:2026-11-20", NOW - timedelta(hours=13, days=7), NOW - timedelta(hours=13)),
        ("on:2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("on:2026-11-20T09:30", datetime(2026, 11, 20, 8, 30, tzinfo=UTC), datetime(2026, 11, 20, 8, 31, tzinfo=UTC)),
        ("after:24h before:90m", NOW - timedelta(hours=24), NOW - timedelta(minutes=90)),
        ("after:2026-11-20T10:00Z", NOW - timedelta(hours=2), NOW),
    ],
)
def test_times_are_read_in_the_tenants_zone(text: str, since: datetime, until: datetime) -> None:
    assert span(parse(text), zone=MADRID, now=NOW, usual=timedelta(days=7)) == (since, until)


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    assert span(parse("user:ana"), zone=MADRID, now=NOW, usual=timedelta(days=7)) is None
    for text in ("after:1d before:2d", "after:2027-01-01"):
        with pytest.raises(QueryError, match="ends before it begins"):
            span(parse(text), zone=MADRID, now=NOW, usual=timedelta(days=7))


def test_an_address_is_known_by_its_canonical_form() -> None:
    assert [address_of(text) for text in ("::FFFF:10.0.0.1", "10.0.0.0/8", "10.0.0.1/32", "x", "fe80::1%eth0")] == [
        "10.0.0.1",
        "",
        "",
        "",
        "",
    ]
