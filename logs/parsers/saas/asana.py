"""Asana audit log events. Source: Asana Developers, "Audit log events" and "supported events"."""

from logs.kinds import ActorType
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "user_login_succeeded": d.SIGN_IN,
    "user_login_failed": d.SIGN_IN.failing(Why.BAD_PASSWORD),
    "user_logged_out": d.LOGOUT,
    "user_invited": d.USER_CREATED,
    "user_deprovisioned": d.USER_DISABLED,
    "user_reprovisioned": d.USER_ENABLED,
    "user_suspended": d.USER_DISABLED,
    "user_password_changed": d.PASSWORD_CHANGED,
    "user_password_reset_requested": d.PASSWORD_RESET,
    "user_two_factor_auth_enabled": d.MFA_ON,
    "user_two_factor_auth_disabled": d.MFA_OFF,
    "user_workspace_admin_role_changed": d.RIGHTS_CHANGED,
    "user_division_admin_role_changed": d.RIGHTS_CHANGED,
    "service_account_created": d.USER_CREATED,
    "service_account_deleted": d.USER_DELETED,
    "personal_access_token_created": d.MADE,
    "personal_access_token_revoked": d.DELETED,
    "team_member_added": d.MEMBER_ADDED,
    "team_member_removed": d.MEMBER_REMOVED,
    "team_created": d.GROUP_MADE,
    "team_deleted": d.GROUP_DELETED,
    "workspace_export_started": d.EXPORTED,
    "workspace_export_downloaded": d.EXPORTED,
    "attachment_uploaded": d.FILE_PUT,
    "attachment_downloaded": d.FILE_GOT,
    "attachment_deleted": d.FILE_DELETED,
    "admin_console_viewed": d.SEEN,
}

VENDOR = Vendor(
    name="asana",
    title="Asana audit log",
    app="Asana",
    time="created_at",
    event="event_type",
    deeds=_DEEDS,
    native=("gid", "created_at"),
    fields={
        "actor_name": "actor.email|actor.name",
        "actor_uid": "actor.gid",
        "actor_type": "actor.actor_type",
        "target_name": "resource.email|resource.name",
        "target_uid": "resource.gid",
        "target_kind": "resource.resource_type",
        "src_ip": "context.client_ip_address",
        "user_agent": "context.user_agent",
        "resource": "resource.name",
        "privileges": "details.new_value",
    },
    actor_types={"user": ActorType.USER, "asana": ActorType.SYSTEM, "asana_support": ActorType.SYSTEM},
    extra={"category": "event_category", "method": "details.login_method", "old_value": "details.old_value"},
    wrappers=("data",),
)
