"""FreeRADIUS 2 and 3: detail files (accounting, auth_detail, reply_detail), radius.log, and linelog over syslog.

A detail record is a line with the date and lines of attributes behind a tab, closed by a blank line; it is one record
with the bytes of all its lines. Bytes are seen from the gateway (RFC 2866 5.3, 5.4): Acct-Input-Octets came from the
person, Acct-Output-Octets went to them; RFC 2869 5.1, 5.2: a Gigaword is 2^32 octets.
"""

import re
from collections.abc import Iterable, Iterator

from logs.kinds import Ignored, LogType, Outcome, Quarantined, SourceSettings, Status
from logs.parsers.entries import ANOTHER_PROGRAM, MAX_ENTRY_BYTES, TOO_LONG, count, dated, kept_apart, times
from logs.parsers.facts import Facts, Parser, bounded, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, all_lines
from logs.parsers.syslog import LineReader
from logs.parsers.text import address, clean, decode, record_id, said
from logs.parsers.times import Moment, epoch_time
from logs.parsers.tunnels import CLOSE, OPEN, RENEW, tunnel, why

_DATE = re.compile(rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\r?$")
_DATED = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})(?: : )?")
_ATTRIBUTE = re.compile(r'[ \t]+([A-Za-z0-9-]{1,64})(?::\d+)? [:+]?= (?:"(.*)"|(.*))\r?$')
_LOGIN = re.compile(
    r"(Login OK|Login incorrect|Invalid user)(?: \((.{0,300}?)\))?: \[(.*)\] \(from client (\S{1,255}) port \S{1,20}"
    r"(?: cli (\S{1,255}))?(?: via TLS tunnel)?\)",
    re.DOTALL,
)
_LINELOG = re.compile(
    r"(Connect|Disconnect): \[(.*)\] \(did (\S{0,64}) cli (\S{0,64}) port \S{0,20} ip (\S{0,64})\)"
    r"(?: (\d{1,9}) seconds)?",
    re.DOTALL,
)
_NOISE = "RADIUS record without an access"
_ACTIVITIES = {"start": OPEN, "stop": CLOSE, "interim-update": RENEW, "alive": RENEW}
_GIGAWORD = 2**32


def _records(body: Iterable[bytes]) -> Iterator[Record]:
    """Cut a body into blocks and single lines; every byte but line feeds and blank lines is in one of them."""
    held: list[bytes] = []
    size = position = 0
    for line in all_lines(body):
        blank = not line or line.isspace()
        inside = bool(held) and not blank and line[:1] in b"\t " and size + len(line) < MAX_ENTRY_BYTES
        if held and not inside:
            yield Record(b"\n".join(held), position)
            position, held, size = position + 1, [], 0
        if blank:
            continue
        if inside or line[:1] in b"\t " or _DATE.match(line):
            held.append(line)
            size += len(line) + 1
        else:
            yield Record(line, position)
            position += 1
    if held:
        yield Record(b"\n".join(held), position)


def _attributes(text: str) -> dict[str, str]:
    found = (_ATTRIBUTE.match(line) for line in text.split("\n"))
    return {match[1]: match[2] if match[2] is not None else match[3] for match in found if match}


def _octets(said_of: dict[str, str], way: str) -> int | None:
    octets, words = count(said_of.get(f"Acct-{way}-Octets")), count(said_of.get(f"Acct-{way}-Gigawords")) or 0
    return None if octets is None or words >= 2**21 else octets + words * _GIGAWORD


def _put_caller(facts: Facts, calling: str, endpoint: str = "") -> None:
    """Write where the person called from: an address, or a MAC or telephone number, which names the device."""
    found, named = address(endpoint), address(calling)
    put_source(facts, found if found.ip else named._replace(host=""))
    if not named.ip:
        facts["device_uid"] = said(calling)


def _time(text: str, said_of: dict[str, str], zone_name: str) -> Moment:
    """Give the time of a block: its Timestamp in seconds, or the date of its first line. Raises ValueError."""
    if stamp := said_of.get("Timestamp", ""):
        return epoch_time(stamp)
    found = _DATED.match(text)
    if not found:
        raise ValueError("The record has neither a date nor a Timestamp.")
    return dated(found[1], found[2], found[4], found[3], "", zone_name)


def _meaning(said_of: dict[str, str]) -> Facts | None:
    """Begin the facts of a block by its packet or status type; None for what is no access."""
    status = said_of.get("Acct-Status-Type", "").lower()
    if activity := _ACTIVITIES.get(status):
        facts = tunnel(activity)
        facts["action"], facts["status_code"] = f"Accounting {status}", said(said_of.get("Acct-Terminate-Cause"))[:120]
        return facts
    packet = said_of.get("Packet-Type", "")
    if packet == "Access-Accept":
        facts = logon(LogType.REMOTE)
    elif packet == "Access-Reject":
        reason = said_of.get("Module-Failure-Message") or said_of.get("Reply-Message") or ""
        facts = refused(why(reason), clean(reason)[:120])
    else:
        return None
    facts["action"] = packet
    return facts


