"""Fortinet FortiGate event log in key=value: SSL and IPsec VPN, users' and administrators' log-ins, configuration.

Fields and numbers are those of Fortinet's "FortiOS Log Message Reference". Traffic and UTM records are counted and
ignored: they say which packets passed, not who did what.
"""

import re
from collections.abc import Iterable, Iterator

from logs.kinds import ActorType, Ignored, LogType, OcsfClass, Outcome, Quarantined, SourceSettings, Status
from logs.parsers.entries import Entry, count, kept_apart, needed, read_entries, times
from logs.parsers.facts import Facts, Parser, bounded, deed, logoff, logon, make_draft, put_source, refused
from logs.parsers.text import address, all_said, clean, port_number
from logs.parsers.times import Moment, epoch_time, iso_time
from logs.parsers.tunnels import CLOSE, OPEN, RENEW, tunnel, why

_MARK = re.compile(r"\b(?:date|logver|devname|devid)=")
_PAIR = re.compile(r'(?<![\w-])([A-Za-z_][\w-]{0,63})=(?:"((?:[^"\\]|\\.)*+)"|(\S*))')
_ZONE = re.compile(r"[+-]\d{2}:?\d{2}$")
_UI = re.compile(r"\(([0-9A-Fa-f:.]{2,45})\)$")
_UNITS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}
_CHANGES = {"add": 1, "edit": 3, "delete": 4, "move": 5, "set": 3}
_BESIDE = {name: name for name in ("group", "tunneltype", "vd", "logid", "logdesc", "cfgattr")} | {
    "tunnelip": "assigned_ip"
}
"""Fields that have no column of their own, and how they are called beside the event."""

Pairs = dict[str, str]


def pairs(text: str) -> Pairs:
    """Take key=value apart into the fields that say something; a value may be quoted."""
    return all_said((key, quoted or plain) for key, quoted, plain in _PAIR.findall(text))


def _moment(said_of: Pairs, zone_name: str) -> Moment | None:
    """Give the time: eventtime (seconds to nanoseconds by its length), or date, time and tz. Raises ValueError."""
    stamp = said_of.get("eventtime", "")
    unit = _UNITS.get(len(stamp))
    if unit and stamp.isdecimal():
        return epoch_time(stamp, unit)
    day, clock = said_of.get("date", ""), said_of.get("time", "")
    if not (day and clock):
        return None
    offset = said_of.get("tz", "")
    return iso_time(f"{day}T{clock}{offset if _ZONE.match(offset) else ''}", zone_name)


def _failed(said_of: Pairs) -> bool:
    return said_of.get("status", "").lower() in {"failed", "failure", "fail", "error", "negotiate_error"}


def _vpn(said_of: Pairs) -> Facts | None:
    """Read subtype vpn."""
    action = said_of.get("action", "")
    if action in {"ssl-login-fail", "auth-fail"}:
        reason = said_of.get("reason", "")
        return refused(why(reason, said_of.get("msg", "")), reason[:120])
    if action in {"ssl-login-pass", "ssl-new-con"} and "user" in said_of:
        return logon(LogType.REMOTE)
    if action == "tunnel-up":
        return tunnel(OPEN, failed=_failed(said_of))
    if action == "tunnel-down":
        return tunnel(CLOSE)
    if action == "tunnel-stats":
        return tunnel(RENEW)
    return None


def _user(said_of: Pairs) -> Facts | None:
    """Read subtype user: authentication at the firewall."""
    action = said_of.get("action", "")
    if action == "auth-logon":
        return logon(LogType.APPLICATION)
    if action in {"auth-logout", "auth-logoff"}:
        return logoff()
    if action == "authentication":
        reason = said_of.get("reason", "")
        return (
            refused(why(reason, said_of.get("msg", "")), reason[:120])
            if _failed(said_of)
            else logon(LogType.APPLICATION)
        )
    return None


def _system(said_of: Pairs) -> Facts | None:
    """Read subtype system: administrators, and what they change."""
    action = said_of.get("action", "").lower()
    if action == "login":
        reason = said_of.get("reason", "")
        return refused(why(reason), reason[:120]) if _failed(said_of) else logon(LogType.SYSTEM_LOGIN)
    if action == "logout":
        return logoff()
    if action in _CHANGES and said_of.get("cfgpath"):
        facts = deed(LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, _CHANGES[action])
        facts["resource"] = clean(f"{said_of['cfgpath']} {said_of.get('cfgobj', '')}".strip())
        return facts
    return None


_READERS = {"vpn": _vpn, "user": _user, "system": _system}


def _put_who(facts: Facts, said_of: Pairs) -> None:
    facts["actor_name"] = said_of.get("user") or said_of.get("xauthuser", "")
    admin = said_of.get("subtype") == "system"
    facts["actor_type"] = ActorType.ADMIN if admin else ActorType.USER
    ui = _UI.search(said_of.get("ui", "")[-60:])
    came = said_of.get("remip") or said_of.get("srcip") or (ui[1] if ui else "")
    found = address(came)
    put_source(facts, found, port_number(said_of.get("remport") or said_of.get("srcport")))
    facts["is_remote"] = said_of.get("subtype") == "vpn" or found.ip is not None


def _put_session(facts: Facts, said_of: Pairs) -> None:
    facts["duration_ms"] = times(said_of.get("duration"), 1000)
    facts["bytes_in"], facts["bytes_out"] = count(said_of.get("rcvdbyte")), count(said_of.get("sentbyte"))
    facts["session_uid"] = said_of.get("tunnelid") or said_of.get("sn", "")
    facts["dst_host"] = said_of.get("devname") or said_of.get("devid", "")
    facts["action"], facts["app"] = said_of.get("action", ""), "FortiGate"
    if facts["status_id"] == Status.SUCCESS and "reason" in said_of:
        facts["status_code"] = said_of["reason"][:120]
    facts["extra"] = bounded({name: said_of[key][:1000] for key, name in _BESIDE.items() if key in said_of})


def _read(entry: Entry, zone_name: str) -> Outcome:
    raw, position = entry.raw, entry.position
    said_of = pairs(entry.text)
    if "type" not in said_of:
        return Quarantined(raw, "The record has no field type, which every record of a FortiGate has.", position)
    reader = _READERS.get(said_of.get("subtype", "")) if said_of["type"] == "event" else None
    facts = reader(said_of) if reader else None
    if facts is None:
        return Ignored(raw, "FortiGate record without an access", position)
    try:
        moment = needed(_moment(said_of, zone_name) or entry.moment)
    except ValueError as error:
        return kept_apart(error, raw, position)
    _put_who(facts, said_of)
    _put_session(facts, said_of)
    if facts["status_id"] == Status.FAILURE:
        facts["severity_id"] = 2
    facts["native_id"] = entry.native_id
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of FortiGate records; every line gives one draft, one quarantined or one ignored record."""
    for entry in read_entries(body, settings, _MARK, "record of a FortiGate"):
        yield _read(entry, settings.time_zone) if isinstance(entry, Entry) else entry


PARSER = Parser("fortinet", "2", "Fortinet FortiGate events and VPN", parse)
