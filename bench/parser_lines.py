"""Made-up lines of formats that the generator of the demonstration does not write, for the measurement of parsers.

Every line has its own number, person, address and port, so that no parser lives from one line that is said again.
"""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from logs.kinds import Format

SECURITY = "Microsoft-Windows-Security-Auditing"


class Made(NamedTuple):
    """A kind of line: its name, its format, how many of them a second are asked for, and the maker of a line."""

    name: str
    form: Format
    floor: int
    line: Callable[[int], str]


def lines(made: Made, count: int) -> Iterator[bytes]:
    """Gives so many lines of a kind."""
    for number in range(count):
        yield made.line(number).encode() + b"\n"


def person(number: int) -> str:
    """Gives one of 4,000 names."""
    return f"agent{number * 7919 % 4000}"


def address(number: int) -> str:
    """Gives one of many addresses."""
    return f"10.{number * 31 % 200}.{number * 17 % 250}.{number % 250}"


def _time(number: int) -> str:
    return f"2026-08-04T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{number % 1000000:06}"


def _logon(number: int) -> dict[str, str]:
    """Gives the values of 4624, of 4625 for each tenth."""
    outcome = {"Status": "0xc000006d", "SubStatus": "0xc000006a"} if number % 10 == 0 else {}
    return outcome | {
        "SubjectUserSid": "S-1-5-18",
        "SubjectUserName": "WS7$",
        "SubjectDomainName": "BPO",
        "SubjectLogonId": "0x3e7",
        "TargetUserSid": f"S-1-5-21-1-2-3-{number % 4000 + 1000}",
        "TargetUserName": person(number),
        "TargetDomainName": "BPO",
        "TargetLogonId": hex(number + 4096),
        "LogonType": "10",
        "LogonProcessName": "User32 ",
        "AuthenticationPackageName": "Negotiate",
        "WorkstationName": f"WS{number % 900}",
        "LogonGuid": "{00000000-0000-0000-0000-000000000000}",
        "TransmittedServices": "-",
        "LmPackageName": "-",
        "KeyLength": "0",
        "ProcessId": "0x2f8",
        "ProcessName": "C:\\Windows\\System32\\svchost.exe",
        "IpAddress": address(number),
        "IpPort": str(number % 60000 + 1024),
    }


def _event(number: int) -> int:
    return 4625 if number % 10 == 0 else 4624


def _system(number: int) -> dict[str, object]:
    return {
        "Provider": {"#attributes": {"Name": SECURITY, "Guid": "54849625-5478-4994-A5BA-3E3B0328C30D"}},
        "EventID": _event(number),
        "Version": 2,
        "Keywords": "0x8020000000000000",
        "TimeCreated": {"#attributes": {"SystemTime": _time(number) + "Z"}},
        "EventRecordID": number,
        "Channel": "Security",
        "Computer": "dc1.bpo.example.test",
    }


def windows_json(number: int) -> str:
    """Gives an event as the reader of EVTX renders it."""
    return json.dumps({"Event": {"System": _system(number), "EventData": _logon(number)}})


def windows_xml(number: int) -> str:
    """Gives an event as Windows Event Forwarding writes it."""
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in _logon(number).items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{SECURITY}' Guid='{{54849625-5478-4994-a5ba-3e3b0328c30d}}'/>"
        f"<EventID>{_event(number)}</EventID>"
        "<Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode>"
        "<Keywords>0x8020000000000000</Keywords>"
        f"<TimeCreated SystemTime='{_time(number)}Z'/><EventRecordID>{number}</EventRecordID><Correlation/>"
        "<Execution ProcessID='596' ThreadID='4404'/><Channel>Security</Channel>"
        "<Computer>dc1.bpo.example.test</Computer>"
        f"<Security/></System><EventData>{values}</EventData></Event>"
    )


