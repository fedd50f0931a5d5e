"""FortiGate and GlobalProtect: sessions, log-ins, administrators. Synthetic records."""

import pytest

from logs.kinds import Draft, Format, SourceSettings
from tests.logs.parsers.reading import counted, one, read, reason

FORTI, GP = Format.FORTINET, Format.GLOBALPROTECT
FIXED = 'devname="FG-1" devid="FGT1" eventtime=1785837601000000000 tz="+0200" logid="0101039424" type="event"'


def forti(**fields: str) -> str:
    pairs = " ".join(f'{key}="{value}"' for key, value in fields.items())
    return f"<189>date=2026-08-04 time=12:00:01 {FIXED} {pairs}"


def gp(event: str, status: str = "success", **fields: str) -> str:
    values = {"user": "ana", "ip": "192.0.2.7", "reason": "", "error": "", "took": "0", "seq": "99"} | fields
    return (
        f"<14>Aug  4 12:00:02 PA-1 1,2026/08/04 12:00:02,0123,GLOBALPROTECT,0,2561,2026/08/04 12:00:01,vsys1,{event},"
        f"login,SAML,SSLVPN,{values['user']},PL,NB-7,{values['ip']},0.0.0.0,10.0.0.6,0.0.0.0,host-7,SN7,6.2.4,Windows,"
        f'"Windows 11 , 64-bit",1,{values["reason"]},{values["error"]},"",{status},,{values["took"]},user-logon,0,GW-1,'
        f"{values['seq']},0x0,2026-08-04T12:00:01.250+02:00,,,,,,1,2,3,4,,PA-FW,1"
    )


def test_it_reads_the_end_of_a_tunnel_of_fortinet() -> None:
    event = one(FORTI, forti(subtype="vpn", action="tunnel-down", user="ana", remip="192.0.2.7", duration="60",
                             sentbyte="7", rcvdbyte="8", reason="User requested", tunnelip="10.0.0.6",
                             group="Staff"))  # fmt: skip
    assert (event.type_uid, event.actor_name, event.src_ip, event.dst_host) == (401402, "ana", "192.0.2.7", "FG-1")
    assert (event.duration_ms, event.bytes_out, event.bytes_in) == (60_000, 7, 8)
    assert (event.status_code, event.extra["assigned_ip"], event.extra["group"]) == (
        "User requested",
        "10.0.0.6",
        "Staff",
    )
    assert (event.occurred_at.isoformat(), event.clock_quality) == ("2026-08-04T10:00:01+00:00", 1)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("sslvpn_login_unknown_user", "unknown_user"),
        ("sslvpn_login_password_expired", "expired_password"),
        ("sslvpn_login_permission_denied", "policy_denied"),
        ("passwd_invalid", "bad_password"),
    ],
)
def test_it_reads_why_fortinet_refused(said: str, detail: str) -> None:
    event = one(FORTI, forti(subtype="vpn", action="ssl-login-fail", user="bob", remip="192.0.2.7", reason=said))
    assert (event.log_type, event.status_detail, event.status_code) == (6, detail, said)


@pytest.mark.parametrize(("stamp", "unit"), [("1785837601", 1), ("1785837601000", 3), ("1785837601000000", 6)])
def test_it_reads_the_event_time_of_every_release(stamp: str, unit: int) -> None:
    line = forti(subtype="vpn", action="tunnel-up", user="ana").replace("1785837601000000000", stamp)
    assert one(FORTI, line).occurred_at.timestamp() == 1_785_837_601, unit


def test_without_an_event_time_it_takes_date_time_and_zone() -> None:
    line = forti(subtype="vpn", action="tunnel-up", user="ana").replace("eventtime=1785837601000000000 ", "")
    assert one(FORTI, line).occurred_at.isoformat() == "2026-08-04T10:00:01+00:00"
    zone = SourceSettings(time_zone="Europe/Warsaw")
    assert one(FORTI, line.replace('tz="+0200" ', ""), settings=zone).occurred_at.hour == 10


