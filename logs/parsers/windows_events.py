"""What a flattened Windows event says: the one map of the Security channel's event ids.

Target* names the account that a log-in or a change is about, Subject* who did it. Log-ins of machines, of the window
manager and of services are no access of anybody: they are counted and not stored.
"""

from collections.abc import Callable
from functools import lru_cache

from logs.kinds import ActorType, LogType, OcsfClass, Severity, Status
from logs.parsers import text as texts
from logs.parsers.facts import LOGON, OTHER_ACTIVITY, SWITCH, Facts, bounded, deed, logoff, put_source, refused
from logs.parsers.text import address, clean, port_number, record_id
from logs.parsers.windows_codes import ACTIONS, INSERTS, ROUTINE, code, why_refused
from logs.parsers.windows_shapes import WindowsEvent

_AUTH, _CHANGE, _GROUP = OcsfClass.AUTHENTICATION, OcsfClass.ACCOUNT_CHANGE, OcsfClass.GROUP_MANAGEMENT
_ADMIN, _SYSTEM, _SESSION = LogType.ADMIN, LogType.SYSTEM_LOGIN, LogType.SESSION
_KERBEROS, _NTLM, _DIGEST = 2, 1, 3
"""OCSF auth_protocol_id."""

_TICKETS = {4768: (3, "TGT"), 4769: (4, "service ticket"), 4771: (6, "pre-authentication")}
_ACCOUNTS = {4720: 1, 4722: 2, 4723: 3, 4724: 4, 4725: 5, 4726: 6, 4738: 99, 4740: 9, 4767: 12}
"""Event id to the activity of OCSF 3001."""
_MEMBERS = {4728: 3, 4732: 3, 4756: 3, 4729: 4, 4733: 4, 4757: 4}
"""Event id to the activity of OCSF 3006; members of global, local and universal groups."""
_TAMPERING = {1102: 4, 104: 4, 1100: 11, 4719: 3, 4616: 3}
"""Event id to the activity of OCSF 3004: log cleared, logging stopped, audit policy changed, clock set."""

_PROVIDERS = frozenset({"microsoft-windows-security-auditing", "microsoft-windows-eventlog", "security"})
_SYSTEM_SIDS = frozenset({"S-1-5-18", "S-1-5-19", "S-1-5-20"})
_SYSTEM_NAMES = frozenset({"system", "local service", "network service"})
_REMOTE_TYPES = frozenset({3, 8, 10, 12})
_FAR = frozenset({"", "localhost"})


_SHORT = 64
_SURELY_SMALL = 1000
"""Characters whose JSON fits `MAX_EXTRA_BYTES` however they are escaped."""
_said = lru_cache(maxsize=16384)(texts.said)


def said(text: str | None) -> str:
    """Give the clean text, as `logs.parsers.text.said`; short ones come again and again and are remembered."""
    if not text:
        return ""
    return _said(text) if len(text) <= _SHORT else texts.said(text)


def is_access(event: WindowsEvent) -> bool:
    """Tell whether the event is one of the Security channel's (104: of the log service's) that are read."""
    if event.event_id not in ACTIONS:
        return False
    provider = event.provider.lower()
    if event.event_id == 104:
        return provider == "microsoft-windows-eventlog"
    return provider in _PROVIDERS if provider else event.channel.lower() == "security"


def _nobody(name: str, sid: str, logon_type: int | None = None) -> str:
    """Give the short reason why a log-in is nobody's, "" when it is an account's."""
    bare = name.partition("@")[0]
    if bare.endswith("$"):
        return "log-in of a machine account"
    if bare.upper().startswith(("DWM-", "UMFD-")) and (not sid or sid.startswith(("S-1-5-90-", "S-1-5-96-"))):
        return "log-in of the window manager"
    if sid == "S-1-5-7" or bare.upper() == "ANONYMOUS LOGON":
        return "anonymous log-on"
    if sid in _SYSTEM_SIDS or bare.lower() in _SYSTEM_NAMES:
        return "log-in of the system itself"
    return "log-on of a service" if logon_type in {0, 5} else ""


def _kind(name: str, sid: str) -> ActorType:
    if name.endswith("$"):
        return ActorType.MACHINE
    if sid in _SYSTEM_SIDS or name.lower() in _SYSTEM_NAMES:
        return ActorType.SYSTEM
    return ActorType.ADMIN if sid.startswith("S-1-5-21-") and sid.endswith("-500") else ActorType.USER


