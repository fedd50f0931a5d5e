"""What the words of a record mean whose vendor is unknown (CEF, LEEF, ECS): kind of access, class, activity, outcome.

The rules go from the narrow to the wide, and the first that fits decides. A record that names no actor is no access of
anybody; a record that no rule fits is API activity of the kind "other", with the vendor's words beside.
"""

import re
from functools import lru_cache

from logs.kinds import LogType, OcsfClass, Status
from logs.parsers.facts import LOGOFF, LOGON, OTHER_ACTIVITY, Facts, deed
from logs.parsers.tunnels import CLOSE, OPEN, why

Meaning = tuple[LogType, int, int]
"""Kind, class and activity."""

_ADMIN, _SESSION, _APP = LogType.ADMIN, LogType.SESSION, LogType.APPLICATION
_CHANGE, _ACCESS, _GROUP = OcsfClass.ACCOUNT_CHANGE, OcsfClass.USER_ACCESS, OcsfClass.GROUP_MANAGEMENT
_AUTH, _TUNNEL, _FILE = OcsfClass.AUTHENTICATION, OcsfClass.TUNNEL, OcsfClass.FILE_HOSTING

_RULES: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"(vpn|tunnel|globalprotect|anyconnect).*(disconnect|down|close|logout|log ?off|end|stop|terminat)",
         (LogType.REMOTE, _TUNNEL, CLOSE)),
        (r"(vpn|tunnel|globalprotect|anyconnect).*(connect|up\b|open|start|establish)",
         (LogType.REMOTE, _TUNNEL, OPEN)),
        (r"password.*(reset)|reset.*password", (_ADMIN, _CHANGE, 4)),
        (r"password.*(chang|updat|set\b)|(chang|updat)\w* .*password", (_ADMIN, _CHANGE, 3)),
        (r"(mfa|factor|otp|2fa).*(disabl|remov|delet|deactiv|reset)", (_ADMIN, _CHANGE, 11)),
        (r"(mfa|factor|otp|2fa).*(enabl|add|activ|enrol|regist)", (_ADMIN, _CHANGE, 10)),
        (r"(member|user|account).*(add|assign)\w* (to|in).*group|group.*(member|user).*(add)|add\w* .*to .*group",
         (_ADMIN, _GROUP, 3)),
        (r"(member|user|account).*remov\w* from.*group|group.*(member|user).*remov|remov\w* .*from .*group",
         (_ADMIN, _GROUP, 4)),
        (r"(privilege|role|permission|entitlement|right).*(grant|assign|add)|(grant|assign)\w* .*(privilege|role|perm)",
         (_ADMIN, _ACCESS, 1)),
        (r"(privilege|role|permission|entitlement|right).*(revok|remov|unassign)|(revok|remov)\w* .*(privilege|role)",
         (_ADMIN, _ACCESS, 2)),
        (r"(user|account).*unlock|unlock\w* .*(user|account)", (_ADMIN, _CHANGE, 12)),
        (r"(user|account).*lock|lock\w* .*(user|account)", (_ADMIN, _CHANGE, 9)),
        (r"(user|account).*(creat|\badded\b|provision|invit)|(creat|add)\w* .*(user|account)", (_ADMIN, _CHANGE, 1)),
        (r"(user|account).*(delet|remov)|(delet|remov)\w* .*(user|account)", (_ADMIN, _CHANGE, 6)),
        (r"(user|account).*(disabl|suspend|deactiv)|(disabl|suspend|deactiv)\w* .*(user|account)",
         (_ADMIN, _CHANGE, 5)),
        (r"(user|account).*(enabl|activat)|(enabl|activat)\w* .*(user|account)", (_ADMIN, _CHANGE, 2)),
        (r"log ?-?off|log ?-?out|logged ?(off|out)|sign ?-?(out|off)|signed ?(out|off)|session (end|clos|expir)",
         (_SESSION, _AUTH, LOGOFF)),
        (r"log ?-?on|log ?-?in|logged ?(on|in)|sign ?-?(in|on)|signed ?(in|on)|authenticat|\bauth\b|credential",
         (LogType.SYSTEM_LOGIN, _AUTH, LOGON)),
        (r"impersonat|\bsudo\b|switch\w* (user|role)|assume\w* role", (_ADMIN, _AUTH, 7)),
        (r"(polic|config|setting|rule|audit log).*(delet|remov)", (_ADMIN, OcsfClass.ENTITY_MANAGEMENT, 4)),
        (r"(polic|config|setting|rule|audit log).*(creat|add)", (_ADMIN, OcsfClass.ENTITY_MANAGEMENT, 1)),
        (r"(polic|config|setting|rule|audit log).*(chang|updat|modif|edit|set\b)",
         (_ADMIN, OcsfClass.ENTITY_MANAGEMENT, 3)),
        (r"\b(select|query|sql)\b|database.*(read|query|access)", (LogType.DATABASE, OcsfClass.DATASTORE, 4)),
        (r"\b(insert|update) .*(table|database)|database.*(write|updat|insert)",
         (LogType.DATABASE, OcsfClass.DATASTORE, 2)),
        (r"file.*upload|upload", (_SESSION, _FILE, 1)),
        (r"file.*download|download", (_SESSION, _FILE, 2)),
        (r"file.*(delet)", (_SESSION, _FILE, 4)),
        (r"(file|document).*shar", (_SESSION, _FILE, 12)),
        (r"(file|document).*(open|read|view|access)", (_SESSION, _FILE, 14)),
        (r"\bexport", (_SESSION, OcsfClass.WEB_RESOURCES, 7)),
        (r"\bimport", (_SESSION, OcsfClass.WEB_RESOURCES, 6)),
        (r"\bsearch", (_SESSION, OcsfClass.WEB_RESOURCES, 5)),
        (r"\bdelet|\bremov", (_APP, OcsfClass.WEB_RESOURCES, 4)),
        (r"\bcreat|\badd", (_APP, OcsfClass.WEB_RESOURCES, 1)),
        (r"\bupdat|\bchang|\bmodif|\bedit", (_APP, OcsfClass.WEB_RESOURCES, 3)),
        (r"\bread|\bview|\baccess|\bopen|\bget\b", (_APP, OcsfClass.WEB_RESOURCES, 2)),
    )
)  # fmt: skip
_GOOD = frozenset(
    {
        *("success", "successful", "succeeded", "ok", "pass", "passed", "allow", "allowed", "permit", "permitted"),
        *("accept", "accepted", "granted", "true", "0"),
    }
)
_BAD = ("fail", "den", "reject", "block", "refus", "invalid", "error", "unsuccessful", "drop", "false", "incorrect")
_UNKNOWN = _APP, int(OcsfClass.API), OTHER_ACTIVITY
_LONGEST = 300


