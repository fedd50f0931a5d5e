"""Made-up Windows events in every shape that collectors give them."""

import json

SUBJECT = {
    "SubjectUserSid": "S-1-5-18",
    "SubjectUserName": "DC1$",
    "SubjectDomainName": "BPO",
    "SubjectLogonId": "0x3e7",
}
ANA = {
    "TargetUserSid": "S-1-5-21-1-2-3-1104",
    "TargetUserName": "ana",
    "TargetDomainName": "BPO",
    "TargetLogonId": "0x1A2B3C",
}
HOW = {
    "LogonType": "10",
    "LogonProcessName": "User32 ",
    "AuthenticationPackageName": "Negotiate",
    "WorkstationName": "WS7",
    "IpAddress": "192.0.2.7",
    "IpPort": "51000",
}
BY_ANA = {
    "SubjectUserSid": "S-1-5-21-1-2-3-1104",
    "SubjectUserName": "ana",
    "SubjectDomainName": "BPO",
    "SubjectLogonId": "0x1A2B3C",
}
BOB = {"TargetUserName": "bob", "TargetDomainName": "BPO", "TargetSid": "S-1-5-21-1-2-3-1105"}
LOGON = SUBJECT | ANA | HOW
TIME = "2026-08-04T10:00:00.1234567Z"
SECURITY = "Microsoft-Windows-Security-Auditing"


def head(number: int, record: int = 7, provider: str = SECURITY, channel: str = "Security") -> dict[str, object]:
    """Give the System part as `evtx` renders it."""
    return {
        "Provider": {"#attributes": {"Name": provider}},
        "EventID": number,
        "Keywords": "0x8010000000000000" if number in {4625, 4771} else "0x8020000000000000",
        "TimeCreated": {"#attributes": {"SystemTime": TIME}},
        "EventRecordID": record,
        "Channel": channel,
        "Computer": "dc1.bpo.test",
    }


def evtx_json(number: int, data: dict[str, str], **system: object) -> str:
    """Give the shape of a record of an EVTX file."""
    return json.dumps({"Event": {"System": head(number) | system, "EventData": data}})


def xml(number: int, data: dict[str, str], *, time: str = TIME, record: int = 7) -> str:
    """Give the event as Windows Event Forwarding writes it."""
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{SECURITY}'/><EventID>{number}</EventID><Version>2</Version>"
        f"<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='{time}'/>"
        f"<EventRecordID>{record}</EventRecordID><Channel>Security</Channel><Computer>dc1.bpo.test</Computer><Security/>"
        f"</System><EventData>{values}</EventData></Event>"
    )


def winlogbeat(number: int, data: dict[str, str]) -> str:
    """Give Winlogbeat's shape."""
    log = {"event_id": str(number), "channel": "Security", "computer_name": "dc1.bpo.test", "provider_name": SECURITY}
    return json.dumps(
        {"@timestamp": TIME, "winlog": log | {"record_id": 7, "event_data": data}, "event": {"code": "x"}}
    )


def nxlog(number: int, data: dict[str, str]) -> str:
    """Give NXLog's shape: values beside the head."""
    top = {"EventTime": TIME, "Hostname": "dc1.bpo.test", "EventType": "AUDIT_SUCCESS", "EventID": number}
    return json.dumps(top | {"SourceName": SECURITY, "RecordNumber": 7, "Channel": "Security"} | data)


def fluent_bit(number: int, values: list[str]) -> str:
    """Give Fluent Bit's shape: values without names, and a space before the zone."""
    top = {"ProviderName": SECURITY, "EventID": number, "TimeCreated": "2026-08-04 12:00:00 +0200"}
    return json.dumps(
        top | {"EventRecordID": 7, "Channel": "Security", "Computer": "dc1.bpo.test", "StringInserts": values}
    )


def otel(number: int, data: dict[str, str]) -> str:
    """Give the body of OpenTelemetry's receiver."""
    top = {"event_id": {"id": number, "qualifiers": 0}, "provider": {"name": SECURITY}, "system_time": TIME}
    values = {"data": [{name: value} for name, value in data.items()], "name": "", "binary": ""}
    return json.dumps(top | {"channel": "Security", "computer": "dc1.bpo.test", "record_id": 7, "event_data": values})


ALL_SHAPES = {
    "evtx": evtx_json(4624, LOGON),
    "xml": xml(4624, LOGON),
    "winlogbeat": winlogbeat(4624, LOGON),
    "nxlog": nxlog(4624, LOGON),
    "otel": otel(4624, LOGON),
    "fluent bit": fluent_bit(
        4624, [*[*LOGON.values()][:12], "{guid}", "-", "-", "0", "0x1", "C:\\x.exe", "192.0.2.7", "51000"]
    ),
    "wrapped xml": json.dumps({"host": "collector", "message": xml(4624, LOGON)}),
    "wrapped json": json.dumps({"body": json.loads(otel(4624, LOGON))}),
    "syslog json": "<14>1 2026-08-04T10:00:00Z dc1 nx - - - " + nxlog(4624, LOGON),
    "syslog xml": "<14>Aug  4 10:00:00 dc1 nx: " + xml(4624, LOGON),
    "named attributes": json.dumps(
        {
            "System": head(4624),
            "EventData": {"Data": [{"@Name": name, "#text": value} for name, value in LOGON.items()]},
        }
    ),
}
