"""OpenVPN server log (2.3 to 2.7): its own file with either form of time, or over syslog.

OpenVPN writes "Peer Connection Initiated" also for a peer whose password it has just refused, so a session counts as
opened when it is given an address. Bytes stand in the status file, not in the log; a duration is known where one
delivery holds the beginning too.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from logs.kinds import Ignored, LogType, Outcome, Quarantined, SourceSettings
from logs.kinds import StatusDetail as Why
from logs.parsers.entries import ANOTHER_PROGRAM, MAX_ENTRY_BYTES, TOO_LONG, dated, kept_apart
from logs.parsers.facts import Facts, Parser, bounded, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, numbered_lines
from logs.parsers.syslog import LineReader
from logs.parsers.text import Address, address, clean, decode, port_number, said
from logs.parsers.times import Moment, iso_time
from logs.parsers.tunnels import CLOSE, OPEN, tunnel

_ISO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: us=(\d{1,6}))? ")
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})(?: us=(\d{1,6}))? ")
_PEER = re.compile(r"(?:(?:udp|tcp)[46]?(?:-server)?:)?\[?([0-9A-Fa-f:.]{2,45}?)\]?:(\d{1,5})$")
_PROTOCOL = re.compile(r"\[AF_INET6?\]")
_EXIT = re.compile(r"SIG(?:TERM|USR1)\[soft,([\w-]{1,40})\] received, client-instance (?:exiting|restarting)")
_AUTH_OK = re.compile(r"TLS: Username/Password authentication (?:succeeded|deferred) for username '(.*)'", re.DOTALL)
_PAM = "AUTH-PAM: BACKGROUND: user '"
_PAM_FAILED = re.compile(r"AUTH-PAM: BACKGROUND: user '(.*)' failed to authenticate", re.DOTALL)
_ADDRESS_GIVEN = re.compile(r"MULTI: primary virtual IP(?:v6)? for (.*): ([0-9A-Fa-f:.]{2,45})$", re.DOTALL)
_CN = re.compile(r"CN=([^,/]{1,200})")
_REFUSALS = ("TLS Auth Error: Auth Username/Password verification failed", "VERIFY ERROR", "SENT CONTROL [")
_MAX_PEERS = 20_000
_NOISE = "OpenVPN line without an access"
_TWIN = "told by another line of the same session"
_REFUSED_PEER = "connection of a peer that was refused"


@dataclass(slots=True)
class _Peer:
    """What is known of one address and port."""

    user: str = ""
    name: str = ""
    opened_at: datetime | None = None
    refused: bool = False
    connected: bool = False


@dataclass(slots=True)
class _Session:
    """What the lines before have said, by peer; and the user whom PAM has just refused."""

    peers: dict[str, _Peer] = field(default_factory=dict)
    pam_user: str = ""

    def peer(self, key: str) -> _Peer:
        """Give what is known of a peer."""
        if len(self.peers) > _MAX_PEERS:
            self.peers.clear()
        return self.peers.setdefault(key, _Peer())


def _split(message: str) -> tuple[str, str, str]:
    """Give common name, "ip:port" and the words of "CN/ip:port words", "ip:port words" or "words"."""
    first, space, rest = message.partition(" ")
    if not space:
        return "", "", message
    if _PEER.match(first):
        return "", first, rest
    name, slash, end = first.rpartition("/")
    if slash and _PEER.match(end):
        return name, end, rest
    place = message.find(" MULTI") if " MULTI" in message else message.find(" SIG")
    name, slash, end = message[:place].rpartition("/") if place > 0 else ("", "", "")
    return (name, end, message[place + 1 :]) if slash and _PEER.match(end) else ("", "", message)


def _where(peer: str) -> Address:
    found = _PEER.match(peer)
    return address(found[1])._replace(port=port_number(found[2])) if found else address("")


def _connected(text: str, key: str, peer: _Peer) -> Facts | str:
    """Read "[CN] Peer Connection Initiated with [AF_INET]ip:port"."""
    end = text.rfind("] Peer Connection Initiated with ")
    name = text[1:end] if text.startswith("[") and end > 0 else ""
    if peer.refused:
        return _REFUSED_PEER
    peer.name, peer.connected = name, True
    facts = logon(LogType.REMOTE)
    facts["actor_name"] = said(peer.user) or said(name)
    facts["action"] = "Peer Connection Initiated"
    facts["extra"] = bounded({"common_name": said(name)})
    put_source(facts, _where(key or _PROTOCOL.sub("", text.rpartition(" ")[2])))
    return facts


def _refusal(text: str, key: str, peer: _Peer, session: _Session) -> Facts | str:
    """Read a refused password, a refused certificate, or AUTH_FAILED; one for each attempt."""
    if peer.refused and "VERIFY" not in text:
        return _TWIN
    certificate = text.startswith("VERIFY ERROR")
    reason = text.partition("error=")[2].partition(":")[0] if certificate else "AUTH_FAILED"
    facts = refused(Why.CERT_INVALID if certificate else Why.BAD_PASSWORD, clean(reason)[:120])
    named = _CN.search(text) if certificate else None
    start = text.find("[")
    told = text[start + 1 : text.rfind("] 'AUTH_FAILED")] if text.startswith("SENT CONTROL [") else ""
    facts["actor_name"] = said(named[1] if named else peer.user or session.pam_user or peer.name or told)
    facts["action"] = "VERIFY ERROR" if certificate else "AUTH_FAILED"
    put_source(facts, _where(key))
    peer.refused, session.pam_user = True, ""
    return facts


def _opened(found: re.Match[str], session: _Session, at: datetime) -> Facts | str:
    name, slash, key = found[1].rpartition("/")
    if not slash or not _PEER.match(key):
        return _NOISE
    peer = session.peer(key)
    if peer.opened_at is not None:
        return _TWIN
    peer.opened_at = at
    facts = tunnel(OPEN)
    facts["actor_name"] = said(peer.user) or said(name or peer.name)
    facts["action"] = "MULTI: primary virtual IP"
    facts["extra"] = bounded({"assigned_ip": found[2]})
    put_source(facts, _where(key))
    return facts


def _closed(reason: str, name: str, key: str, session: _Session, at: datetime) -> Facts | str:
    peer = session.peers.pop(key, _Peer())
    if peer.refused and peer.opened_at is None:
        return _REFUSED_PEER
    facts = tunnel(CLOSE)
    facts["actor_name"] = said(peer.user) or said(name or peer.name)
    if not facts["actor_name"]:
        return _NOISE
    facts["action"], facts["status_code"] = "client-instance exiting", clean(reason)
    if peer.opened_at is not None and at >= peer.opened_at:
        facts["duration_ms"] = int((at - peer.opened_at).total_seconds() * 1000)
    put_source(facts, _where(key))
    return facts


def _understand(message: str, at: datetime, session: _Session) -> Facts | str:
    """Give the facts of a line, or why it is no event."""
    # From the first mark alone: where that fails, every later one fails too, and trying them all is quadratic.
    pam = message.find(_PAM)
    if pam >= 0 and (found := _PAM_FAILED.match(message, pam)):
        session.pam_user = found[1]
        return _TWIN
    name, key, text = _split(message)
    peer = session.peer(key) if key else _Peer()
    if "Peer Connection Initiated with " in text:
        return _connected(text, key, peer)
    if text.startswith(_REFUSALS) and ("AUTH_FAILED'" in text or not text.startswith("SENT")):
        return _refusal(text, key, peer, session)
    if text.startswith("MULTI: primary virtual IP") and (found := _ADDRESS_GIVEN.match(text)):
        return _opened(found, session, at)
    if key and (found := _EXIT.match(text)):
        return _closed(found[1], name, key, session, at)
    return _named(text, peer)


def _named(text: str, peer: _Peer) -> str:
    """Remember who a peer is, from its certificate or its password; neither line is an event."""
    if text.startswith("VERIFY OK: depth=0") and (found := _CN.search(text)):
        peer.name = found[1].strip()
    elif found := _AUTH_OK.match(text):
        peer.user = found[1]
        return _TWIN
    return _NOISE


def _own_time(text: str, zone_name: str) -> tuple[Moment, str] | None:
    """Give the time of OpenVPN's own file and the message behind it; raises ValueError."""
    if found := _ISO.match(text):
        fraction = f".{int(found[2]):06d}" if found[2] else ""
        return iso_time(found[1] + fraction, zone_name), text[found.end() :]
    if found := _CTIME.match(text):
        month, day, clock, year, micros = found.groups()
        fraction = f".{int(micros):06d}" if micros else ""
        return dated(month, day, year, clock, fraction, zone_name), text[found.end() :]
    return None


