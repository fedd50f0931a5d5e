"""Sealing: the canonical subset, the salted commitments and the entry of a leaf."""

import enum
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import entries
from ledger.kinds import LeafKind

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)
SALT = bytes(range(32))


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_it_writes_what_the_standard_library_writes(obj: dict[str, entries.Json]) -> None:
    expected = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert entries.canonical(obj) == expected
    assert entries.parse_canonical(expected) == obj


@pytest.mark.parametrize("char", [chr(c) for c in [*range(0x21), 0x22, 0x5C, 0x7F, 0x80, 0x2028, 0xFEFF, 0x1F600]])
def test_it_escapes_every_special_character_like_the_standard_library(char: str) -> None:
    assert entries.canonical({"a": char}) == json.dumps({"a": char}, separators=(",", ":"), ensure_ascii=False).encode()


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.0, "float"),
        (-0.0, "float"),
        (float("nan"), "float"),
        (2**53, "2^53"),
        (-(2**53), "2^53"),
        (b"x", "bytes"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime"),
        (Colour.RED, "Colour"),
        ({1: "a"}, "key 1"),
        ({"ß": "a"}, "ASCII"),
        ("\ud800", "surrogate"),
        ([[1, {"x": 0.5}]], r"\$\.v\[0\]\[1\]\.x"),
    ],
)
def test_it_refuses_what_encoders_write_differently(value: entries.Json, words: str) -> None:
    with pytest.raises(entries.CanonicalError, match=words.replace("^", r"\^")):
        entries.canonical({"v": value})


def test_it_refuses_bottomless_nesting() -> None:
    deep: dict[str, entries.Json] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    with pytest.raises(entries.CanonicalError, match="deeper"):
        entries.canonical(deep)
    with pytest.raises(entries.CanonicalError):
        entries.parse_canonical(b'{"a":' * 100_000)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1.0}', b'{"a":1,"a":1}', b"\xff"])
def test_it_refuses_bytes_that_are_not_canonical(data: bytes) -> None:
    with pytest.raises(entries.CanonicalError):
        entries.parse_canonical(data)


def test_it_writes_times_in_utc_with_six_digits() -> None:
    moment = datetime(2026, 11, 22, 20, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    assert entries.timestamp(moment) == "2026-11-22T12:00:00.000005Z"
    assert entries.timestamp(datetime(800, 1, 1, tzinfo=UTC)) == "0800-01-01T00:00:00.000000Z"
    with pytest.raises(entries.CanonicalError, match="zone"):
        entries.timestamp(moment.replace(tzinfo=None))


def test_it_builds_the_entry_exactly_as_specified() -> None:
    """The worked example of docs/adr: every byte is computed here a second time, by hand."""
    core, subj, raw = b'{"v":1}', b'{"user":"olga"}', b"Accepted password for olga"
    c_subj = hashlib.sha256(b"countersign/v1/subj\x00" + SALT[:16] + subj).digest()
    c_raw = hashlib.sha256(b"countersign/v1/raw\x00" + SALT[16:] + raw).digest()
    entry = entries.seal(LeafKind.EVENT, core, subj=subj, raw=raw, salts=SALT)
    assert entry == b"\x01\x01" + c_subj + c_raw + core
    assert entries.leaf_hash(entry) == hashlib.sha256(b"\x00" + entry).digest()
    parsed = entries.parse_entry(entry)
    assert (parsed.kind, parsed.subj, parsed.raw, parsed.core) == (LeafKind.EVENT, c_subj, c_raw, core)


def test_an_absent_group_is_zero_bytes_and_an_empty_one_is_not() -> None:
    absent = entries.seal(LeafKind.CONFIG, b"{}", subj=None, raw=None, salts=SALT)
    empty = entries.seal(LeafKind.CONFIG, b"{}", subj=b"", raw=b"", salts=SALT)
    assert absent[2:66] == bytes(64)
    assert empty[2:66] == entries.commitment("subj", SALT[:16], b"") + entries.commitment("raw", SALT[16:], b"")


@given(
    st.sampled_from(list(LeafKind)),
    st.lists(
        st.tuples(st.binary(max_size=80), st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=40)),
        max_size=20,
    ),
)
def test_many_are_sealed_like_one(kind: LeafKind, rows: list[entries.Row]) -> None:
    drawn = entries.salts(len(rows))
    one_by_one = [
        entries.leaf_hash(entries.seal(kind, core, subj=subj, raw=raw, salts=salt))
        for (core, subj, raw), salt in zip(rows, drawn, strict=True)
    ]
    assert entries.seal_many(kind, rows, drawn) == one_by_one


@given(st.binary(max_size=50), st.integers(0, 49))
def test_any_changed_byte_changes_the_leaf(raw: bytes, at: int) -> None:
    raw = raw or b"x"
    at %= len(raw)
    changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    before = entries.seal_many(LeafKind.EVENT, [(b"{}", None, raw)], [SALT])
    assert before != entries.seal_many(LeafKind.EVENT, [(b"{}", None, changed)], [SALT])
    assert before != entries.seal_many(LeafKind.EVENT, [(b"{}", raw, None)], [SALT])
    assert before != entries.seal_many(LeafKind.MANIFEST, [(b"{}", None, raw)], [SALT])


def test_salts_are_drawn_once_for_all_and_differ() -> None:
    drawn = entries.salts(1000)
    assert len(set(drawn)) == 1000
    assert {len(salt) for salt in drawn} == {32}
    assert entries.salts(0) == []


def test_the_largest_core_fits_a_bundle_and_one_byte_more_does_not() -> None:
    core = b"x" * entries.MAX_CORE_BYTES
    assert len(entries.seal(LeafKind.EVENT, core, subj=None, raw=None, salts=SALT)) == 65_535
    with pytest.raises(entries.EntryTooLargeError, match="65470 bytes"):
        entries.seal(LeafKind.EVENT, core + b"x", subj=None, raw=None, salts=SALT)
    with pytest.raises(entries.EntryTooLargeError):
        entries.seal_many(LeafKind.EVENT, [(core + b"x", None, None)], [SALT])


def test_it_refuses_wrong_salts_groups_and_entries() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        entries.seal(LeafKind.EVENT, b"{}", subj=b"", raw=None, salts=b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        entries.seal_many(LeafKind.EVENT, [(b"{}", None, None)], [b"short"])
    with pytest.raises(ValueError, match="argument"):
        entries.seal_many(LeafKind.EVENT, [(b"{}", None, None)], [SALT, SALT])
    with pytest.raises(ValueError, match="no group"):
        entries.commitment("core", SALT[:16], b"")
    with pytest.raises(ValueError, match="16 bytes"):
        entries.commitment("raw", SALT, b"")


@pytest.mark.parametrize("entry", [b"", bytes(65), b"\x02\x01" + bytes(64), b"\x01\xff" + bytes(64), bytes(70_000)])
def test_it_refuses_entries_it_cannot_read(entry: bytes) -> None:
    with pytest.raises(ValueError, match=r"entry|LeafKind"):
        entries.parse_entry(entry)
