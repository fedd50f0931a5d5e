"""What sshd writes about log-ins (OpenSSH 3 to 10: sshd, sshd-session, sshd-auth).

User names come from the other side and may hold anything but NUL and line feed, also `root from 192.0.2.1 port 22`.
sshd writes the true address after the name, so every pattern takes the last ` from ` of the line.
"""

import re

from logs.kinds import ActorType, LogType, StatusDetail
from logs.parsers.facts import Facts, logon, put_source, refused
from logs.parsers.signs import Kind, Sign, dull
from logs.parsers.syslog import Line
from logs.parsers.text import Address, address, clean, port_number

REMOTE_INTERACTIVE = 10
KERBEROS = 2

_ACCEPTED = re.compile(r"Accepted (\S{1,64}) for (.*) from (\S+) port (\d{1,5})(?: ssh\d?)?(?:: (.*))?$", re.DOTALL)
_FAILED = re.compile(
    r"Failed (\S{1,64}) for (invalid user |illegal user )?(.*) from (\S+) port (\d{1,5})(?: ssh\d?)?(?:: .*)?$",
    re.DOTALL,
)
_INVALID = re.compile(r"(?:Invalid|Illegal) user (.*) from (\S+)(?: port (\d{1,5}))?$", re.DOTALL)
_NOT_ALLOWED = re.compile(r"User (.*) from (\S+) not allowed because (.*)$", re.DOTALL)
_LOCKED = re.compile(r"User (.*) not allowed because account is locked$", re.DOTALL)
_MAXIMUM = re.compile(
    r"(?:error: )?maximum authentication attempts exceeded for (invalid user )?(.*) from (\S+) port (\d{1,5}) ssh\d?"
    r"(?: \[preauth\])?$",
    re.DOTALL,
)
_PAM_ERROR = re.compile(r"error: PAM: (.{1,120}?) for (illegal user |invalid user )?(.*) from (\S+)$", re.DOTALL)
_PAM_ACCOUNT = re.compile(
    r"fatal: Access denied for user (.*) by PAM account configuration(?: \[preauth\])?$", re.DOTALL
)

NOISE = "sshd line without a log-in"


def _here(facts: Facts, line: Line, user: str, source: Address) -> Facts:
    facts["actor_name"] = clean(user)
    facts["actor_type"] = ActorType.ADMIN if user == "root" else ActorType.USER
    facts["app"] = "sshd"
    facts["dst_host"] = line.host
    facts["logon_type_id"] = REMOTE_INTERACTIVE
    facts["is_remote"] = True
    facts["session_uid"] = f"{line.host}/sshd/{line.pid}" if line.pid else ""
    put_source(facts, source)
    return facts


def _from(host: str, port: str | None) -> Address:
    return address(host)._replace(port=port_number(port))


def _accepted(line: Line) -> Sign:
    found = _ACCEPTED.match(line.message)
    if not found:
        return dull(NOISE)
    method, user, host, port, key = found.groups()
    facts = _here(logon(LogType.SYSTEM_LOGIN), line, user, _from(host, port))
    facts["action"] = "Accepted"
    facts["status_code"] = clean(method)
    if method.startswith("gssapi"):
        facts["auth_protocol_id"] = KERBEROS
    if key:
        facts["extra"] = {"key": clean(key)}
    return Sign(Kind.ACCEPTED, facts)


def _failed(line: Line) -> Sign:
    found = _FAILED.match(line.message)
    if not found:
        return dull(NOISE)
    method, invalid, user, host, port = found.groups()
    detail = StatusDetail.BAD_PASSWORD if method.startswith(("password", "keyboard")) else StatusDetail.OTHER
    facts = refused(StatusDetail.UNKNOWN_USER if invalid else detail, clean(method))
    _here(facts, line, user, _from(host, port))["action"] = "Failed"
    return Sign(Kind.TRACE, facts, rank=1) if method == "none" else Sign(Kind.COUNTED, facts)


def _invalid(line: Line) -> Sign:
    found = _INVALID.match(line.message)
    if not found:
        return dull(NOISE)
    facts = _here(refused(StatusDetail.UNKNOWN_USER), line, found[1], _from(found[2], found[3]))
    facts["action"] = "Invalid user"
    return Sign(Kind.TRACE, facts, rank=2)


def _user(line: Line) -> Sign:
    found = _NOT_ALLOWED.match(line.message)
    if found:
        facts = _here(refused(StatusDetail.POLICY_DENIED, clean(found[3][:120])), line, found[1], _from(found[2], None))
        facts["action"] = "Not allowed"
        return Sign(Kind.TRACE, facts, word=StatusDetail.POLICY_DENIED, rank=2)
    found = _LOCKED.match(line.message)
    if found:
        facts = _here(refused(StatusDetail.LOCKED), line, found[1], address(""))
        facts["action"] = "Not allowed"
        return Sign(Kind.TRACE, facts, word=StatusDetail.LOCKED, rank=2)
    return dull(NOISE)


def _maximum(line: Line) -> Sign:
    found = _MAXIMUM.match(line.message)
    if not found:
        return _pam_error(line)
    detail = StatusDetail.UNKNOWN_USER if found[1] else StatusDetail.OTHER
    facts = _here(refused(detail, "maximum attempts"), line, found[2], _from(found[3], found[4]))
    facts["action"] = "Maximum attempts exceeded"
    return Sign(Kind.LAST, facts)


def _pam_error(line: Line) -> Sign:
    found = _PAM_ERROR.match(line.message)
    if not found:
        return dull(NOISE)
    unknown = found[2] or "not known" in found[1]
    facts = refused(StatusDetail.UNKNOWN_USER if unknown else StatusDetail.BAD_PASSWORD, clean(found[1][:120]))
    _here(facts, line, found[3], address(found[4]))["action"] = "PAM error"
    return Sign(Kind.TRACE, facts, rank=1)


def _fatal(line: Line) -> Sign:
    found = _PAM_ACCOUNT.match(line.message)
    if not found:
        return dull(NOISE)
    facts = _here(refused(StatusDetail.POLICY_DENIED, "PAM account"), line, found[1], address(""))
    facts["action"] = "Access denied"
    return Sign(Kind.COUNTED, facts)


_BY_FIRST_WORD = {
    "Accepted": _accepted,
    "Failed": _failed,
    "Invalid": _invalid,
    "Illegal": _invalid,
    "User": _user,
    "error:": _maximum,
    "maximum": _maximum,
    "fatal:": _fatal,
}


def read_sshd(line: Line) -> Sign:
    """Read a message of sshd that does not come from PAM."""
    reader = _BY_FIRST_WORD.get(line.message.partition(" ")[0])
    return reader(line) if reader else dull(NOISE)
