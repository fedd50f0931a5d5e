"""Keycloak events and admin events, as its event listeners and its REST API write them.

Also reads the JSON console log, whose `message` holds `type="LOGIN_ERROR", realmId="..."`. Source: Keycloak, server
administration guide, "Configuring auditing to track events", and org.keycloak.events.EventType and Errors.
"""

import re

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row, text

_DEEDS = {
    "LOGIN": d.LOGIN,
    "LOGOUT": d.LOGOUT,
    "REGISTER": d.USER_CREATED,
    "UPDATE_PASSWORD": d.PASSWORD_CHANGED,
    "RESET_PASSWORD": d.PASSWORD_RESET,
    "SEND_RESET_PASSWORD": d.USER_CHANGED,
    "UPDATE_TOTP": d.MFA_ON,
    "REMOVE_TOTP": d.MFA_OFF,
    "UPDATE_CREDENTIAL": d.USER_CHANGED,
    "REMOVE_CREDENTIAL": d.USER_CHANGED,
    "UPDATE_EMAIL": d.USER_CHANGED,
    "UPDATE_PROFILE": d.USER_CHANGED,
    "DELETE_ACCOUNT": d.USER_DELETED,
    "USER_DISABLED_BY_PERMANENT_LOCKOUT": d.USER_DISABLED,
    "USER_DISABLED_BY_TEMPORARY_LOCKOUT": d.USER_LOCKED,
    "IMPERSONATE": d.IMPERSONATED,
    "GRANT_CONSENT": d.RIGHTS_GIVEN,
    "REVOKE_GRANT": d.RIGHTS_TAKEN,
    "CLIENT_LOGIN": d.SIGN_IN,
    "CODE_TO_TOKEN": d.SIGN_IN,
    "REFRESH_TOKEN": d.CHECK,
    "TOKEN_EXCHANGE": d.CHECK,
    "CREATE USER": d.USER_CREATED,
    "UPDATE USER": d.USER_CHANGED,
    "DELETE USER": d.USER_DELETED,
    "CREATE GROUP": d.GROUP_MADE,
    "DELETE GROUP": d.GROUP_DELETED,
    "CREATE GROUP_MEMBERSHIP": d.MEMBER_ADDED,
    "DELETE GROUP_MEMBERSHIP": d.MEMBER_REMOVED,
    "CREATE REALM_ROLE_MAPPING": d.RIGHTS_GIVEN,
    "DELETE REALM_ROLE_MAPPING": d.RIGHTS_TAKEN,
    "CREATE CLIENT_ROLE_MAPPING": d.RIGHTS_GIVEN,
    "DELETE CLIENT_ROLE_MAPPING": d.RIGHTS_TAKEN,
}
_QUIET = ("INTROSPECT_TOKEN", "USER_INFO_REQUEST", "PERMISSION_TOKEN", "VALIDATE_ACCESS_TOKEN")
_PAIR = re.compile(r'(\w+)="?([^",]*)"?')


def _otherwise(name: str) -> d.Deed:
    """Give what a type means: `X_ERROR` is X refused; `CREATE CLIENT` is a thing that an administrator handled."""
    if name.endswith("_ERROR"):
        return _DEEDS.get(name[:-6], d.CHECK).failing()
    return d.by_verb(name.partition(" ")[0]) if " " in name else d.CHECK


def _shape(row: Row) -> Row:
    """Give the members that a console log has in its message, and one name for an admin event."""
    message = row.get("message")
    if isinstance(message, str) and ("ype=" in message[:40]):
        found: Row = dict(_PAIR.findall(message[:20000]))
        row = {"time": row.get("timestamp")} | found | {"details": found}
    if row.get("operationType"):
        kind = text(row.get("resourceType")) or text(row.get("resourcePath")).partition("/")[0].upper()
        return row | {"type": f"{text(row['operationType'])} {kind}"}
    return row


VENDOR = Vendor(
    name="keycloak",
    title="Keycloak event",
    app="Keycloak",
    time="time",
    event="type",
    deeds=_DEEDS,
    otherwise=_otherwise,
    ignored=dict.fromkeys(_QUIET, "check of a token"),
    outcome="error",
    outcomes={
        "invalid_user_credentials": Why.BAD_PASSWORD,
        "invalid_client_credentials": Why.BAD_PASSWORD,
        "user_not_found": Why.UNKNOWN_USER,
        "client_not_found": Why.UNKNOWN_USER,
        "username_missing": Why.UNKNOWN_USER,
        "user_disabled": Why.DISABLED,
        "client_disabled": Why.DISABLED,
        "user_temporarily_disabled": Why.LOCKED,
        "expired_code": Why.OTHER,
        "access_denied": Why.POLICY_DENIED,
        "not_allowed": Why.POLICY_DENIED,
        "rejected_by_user": Why.POLICY_DENIED,
        "invalid_user_otp": Why.MFA_FAILED,
        "invalid_otp": Why.MFA_FAILED,
        "password_expired": Why.EXPIRED_PASSWORD,
    },
    unmapped=Why.OTHER,
    silent=Status.SUCCESS,
    native=("id",),
    fields={
        "actor_name": "details.username|username|authDetails.username",
        "actor_uid": "userId|authDetails.userId",
        "src_ip": "ipAddress|authDetails.ipAddress",
        "app": "clientId|authDetails.clientId",
        "session_uid": "sessionId|details.code_id",
        "target_uid": "details.impersonator|resourcePath",
        "resource": "resourcePath|details.redirect_uri",
    },
    extra={
        "realm": "realmName|realmId|authDetails.realmId",
        "method": "details.auth_method",
        "grant": "details.grant_type",
    },
    lowered=(b'"realmid"', b'"ipaddress"'),
    shape=_shape,
)
