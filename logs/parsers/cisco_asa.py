"""Cisco ASA and FTD: AnyConnect and WebVPN sessions, AAA, administrators' log-ins and commands.

Message numbers and texts are those of Cisco's "Secure Firewall ASA Series Syslog Messages". One attempt writes several
messages (113015 by AAA, then 716039 or 605004 by the service): the first is the event, the others are its twins.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from logs.kinds import (
    ActorType,
    Draft,
    Ignored,
    LogType,
    OcsfClass,
    Outcome,
    ParseError,
    Quarantined,
    SourceSettings,
    Status,
)
from logs.kinds import StatusDetail as Why
from logs.parsers.entries import Entry, count, needed, read_entries
from logs.parsers.facts import Facts, Parser, bounded, deed, logoff, logon, make_draft, put_source, refused
from logs.parsers.text import Address, address, clean, port_number, said
from logs.parsers.tunnels import CLOSE, OPEN, OTHER, tunnel, why

_MARK = re.compile(r"%(?:ASA|FTD|PIX)-")
_MESSAGE = re.compile(r"%(?:ASA|FTD|PIX)-(?:[a-zA-Z]{1,20}-)?(\d)-(\d{6}): ?")
_DURATION = re.compile(r"(?:(\d{1,6})d )?(\d{1,6})h:(\d{1,2})m:(\d{1,2})s$")
_ENDPOINTS = re.compile(r"(\S{1,255})/(\d{1,5}) to [^:\s]{1,64}:(\S{1,255})/(\S{1,64}) for user ")
_ASSIGNED = re.compile(r"IPv4 Address <([0-9.]{1,15})>")
_NOISE = "ASA message without an access"
_TWIN = "told by another message of the same attempt"
_TOGETHER = timedelta(seconds=5)
_MAX_USERS = 4096


def _name(text: str) -> str:
    """Give a user name; the mask ``*****`` of "no logging hide username" is no name."""
    return said(text.strip().strip("'\"<>"))


def _put_user(facts: Facts, user: str, kind: ActorType = ActorType.USER) -> Facts:
    facts["actor_name"] = _name(user)
    facts["actor_type"] = kind
    return facts


def _public(text: str) -> Address:
    """Give an address; 0.0.0.0 is what the console has."""
    found = address(text.strip().strip("<>"))
    return found._replace(ip=None) if found.ip == "0.0.0.0" else found  # noqa: S104 -- what the device writes


def _between(text: str, left: str, right: str) -> str:
    """Give what stands between two words, "" when they do not; linear."""
    start = text.find(left)
    if start < 0:
        return ""
    start += len(left)
    end = text.find(right, start) if right else len(text)
    return text[start : end if end >= 0 else len(text)].strip()


def _session(text: str) -> tuple[str, str, str, str] | None:
    """Give group, user, address and the rest of "Group <G> User <U> IP <I> ..." or "Group = G, Username = U, IP = I".

    The user's name comes from outside and may hold the words itself: the address is the last one.
    """
    if text.startswith("Group <"):
        place, names = text.rfind("> IP <"), text.find("> User <")
        if names < 0 or place < names:
            return None
        end = text.find(">", place + 6)
        return (
            (text[7:names], text[names + 8 : place], text[place + 6 : end], text[end + 1 :].strip())
            if end > 0
            else None
        )
    if text.startswith("Group = "):
        word = ", Username = " if ", Username = " in text else ", User = "
        place, names = text.rfind(", IP = "), text.find(word)
        if names < 0 or place < names:
            return None
        ip, _, rest = text[place + 7 :].partition(",")
        if not rest:
            ip, _, rest = text[place + 7 :].partition(" ")
        return text[8:names], text[names + len(word) : place], ip, rest.strip()
    return None


def _vpn(facts: Facts, text: str) -> tuple[Facts, str] | None:
    found = _session(text)
    if found is None:
        return None
    group, user, ip, rest = found
    _put_user(facts, user)
    put_source(facts, _public(ip))
    facts["resource"] = said(group)
    facts["extra"] = {}
    return facts, rest


def _opened(text: str) -> Facts | None:
    found = _vpn(tunnel(OPEN), text)
    return found[0] if found else None


def _not_opened(text: str) -> Facts | None:
    found = _vpn(tunnel(OPEN, failed=True), text)
    return found[0] if found else None


def _detail(text: str) -> Facts | None:
    """Read the assigned address (722051) or the client (722055) of a session that is open."""
    found = _vpn(tunnel(OTHER), text)
    if found is None:
        return None
    facts, rest = found
    assigned = _ASSIGNED.search(rest)
    facts["extra"] = bounded({"assigned_ip": assigned[1] if assigned else ""})
    facts["user_agent"] = said(_between(rest, "Client Type: ", ""))
    return facts


def _ended(text: str) -> Facts | None:
    """Read 113019, which holds duration and bytes, and 716002, which holds the reason alone."""
    found = _vpn(tunnel(CLOSE), text)
    if found is None:
        return None
    facts, rest = found
    facts["status_code"] = said(_between(rest, "Reason: ", "") or _between(rest, "terminated: ", "")).rstrip(".")[:120]
    took = _DURATION.match(_between(rest, "Duration: ", ","))
    if took:
        days, hours, minutes, seconds = (int(part or 0) for part in took.groups())
        facts["duration_ms"] = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    facts["bytes_out"] = count(_between(rest, "Bytes xmt: ", ","))
    facts["bytes_in"] = count(_between(rest, "Bytes rcv: ", ","))
    facts["extra"] = bounded({"session_type": said(_between(rest, "Session Type: ", ","))[:200]})
    return facts


def _user_of(text: str) -> tuple[str, str]:
    """Give the user and the user's address at the end of an AAA message."""
    place = max(text.rfind(": user = "), text.rfind(", User = "), text.rfind(": User = "))
    if place < 0:
        return "", ""
    user, _, ip = text[place + 9 :].rpartition(": user IP = ")
    return (user, ip) if user else (text[place + 9 :], "")