def _put_actor(facts: Facts, data: dict[str, str], who: str) -> None:
    """Write who acts, of the fields that begin with "Subject" or "Target"."""
    get = data.get
    name, sid = said(get(f"{who}UserName")), said(get(f"{who}UserSid") or (get("TargetSid") if who == "Target" else ""))
    facts["actor_name"], facts["actor_uid"] = name, sid
    facts["actor_type"] = _kind(name, sid) if name or sid else ActorType.UNKNOWN


def _put_target(facts: Facts, data: dict[str, str]) -> None:
    facts["target_name"] = said(data.get("TargetUserName"))
    facts["target_uid"] = said(data.get("TargetSid") or data.get("TargetUserSid"))
    facts["target_kind"] = "account"


def session_of(event: WindowsEvent, logon_id: str | None) -> str:
    """Give the session of a log-on id, which is its own only on one computer; "" for none."""
    return f"{said(event.computer)}/{clean(logon_id.lower())}" if logon_id and logon_id not in {"0x0", "-"} else ""


def _logon_type(data: dict[str, str]) -> int | None:
    text = data.get("LogonType", "").strip()
    return int(text) if text.isdecimal() and len(text) < 3 else None


def _put_logon_type(facts: Facts, number: int | None) -> None:
    """Write OCSF's logon_type_id: the numbers of Windows, but 1 for 0 (System) and 99 for those without a name."""
    if number is None:
        return
    known = number in {2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13}
    facts["logon_type_id"] = number if known else 1 if number == 0 else 99
    facts["is_remote"] = number in _REMOTE_TYPES


_PACKAGES = {"kerberos": _KERBEROS, "ntlm": _NTLM, "wdigest": _DIGEST}


def _put_place(facts: Facts, data: dict[str, str]) -> None:
    """Write from where: the address, else the name of the workstation."""
    source = address(data.get("IpAddress"))
    facts["src_ip"], facts["src_host"] = source.ip, source.host
    if source.ip is None and source.host in _FAR:
        named = said(data.get("WorkstationName") or data.get("Workstation")).lstrip("\\")
        facts["src_host"] = named or source.host
    if port := port_number(data.get("IpPort")):
        facts["src_port"] = port


def _logged_on(event: WindowsEvent) -> Facts | str:
    """4624 and 4625."""
    data, failed = event.data, event.event_id == 4625
    number = _logon_type(data)
    name, sid = data.get("TargetUserName", "").strip(), data.get("TargetUserSid", "")
    reason = _nobody(name, sid, None if failed else number)
    if reason:
        return reason
    if failed:
        status = code(data.get("SubStatus", "")) or code(data.get("Status", ""))
        facts = refused(why_refused(status), f"0x{status:08x}")
    else:
        facts = deed(_SYSTEM, _AUTH, LOGON)
        facts["session_uid"] = session_of(event, data.get("TargetLogonId"))
    _put_actor(facts, data, "Target")
    _put_logon_type(facts, number)
    _put_place(facts, data)
    package = _PACKAGES.get(data.get("AuthenticationPackageName", "").strip().lower())
    if package:
        facts["auth_protocol_id"] = package
    return facts


def _logged_off(event: WindowsEvent) -> Facts | str:
    """4634 and 4647."""
    data = event.data
    number = _logon_type(data)
    reason = _nobody(data.get("TargetUserName", "").strip(), data.get("TargetUserSid", ""), number)
    if reason:
        return reason
    facts = logoff()
    facts["session_uid"] = session_of(event, data.get("TargetLogonId"))
    _put_actor(facts, data, "Target")
    _put_logon_type(facts, number)
    return facts


def _explicit(event: WindowsEvent) -> Facts | str:
    """4648: another account's password is used; the computer itself does so for each log-on at its own screen."""
    data = event.data
    reason = _nobody(data.get("TargetUserName", "").strip(), "")
    if reason:
        return reason
    there = data.get("TargetServerName", "").strip().lower()
    if _nobody(data.get("SubjectUserName", ""), data.get("SubjectUserSid", "")) and there in {"localhost", "-", ""}:
        return "part of a log-in that is counted"
    facts = deed(_ADMIN, _AUTH, SWITCH, Status.UNKNOWN)
    facts["session_uid"] = session_of(event, data.get("SubjectLogonId"))
    _put_actor(facts, data, "Subject")
    _put_target(facts, data)
    _put_place(facts, data)
    facts["resource"] = said(data.get("TargetServerName"))
    return facts


