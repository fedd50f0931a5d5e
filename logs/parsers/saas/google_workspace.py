"""Google Workspace activity (Admin SDK Reports API): log-in, admin, Drive, groups, tokens and the other applications.

An activity holds one or more events; the first tells what it is, the others are named beside. Source: Google, "Reports
API: Activities" and the event lists of each application.
"""

from logs.kinds import ActorType, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row

_LOGIN = {
    "login_success": d.LOGIN,
    "login_failure": d.LOGIN.failing(),
    "login_challenge": d.CHECK,
    "login_verification": d.CHECK,
    "logout": d.LOGOUT,
    "risky_sensitive_action_allowed": d.CHECK,
    "risky_sensitive_action_blocked": d.CHECK.failing(Why.POLICY_DENIED),
    "suspicious_login": d.CHECK,
    "suspicious_login_less_secure_app": d.CHECK,
    "suspicious_programmatic_login": d.CHECK,
    "account_disabled_generic": d.USER_DISABLED,
    "account_disabled_hijacked": d.USER_DISABLED,
    "account_disabled_password_leak": d.USER_DISABLED,
    "account_disabled_spamming": d.USER_DISABLED,
    "account_disabled_spamming_through_relay": d.USER_DISABLED,
    "password_edit": d.PASSWORD_CHANGED,
    "recovery_email_edit": d.USER_CHANGED,
    "recovery_phone_edit": d.USER_CHANGED,
    "recovery_secret_qa_edit": d.USER_CHANGED,
    "2sv_enroll": d.MFA_ON,
    "2sv_disable": d.MFA_OFF,
    "titanium_enroll": d.MFA_ON,
    "titanium_unenroll": d.MFA_OFF,
    "authorize": d.RIGHTS_GIVEN,
    "revoke": d.RIGHTS_TAKEN,
}
_ADMIN = {
    "CREATE_USER": d.USER_CREATED,
    "DELETE_USER": d.USER_DELETED,
    "UNDELETE_USER": d.USER_ENABLED,
    "SUSPEND_USER": d.USER_DISABLED,
    "UNSUSPEND_USER": d.USER_ENABLED,
    "CHANGE_PASSWORD": d.PASSWORD_RESET,
    "CHANGE_PASSWORD_ON_NEXT_LOGIN": d.USER_CHANGED,
    "TURN_OFF_2_STEP_VERIFICATION": d.MFA_OFF,
    "UNENROLL_USER_FROM_STRONG_AUTH": d.MFA_OFF,
    "ASSIGN_ROLE": d.RIGHTS_GIVEN,
    "GRANT_ADMIN_PRIVILEGE": d.RIGHTS_GIVEN,
    "GRANT_DELEGATED_ADMIN_PRIVILEGES": d.RIGHTS_GIVEN,
    "UNASSIGN_ROLE": d.RIGHTS_TAKEN,
    "REVOKE_ADMIN_PRIVILEGE": d.RIGHTS_TAKEN,
    "CREATE_GROUP": d.GROUP_MADE,
    "DELETE_GROUP": d.GROUP_DELETED,
    "ADD_GROUP_MEMBER": d.MEMBER_ADDED,
    "REMOVE_GROUP_MEMBER": d.MEMBER_REMOVED,
    "add_member": d.MEMBER_ADDED,
    "add_user": d.MEMBER_ADDED,
    "remove_member": d.MEMBER_REMOVED,
    "remove_user": d.MEMBER_REMOVED,
    "FAILED_PASSWORD_ATTEMPTS_EVENT": d.CHECK.failing(Why.BAD_PASSWORD),
    "DATA_EXPORT": d.EXPORTED,
    "CUSTOMER_TAKEOUT_CREATED": d.EXPORTED,
    "CUSTOMER_TAKEOUT_SUCCEEDED": d.EXPORTED,
}
_DRIVE = {
    "view": d.FILE_OPENED,
    "preview": d.FILE_SEEN,
    "create": d.FILE_PUT,
    "upload": d.FILE_PUT,
    "download": d.FILE_GOT,
    "edit": d.FILE_CHANGED,
    "rename": d.FILE_RENAMED,
    "move": d.FILE_MOVED,
    "copy": d.FILE_COPIED,
    "trash": d.FILE_DELETED,
    "delete": d.FILE_DELETED,
    "untrash": d.FILE_RESTORED,
    "print": d.FILE_OTHER,
    "lock": d.FILE_LOCKED,
    "unlock": d.FILE_UNLOCKED,
    "change_user_access": d.FILE_SHARED,
    "change_acl_editors": d.FILE_SHARED,
    "change_document_visibility": d.FILE_SHARED,
    "change_document_access_scope": d.FILE_SHARED,
    "change_owner": d.FILE_SHARED,
}

_VALUES = ("multiValue", "boolValue", "intValue", "multiIntValue")


def _shape(row: Row) -> Row:
    """Give the activity with its first event's name, and that event's parameters by name, at the top."""
    events = row.get("events")
    first = events[0] if isinstance(events, list) and events and isinstance(events[0], dict) else row
    given = first.get("parameters")
    found: Row = dict(given) if isinstance(given, dict) else {}
    for item in given[:100] if isinstance(given, list) else ():
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            value = item.get("value")
            found[item["name"]] = next((item[key] for key in _VALUES if key in item), None) if value is None else value
    more = [e.get("name") for e in events[1:20] if isinstance(e, dict)] if isinstance(events, list) else []
    return {**found, **row, "name": first.get("name"), "more": more}


VENDOR = Vendor(
    name="google_workspace",
    title="Google Workspace activity",
    app="Google Workspace",
    time="id.time",
    event="name",
    deeds=_LOGIN | _ADMIN | _DRIVE,
    ignored={"delivery": "delivery of mail", "calendar_notification_sent": "notification sent"},
    outcome="login_failure_type|login_challenge_status",
    outcomes={
        "login_failure_invalid_password": Why.BAD_PASSWORD,
        "login_failure_access_code_disallowed": Why.MFA_FAILED,
        "login_failure_account_disabled": Why.DISABLED,
        "login_failure_unknown": Why.OTHER,
        "challenge failed": Why.MFA_FAILED,
    },
    unmapped=Status.SUCCESS,
    native=("id.time", "id.uniqueQualifier", "id.applicationName", "name"),
    fields={
        "actor_name": "actor.email|affected_email_address|actor.key",
        "actor_uid": "actor.profileId",
        "actor_type": "actor.callerType",
        "target_name": "USER_EMAIL|target_user|affected_email_address"
        "|user_email|GROUP_EMAIL|group_email|doc_title"
        "|APPLICATION_NAME|SETTING_NAME",
        "target_uid": "doc_id|ROLE_ID",
        "src_ip": "ipAddress",
        "app": "id.applicationName",
        "resource": "doc_title|app_name|SETTING_NAME|GROUP_EMAIL",
        "privileges": "ROLE_NAME|new_value",
    },
    actor_types={"application": ActorType.SERVICE},
    extra={
        "login_type": "login_type",
        "visibility": "visibility",
        "new_value": "NEW_VALUE",
        "more_events": "more",
    },
    wrappers=("items",),
    shape=_shape,
)
