"""What PAM modules write, in the old form `sshd(pam_unix)[1]: ...` and the new `sshd[1]: pam_unix(sshd:auth): ...`.

Where the program writes a line of its own for the same attempt, PAM's line is its twin; where it does not (as in logs
that hold only the facility auth), PAM's line is the one record of the attempt. `logs.parsers.twins` decides.
"""

import re

from logs.kinds import ActorType, LogType, OcsfClass, StatusDetail
from logs.parsers.facts import SWITCH, Facts, logoff, logon, put_source, refused
from logs.parsers.signs import Kind, Sign, admin, dull
from logs.parsers.syslog import Line
from logs.parsers.text import address, clean

_NEW = re.compile(r"pam_(\w{1,32})\(([\w.@+-]{1,64}):(\w{1,16})\): (.*)", re.DOTALL)
_FAILURE = re.compile(
    r"(?:(?:PAM )?(\d{1,6}) more )?authentication failures?; logname=(\S*) uid=(\d*) euid=(\d*) tty=(\S*) ruser=(.*?) "
    r"rhost=(\S*)(?:\s+user=(.*))?",
    re.DOTALL,
)
_OPENED = re.compile(r"session opened for user (.*) by (.*?)(?:\(uid=(\d+)\))?$", re.DOTALL)
_CLOSED = re.compile(r"session closed for user (.*)$", re.DOTALL)
_CHANGED = re.compile(r"password changed for (.*)$", re.DOTALL)
_LOCKED = re.compile(r"Consecutive login failures for user (.*) account temporarily locked", re.DOTALL)
_UID = re.compile(r"\(uid=\d+\)$")

_JOBS = frozenset({"cron", "crond", "CRON", "atd", "systemd", "systemd-user", "anacron", "runuser", "runuser-l"})
_SWITCHES = frozenset({"su", "su-l", "sudo", "sudo-i", "pkexec", "polkit-1", "doas"})
_DISPLAYS = ("gdm", "lightdm", "sddm", "kdm", "xdm", "login")
_HINTS = (
    ("check pass; user unknown", StatusDetail.UNKNOWN_USER),
    ("has expired", StatusDetail.EXPIRED_ACCOUNT),
    ("expired password", StatusDetail.EXPIRED_PASSWORD),
    ("account is locked", StatusDetail.LOCKED),
    ("deny", StatusDetail.LOCKED),
    ("access denied", StatusDetail.POLICY_DENIED),
    ("refused user", StatusDetail.POLICY_DENIED),
)

NOISE = "PAM line without a log-in"
INTERACTIVE, REMOTE_INTERACTIVE = 2, 10


def from_pam(line: Line) -> tuple[Line, str] | None:
    """Give the line with the bare program and message, and the module's name, if PAM wrote it."""
    if line.program.endswith("(pam_unix)"):
        return line._replace(program=line.program[:-10]), "unix"
    if not line.message.startswith("pam_"):
        return (line, "unix") if line.message.startswith("PAM ") else None
    found = _NEW.match(line.message)
    if not found:
        return None
    return line._replace(message=found[4], program=family(found[2])), found[1]


def family(program: str) -> str:
    """Give one name to the parts of one program: sshd-session and sshd-auth are sshd, su-l is su."""
    if program.startswith("sshd"):
        return "sshd"
    return {"su-l": "su", "sudo-i": "sudo"}.get(program, program)


def read_pam(line: Line, module: str) -> Sign:
    """Read PAM's message about an attempt, a session or a password; `line.program` is the service."""
    message = line.message
    if line.program in _JOBS:
        return dull("scheduled job or service session")
    if "authentication failure" in message[:60]:
        return _failure(line, module)
    if message.startswith("session "):
        return _session(line)
    if message.startswith("authentication success"):
        return Sign(Kind.SETTLED, word=NOISE)
    return _rare(line)


