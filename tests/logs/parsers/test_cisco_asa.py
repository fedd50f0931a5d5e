"""Cisco ASA and FTD: sessions, log-ins, commands, headers of every kind. Synthetic lines."""

import pytest

from logs.kinds import Format, Ignored, LogType, SourceSettings
from tests.logs.parsers.reading import counted, drafts, one, read, reason

ASA = Format.CISCO_ASA
HEAD = "<166>Aug 04 2026 10:00:01 asa-1 : "


@pytest.mark.parametrize(
    ("head", "at", "host"),
    [
        (HEAD, "2026-08-04T10:00:01+00:00", "asa-1"),
        ("<190>2026-08-04T10:00:01Z: ", "2026-08-04T10:00:01+00:00", ""),
        ("<166>2026-08-04T10:00:01Z asa : ", "2026-08-04T10:00:01+00:00", "asa"),
        ("Aug  4 10:00:01 asa-1 : ", "2026-08-04T10:00:01+00:00", "asa-1"),
        ("Aug 04 2026 10:00:01: ", "2026-08-04T10:00:01+00:00", ""),
        ("Aug 04 2026 10:00:01 CEST: ", "2026-08-04T10:00:01+00:00", ""),
        ("Aug  4 10:00:09 192.0.2.1 Aug 04 2026 10:00:01: ", "2026-08-04T10:00:01+00:00", "192.0.2.1"),
        ("Aug  4 10:00:09 relay <166>Aug 04 2026 10:00:01 asa-1 : ", "2026-08-04T10:00:01+00:00", "asa-1"),
        ("<166>1 2026-08-04T12:00:01+02:00 asa-1 - - - - ", "2026-08-04T10:00:01+00:00", "asa-1"),
    ],
)
def test_it_reads_every_header(head: str, at: str, host: str) -> None:
    event = one(ASA, f"{head}%ASA-6-113039: Group <G> User <ana> IP <192.0.2.7> AnyConnect parent session started.")
    assert (event.occurred_at.isoformat(), event.dst_host, event.actor_name) == (at, host, "ana")


@pytest.mark.parametrize(
    "who", ["Group <Staff VPN> User <ana> IP <192.0.2.7> ", "Group = Staff VPN, Username = ana, IP = 192.0.2.7, "]
)
def test_it_reads_the_end_of_a_session_in_both_ways_of_writing(who: str) -> None:
    end = "Session disconnected. Session Type: SSL, Duration: 1d 2h:03m:04s, Bytes xmt: 123, Bytes rcv: 456, Reason: "
    event = one(ASA, f"{HEAD}%ASA-4-113019: {who}{end}Idle Timeout")
    assert (event.log_type, event.type_uid, event.actor_name, event.src_ip) == (4, 401402, "ana", "192.0.2.7")
    assert (event.duration_ms, event.bytes_out, event.bytes_in) == (93_784_000, 123, 456)
    assert (event.status_code, event.resource, event.extra) == ("Idle Timeout", "Staff VPN", {"session_type": "SSL"})


def test_it_reads_a_duration_of_hours() -> None:
    text = "Group = G, Username = a, IP = 192.0.2.7, Session disconnected. Session Type: SSL, Duration: 0h:10m:05s, "
    assert one(ASA, f"{HEAD}%FTD-4-113019: {text}Bytes xmt: 1, Bytes rcv: 2, Reason: x").duration_ms == 605_000


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("Invalid password", "bad_password"),
        ("User was not found", "unknown_user"),
        ("Account has been disabled", "disabled"),
        ("Password expired", "expired_password"),
        ("Simultaneous logins exceeded for user", "policy_denied"),
        ("AAA failure", "other"),
    ],
)
def test_it_reads_why_a_log_in_was_rejected(said: str, detail: str) -> None:
    text = f"AAA user authentication Rejected : reason = {said} : local database : user = bob : user IP = 192.0.2.7"
    event = one(ASA, f"{HEAD}%ASA-6-113015: {text}")
    assert (event.log_type, event.status_detail, event.status_code) == (LogType.FAILED_LOGIN, detail, said)
    assert (event.actor_name, event.src_ip) == ("bob", "192.0.2.7")


