"""What sudo, su, login and the account tools of Linux write, and two old daemons that let people in."""

import re
from collections.abc import Callable

from logs.kinds import ActorType, LogType, OcsfClass, Severity, StatusDetail
from logs.parsers.facts import SWITCH, Facts, logon, put_source, refused
from logs.parsers.signs import Kind, Sign, admin, dull
from logs.parsers.syslog import Line
from logs.parsers.text import address, clean

_WRONG = re.compile(r"(\d{1,4}) incorrect password attempts?")
_SU_GOOD = (
    re.compile(r"\(to (?P<target>\S+)\) (?P<actor>.*) on (?P<tty>\S+)$", re.DOTALL),
    re.compile(r"Successful su for (?P<target>\S+) by (?P<actor>.*)$", re.DOTALL),
    re.compile(r"(?P<actor>\S+) to (?P<target>\S+) on (?P<tty>\S+)$"),
    re.compile(r"\+ (?P<tty>\S+) (?P<actor>[^:]+):(?P<target>\S+)$"),
)
_SU_BAD = (
    re.compile(r"FAILED SU \(to (?P<target>\S+)\) (?P<actor>.*) on (?P<tty>\S+)$", re.DOTALL),
    re.compile(r"FAILED su for (?P<target>\S+) by (?P<actor>.*)$", re.DOTALL),
    re.compile(r"BAD SU (?P<actor>\S+) to (?P<target>\S+) on (?P<tty>\S+)$"),
    re.compile(r"failed: (?P<tty>\S+) changing from (?P<actor>\S+) to (?P<target>\S+)$"),
    re.compile(r"- (?P<tty>\S+) (?P<actor>[^:]+):(?P<target>\S+)$"),
)
_LOGIN_GOOD = re.compile(r"(ROOT )?LOGIN ON (\S+)(?: BY (.*?))?(?: FROM (\S+))?$", re.DOTALL)
_LOGIN_BAD = re.compile(
    r"FAILED LOGIN \(?(\d+)\)? (?:ON|on|FROM|from) '?(\S+?)'?(?: FROM '?(\S+?)'?)? FOR '?(.*?)'?, (.*)$", re.DOTALL
)
_ACCOUNT_TOOLS: tuple[tuple[re.Pattern[str], int, int], ...] = (
    (re.compile(r"new user: name=(?P<user>[^,]+)"), OcsfClass.ACCOUNT_CHANGE, 1),
    (re.compile(r"delete user '(?P<user>[^']+)'"), OcsfClass.ACCOUNT_CHANGE, 6),
    (re.compile(r"password for '(?P<user>[^']+)' changed by '(?P<actor>[^']+)'"), OcsfClass.ACCOUNT_CHANGE, 3),
    (re.compile(r"add '(?P<user>[^']+)' to group '(?P<group>[^']+)'"), OcsfClass.GROUP_MANAGEMENT, 3),
    (re.compile(r"delete '(?P<user>[^']+)' from group '(?P<group>[^']+)'"), OcsfClass.GROUP_MANAGEMENT, 4),
    (re.compile(r"user (?P<user>\S+) added by (?P<actor>\S+) to group (?P<group>\S+)"), OcsfClass.GROUP_MANAGEMENT, 3),
    (
        re.compile(r"user (?P<user>\S+) removed by (?P<actor>\S+) from group (?P<group>\S+)"),
        OcsfClass.GROUP_MANAGEMENT,
        4,
    ),
    (re.compile(r"unlock user '(?P<user>[^']+)' password"), OcsfClass.ACCOUNT_CHANGE, 12),
    (re.compile(r"lock user '(?P<user>[^']+)' password"), OcsfClass.ACCOUNT_CHANGE, 9),
)
_FTP = re.compile(r"ANONYMOUS FTP LOGIN FROM (\S+?),? ")
_KLOGIN = re.compile(r"Authentication failed from (\S+) \((\S*)\): (.*)$", re.DOTALL)


def _sudo(line: Line) -> Sign:
    actor, _, rest = line.message.strip().partition(" : ")
    values: dict[str, str] = {}
    notes: list[str] = []
    head, command_mark, command = rest.partition("COMMAND=")
    for part in head.split(" ; "):
        name, equals, value = part.strip(" ;").partition("=")
        if equals and name.isupper():
            values[name] = value
        elif name:
            notes.append(name)
    if not command_mark and not notes:
        return dull("sudo line without a command")
    note = " ; ".join(notes)
    facts = _sudo_outcome(note)
    facts["activity_id"], facts["action"] = SWITCH, "sudo"
    facts["actor_name"], facts["target_name"] = clean(actor), clean(values.get("USER", ""))
    facts["actor_type"], facts["target_kind"] = ActorType.USER, "account"
    facts["app"], facts["dst_host"] = "sudo", line.host
    facts["resource"] = clean(command)
    facts["extra"] = {key.lower(): clean(values[key]) for key in ("TTY", "PWD", "TSID") if key in values}
    return Sign(Kind.COUNTED if note else Kind.ACCEPTED, facts, key=f"={actor}")