def _failure(line: Line, module: str) -> Sign:
    found = _FAILURE.match(line.message)
    if not found:
        return dull(NOISE)
    more, logname, _, _, tty, ruser, rhost, user = found.groups()
    facts = refused(StatusDetail.BAD_PASSWORD if user else StatusDetail.OTHER)
    facts["action"] = "authentication failure"
    facts["app"], facts["dst_host"] = line.program, line.host
    if line.program in _SWITCHES:
        return _failed_switch(line, facts, ruser or logname, user or "")
    source = address(rhost)
    facts["actor_name"] = clean(user or "")
    facts["actor_type"] = ActorType.USER
    facts["is_remote"] = bool(rhost)
    facts["logon_type_id"] = REMOTE_INTERACTIVE if line.program == "sshd" else INTERACTIVE
    facts["extra"] = {"tty": clean(tty)} if tty else {}
    put_source(facts, source)
    if more:
        facts["repeat_count"] = max(1, int(more))
        return Sign(Kind.MORE, facts)
    return Sign(Kind.TRACE, facts, rank=0 if module == "unix" else 1)


def _failed_switch(line: Line, facts: Facts, actor: str, target: str) -> Sign:
    facts["activity_id"] = SWITCH
    facts["actor_name"], facts["target_name"] = clean(actor), clean(target)
    facts["actor_type"], facts["target_kind"] = ActorType.USER, "account"
    facts["status_detail"] = StatusDetail.BAD_PASSWORD
    found = _FAILURE.match(line.message)
    if line.program == "sudo":
        facts["target_name"] = ""
    if found and found[1]:
        facts["repeat_count"] = max(1, int(found[1]))
        return Sign(Kind.MORE, facts, key=switch_key(line, actor))
    return Sign(Kind.TRACE, facts, key=switch_key(line, actor))


def switch_key(line: Line, actor: str) -> str:
    """Name the attempt: sudo often writes no process id, so its lines are joined by who acted."""
    return f"={actor}" if line.program == "sudo" else ""


def _session(line: Line) -> Sign:
    found = _OPENED.match(line.message)
    if found:
        return _opened(line, _UID.sub("", found[1]), found[2], found[3])
    found = _CLOSED.match(line.message)
    if not found:
        return dull(NOISE)
    if line.program in {"sudo", "pkexec", "polkit-1", "doas"}:
        return dull("end of a single command")
    facts = logoff()
    facts["actor_name"] = clean(_UID.sub("", found[1]))
    facts["actor_type"] = ActorType.USER
    facts["app"], facts["dst_host"], facts["action"] = line.program, line.host, "session closed"
    facts["session_uid"] = f"{line.host}/{line.program}/{line.pid}" if line.pid else ""
    return Sign(Kind.CLOSED, facts)


def _opened(line: Line, user: str, by: str, by_uid: str | None) -> Sign:
    switch = line.program in _SWITCHES
    facts = logon(LogType.ADMIN if switch else LogType.SYSTEM_LOGIN)
    facts["app"], facts["dst_host"], facts["action"] = line.program, line.host, "session opened"
    facts["session_uid"] = f"{line.host}/{line.program}/{line.pid}" if line.pid else ""
    if switch:
        actor = by or ("root" if by_uid == "0" else f"uid={by_uid}" if by_uid else "")
        facts["activity_id"] = SWITCH
        facts["actor_name"], facts["target_name"], facts["target_kind"] = clean(actor), clean(user), "account"
    else:
        facts["actor_name"] = actor = clean(user)
        local = line.program.startswith(_DISPLAYS)
        facts["is_remote"] = not local
        facts["logon_type_id"] = INTERACTIVE if local else REMOTE_INTERACTIVE
    facts["actor_type"] = ActorType.ADMIN if actor == "root" else ActorType.USER
    return Sign(Kind.OPENED, facts, key=switch_key(line, actor))


def _rare(line: Line) -> Sign:
    found = _CHANGED.match(line.message)
    if found:
        facts = admin(line, OcsfClass.ACCOUNT_CHANGE, 3, "password changed")
        facts["target_name"], facts["target_kind"] = clean(found[1]), "account"
        return Sign(Kind.COUNTED, facts)
    found = _LOCKED.match(line.message)
    if found:
        facts = admin(line, OcsfClass.ACCOUNT_CHANGE, 9, "locked")
        facts["target_name"], facts["target_kind"] = clean(found[1]), "account"
        facts["actor_type"] = ActorType.SYSTEM
        return Sign(Kind.COUNTED, facts)
    for words, detail in _HINTS:
        if words in line.message[:400]:
            return Sign(Kind.HINT, word=detail)
    return dull(NOISE)
