"""Duo authentication and administrator logs. Source: Duo, Admin API "Authentication Logs" and "Administrator Logs"."""

import msgspec

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row

_DEEDS = {
    "authentication": d.SIGN_IN,
    "enrollment": d.MFA_ON,
    "admin_login": d.ADMIN_LOGIN,
    "admin_login_error": d.ADMIN_LOGIN.failing(),
    "admin_2fa_error": d.ADMIN_LOGIN.failing(Why.MFA_FAILED),
    "admin_lockout": d.USER_LOCKED,
    "admin_create": d.USER_CREATED,
    "admin_update": d.USER_CHANGED,
    "admin_delete": d.USER_DELETED,
    "admin_reset_password": d.PASSWORD_RESET,
    "admin_self_activate": d.USER_ENABLED,
    "user_create": d.USER_CREATED,
    "user_update": d.USER_CHANGED,
    "user_delete": d.USER_DELETED,
    "user_pending_delete": d.USER_DISABLED,
    "user_restore": d.USER_ENABLED,
    "user_lock_out": d.USER_LOCKED,
    "bypass_create": d.MFA_OFF,
    "bypass_view": d.SEEN,
    "phone_create": d.MFA_ON,
    "phone_delete": d.MFA_OFF,
    "phone_associate": d.MFA_ON,
    "phone_disassociate": d.MFA_OFF,
    "hardtoken_create": d.MADE,
    "group_create": d.GROUP_MADE,
    "group_delete": d.GROUP_DELETED,
}
_POLICY = [
    "anomalous_push",
    "location_restricted",
    "factor_restricted",
    "platform_restricted",
    "version_restricted",
    "rooted_device",
    "deny_unenrolled_user",
    "no_screen_lock",
    "touch_id_disabled",
    "no_disk_encryption",
    "anonymous_ip",
    "out_of_date",
    "endpoint_is_not_trusted",
    "endpoint_failed_google_verification",
    "could_not_determine_if_endpoint_was_trusted",
    "software_restricted",
    "invalid_device",
    "endpoint_is_not_in_management_system",
    "no_activated_duo_mobile_account",
    "denied_by_policy",
    "denied_network",
]


def _shape(row: Row) -> Row:
    """Give the members of the description, which is JSON inside text, beside the others."""
    described = row.get("description")
    if not isinstance(described, str) or not described.startswith("{"):
        return row
    try:
        return row | {"described": msgspec.json.decode(described, type=dict[str, object])}
    except (ValueError, RecursionError):
        return row


VENDOR = Vendor(
    name="duo",
    title="Duo log",
    app="Duo",
    time="isotimestamp|timestamp|ts",
    event="event_type|action",
    deeds=_DEEDS,
    outcome="reason|result",
    outcomes={
        **dict.fromkeys(
            ("success", "user_approved", "bypass_user", "allowed_by_policy", "remembered_device", "trusted_network"),
            Status.SUCCESS,
        ),
        **dict.fromkeys(
            ("allow_unenrolled_user", "allow_unenrolled_user_on_trusted_network", "trusted_location"), Status.SUCCESS
        ),
        **dict.fromkeys(("valid_passcode", "verification_code_correct", "user_approved_push"), Status.SUCCESS),
        **dict.fromkeys(
            ("user_marked_fraud", "user_mistake", "user_cancelled", "deny_push", "fraud"), Why.MFA_FATIGUE_DENIED
        ),
        **dict.fromkeys(_POLICY, Why.POLICY_DENIED),
        **dict.fromkeys(("no_response", "invalid_passcode", "no_keys_pressed", "call_timed_out"), Why.MFA_FAILED),
        **dict.fromkeys(
            ("verification_code_missing", "verification_code_incorrect", "denied", "failure"), Why.MFA_FAILED
        ),
        "user_disabled": Why.DISABLED,
        "locked_out": Why.LOCKED,
        "user_not_in_permitted_group": Why.POLICY_DENIED,
        "error": Why.OTHER,
    },
    unmapped=Why.OTHER,
    native=("txid",),
    fields={
        "actor_name": "user.name|described.email|username",
        "actor_uid": "user.key",
        "target_name": "object",
        "src_ip": "access_device.ip|described.ip_address",
        "src_host": "access_device.hostname",
        "app": "application.name",
        "resource": "application.name|object",
        "device_uid": "access_device.epkey|auth_device.key",
    },
    extra={
        "factor": "factor|described.factor",
        "auth_device": "auth_device.ip",
        "reason": "reason|described.error|described.message",
        "description": "description",
        "result": "result",
    },
    wrappers=("authlogs", "response", "items"),
    shape=_shape,
)
