"""OpenVPN: log-ins, sessions, refusals, in its own file and over syslog. Synthetic lines."""

import pytest

from logs.kinds import Format
from tests.logs.parsers.reading import counted, drafts, one, read, reason

VPN = Format.OPENVPN
PEER = "192.0.2.7:4711"
AT = "2026-08-04 10:00:0"


@pytest.mark.parametrize(
    "head",
    [
        "2026-08-04 10:00:01 ",
        "2026-08-04 10:00:01 us=0 ",
        "Tue Aug  4 10:00:01 2026 ",
        "Aug  4 10:00:01 gate openvpn[77]: ",
        "Aug  4 10:00:01 gate ovpn-server[77]: ",
        "<29>1 2026-08-04T10:00:01Z gate openvpn 77 - - ",
    ],
)
def test_it_reads_a_connection_under_every_header(head: str) -> None:
    event = one(VPN, f"{head}{PEER} [ana] Peer Connection Initiated with [AF_INET]{PEER}")
    assert event.occurred_at.isoformat() == "2026-08-04T10:00:01+00:00"
    assert (event.type_uid, event.status_id, event.actor_name) == (300201, 1, "ana")
    assert (event.src_ip, event.src_port, event.dst_host) == ("192.0.2.7", 4711, "gate" if "gate" in head else "")


def test_it_reads_a_session_from_beginning_to_end() -> None:
    found = drafts(
        read(
            VPN,
            f"{AT}1 {PEER} TLS: Username/Password authentication succeeded for username 'ana.k' [CN SET]",
            f"{AT}2 {PEER} [ana] Peer Connection Initiated with [AF_INET]{PEER}",
            f"{AT}3 MULTI: primary virtual IP for ana/{PEER}: 10.8.0.6",
            f"{AT}3 ana/{PEER} MULTI: primary virtual IPv6 for ana/{PEER}: fd00::6",
            f"2026-08-04 10:10:03 ana/{PEER} SIGTERM[soft,remote-exit] received, client-instance exiting",
        )
    )
    assert [event.type_uid for event in found] == [300201, 401401, 401402]
    assert {event.actor_name for event in found} == {"ana.k"}
    assert found[1].extra == {"assigned_ip": "10.8.0.6"}
    assert (found[2].duration_ms, found[2].status_code) == (600_000, "remote-exit")


def test_a_refused_password_counts_once_and_its_connection_is_no_log_in() -> None:
    found = read(
        VPN,
        f"{AT}1 {PEER} VERIFY OK: depth=0, CN=bob",
        f"{AT}1 {PEER} TLS Auth Error: Auth Username/Password verification failed for peer",
        f"{AT}2 {PEER} [bob] Peer Connection Initiated with [AF_INET]{PEER}",
        f"{AT}3 {PEER} SENT CONTROL [bob]: 'AUTH_FAILED' (status=1)",
        f"{AT}8 {PEER} SIGTERM[soft,delayed-exit] received, client-instance exiting",
    )
    assert counted(found) == (1, 0, 4)
    (event,) = drafts(found)
    assert (event.log_type, event.status_detail, event.actor_name) == (6, "bad_password", "bob")


def test_it_names_the_user_whom_pam_refused() -> None:
    told = f"{AT}1 PLUGIN AUTH-PAM: BACKGROUND: user 'eve' failed to authenticate: Authentication failure"
    failed = f"{AT}1 {PEER} TLS Auth Error: Auth Username/Password verification failed for peer"
    assert one(VPN, told, failed).actor_name == "eve"


def test_it_reads_a_refused_certificate() -> None:
    error = "VERIFY ERROR: depth=0, error=certificate has expired: C=PL, CN=ana, serial=7"
    event = one(VPN, f"{AT}1 {PEER} {error}")
    assert (event.status_detail, event.actor_name) == ("cert_invalid", "ana")
    assert event.status_code == "certificate has expired"


def test_it_reads_addresses_of_version_6() -> None:
    event = one(VPN, f"{AT}1 2001:db8::7:4711 [ana] Peer Connection Initiated with [AF_INET6]2001:db8::7:4711")
    assert (event.src_ip, event.src_port) == ("2001:db8::7", 4711)
    mapped = one(
        VPN, f"{AT}1 ana/::ffff:192.0.2.7:4711 SIGUSR1[soft,ping-restart] received, client-instance restarting"
    )
    assert (mapped.src_ip, mapped.status_code) == ("192.0.2.7", "ping-restart")


def test_other_lines_are_counted_and_lines_without_a_time_are_kept_apart() -> None:
    found = read(VPN, f"{AT}1 {PEER} TLS: Initial packet from [AF_INET]{PEER}", "Aug  4 10:00:01 gate cron[7]: x")
    assert counted(found) == (0, 0, 2)
    assert "time" in reason(VPN, "OpenVPN 2.6.14 x86_64-pc-linux-gnu")
    assert "time" in reason(VPN, f"2026-02-30 10:00:01 {PEER} x")
