"""Lines of network devices and of the two exchange formats (ECS, OCSF), as bench/parsers.py measures them."""

import json

from bench.parser_lines import Made, address, person
from logs.kinds import Format
from tests.logs.parsers.test_every_record_is_accounted_for import OCSF_EVENT


def _clock(number: int) -> str:
    return f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"


def cisco(number: int) -> str:
    """Gives a session's beginning, its end or a refused log-in of a Cisco ASA."""
    who, where = person(number), address(number)
    said = (
        f"%ASA-6-113039: Group <Staff> User <{who}> IP <{where}> AnyConnect parent session started.",
        f"%ASA-4-113019: Group = Staff, Username = {who}, IP = {where}, Session disconnected. Session Type: SSL, "
        "Duration: 1h:02m:03s, Bytes xmt: 123456, Bytes rcv: 654321, Reason: User Requested",
        f"%ASA-6-113015: AAA user authentication Rejected : reason = Invalid password : local database : user = {who} "
        f": user IP = {where}",
    )[number % 3]
    return f"<166>Aug 04 2026 {_clock(number)} asa-1 : {said}"


def openvpn(number: int) -> str:
    """Gives a client that connects to OpenVPN, or that leaves."""
    who, where = person(number), f"{address(number)}:{number % 60000 + 1024}"
    head = f"Aug  4 {_clock(number)} gate openvpn[7]: "
    if number % 2:
        return f"{head}{who}/{where} SIGTERM[soft,remote-exit] received, client-instance exiting"
    return f"{head}{where} [{who}] Peer Connection Initiated with [AF_INET]{where}"


def freeradius(number: int) -> str:
    """Gives a log-in that a FreeRADIUS server took or refused, as it writes radius.log."""
    said = "Login OK" if number % 5 else "Login incorrect (pap: Cleartext password does not match)"
    tail = f"(from client gate port {number % 100} cli {address(number)})"
    return f"Tue Aug  4 {_clock(number)} 2026 : Auth: ({number}) {said}: [{person(number)}] {tail}"


def radius_accounting(number: int) -> str:
    """Gives one block of a FreeRADIUS detail file: the end of a session."""
    facts = (
        "Acct-Status-Type = Stop",
        f'User-Name = "{person(number)}"',
        f'Acct-Session-Id = "{number:X}"',
        f'Acct-Unique-Session-Id = "{number:032x}"',
        f"Acct-Session-Time = {number % 30000}",
        f"Acct-Input-Octets = {number * 100}",
        f"Acct-Output-Octets = {number * 200}",
        f'Calling-Station-Id = "{address(number)}"',
        "NAS-IP-Address = 192.0.2.1",
        "Acct-Terminate-Cause = User-Request",
        f"Timestamp = {1785837601 + number}",
    )
    return "\n".join([f"Tue Aug  4 {_clock(number)} 2026", *(f"\t{fact}" for fact in facts), ""])


def globalprotect(number: int) -> str:
    """Gives a log-in to a GlobalProtect gateway as PAN-OS writes it to syslog."""
    return (
        f"<14>Aug  4 {_clock(number)} PA-1 1,2026/08/04 {_clock(number)},0123,GLOBALPROTECT,0,2561,"
        f"2026/08/04 {_clock(number)},vsys1,gateway-auth,login,SAML,SSLVPN,{person(number)},PL,NB-{number % 900},"
        f'{address(number)},0.0.0.0,10.0.0.6,0.0.0.0,host-7,SN7,6.2.4,Windows,"Windows 11 , 64-bit",1,,,"",success,,'
        f"{number % 3000},user-logon,0,GW-1,{number},0x0,2026-08-04T{_clock(number)}.250+02:00,,,,,,1,2,3,4,,PA-FW,1"
    )


def fortinet(number: int) -> str:
    """Gives a tunnel's beginning or end of a FortiGate."""
    pairs = {
        "devname": "FG-1",
        "devid": "FGT1",
        "eventtime": str(1785837601000000000 + number * 1_000_000),
        "tz": "+0200",
        "logid": "0101039424",
        "type": "event",
        "subtype": "vpn",
        "action": ("tunnel-up", "tunnel-down")[number % 2],
        "user": person(number),
        "remip": address(number),
        "tunnelip": "10.0.0.6",
        "group": "Staff",
        "duration": str(number % 30000),
        "sentbyte": str(number * 100),
        "rcvdbyte": str(number * 200),
    }
    return f"<189>date=2026-08-04 time={_clock(number)} " + " ".join(f'{key}="{value}"' for key, value in pairs.items())


def cef(number: int) -> str:
    """Gives a log-in in CEF."""
    return (
        f"Aug  4 {_clock(number)} web CEF:0|Vendor|Product|1.0|100|User login|3|rt={1785837601250 + number} "
        f"src={address(number)} spt={number % 60000} dhost=crm suser={person(number)} suid={number % 4000} "
        f"outcome=success requestClientApplication=Mozilla/5.0 (X11) request=https://crm.example.test/a?b\\={number} "
        f"cs1Label=Policy cs1=Staff and admins externalId=e-{number}"
    )


def leef(number: int) -> str:
    """Gives a log-in in LEEF."""
    facts = (f"usrName={person(number)}", f"devTime={1785837601250 + number}", f"src={address(number)}")
    more = (f"srcPort={number % 60000}", "dst=192.0.2.1", "proto=TCP", "sev=3", "policy=Staff", "cat=login")
    return "LEEF:1.0|Vendor|Product|1|login|" + "\t".join(facts + more)


def ecs(number: int) -> str:
    """Gives a log-in in the Elastic Common Schema."""
    event = {"category": ["authentication"], "type": ["start"], "outcome": "success", "id": f"e-{number}"}
    record = {
        "@timestamp": f"2026-08-04T{_clock(number)}.250Z",
        "event": event | {"dataset": "system.auth"},
        "user": {"name": person(number), "id": str(number % 4000)},
        "source": {"ip": address(number), "port": 4711},
        "host": {"name": f"web{number % 40}"},
        "user_agent": {"original": "Mozilla/5.0 (X11; Linux x86_64)"},
        "service": {"name": "sshd"},
    }
    return json.dumps(record)


def ocsf(number: int) -> str:
    """Gives a refused log-in in OCSF."""
    ends = {"user": {"name": person(number)}, "src_endpoint": {"ip": address(number)}}
    return json.dumps(OCSF_EVENT | ends | {"time": 1785837601250 + number, "metadata": {"uid": f"m-{number}"}})


DEVICES: tuple[Made, ...] = (
    Made("cisco_asa", Format.CISCO_ASA, 50_000, cisco),
    Made("openvpn", Format.OPENVPN, 50_000, openvpn),
    Made("freeradius, log", Format.FREERADIUS, 50_000, freeradius),
    Made("freeradius, accounting", Format.FREERADIUS, 50_000 // 12, radius_accounting),  # blocks of 12 lines
    Made("globalprotect", Format.GLOBALPROTECT, 50_000, globalprotect),
    Made("fortinet", Format.FORTINET, 50_000, fortinet),
    Made("cef", Format.CEF, 50_000, cef),
    Made("leef", Format.LEEF, 50_000, leef),
    Made("ecs", Format.ECS, 50_000, ecs),
    Made("ocsf", Format.OCSF, 50_000, ocsf),
)
"""The kinds of lines of devices; a record of the accounting has several lines and counts once."""