def test_a_masked_user_has_no_name() -> None:
    text = "AAA user authentication Rejected : reason = AAA failure : server = 192.0.2.5 : user = ***** : user IP = "
    event = one(ASA, f"{HEAD}%ASA-6-113005: {text}192.0.2.7")
    assert (event.actor_name, event.src_ip) == ("", "192.0.2.7")


def test_a_hostile_name_does_not_hide_the_address() -> None:
    name = "x> IP <198.51.100.1"
    event = one(ASA, f"{HEAD}%ASA-6-113039: Group <G> User <{name}> IP <192.0.2.7> AnyConnect parent session started.")
    assert (event.actor_name, event.src_ip) == (name, "192.0.2.7")


def test_one_refused_attempt_counts_once() -> None:
    first = "%ASA-6-113015: AAA user authentication Rejected : reason = Invalid password : local database : user = bob"
    twin = "%ASA-6-716039: Group <G> User <bob> IP <192.0.2.7> Authentication: rejected, Session Type: WebVPN."
    found = read(ASA, HEAD + first, HEAD + twin, HEAD + first, HEAD + twin)
    assert counted(found) == (2, 0, 2)
    later = twin.replace("bob", "eve")
    assert counted(read(ASA, HEAD + first, HEAD + later)) == (2, 0, 0)


def test_it_reads_administrators() -> None:
    login = one(ASA, f'{HEAD}%ASA-6-605005: Login permitted from 192.0.2.7/4711 to inside:192.0.2.1/ssh for user "adm"')
    assert (login.log_type, login.actor_name, login.actor_type) == (1, "adm", "admin")
    assert (login.src_ip, login.src_port, login.resource) == ("192.0.2.7", 4711, "ssh")
    level = one(ASA, f"{HEAD}%ASA-5-502103: User priv level changed: Uname: bob From: 1 To: 15")
    assert (level.log_type, level.target_name, level.privileges) == (5, "bob", ("level 15",))


def test_a_command_counts_once_with_the_address_it_came_from() -> None:
    told = f"{HEAD}%ASA-5-111008: User 'adm' executed the 'write memory' command."
    from_where = f"{HEAD}%ASA-5-111010: User 'adm', running 'CLI' from IP 192.0.2.7, executed 'write memory'"
    event = one(ASA, told, from_where)
    assert (event.log_type, event.type_uid, event.src_ip) == (5, 600303, "192.0.2.7")
    assert event.extra == {"command": "write memory"}
    other = from_where.replace("write memory", "reload").replace("192.0.2.7", "0.0.0.0")  # noqa: S104 -- the console
    first, second = drafts(read(ASA, told, other))
    assert (first.extra, second.extra, second.src_ip) == ({"command": "write memory"}, {"command": "reload"}, None)


def test_it_tells_what_is_no_access_from_what_it_cannot_read() -> None:
    (built,) = read(ASA, f"{HEAD}%ASA-6-302013: Built inbound TCP connection 8 for inside:192.0.2.7/1 to x")
    assert isinstance(built, Ignored)
    (accounting,) = read(ASA, f"{HEAD}%ASA-6-113004: AAA user accounting Successful : server = x : user = ana")
    assert isinstance(accounting, Ignored)
    assert "documents" in reason(ASA, f"{HEAD}%ASA-6-113039: Group G without brackets")
    assert "no time" in reason(ASA, "%ASA-6-113039: Group <G> User <ana> IP <192.0.2.7> started.")
    text = "Feb 30 10:00:01 asa %ASA-6-113039: Group <G> User <ana> IP <192.0.2.7> started."
    assert "Day is out" in reason(ASA, text, settings=SourceSettings(year=2026))
