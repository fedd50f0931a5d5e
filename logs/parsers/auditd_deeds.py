"""What one audit record says, by its type: changes of accounts and groups, of the audit itself, refusals."""

import re
from collections.abc import Callable
from typing import Final

from logs.kinds import LogType, OcsfClass, Severity, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.auditd_records import UNSET, plain
from logs.parsers.facts import Facts, deed, refused

Fields = dict[str, str]
_OP = re.compile(r"\bop=([^=]{0,80}?)(?: [\w-]{1,40}=|'|$)")
_CHANGE, _GROUP, _ENTITY = OcsfClass.ACCOUNT_CHANGE, OcsfClass.GROUP_MANAGEMENT, OcsfClass.ENTITY_MANAGEMENT

SIMPLE: Final[dict[str, tuple[int, int]]] = {
    "ADD_USER": (_CHANGE, 1),
    "DEL_USER": (_CHANGE, 6),
    "ADD_GROUP": (_GROUP, 6),
    "DEL_GROUP": (_GROUP, 5),
    "ACCT_LOCK": (_CHANGE, 9),
    "ACCT_UNLOCK": (_CHANGE, 12),
    "RESP_ACCT_LOCK": (_CHANGE, 9),
    "RESP_ACCT_LOCK_TIMED": (_CHANGE, 9),
    "RESP_ACCT_UNLOCK_TIMED": (_CHANGE, 12),
    "ROLE_ASSIGN": (OcsfClass.USER_ACCESS, 3),
    "ROLE_REMOVE": (OcsfClass.USER_ACCESS, 4),
}
"""Types of which each record is one change: OCSF class and activity."""

ANOMALIES: Final[dict[str, Why]] = {
    "ANOM_LOGIN_FAILURES": Why.LOCKED,
    "ANOM_LOGIN_TIME": Why.OUTSIDE_HOURS,
    "ANOM_LOGIN_SESSIONS": Why.POLICY_DENIED,
    "ANOM_LOGIN_ACCT": Why.POLICY_DENIED,
    "ANOM_LOGIN_LOCATION": Why.POLICY_DENIED,
}
"""Log-ins that PAM refused by a rule."""

_AUDIT: Final[dict[str, tuple[int, Severity]]] = {
    "DAEMON_START": (10, Severity.LOW),
    "DAEMON_END": (11, Severity.HIGH),
    "DAEMON_ABORT": (11, Severity.HIGH),
    "DAEMON_CONFIG": (3, Severity.MEDIUM),
    "CONFIG_CHANGE": (3, Severity.MEDIUM),
}
"""Changes of the audit itself: activity of OCSF 3004, and how much they weigh."""


def operation(text: str) -> str:
    """Give the words of "op=", which may hold spaces: "adding user to group"."""
    found = _OP.search(text)
    return found[1].strip() if found else ""


def succeeded(fields: Fields) -> bool | None:
    """Give the outcome, None where the record tells none."""
    word = fields.get("res", fields.get("success", fields.get("result", ""))).strip('"').lower()
    return True if word in {"success", "1", "yes"} else False if word in {"failed", "0", "no"} else None


def _status(fields: Fields) -> Status:
    outcome = succeeded(fields)
    return Status.UNKNOWN if outcome is None else Status.SUCCESS if outcome else Status.FAILURE


def _admin(class_uid: int, activity: int, fields: Fields) -> Facts:
    facts = deed(LogType.ADMIN, class_uid, activity, _status(fields))
    facts["severity_id"] = Severity.LOW
    return facts


def _simple(kind: str, text: str, fields: Fields) -> Facts | str:
    if "home" in operation(text):
        return "part of a change that is counted"
    class_uid, activity = SIMPLE[kind]
    facts = _admin(class_uid, activity, fields)
    account = plain(fields.get("acct")) or plain(fields.get("ID")) or plain(fields.get("id"))
    group = plain(fields.get("grp"))
    if class_uid == _GROUP:
        facts["privileges"] = (group or account,) if group or account else ()
    else:
        facts["target_name"], facts["target_kind"] = account, "account"
    return facts