def winlogbeat(number: int) -> str:
    """Gives an event as Winlogbeat sends it, with the text of its message shortened."""
    log = {"event_id": str(_event(number)), "channel": "Security", "computer_name": "dc1.bpo.example.test"}
    log |= {"provider_name": SECURITY, "record_id": str(number)}
    top = {"@timestamp": _time(number)[:23] + "Z", "message": "An account was successfully logged on.\n\nSubject:\n"}
    return json.dumps(top | {"winlog": log | {"event_data": _logon(number)}, "event": {"outcome": "success"}})


def nxlog(number: int) -> str:
    """Gives an event as NXLog sends it."""
    top = {"EventTime": _time(number) + "+08:00", "Hostname": "dc1.bpo.example.test", "EventType": "AUDIT_SUCCESS"}
    top |= {"EventID": _event(number), "SourceName": SECURITY, "RecordNumber": number, "Channel": "Security"}
    return json.dumps(top | _logon(number))


def auditd(number: int) -> str:
    """Gives one of five records that log-ins leave in the audit log of Linux."""
    kind = ("USER_AUTH", "USER_LOGIN", "USER_START", "CRED_DISP", "USER_END")[number % 5]
    res = "success" if number % 5 else "failed"
    stamp = f"msg=audit(1785837{number // 1000 % 1000:03}.{number % 1000:03}:{number})"
    inner = f'op=PAM:session acct="{person(number)}" exe="/usr/sbin/sshd" hostname={address(number)}'
    return (
        f"type={kind} {stamp}: pid={number % 30000} uid=0 auid={number % 4000} ses={number // 5} "
        f"subj=system_u:system_r:sshd_t:s0 msg='{inner} addr={address(number)} terminal=ssh res={res}'"
    )


def mysql_audit(number: int) -> str:
    """Gives a log-in, a statement, the table that it touched or a log-off."""
    when = f"20260804 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    head = f"{when},db1,{person(number)},{address(number)},{number // 5},{number}"
    sql = "SELECT name, phone FROM customer JOIN orders USING (id) WHERE note <> \\'x, y\\' AND id = " + str(number)  # noqa: S608 -- never run
    tails = (
        "CONNECT,crm,,0",
        f"QUERY,crm,'{sql}',0",
        "READ,crm,customer,",
        f"QUERY,crm,'{sql}',0",
        "DISCONNECT,crm,,0",
    )
    return f"{head},{tails[number % 5]}"


def pgaudit(number: int) -> str:
    """Gives a line of pgAudit in PostgreSQL's jsonlog."""
    sql = "select name, phone from customer where id = " + str(number)  # noqa: S608 -- never run
    row = {"timestamp": _time(number)[:23].replace("T", " ") + " UTC", "user": person(number), "dbname": "crm"}
    row |= {
        "remote_host": address(number),
        "remote_port": 5000,
        "session_id": f"6b03.{number // 4}",
        "line_num": number,
    }
    row |= {"error_severity": "LOG", "application_name": "psql", "backend_type": "client backend", "ps": "SELECT"}
    return json.dumps(
        row | {"message": f'AUDIT: SESSION,{number},1,READ,SELECT,TABLE,public.customer,"{sql}",<none>,{number % 50}'}
    )


MADE: tuple[Made, ...] = (
    Made("Windows, EVTX once rendered", Format.WINDOWS, 50_000, windows_json),
    Made("Windows, XML", Format.WINDOWS, 20_000, windows_xml),
    Made("Windows, Winlogbeat", Format.WINDOWS, 50_000, winlogbeat),
    Made("Windows, NXLog", Format.WINDOWS, 50_000, nxlog),
    Made("auditd", Format.AUDITD, 50_000, auditd),
    Made("mysql_audit", Format.MYSQL_AUDIT, 50_000, mysql_audit),
    Made("postgres_jsonlog, pgAudit", Format.POSTGRES_JSONLOG, 50_000, pgaudit),
)
"""The kinds of lines that are measured beside those of the demonstration."""
