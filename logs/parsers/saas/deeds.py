"""What an event of a cloud service means: the deeds that the tables of the vendors name.

A `Deed` is log type, OCSF 1.8.0 class and activity, and, where the event's name itself tells it, the outcome.
"""

import re
from typing import NamedTuple

from logs.kinds import LogType, OcsfClass, Status, StatusDetail


class Deed(NamedTuple):
    """What an event name says; `outcome` is None where another field tells whether it succeeded."""

    kind: int
    class_uid: int
    activity: int
    outcome: Status | StatusDetail | None = None

    def failing(self, why: StatusDetail = StatusDetail.OTHER) -> "Deed":
        """Give the same deed, refused for this reason."""
        return self._replace(outcome=why)


def _admin(class_uid: int, activity: int) -> Deed:
    return Deed(LogType.ADMIN, class_uid, activity)


def _used(class_uid: int, activity: int) -> Deed:
    return Deed(LogType.APPLICATION, class_uid, activity)


_AUTH, _CHANGE, _ACCESS = OcsfClass.AUTHENTICATION, OcsfClass.ACCOUNT_CHANGE, OcsfClass.USER_ACCESS
_GROUP, _ENTITY, _WEB = OcsfClass.GROUP_MANAGEMENT, OcsfClass.ENTITY_MANAGEMENT, OcsfClass.WEB_RESOURCES
_FILE, _API = OcsfClass.FILE_HOSTING, OcsfClass.API

LOGIN, SIGN_IN = Deed(LogType.SYSTEM_LOGIN, _AUTH, 1), _used(_AUTH, 1)
"""A log-in to a directory or system; a log-in to one application."""
DATABASE_LOGIN, REMOTE_LOGIN, ADMIN_LOGIN = (
    Deed(LogType.DATABASE, _AUTH, 1),
    Deed(LogType.REMOTE, _AUTH, 1),
    _admin(_AUTH, 1),
)
LOGOUT, CHECK = Deed(LogType.SESSION, _AUTH, 2), Deed(LogType.SYSTEM_LOGIN, _AUTH, 99)
"""The end of a session; a step of authentication that is no log-in by itself (a second factor, a challenge)."""
IMPERSONATED = _admin(_AUTH, 7)
USER_CREATED, USER_ENABLED, PASSWORD_CHANGED, PASSWORD_RESET = (_admin(_CHANGE, number) for number in (1, 2, 3, 4))
USER_DISABLED, USER_DELETED, USER_LOCKED, MFA_ON = (_admin(_CHANGE, number) for number in (5, 6, 9, 10))
MFA_OFF, USER_UNLOCKED, USER_CHANGED = (_admin(_CHANGE, number) for number in (11, 12, 99))
RIGHTS_GIVEN, RIGHTS_TAKEN, RIGHTS_CHANGED = (_admin(_ACCESS, number) for number in (1, 2, 99))
MEMBER_ADDED, MEMBER_REMOVED, GROUP_DELETED, GROUP_MADE, GROUP_CHANGED = (
    _admin(_GROUP, number) for number in (3, 4, 5, 6, 99)
)
MADE, SEEN, CHANGED, DELETED = (_admin(_ENTITY, number) for number in (1, 2, 3, 4))
ENABLED, DISABLED, OTHER_ADMIN = (_admin(_ENTITY, number) for number in (8, 9, 99))
"""Things that an administrator handles: settings, keys, rules, applications."""
WEB_MADE, WEB_READ, WEB_CHANGED, WEB_DELETED, SEARCHED, IMPORTED, EXPORTED, SHARED = (
    _used(_WEB, number) for number in range(1, 9)
)
FILE_PUT, FILE_GOT, FILE_CHANGED, FILE_DELETED, FILE_RENAMED, FILE_COPIED, FILE_MOVED, FILE_RESTORED, FILE_SEEN = (
    Deed(LogType.SESSION, _FILE, number) for number in range(1, 10)
)
FILE_LOCKED, FILE_UNLOCKED, FILE_SHARED, FILE_UNSHARED, FILE_OPENED, FILE_OTHER = (
    Deed(LogType.SESSION, _FILE, number) for number in (10, 11, 12, 13, 14, 99)
)
CALL_MAKES, CALL_READS, CALL_CHANGES, CALL_DELETES, CALL = (_used(_API, number) for number in (1, 2, 3, 4, 99))
DATA_READ, DATA_CHANGED, CONNECTED, QUERIED, DATA_WRITTEN, DATA_MADE, DATA_DELETED, LISTED = (
    Deed(LogType.DATABASE, OcsfClass.DATASTORE, number) for number in range(1, 9)
)
DATA_OTHER = Deed(LogType.DATABASE, OcsfClass.DATASTORE, 99)
TUNNEL_OPENED, TUNNEL_CLOSED = (Deed(LogType.REMOTE, OcsfClass.TUNNEL, number) for number in (1, 2))

_VERBS: dict[str, Deed] = {
    **dict.fromkeys(("create", "created", "add", "added", "insert", "install", "installed", "invite", "invited"), MADE),
    **dict.fromkeys(("generate", "generated", "new", "register", "start", "started", "upload", "write", "put"), MADE),
    **dict.fromkeys(("view", "viewed", "get", "list", "read", "export", "exported", "download", "show", "run"), SEEN),
    **dict.fromkeys(("update", "updated", "edit", "edited", "change", "changed", "set", "modify", "patch"), CHANGED),
    **dict.fromkeys(("move", "rename", "transfer", "rotate", "configure", "undelete", "restore", "reset"), CHANGED),
    **dict.fromkeys(("delete", "deleted", "destroy", "remove", "removed", "revoke", "revoked", "uninstall"), DELETED),
    **dict.fromkeys(("drop", "uninstalled", "purge", "cancel", "unregister"), DELETED),
    **dict.fromkeys(("enable", "enabled", "activate", "activated", "unarchived", "resume"), ENABLED),
    **dict.fromkeys(("disable", "disabled", "deactivate", "deactivated", "archived", "suspend", "stop"), DISABLED),
}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def by_verb(name: str) -> Deed:
    """Give the handling of a thing that the last verb in an event's name means; other than these, `OTHER_ADMIN`."""
    words = [word.lower() for word in _WORDS.findall(name[:200])]
    return next((_VERBS[word] for word in reversed(words) if word in _VERBS), OTHER_ADMIN)


def call_by_verb(name: str) -> Deed:
    """Give the use of an API that a call's name means: reading is access, making and changing are administration."""
    deed = by_verb(name)
    if deed is SEEN:
        return CALL_READS
    numbers = {MADE: 1, CHANGED: 3, ENABLED: 3, DISABLED: 3, DELETED: 4}
    return Deed(LogType.ADMIN, _API, numbers[deed]) if deed in numbers else CALL
