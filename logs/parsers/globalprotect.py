"""Palo Alto GlobalProtect: the log type GLOBALPROTECT of PAN-OS 9.1.3 and later, as CSV over syslog or as CEF.

The order of the CSV fields and the names of the CEF fields are those of Palo Alto's "Syslog Field Descriptions" and
"CEF Configuration Guide". The log-in at the portal or gateway and the tunnel's beginning and end are events; the steps
between them (prelogin, configuration, host check) are counted, and refused ones are events too.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter

from logs.kinds import Ignored, LogType, Outcome, Quarantined, SourceSettings, Status
from logs.parsers.cef import extension, header, written_time
from logs.parsers.entries import Entry, count, kept_apart, needed, read_entries, times
from logs.parsers.facts import Facts, Parser, bounded, logon, make_draft, put_source, refused
from logs.parsers.text import address, all_said, record_id, sentence
from logs.parsers.times import Moment
from logs.parsers.tunnels import CLOSE, OPEN, OTHER, tunnel, why

_CSV = (
    *("future", "receive_time", "serial", "type", "subtype", "future2", "time_generated", "vsys", "eventid", "stage"),
    *("auth_method", "tunnel_type", "srcuser", "srcregion", "machinename", "public_ip", "public_ipv6", "private_ip"),
    *("private_ipv6", "hostid", "serialnumber", "client_ver", "client_os", "client_os_ver", "repeatcnt", "reason"),
    *("error", "opaque", "status", "location", "login_duration", "connect_method", "error_code", "portal", "seqno"),
    *("actionflags", "high_res_timestamp"),
)
_DEVICE_NAME = 47
"""Place of the device's name in the CSV."""

_UNREAD = frozenset(
    {
        *("future", "future2", "type", "subtype", "vsys", "private_ipv6", "location", "actionflags"),
        *("connect_method", "error_code"),
    }
)
_PLACES = {name: place for place, name in enumerate(_CSV) if name not in _UNREAD} | {"device_name": _DEVICE_NAME}
"""The fields of the CSV that are read, and where they stand."""
_values = itemgetter(*_PLACES.values())

_CEF = {
    "PanOSDeviceSN": "serial",
    "PanOSLogTimeStamp": "time_generated",
    "start": "time_generated",
    "rt": "receive_time",
    "PanOSVirtualSystem": "vsys",
    "PanOSEventID": "eventid",
    "PanOSEventIDValue": "eventid",
    "PanOSStage": "stage",
    "PanOSAuthMethod": "auth_method",
    "PanOSTunnelType": "tunnel_type",
    "PanOSSourceUserName": "srcuser",
    "PanOSSourceRegion": "srcregion",
    "PanOSEndpointDeviceName": "machinename",
    "PanOSPublicIPv4": "public_ip",
    "PanOSPublicIPv6": "public_ipv6",
    "PanOSPrivateIPv4": "private_ip",
    "PanOSPrivateIPv6": "private_ipv6",
    "PanOSHostID": "hostid",
    "PanOSDeviceSerialNumber": "serialnumber",
    "PanOSEndpointSN": "serialnumber",
    "PanOSGlobalProtectClientVersion": "client_ver",
    "PanOSEndpointOSType": "client_os",
    "PanOSEndpointOSVersion": "client_os_ver",
    "PanOSCountOfRepeats": "repeatcnt",
    "PanOSQuarantineReason": "reason",
    "PanOSConnectionError": "error",
    "PanOSDescription": "opaque",
    "PanOSEventStatus": "status",
    "PanOSGPGatewayLocation": "location",
    "PanOSGlobalProtectGatewayLocation": "location",
    "PanOSLoginDuration": "login_duration",
    "PanOSConnectionMethod": "connect_method",
    "PanOSConnectionErrorID": "error_code",
    "PanOSPortal": "portal",
    "PanOSSequenceNo": "seqno",
    "PanOSTimeGeneratedHighResolution": "high_res_timestamp",
    "dvchost": "device_name",
}
_MARK = re.compile(r"CEF:\s?\d|(?:^|(?<=[\s\ufeff]))\d,\d{4}/\d\d/\d\d ")
_AUTH = frozenset({"portal-auth", "gateway-auth", "clientlessvpn-login"})
_NOTHING = frozenset({"0.0.0.0", "::", "0"})  # noqa: S104 -- what the device writes for "none"
_BESIDE = {"srcregion": "region", "auth_method": "auth_method", "tunnel_type": "tunnel_type", "stage": "stage"}
"""Fields that have no column of their own, and how they are called beside the event."""

Said = dict[str, str]