@lru_cache(maxsize=8192)
def _meaning(words: str) -> Meaning:
    plain = words.lower().replace("_", " ")
    return next((meaning for pattern, meaning in _RULES if pattern.search(plain)), _UNKNOWN)


def meaning(*said_words: str) -> Meaning:
    """Give kind, class and activity that the words mean; the first of them that any rule fits decides."""
    for words in said_words:
        found = _meaning(words[:_LONGEST]) if words else _UNKNOWN
        if found is not _UNKNOWN:
            return found
    return _UNKNOWN


@lru_cache(maxsize=8192)
def _outcome(word: str) -> Status:
    word = word.strip().lower()
    if word in _GOOD:
        return Status.SUCCESS
    return Status.FAILURE if any(bad in word for bad in _BAD) else Status.UNKNOWN


def outcome(stated: str, *hints: str) -> Status:
    """Give the outcome: the field that states it decides, else words such as "failed"; unknown where none says."""
    for word in (stated, *hints):
        status = _outcome(word[:_LONGEST]) if word else Status.UNKNOWN
        if status != Status.UNKNOWN:
            return status
    return Status.UNKNOWN


def begin(found: Meaning, status: Status, reason: str) -> Facts:
    """Begin the facts of what the words mean; a refused authentication is always a failed log-in."""
    kind, class_uid, activity = found
    if class_uid == OcsfClass.AUTHENTICATION and status == Status.FAILURE:
        kind = LogType.FAILED_LOGIN
    facts = deed(kind, class_uid, activity, status)
    if status == Status.FAILURE:
        facts["severity_id"] = 2
        facts["status_detail"] = why(reason) if class_uid == OcsfClass.AUTHENTICATION else ""
    return facts