def _privileges(event: WindowsEvent) -> Facts | str:
    """4672: a log-on got rights that only administrators hold."""
    data = event.data
    reason = _nobody(data.get("SubjectUserName", "").strip(), data.get("SubjectUserSid", ""))
    if reason:
        return reason
    facts = deed(_ADMIN, OcsfClass.AUTHORIZE_SESSION, 1)
    facts["session_uid"] = session_of(event, data.get("SubjectLogonId"))
    _put_actor(facts, data, "Subject")
    facts["privileges"] = tuple(clean(name) for name in data.get("PrivilegeList", "")[:4000].split() if name != "-")
    return facts


def _ticket(event: WindowsEvent) -> Facts | str:
    """4768, 4769, 4771: Kerberos, seen by the domain controller."""
    data = event.data
    reason = _nobody(data.get("TargetUserName", "").strip(), data.get("TargetSid", ""))
    if reason:
        return reason
    status, activity = code(data.get("Status", "")), _TICKETS[event.event_id][0]
    if status in ROUTINE:
        return "routine answer of Kerberos"
    failed = bool(status) or event.event_id == 4771
    facts = refused(why_refused(status), f"0x{status:x}") if failed else deed(_SYSTEM, _AUTH, activity)
    facts["activity_id"] = activity
    _put_actor(facts, data, "Target")
    facts["actor_name"] = facts["actor_name"].partition("@")[0]
    facts["auth_protocol_id"], facts["is_remote"] = _KERBEROS, True
    facts["resource"] = said(data.get("ServiceName"))
    _put_place(facts, data)
    return facts


def _ntlm(event: WindowsEvent) -> Facts | str:
    """4776: a password was proved by NTLM to the computer that knows it."""
    data = event.data
    reason = _nobody(data.get("TargetUserName", "").strip(), "")
    if reason:
        return reason
    status = code(data.get("Status", ""))
    facts = refused(why_refused(status), f"0x{status:08x}") if status else deed(_SYSTEM, _AUTH, LOGON)
    _put_actor(facts, data, "Target")
    facts["auth_protocol_id"] = _NTLM
    _put_place(facts, data)
    return facts


def _screen(event: WindowsEvent) -> Facts | str:
    """4800 and 4801: the screen was locked, unlocked."""
    facts = deed(_SESSION, _AUTH, LOGON if event.event_id == 4801 else OTHER_ACTIVITY)
    if event.event_id == 4801:
        facts["logon_type_id"] = 7
    facts["session_uid"] = session_of(event, event.data.get("TargetLogonId"))
    _put_actor(facts, event.data, "Target")
    return facts


def _window(event: WindowsEvent) -> Facts | str:
    """4778 and 4779: a remote desktop session was taken up again, left."""
    data = event.data
    back = event.event_id == 4778
    facts = deed(LogType.REMOTE if back else _SESSION, _AUTH, LOGON if back else OTHER_ACTIVITY)
    facts["session_uid"] = session_of(event, data.get("LogonID"))
    facts["actor_name"] = said(data.get("AccountName"))
    facts["actor_type"] = _kind(facts["actor_name"], "")
    facts["logon_type_id"], facts["is_remote"] = 10, True
    source = address(data.get("ClientAddress"))
    put_source(facts, source._replace(host=source.host or said(data.get("ClientName"))))
    return facts


def _account(event: WindowsEvent) -> Facts | str:
    """4720 to 4767: an account was changed."""
    data = event.data
    status = Status.FAILURE if event.succeeded is False else Status.SUCCESS
    facts = deed(_ADMIN, _CHANGE, _ACCOUNTS[event.event_id], status)
    facts["severity_id"] = Severity.LOW
    facts["session_uid"] = session_of(event, data.get("SubjectLogonId"))
    _put_actor(facts, data, "Subject")
    _put_target(facts, data)
    if event.event_id == 4740:
        facts["src_host"] = said(data.get("TargetDomainName")).lstrip(
            "\\"
        )  # the computer that the wrong passwords came from
    return facts


