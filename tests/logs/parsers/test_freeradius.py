"""FreeRADIUS: blocks of detail files, lines of radius.log, linelog over syslog. Synthetic records."""

import pytest

from logs.kinds import Format, Quarantined
from tests.logs.parsers.reading import counted, drafts, one, read, reason

RADIUS = Format.FREERADIUS
DATE = "Tue Aug  4 10:00:01 2026"


def block(*attributes: str, date: str = DATE) -> str:
    return "\n".join([date, *(f"\t{attribute}" for attribute in attributes), "", ""])


STOP = (
    "Acct-Status-Type = Stop",
    'User-Name = "ana"',
    'Acct-Session-Id = "5F"',
    'Acct-Unique-Session-Id = "a1b2"',
    "Acct-Session-Time = 3600",
    "Acct-Input-Octets = 10",
    "Acct-Output-Octets = 20",
    "Acct-Output-Gigawords = 2",
    'Calling-Station-Id = "192.0.2.7"',
    "NAS-IP-Address = 192.0.2.1",
    "Framed-IP-Address = 10.0.0.6",
    "Acct-Terminate-Cause = User-Request",
    "Timestamp = 1785837601",
)


def test_it_reads_the_end_of_a_session() -> None:
    event = one(RADIUS, block(*STOP))
    assert (event.type_uid, event.actor_name, event.src_ip, event.dst_host) == (401402, "ana", "192.0.2.7", "192.0.2.1")
    assert (event.duration_ms, event.bytes_in, event.bytes_out) == (3_600_000, 10, 20 + 2 * 2**32)
    assert (event.status_code, event.session_uid, event.native_id) == ("User-Request", "5F", "a1b2/Stop/3600")
    assert (event.occurred_at.isoformat(), event.clock_quality) == ("2026-08-04T10:00:01+00:00", 1)
    assert event.raw.decode() == block(*STOP).rstrip("\n")


def test_every_block_of_a_file_is_one_record_however_the_lines_arrive() -> None:
    body = (
        block("Acct-Status-Type = Start", 'User-Name = "a"') + block("Acct-Status-Type = Accounting-On") + block(*STOP)
    )
    whole, by_line = read(RADIUS, body), read(RADIUS, *body.splitlines(keepends=True))
    assert whole == by_line
    assert counted(whole) == (2, 0, 1)
    assert [event.activity_id for event in drafts(whole)] == [1, 2]
    assert [outcome.position for outcome in whole] == [0, 1, 2]


def test_a_block_without_a_timestamp_has_the_time_of_its_date_in_the_zone_of_the_source() -> None:
    event = one(RADIUS, block("Acct-Status-Type = Interim-Update", 'User-Name = "ana"'))
    assert (event.activity_id, event.clock_quality) == (3, 2)
    assert "neither a date" in reason(RADIUS, "\tAcct-Status-Type = Start\n")


@pytest.mark.parametrize(
    ("packet", "said", "expected"),
    [
        ("Access-Accept", "", (1, "", 4)),
        ("Access-Reject", 'Module-Failure-Message = "pap: Cleartext password does not match"', (2, "bad_password", 6)),
        ("Access-Reject", 'Reply-Message = "Account locked"', (2, "locked", 6)),
    ],
)
def test_it_reads_answers(packet: str, said: str, expected: tuple[int, str, int]) -> None:
    event = one(RADIUS, block(f"Packet-Type = {packet}", 'User-Name = "ana"', *([said] if said else [])))
    assert (event.status_id, event.status_detail, event.log_type) == expected


def test_a_device_that_calls_by_its_mac_is_a_device() -> None:
    event = one(RADIUS, block("Acct-Status-Type = Start", 'Calling-Station-Id = "AA-BB-CC-DD-EE-FF"'))
    assert (event.src_ip, event.src_host, event.device_uid) == (None, "", "AA-BB-CC-DD-EE-FF")


def test_it_reads_the_log_of_the_server() -> None:
    end = "(from client gate port 0 cli 192.0.2.7)"
    good = one(RADIUS, f"{DATE} : Auth: (12) Login OK: [ana/secret-word] {end}")
    assert (good.status_id, good.actor_name, good.src_ip, good.dst_host) == (1, "ana", "192.0.2.7", "gate")
    assert "secret" not in repr(good.extra) + good.status_code
    bad = one(RADIUS, f"{DATE} : Auth: (3) Login incorrect (mschap: MS-CHAP2-Response is incorrect): [bob/<via>] {end}")
    assert (bad.log_type, bad.status_detail, bad.actor_name) == (6, "bad_password", "bob")
    unknown = one(RADIUS, f"Aug  4 10:00:01 rad radiusd[77]: (4) Invalid user: [x (from client y port 0)] {end}")
    assert (unknown.status_detail, unknown.actor_name) == ("unknown_user", "x (from client y port 0)")
    machine = one(RADIUS, f"{DATE} : Auth: Login OK: [host/pc1.example.test/<via Auth-Type = eap>] {end}")
    assert (machine.actor_name, machine.actor_type) == ("host/pc1.example.test", "machine")


def test_it_reads_linelog() -> None:
    text = "Disconnect: [ana] (did gate cli 192.0.2.7 port 7 ip 10.0.0.6) 120 seconds"
    event = one(RADIUS, f"Aug  4 10:00:01 rad radiusd[77]: {text}")
    assert (event.type_uid, event.duration_ms, event.src_ip) == (401402, 120_000, "192.0.2.7")


def test_it_keeps_apart_what_it_cannot_read_and_counts_the_rest() -> None:
    (first,) = read(RADIUS, f"{DATE}\n\tno attribute at all\n")
    assert isinstance(first, Quarantined)
    assert counted(read(RADIUS, f"{DATE} : Info: Ready to process requests", "Aug  4 10:00:01 h cron[1]: x")) == (
        0,
        0,
        2,
    )
    huge = block("Acct-Status-Type = Stop", *(f'Reply-Message = "{"x" * 1000}"' for _ in range(70)))
    assert sum(len(outcome.raw) for outcome in read(RADIUS, huge)) >= 70_000


def test_octets_beyond_any_number_are_left_out() -> None:
    event = one(RADIUS, block(*STOP, "Acct-Input-Gigawords = 99999999999999999999"))
    assert event.bytes_in == 10
    assert one(RADIUS, block(*STOP, "Acct-Input-Gigawords = 4294967295")).bytes_in is None