def _authenticated(text: str) -> Facts | None:
    user, ip = _user_of(text)
    facts = _put_user(logon(LogType.REMOTE), user)
    put_source(facts, _public(ip))
    facts["is_remote"] = True
    return facts


def _rejected(text: str) -> Facts | None:
    user, ip = _user_of(text)
    reason = _between(text, "reason = ", " :") or _between(text, "reason = ", ":")
    facts = _put_user(refused(why(reason), clean(reason)[:120]), user)
    put_source(facts, _public(ip))
    facts["is_remote"] = True
    return facts


def _locked(text: str) -> Facts | None:
    facts = deed(LogType.ADMIN, OcsfClass.ACCOUNT_CHANGE, 9)
    facts["target_name"], facts["target_kind"] = _name(_between(text, "User ", " locked out")), "account"
    facts["actor_type"] = ActorType.SYSTEM
    return facts


def _unlocked(text: str) -> Facts | None:
    facts = deed(LogType.ADMIN, OcsfClass.ACCOUNT_CHANGE, 12)
    facts["target_name"], facts["target_kind"] = _name(_between(text, "User ", " unlocked")), "account"
    return _put_user(facts, _between(text, "unlocked by ", ""), ActorType.ADMIN)


def _access_rejected(text: str) -> Facts | None:
    found = _vpn(refused(Why.OTHER, "rejected"), text)
    return found[0] if found else None


def _console_denied(text: str) -> Facts | None:
    """Read 113021 (a person without administrators' rights) and 611102."""
    user = _between(text, "Uname: ", "") or _between(text, "User ", " did NOT")
    facts = _put_user(refused(why(text), ""), user, ActorType.ADMIN)
    put_source(facts, _public(_between(text, "IP address: ", ",")))
    return facts


def _admin_login(text: str, facts: Facts) -> Facts | None:
    """Read 605004 and 605005: "Login permitted from A/port to interface:B/service for user "U"" (the end is U's)."""
    found = _ENDPOINTS.search(text)
    if not found:
        return None
    put_source(facts, _public(found[1])._replace(port=port_number(found[2])))
    facts["resource"] = clean(found[4])
    facts["is_remote"] = True
    return _put_user(facts, text[found.end() :], ActorType.ADMIN)


def _permitted(text: str) -> Facts | None:
    return _admin_login(text, logon(LogType.SYSTEM_LOGIN))


def _denied(text: str) -> Facts | None:
    return _admin_login(text, refused(Why.OTHER, "Login denied"))


def _logged_out(text: str) -> Facts | None:
    return _put_user(logoff(), _between(text, "Uname: ", ""), ActorType.ADMIN)


def _command(text: str) -> Facts | None:
    """Read 111008 and 111009: "User 'U' executed the 'C' command."."""
    place = text.rfind("' executed ")
    if place < 0:
        return None
    user = text[:place].partition(" '")[2]
    facts = deed(LogType.ADMIN, OcsfClass.API, 2 if "executed cmd" in text else 3)
    command = text[place + 11 :].removeprefix("the ").removeprefix("cmd").lstrip(": ").removesuffix(" command.")
    facts["extra"] = bounded({"command": clean(command.strip("'"))[:1000]})
    return _put_user(facts, user, ActorType.ADMIN)


def _command_from(text: str) -> Facts | None:
    """Read 111010: "User 'U', running 'CLI' from IP A, executed 'C'"."""
    start, place = text.find("', running '"), text.find("', executed '" if "', executed '" in text else ", executed '")
    if start < 0 or place < start:
        return None
    facts = deed(LogType.ADMIN, OcsfClass.API, 3)
    put_source(facts, _public(text[text.find(" from IP ", start) + 9 : place]))
    command = text[place:].partition("executed '")[2].rstrip(".").removesuffix("'")
    facts["extra"] = bounded({"command": clean(command)[:1000]})
    return _put_user(facts, text[:start].partition(" '")[2], ActorType.ADMIN)


