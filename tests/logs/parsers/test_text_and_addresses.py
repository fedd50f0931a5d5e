"""Normalising what vendors write into address and name fields."""

import pytest

from logs.parsers.text import Address, address, clean, record_id, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.7", Address("192.0.2.7", "", None)),
        ("192.0.2.7:4711", Address("192.0.2.7", "", 4711)),
        ("::ffff:192.0.2.7", Address("192.0.2.7", "", None)),
        ("[::ffff:192.0.2.7]:443", Address("192.0.2.7", "", 443)),
        ("2001:DB8:0:0::7", Address("2001:db8::7", "", None)),
        ("fe80::1%eth0", Address("fe80::1", "", None)),
        ("[fe80::1%eth0]:22", Address("fe80::1", "", 22)),
        ("192.0.2.7:99999", Address("192.0.2.7", "", None)),
        ("-", Address(None, "", None)),
        ("", Address(None, "", None)),
        (None, Address(None, "", None)),
        ("localhost", Address(None, "localhost", None)),
        ("[local]", Address(None, "localhost", None)),
        ("ssm.amazonaws.com", Address(None, "ssm.amazonaws.com", None)),
        ("203.0.113.x", Address(None, "203.0.113.x", None)),
        ("010.0.0.1", Address(None, "010.0.0.1", None)),
        ("1.2.3.4\x00", Address(None, "1.2.3.4\\x00", None)),
    ],
)
def test_it_reads_an_address_field(text: str | None, expected: Address) -> None:
    assert address(text) == expected


@pytest.mark.parametrize("text", ["-", "", "N/A", "NULL SID", "S-1-0-0", "unknown", "(null)", "*****", " - ", None])
def test_it_reads_nothing_where_nothing_is_said(text: str | None) -> None:
    assert said(text) == ""


def test_clean_text_is_left_as_it_is() -> None:
    assert clean("Żółć \u540d\u524d \U0001f600") == "Żółć \u540d\u524d \U0001f600"


def test_an_over_long_id_is_hashed_and_never_cut() -> None:
    assert record_id("x" * 200) == "x" * 200
    assert record_id("x" * 201) != record_id("x" * 202)
    assert record_id("\ud800" * 201).startswith("sha256:")