def test_it_reads_administrators_of_fortinet() -> None:
    login = one(FORTI, forti(subtype="system", action="login", status="success", user="adm", ui="https(192.0.2.7)"))
    assert (login.log_type, login.actor_type, login.src_ip) == (1, "admin", "192.0.2.7")
    failed = one(FORTI, forti(subtype="system", action="login", status="failed", user="x", reason="name_invalid"))
    assert (failed.log_type, failed.status_detail) == (6, "unknown_user")
    change = one(FORTI, forti(subtype="system", action="Edit", user="adm", cfgpath="system.admin", cfgobj="bob"))
    assert (change.log_type, change.type_uid, change.resource) == (5, 300403, "system.admin bob")


def test_traffic_of_fortinet_is_counted_and_what_is_none_is_kept_apart() -> None:
    traffic = forti(subtype="forward", action="deny").replace('type="event"', 'type="traffic"')
    assert counted(read(FORTI, traffic, "Aug  4 10:00:01 h cron[1]: x")) == (0, 0, 2)
    assert "no record" in reason(FORTI, "hello")
    assert "field type" in reason(FORTI, "date=2026-08-04 time=12:00:01 action=login")
    assert "time" in reason(FORTI, 'devname=x type="event" subtype="vpn" action="tunnel-up" user="a"')


def test_it_reads_a_session_of_globalprotect() -> None:
    lines = (gp("gateway-auth"), gp("gateway-connected"), gp("gateway-logout", took="1554", reason="client logout"))
    login, opened, closed = [one(GP, line) for line in lines]
    assert [event.type_uid for event in (login, opened, closed)] == [300201, 401401, 401402]
    assert (login.actor_name, login.src_ip, login.src_host, login.dst_host) == ("ana", "192.0.2.7", "NB-7", "PA-FW")
    assert (closed.duration_ms, closed.status_code, opened.duration_ms) == (1_554_000, "client logout", None)
    assert login.occurred_at.isoformat() == "2026-08-04T10:00:01.250000+00:00"
    assert (login.native_id, login.device_uid) == ("0123/99", "host-7")
    assert login.user_agent == "GlobalProtect 6.2.4 Windows 11 , 64-bit"
    assert login.extra["assigned_ip"] == "10.0.0.6"


def test_it_reads_a_refused_log_in_of_globalprotect_as_csv_and_as_cef() -> None:
    plain = one(GP, gp("portal-auth", "failure", error="Invalid username or password"))
    told = (
        "PanOSEventID=portal-auth PanOSSourceUserName=ana PanOSPublicIPv4=192.0.2.7 PanOSEventStatus=failure "
        "PanOSConnectionError=Invalid username or password PanOSDeviceSN=0123 PanOSSequenceNo=99 "
        "PanOSLogTimeStamp=Aug 04 2026 10:00:01 GMT"
    )
    cef = one(GP, f"Aug  4 12:00:02 PA-1 CEF:0|Palo Alto Networks|PAN-OS|10.1|GLOBALPROTECT|globalprotect|3|{told}")
    for event in (plain, cef):
        assert (event.log_type, event.status_detail, event.actor_name, event.src_ip) == (
            6,
            "bad_password",
            "ana",
            "192.0.2.7",
        )
        assert event.native_id == "0123/99"
    assert cef.occurred_at.isoformat() == "2026-08-04T10:00:01+00:00"


def test_steps_of_globalprotect_are_counted_and_refused_ones_are_events() -> None:
    other = gp("x").replace("GLOBALPROTECT", "TRAFFIC")
    found = read(GP, gp("portal-prelogin"), gp("gateway-hip-check"), other, gp("gateway-register", "failure"))
    assert counted(found) == (1, 0, 3)
    assert isinstance(found[3], Draft)
    assert (found[3].type_uid, found[3].status_id) == (401499, 2)
    assert "fewer fields" in reason(GP, "1,2026/08/04 12:00:02,0123,GLOBALPROTECT,0")
