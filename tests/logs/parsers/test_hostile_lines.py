"""Names and bytes that come from the other side of a connection, chosen to mislead."""

import pytest

from logs.kinds import MAX_LINE_BYTES, Format, Quarantined
from tests.logs.parsers.reading import drafts, one, read, reason
from tests.logs.parsers.test_every_record_is_accounted_for import LINE_FORMATS, account

SSH = Format.SSHD_SYSLOG
HEAD = b"Aug  4 10:00:01 web sshd[7]: "


@pytest.mark.parametrize(
    "name",
    [
        "root from 198.51.100.1 port 22 ssh2",
        "root from 198.51.100.1",
        " leading space",
        "trailing space ",
        "",
        "two  words",
        "from from from",
        "\u540d\u524d",
        "invalid user",
        "=cmd|' /C calc'!A0",
    ],
)
def test_it_takes_the_true_address_from_the_right(name: str) -> None:
    line = f"Failed password for invalid user {name} from 192.0.2.7 port 4711 ssh2"
    event = one(SSH, HEAD + line.encode())
    assert (event.actor_name, event.src_ip, event.src_port) == (name, "192.0.2.7", 4711)
    invalid = one(SSH, HEAD + f"Invalid user {name} from 192.0.2.7 port 4711".encode())
    assert (invalid.actor_name, invalid.src_ip, invalid.src_port) == (name, "192.0.2.7", 4711)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\x00b", "a\\x00b"),
        (b"a\x1b[31mb", "a\\x1b[31mb"),
        (b"a\rb", "a\\x0db"),
        (b"a\xffb", "a\\xffb"),
        ("a\u202eb".encode(), "a\\u202eb"),
        ("a\ud800b".encode("utf-8", "surrogatepass"), "a\\xed\\xa0\\x80b"),
    ],
)
def test_it_shows_what_cannot_be_shown_as_escapes_and_keeps_the_bytes(raw: bytes, shown: str) -> None:
    line = HEAD + b"Failed password for invalid user " + raw + b" from 192.0.2.7 port 4711 ssh2"
    event = one(SSH, line)
    assert event.actor_name == shown
    assert event.raw == line


@pytest.mark.parametrize(
    "line",
    [
        b"Aug  4 10:00:01 w\x00b sshd[7]: pam_unix(sshd:session): session closed for user bob",
        b"Aug  4 10:00:01 web su[\x007]: pam_unix(su:session): session closed for user bob",
        b"Aug  4 10:00:01 web \x00su(pam_unix)[7]: session closed for user bob",
        b"Aug  4 10:00:01 web sshd[7]: pam_unix(ss\x00hd:session): session closed for user bob",
    ],
)
def test_no_part_of_a_line_brings_a_nul_into_an_event(line: bytes) -> None:
    for event in drafts(read(SSH, line)):
        assert "\x00" not in "".join(str(getattr(event, name)) for name in event.__struct_fields__ if name != "raw")


def test_it_cuts_an_over_long_name_and_keeps_it_in_the_raw_record() -> None:
    line = HEAD + b"Failed password for invalid user " + b"x" * 9000 + b" from 192.0.2.7 port 4711 ssh2"
    event = one(SSH, line)
    assert len(event.actor_name) == 4096
    assert event.actor_name.endswith("\u2026")
    assert event.raw == line


@pytest.mark.parametrize(
    "form", [Format.SSHD_SYSLOG, Format.POSTGRES_JSONLOG, Format.CLOUDTRAIL, Format.OKTA, Format.PORTAL]
)
def test_it_quarantines_a_line_of_ten_megabytes_whole_and_reads_the_next(form: Format) -> None:
    huge = b'{"x":"' + b"a" * 10_000_000 + b'"}'
    first, second = read(form, huge + b"\n{broken\n")
    assert isinstance(first, Quarantined)
    assert first.raw == huge
    assert f"{MAX_LINE_BYTES:,} bytes" in first.reason
    assert isinstance(second, Quarantined)


@pytest.mark.parametrize("form", sorted({*LINE_FORMATS, Format.JSON, Format.ENTRA, Format.ECS, Format.OCSF}))
def test_no_format_reads_a_line_that_is_longer_than_the_limit(form: Format) -> None:
    """Reading costs at most 10 ms at the limit (bench/hostile.py), because nothing longer is ever read."""
    huge = b'{"a":"' + b"a=b," * (MAX_LINE_BYTES // 4) + b'"}'
    (only,) = account(form, [huge])
    assert isinstance(only, Quarantined)
    assert "longer than" in only.reason


@pytest.mark.parametrize(
    "line", [b"\x00", b"hello", b"\xff\xfe", b"Aug 99 10:00:00 web sshd[1]: x", b"<34>1 - h a - - -"]
)
def test_it_says_why_a_line_that_is_no_syslog_is_kept_apart(line: bytes) -> None:
    assert reason(SSH, line).startswith("The time of the line cannot be read.")


def test_it_never_counts_more_than_a_million_repeats() -> None:
    inner = b"PAM 999999 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root"
    event = one(SSH, HEAD + b"message repeated 999999 times: [ " + inner + b"]")
    assert event.repeat_count == 1_000_000
