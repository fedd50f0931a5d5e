"""Atlassian organisation audit log (Guard). Source: Atlassian, Organizations REST API, "Events"."""

from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "user_login": d.SIGN_IN,
    "user_logged_in": d.SIGN_IN,
    "user_login_failed": d.SIGN_IN.failing(Why.BAD_PASSWORD),
    "user_logout": d.LOGOUT,
    "user_logged_in_as_user": d.IMPERSONATED,
    "user_created": d.USER_CREATED,
    "user_invited": d.USER_CREATED,
    "user_deactivated": d.USER_DISABLED,
    "user_activated": d.USER_ENABLED,
    "user_deleted": d.USER_DELETED,
    "user_suspended": d.USER_DISABLED,
    "user_unsuspended": d.USER_ENABLED,
    "user_password_changed": d.PASSWORD_CHANGED,
    "user_password_reset": d.PASSWORD_RESET,
    "user_added_to_group": d.MEMBER_ADDED,
    "user_removed_from_group": d.MEMBER_REMOVED,
    "group_created": d.GROUP_MADE,
    "group_deleted": d.GROUP_DELETED,
    "user_granted_role": d.RIGHTS_GIVEN,
    "user_role_granted": d.RIGHTS_GIVEN,
    "user_revoked_role": d.RIGHTS_TAKEN,
    "user_role_revoked": d.RIGHTS_TAKEN,
    "user_added_mfa": d.MFA_ON,
    "user_removed_mfa": d.MFA_OFF,
    "audit_log_exported": d.EXPORTED,
}

VENDOR = Vendor(
    name="atlassian",
    title="Atlassian audit log",
    app="Atlassian",
    time="attributes.time",
    event="attributes.action",
    deeds=_DEEDS,
    native=("id",),
    fields={
        "actor_name": "attributes.actor.email|attributes.actor.name",
        "actor_uid": "attributes.actor.id",
        "target_name": "attributes.context.0.attributes.email|attributes.context.0.attributes.name"
        "|attributes.context.0.id",
        "target_uid": "attributes.context.0.id",
        "target_kind": "attributes.context.0.type",
        "src_ip": "attributes.location.ip",
        "resource": "attributes.container.0.attributes.siteHostName|attributes.container.0.id",
    },
    extra={"message": "message.content|attributes.message", "country": "attributes.location.countryName"},
    wrappers=("data",),
)