def _block(record: Record, text: str, zone_name: str) -> Outcome:
    said_of = _attributes(text)
    if not said_of:
        return Quarantined(record.raw, "The block holds no attribute of RADIUS.", record.position)
    facts = _meaning(said_of)
    if facts is None:
        return Ignored(record.raw, _NOISE, record.position)
    try:
        moment = _time(text, said_of, zone_name)
    except ValueError as error:
        return kept_apart(error, record.raw, record.position)
    facts["actor_name"] = said(said_of.get("User-Name") or said_of.get("Stripped-User-Name"))
    _put_caller(facts, said_of.get("Calling-Station-Id", ""), said_of.get("Tunnel-Client-Endpoint", ""))
    facts["duration_ms"] = times(said_of.get("Acct-Session-Time"), 1000)
    facts["bytes_in"], facts["bytes_out"] = _octets(said_of, "Input"), _octets(said_of, "Output")
    facts["session_uid"] = said(said_of.get("Acct-Session-Id"))
    facts["dst_host"] = said(said_of.get("NAS-Identifier") or said_of.get("NAS-IP-Address"))
    unique, status = said_of.get("Acct-Unique-Session-Id", ""), said_of.get("Acct-Status-Type", "")
    if unique and status:
        facts["native_id"] = record_id(f"{unique}/{status}/{said_of.get('Acct-Session-Time', '0')}")
    facts["extra"] = bounded(
        {
            "assigned_ip": said(said_of.get("Framed-IP-Address")),
            "called_station": said(said_of.get("Called-Station-Id"))[:200],
            "nas_port_type": said(said_of.get("NAS-Port-Type"))[:100],
            "multi_session": said(said_of.get("Acct-Multi-Session-Id"))[:200],
        }
    )
    return _made(record, moment, facts)


def _made(record: Record, moment: Moment, facts: Facts) -> Outcome:
    facts["app"], facts["is_remote"] = "FreeRADIUS", True
    facts["actor_type"] = "machine" if facts.get("actor_name", "").startswith("host/") else "user"
    if facts["status_id"] == Status.FAILURE:
        facts["severity_id"] = 2
    return make_draft(moment, record.raw, record.position, facts)


def _user(text: str) -> str:
    """Give the user of ``[ana/<via Auth-Type = mschap>]``; behind the slash may stand a password."""
    if text.startswith("host/"):
        return "/".join(text.split("/")[:2])
    return text.partition("/")[0]


def _line_facts(message: str) -> Facts | None:
    """Read a line of radius.log or of linelog; None for what is no access."""
    if found := _LOGIN.search(message[:4096]):
        words, reason, user, client, calling = found.groups()
        unknown = words == "Invalid user"
        facts = (
            logon(LogType.REMOTE)
            if words == "Login OK"
            else refused(why("invalid user" if unknown else reason or "password"), clean(reason or words)[:120])
        )
        facts["actor_name"], facts["action"], facts["dst_host"] = said(_user(user)), words, said(client)
        _put_caller(facts, calling or "")
        return facts
    if found := _LINELOG.search(message[:4096]):
        words, user, called, calling, framed, seconds = found.groups()
        facts = tunnel(OPEN if words == "Connect" else CLOSE)
        facts["actor_name"], facts["action"] = said(user), words
        facts["duration_ms"] = times(seconds, 1000)
        facts["extra"] = bounded({"assigned_ip": said(framed), "called_station": said(called)})
        _put_caller(facts, calling)
        return facts
    return None


def _line(record: Record, text: str, lines: LineReader, zone_name: str) -> Outcome:
    raw, position = record.raw, record.position
    host, native = "", ""
    try:
        own = _DATED.match(text)
        if own:
            moment, message = dated(own[1], own[2], own[4], own[3], "", zone_name), text[own.end() :]
        else:
            line = lines.read(raw, position)
            if not line.program.endswith(("radiusd", "freeradius", "radius")):
                return Ignored(raw, ANOTHER_PROGRAM, position)
            moment, message, host, native = (line.at, line.quality), line.message, line.host, line.native_id
    except ValueError as error:
        return kept_apart(error, raw, position)
    facts = _line_facts(message)
    if facts is None:
        return Ignored(raw, _NOISE, position)
    facts["native_id"] = native
    if not facts.get("dst_host"):
        facts["dst_host"] = host
    return _made(record, moment, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body; every block of a detail file and every other line gives one outcome."""
    lines = LineReader(settings)
    for record in _records(body):
        if len(record.raw) > MAX_ENTRY_BYTES:
            yield Quarantined(record.raw, TOO_LONG, record.position)
            continue
        text = decode(record.raw)
        if "\n" in text or text[:1] in "\t ":
            yield _block(record, text, settings.time_zone)
        else:
            yield _line(record, text.rstrip("\r"), lines, settings.time_zone)


PARSER = Parser("freeradius", "1", "FreeRADIUS accounting and log-ins", parse)