def _managed(kind: str, text: str, fields: Fields) -> Facts | str:  # noqa: ARG001 -- one shape for all
    """USER_MGMT, GRP_MGMT: membership where a group and a verb are named, else another change."""
    op = operation(text)
    group, account = plain(fields.get("grp")), plain(fields.get("acct")) or plain(fields.get("id"))
    if group and ("add" in op or "delet" in op or "remov" in op) and "group" in op:
        facts = _admin(_GROUP, 3 if "add" in op else 4, fields)
    elif "lock" in op:
        facts = _admin(_CHANGE, 12 if "unlock" in op else 9, fields)
    else:
        facts = _admin(_CHANGE, 99, fields)
    facts["target_name"], facts["target_kind"] = account, "account"
    facts["privileges"] = (group,) if group else ()
    return facts


def _password(kind: str, text: str, fields: Fields) -> Facts | str:  # noqa: ARG001 -- one shape for all
    """USER_CHAUTHTOK: one's own password is changed, another's is reset; locks and ages come here too."""
    op = operation(text)
    account = plain(fields.get("acct")) or plain(fields.get("ID")) or plain(fields.get("id"))
    own = account and account in {plain(fields.get("AUID")), plain(fields.get("auid"))}
    by_root = fields.get("uid") == "0" and fields.get("auid") in {"0", *UNSET}
    activity = 3 if own else 4
    if "lock" in op:
        activity = 12 if "unlock" in op else 9
    elif "age" in op or "expir" in op:
        activity = 99
    facts = _admin(_CHANGE, activity, fields)
    facts["target_name"], facts["target_kind"] = account, "account"
    if by_root:
        facts["severity_id"] = Severity.MEDIUM
    return facts


def _anomaly(kind: str, text: str, fields: Fields) -> Facts | str:  # noqa: ARG001 -- one shape for all
    facts = refused(ANOMALIES[kind], kind)
    facts["actor_name"] = plain(fields.get("acct"))
    return facts


def _audit(kind: str, text: str, fields: Fields) -> Facts | str:
    activity, severity = _AUDIT[kind]
    facts = deed(LogType.ADMIN, _ENTITY, activity, _status(fields))
    by_person = fields.get("auid", "") not in UNSET
    if kind == "CONFIG_CHANGE":
        weaker = "remove" in operation(text) or fields.get("audit_enabled") == "0"
        severity = Severity.CRITICAL if weaker and by_person else severity if by_person else Severity.LOW
    facts["severity_id"] = severity
    facts["resource"] = plain(fields.get("key")) or "audit"
    return facts


def _service(kind: str, text: str, fields: Fields) -> Facts | str:  # noqa: ARG001 -- one shape for all
    if plain(fields.get("unit")) not in {"auditd", "rsyslog", "systemd-journald"}:
        return "service started or stopped"
    facts = deed(LogType.ADMIN, _ENTITY, 11 if kind == "SERVICE_STOP" else 10, _status(fields))
    facts["severity_id"] = Severity.HIGH if kind == "SERVICE_STOP" else Severity.LOW
    facts["resource"] = plain(fields.get("unit"))
    return facts


DEEDS: Final[dict[str, Callable[[str, str, Fields], Facts | str]]] = {
    **dict.fromkeys(SIMPLE, _simple),
    **dict.fromkeys(ANOMALIES, _anomaly),
    **dict.fromkeys(_AUDIT, _audit),
    **dict.fromkeys(("USER_MGMT", "GRP_MGMT", "GRP_CHAUTHTOK"), _managed),
    "USER_CHAUTHTOK": _password,
    "SERVICE_STOP": _service,
    "SERVICE_START": _service,
}
"""Readers of types of which a record needs no other: type, text and fields in; facts or a short reason out."""