def _sudo_outcome(note: str) -> Facts:
    """Read the words between the user and TTY=; none means that the command ran."""
    if not note:
        facts = logon(LogType.ADMIN)
        facts["severity_id"] = Severity.LOW
        return facts
    wrong = _WRONG.search(note)
    facts = refused(StatusDetail.BAD_PASSWORD if wrong else StatusDetail.POLICY_DENIED, clean(note[:120]))
    if wrong:
        facts["repeat_count"] = max(1, int(wrong[1]))
    facts["severity_id"] = Severity.MEDIUM
    return facts


def _su(line: Line) -> Sign:
    for pattern in _SU_GOOD:
        found = pattern.match(line.message)
        if found:
            return Sign(Kind.ACCEPTED, _switched(line, found, logon(LogType.ADMIN)))
    for pattern in _SU_BAD:
        found = pattern.match(line.message)
        if found:
            return Sign(Kind.COUNTED, _switched(line, found, refused(StatusDetail.BAD_PASSWORD)))
    return dull("su line without a switch")


def _switched(line: Line, found: re.Match[str], facts: Facts) -> Facts:
    facts["activity_id"], facts["action"] = SWITCH, "su"
    facts["actor_name"], facts["target_name"] = clean(found["actor"]), clean(found["target"])
    facts["actor_type"], facts["target_kind"] = ActorType.USER, "account"
    facts["app"], facts["dst_host"] = "su", line.host
    facts["session_uid"] = f"{line.host}/su/{line.pid}" if line.pid else ""
    tty = found.groupdict().get("tty")
    if tty:
        facts["extra"] = {"tty": clean(tty)}
    return facts


def _login(line: Line) -> Sign:
    found = _LOGIN_GOOD.match(line.message)
    if found:
        user, source, tty = found[3] or ("root" if found[1] else ""), found[4], found[2]
        facts = logon(LogType.SYSTEM_LOGIN)
        kind = Kind.ACCEPTED
    else:
        found = _LOGIN_BAD.match(line.message)
        if not found:
            return dull("login line without a log-in")
        tty, source, user, reason = found[2], found[3], found[4], found[5]
        unknown = "unknown" in reason.lower() or "not known" in reason.lower()
        facts = refused(StatusDetail.UNKNOWN_USER if unknown else StatusDetail.BAD_PASSWORD, clean(reason[:120]))
        kind = Kind.COUNTED
    facts["actor_name"], facts["action"] = clean(user), "login"
    facts["actor_type"] = ActorType.ADMIN if user == "root" else ActorType.USER
    facts["app"], facts["dst_host"], facts["logon_type_id"] = "login", line.host, 2
    facts["is_remote"] = bool(source)
    facts["session_uid"] = f"{line.host}/login/{line.pid}" if line.pid else ""
    facts["extra"] = {"tty": clean(tty)}
    put_source(facts, address(source or ""))
    return Sign(kind, facts)


def _account_tool(line: Line) -> Sign:
    for pattern, class_uid, activity_id in _ACCOUNT_TOOLS:
        found = pattern.search(line.message[:1000])
        if not found:
            continue
        named = found.groupdict()
        facts = admin(line, class_uid, activity_id, line.program)
        facts["target_name"], facts["target_kind"] = clean(named["user"]), "account"
        facts["actor_name"] = clean(named.get("actor") or "")
        facts["privileges"] = (clean(named["group"]),) if named.get("group") else ()
        return Sign(Kind.COUNTED, facts)
    return dull("account tool line without a change")


def _ftpd(line: Line) -> Sign:
    found = _FTP.match(line.message)
    if not found:
        return dull("ftpd line without a log-in")
    facts = logon(LogType.REMOTE)
    facts["actor_name"], facts["app"], facts["dst_host"] = "anonymous", "ftpd", line.host
    facts["action"], facts["is_remote"], facts["logon_type_id"] = "ANONYMOUS FTP LOGIN", True, 8
    put_source(facts, address(found[1]))
    return Sign(Kind.COUNTED, facts)


def _klogind(line: Line) -> Sign:
    found = _KLOGIN.match(line.message)
    if not found:
        return dull("klogind line without an address")
    facts = refused(StatusDetail.OTHER, clean(found[3].strip()[:120]))
    facts["app"], facts["dst_host"], facts["action"] = "klogind", line.host, "Authentication failed"
    facts["is_remote"], facts["auth_protocol_id"] = True, 2
    put_source(facts, address(found[1]))
    return Sign(Kind.COUNTED, facts)


READERS: dict[str, Callable[[Line], Sign]] = {
    "sudo": _sudo,
    "su": _su,
    "login": _login,
    "root": _login,  # login's tag after it has become root's shell: "-- root[2421]: ROOT LOGIN ON tty2"
    "useradd": _account_tool,
    "userdel": _account_tool,
    "usermod": _account_tool,
    "gpasswd": _account_tool,
    "passwd": _account_tool,
    "groupmems": _account_tool,
    "ftpd": _ftpd,
    "klogind": _klogind,
}
"""Readers of the lines that programs other than sshd write themselves, by program."""