def _read(record: Record, lines: LineReader, zone_name: str, session: _Session) -> Outcome:
    raw, position = record.raw, record.position
    host, native = "", ""
    try:
        own = _own_time(decode(raw[:-1] if raw.endswith(b"\r") else raw), zone_name)
        if own is None:
            line = lines.read(raw, position)
            if not ("openvpn" in line.program or line.program.startswith("ovpn")):
                return Ignored(raw, ANOTHER_PROGRAM, position)
            own, host, native = ((line.at, line.quality), line.message), line.host, line.native_id
    except ValueError as error:
        return kept_apart(error, raw, position)
    facts = _understand(own[1], own[0][0], session)
    if isinstance(facts, str):
        return Ignored(raw, facts, position)
    facts["app"], facts["dst_host"], facts["is_remote"], facts["native_id"] = "OpenVPN", host, True, native
    facts["actor_type"] = "user"
    return make_draft(own[0], raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of OpenVPN lines; every line gives one draft, one quarantined or one ignored record."""
    lines, session = LineReader(settings), _Session()
    for record in numbered_lines(body):
        if isinstance(record, Quarantined):
            yield record
        elif len(record.raw) > MAX_ENTRY_BYTES:
            yield Quarantined(record.raw, TOO_LONG, record.position)
        else:
            yield _read(record, lines, settings.time_zone, session)


PARSER = Parser("openvpn", "1", "OpenVPN server log", parse)