def _from_csv(text: str) -> Said | None:
    row = next(csv.reader([text]), [])
    if len(row) > 3 and row[3].upper() != "GLOBALPROTECT":
        return {}
    if len(row) < 29:
        return None
    row += [""] * (_DEVICE_NAME + 1 - len(row))  # older devices write fewer
    return all_said(zip(_PLACES, _values(row), strict=True))


def _from_cef(text: str) -> Said | None:
    parts = header(text, 7)
    if parts is None:
        return None
    found = {_CEF[key]: value for key, value in extension(parts[7]).items() if key in _CEF}
    if parts[4].upper() != "GLOBALPROTECT" and parts[5].upper() != "GLOBALPROTECT" and "eventid" not in found:
        return {}
    found.setdefault("eventid", parts[5])
    return found


def _refused(found: Said) -> bool:
    return found.get("status", "").lower() not in {"", "success", "succeeded"}


def _meaning(found: Said) -> Facts | None:
    """Begin the facts of a record; None for a step that is no access of its own."""
    event, failed = found.get("eventid", ""), _refused(found)
    reason = found.get("reason") or found.get("error") or found.get("opaque", "")
    if event in _AUTH:
        facts = refused(why(reason), reason[:120]) if failed else logon(LogType.REMOTE)
    elif event == "gateway-connected":
        facts = tunnel(OPEN, failed=failed)
    elif event in {"gateway-logout", "clientlessvpn-logout"}:
        facts = tunnel(CLOSE)
    elif failed:
        facts = tunnel(OTHER, failed=True)
    else:
        return None
    if facts["status_id"] == Status.FAILURE:
        facts["severity_id"] = 2
    if reason:
        facts["status_code"] = reason[:120]
    return facts


def _moment(found: Said, entry: Entry, zone_name: str) -> Moment:
    """Give the time, the most exact first: with zone, generated, received, header. Raises ValueError."""
    for name in ("high_res_timestamp", "time_generated", "receive_time"):
        if found.get(name):
            return written_time(found[name], zone_name)
    return needed(entry.moment)


def _set(found: Said, name: str) -> str:
    """Give a field that the device fills with zeros where it has nothing to say."""
    value = found.get(name, "")
    return "" if value in _NOTHING else value


def _put(facts: Facts, found: Said, host: str) -> None:
    facts["actor_name"], facts["actor_type"] = found.get("srcuser", ""), "user"
    public = _set(found, "public_ip") or _set(found, "public_ipv6")
    put_source(facts, address(public))
    facts["src_host"] = found.get("machinename", "")
    facts["device_uid"] = found.get("hostid") or found.get("serialnumber", "")
    system = found.get("client_os_ver") or found.get("client_os", "")
    agent = f"{found.get('client_ver', '')} {system}".strip()
    facts["user_agent"] = f"GlobalProtect {agent}" if agent else ""
    facts["dst_host"] = found.get("device_name") or host
    facts["resource"], facts["action"] = found.get("portal", ""), found.get("eventid", "")
    facts["app"], facts["is_remote"] = "GlobalProtect", True
    if facts["activity_id"] == CLOSE:
        facts["duration_ms"] = times(found.get("login_duration"), 1000)
    facts["repeat_count"] = max(1, count(found.get("repeatcnt")) or 1)
    serial, number = found.get("serial", ""), _set(found, "seqno")
    facts["native_id"] = record_id(f"{serial}/{number}") if serial and number else ""
    beside: dict[str, object] = {name: found[key][:100] for key, name in _BESIDE.items() if key in found}
    facts["extra"] = bounded({"assigned_ip": _set(found, "private_ip")} | beside)


def _read(entry: Entry, zone_name: str) -> Outcome:
    raw, position = entry.raw, entry.position
    try:
        found = _from_cef(entry.text) if entry.text.startswith("CEF:") else _from_csv(entry.text)
        if found == {}:
            return Ignored(raw, "PAN-OS record of another log type", position)
        if found is None:
            return Quarantined(raw, "The record has fewer fields than a GlobalProtect record has.", position)
        facts = _meaning(found)
        if facts is None:
            return Ignored(raw, "step of a GlobalProtect connection", position)
        moment = _moment(found, entry, zone_name)
    except csv.Error as error:
        return Quarantined(raw, f"The record is no CSV that can be read. {sentence(error)}", position)
    except ValueError as error:
        return kept_apart(error, raw, position)
    _put(facts, found, entry.host)
    if not facts["native_id"]:
        facts["native_id"] = entry.native_id
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of GlobalProtect records; every line gives one draft, one quarantined or one ignored record."""
    for entry in read_entries(body, settings, _MARK, "GlobalProtect record"):
        yield _read(entry, settings.time_zone) if isinstance(entry, Entry) else entry


PARSER = Parser("globalprotect", "3", "Palo Alto GlobalProtect", parse)