def _local_user(activity: int) -> Callable[[str], Facts | None]:
    """Make the reader of 502101 (new), 502102 (deleted), 502103 (other privilege level)."""

    def read(text: str) -> Facts:
        facts = deed(LogType.ADMIN, OcsfClass.ACCOUNT_CHANGE, activity)
        facts["target_name"], facts["target_kind"] = _name(_between(text, "Uname: ", " ")), "account"
        level = _between(text, "To: ", " ") or _between(text, "Priv: ", " ")
        facts["privileges"] = (clean(f"level {level}"[:40]),) if level else ()
        return facts

    return read


_READERS: dict[str, Callable[[str], Facts | None]] = {
    "111008": _command,
    "111009": _command,
    "111010": _command_from,
    "113004": _authenticated,
    "113005": _rejected,
    "113006": _locked,
    "113007": _unlocked,
    "113012": _authenticated,
    "113013": _rejected,
    "113015": _rejected,
    "113019": _ended,
    "113021": _console_denied,
    "113038": _not_opened,
    "113039": _opened,
    "502101": _local_user(1),
    "502102": _local_user(6),
    "502103": _local_user(99),
    "605004": _denied,
    "605005": _permitted,
    "611102": _console_denied,
    "611103": _logged_out,
    "716001": _opened,
    "716002": _ended,
    "716039": _access_rejected,
    "722051": _detail,
    "722055": _detail,
}
_ALSO_TOLD = frozenset({"113008", "113009", "113011", "611101", "716038", "722022", "722023", "722037"})


class _Attempts:
    """Remembers the refused attempts of one body, so that each counts once."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[datetime, str]] = {}

    def is_twin(self, number: str, at: datetime, facts: Facts) -> bool:
        """Tell whether another message has told of this refusal before."""
        who = facts.get("actor_name") or facts.get("src_ip") or ""
        if facts["log_type"] != LogType.FAILED_LOGIN or not who:
            return False
        before = self._refused.get(who)
        if before and before[1] != number and abs(at - before[0]) <= _TOGETHER:
            return True
        if len(self._refused) > _MAX_USERS:
            self._refused.clear()
        self._refused[who] = (at, number)
        return False


def _same_command(first: Draft, second: Outcome) -> bool:
    """Tell whether 111010 tells of the command of the 111008 before it, and from which address it came."""
    return (
        isinstance(second, Draft)
        and second.action == "111010"
        and (first.actor_name, first.extra) == (second.actor_name, second.extra)
        and abs(second.occurred_at - first.occurred_at) <= _TOGETHER
    )


def _told(reader: Callable[[str], Facts | None], text: str, number: str) -> Facts:
    """Give the facts of a message; raises ParseError when its text is not the documented one."""
    facts = reader(text)
    if facts is None:
        raise ParseError(f"The message {number} is not written as the vendor documents it.")
    return facts


def _read(entry: Entry, attempts: _Attempts) -> Outcome:
    raw, position = entry.raw, entry.position
    found = _MESSAGE.match(entry.text)
    if found is None:
        return Quarantined(raw, "The message has no number of the form %ASA-6-113039.", position)
    number = found[2]
    text = entry.text[found.end() :]
    reader = _READERS.get(number)
    if reader is None or (number == "113004" and not text.startswith("AAA user authentication")):
        return Ignored(raw, _TWIN if number in _ALSO_TOLD else _NOISE, position)
    try:
        facts, moment = _told(reader, text, number), needed(entry.moment)
    except ParseError as error:
        return Quarantined(raw, error.reason, position)
    if attempts.is_twin(number, moment[0], facts):
        return Ignored(raw, _TWIN, position)
    facts["action"], facts["app"], facts["dst_host"] = number, "Cisco ASA", entry.host
    facts["native_id"] = entry.native_id
    if facts["status_id"] == Status.FAILURE:
        facts["severity_id"] = 2
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of ASA or FTD messages; every line gives one draft, one quarantined or one ignored record."""
    attempts = _Attempts()
    held: Draft | None = None
    for entry in read_entries(body, settings, _MARK, "message of an ASA or FTD"):
        outcome = _read(entry, attempts) if isinstance(entry, Entry) else entry
        if held is not None:
            yield Ignored(held.raw, _TWIN, held.position) if _same_command(held, outcome) else held
            held = None
        if isinstance(outcome, Draft) and outcome.action == "111008":
            held = outcome
        else:
            yield outcome
    if held is not None:
        yield held


PARSER = Parser("cisco_asa", "1", "Cisco ASA and FTD, AnyConnect", parse)