def _member(event: WindowsEvent) -> Facts | str:
    """4728 to 4757: somebody joined or left a group; here Target* is the group."""
    data = event.data
    facts = deed(_ADMIN, _GROUP, _MEMBERS[event.event_id])
    facts["severity_id"] = Severity.LOW
    facts["session_uid"] = session_of(event, data.get("SubjectLogonId"))
    _put_actor(facts, data, "Subject")
    sid, name = said(data.get("MemberSid")), said(data.get("MemberName"))
    facts["target_uid"], facts["target_name"] = sid, _common_name(name) or sid
    facts["target_kind"] = "account"
    group = said(data.get("TargetUserName")) or said(data.get("TargetSid"))
    facts["privileges"] = (group,) if group else ()
    return facts


def _common_name(distinguished: str) -> str:
    r"""Give "Ana, Reyes" of "CN=Ana\, Reyes,OU=Staff,DC=example"; a name that is none stays."""
    if distinguished[:3].upper() != "CN=":
        return distinguished
    return distinguished[3:].replace("\\,", "\0").partition(",")[0].replace("\0", ",")


def _tampering(event: WindowsEvent) -> Facts | str:
    """1102, 104, 1100, 4719, 4616: what the log is made of was changed."""
    data, number = event.data, event.event_id
    facts = deed(_ADMIN, OcsfClass.ENTITY_MANAGEMENT, _TAMPERING[number])
    facts["session_uid"] = session_of(event, data.get("SubjectLogonId"))
    _put_actor(facts, data, "Subject")
    by_person = facts["actor_type"] in {ActorType.USER, ActorType.ADMIN}
    if number in {1102, 104}:
        facts["severity_id"] = Severity.CRITICAL
    elif number == 1100:
        facts["severity_id"] = Severity.HIGH
    elif number == 4719:
        facts["severity_id"] = Severity.CRITICAL if by_person else Severity.MEDIUM
    else:
        facts["severity_id"] = Severity.MEDIUM if by_person else Severity.INFORMATIONAL
    if number in {1102, 104}:
        facts["resource"] = said(data.get("Channel")) or clean(event.channel)
    return facts


_READERS: dict[int, Callable[[WindowsEvent], Facts | str]] = {
    4624: _logged_on,
    4625: _logged_on,
    4634: _logged_off,
    4647: _logged_off,
    4648: _explicit,
    4672: _privileges,
    4776: _ntlm,
    4778: _window,
    4779: _window,
    4800: _screen,
    4801: _screen,
    **dict.fromkeys(_TICKETS, _ticket),
    **dict.fromkeys(_ACCOUNTS, _account),
    **dict.fromkeys(_MEMBERS, _member),
    **dict.fromkeys(_TAMPERING, _tampering),
}

_EXTRA = (
    ("TargetDomainName", "domain"),
    ("SubjectDomainName", "domain"),
    ("AccountDomain", "domain"),
    ("ProcessName", "process"),
    ("LogonProcessName", "logon_process"),
    ("AuthenticationPackageName", "package"),
    ("PackageName", "package"),
    ("LmPackageName", "ntlm"),
    ("TicketEncryptionType", "encryption"),
    ("AuditPolicyChanges", "policy"),
    ("NewTime", "new_time"),
)
_KEPT: dict[int, tuple[tuple[str, str], ...]] = {
    number: tuple(pair for pair in _EXTRA if pair[0] in INSERTS.get(number, [name for name, _ in _EXTRA]))
    for number in ACTIONS
}
"""Values that are kept beside the columns, by event id; of two with one name the first that is there."""


def facts_of(event: WindowsEvent) -> Facts | str:
    """Give what the event says, or the short reason why it is no access of anybody."""
    if not is_access(event):
        return "Windows event that is no access"
    facts = _READERS[event.event_id](event)
    if isinstance(facts, str):
        return facts
    facts["app"], facts["action"] = "windows", ACTIONS[event.event_id]
    facts["dst_host"] = said(event.computer)
    if event.record_id:
        native = f"{event.channel}/{event.computer}/{event.record_id}"
        facts["native_id"] = (
            native if len(native) < 150 and native.isascii() and native.isprintable() else record_id(native)
        )
    facts["extra"] = _extra(event)
    return facts


def _extra(event: WindowsEvent) -> dict[str, object]:
    extra: dict[str, object] = {"event_id": event.event_id}
    get, size = event.data.get, 0
    for field, name in _KEPT[event.event_id]:
        value = get(field)
        if value and name not in extra and (shown := said(value)):
            extra[name] = shown
            size += len(shown)
    return extra if size < _SURELY_SMALL else bounded(extra)
