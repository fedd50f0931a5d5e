"""1Password Events API: sign-in attempts, item usages and audit events.

Source: 1Password, "Events API reference" and "audit events".
"""

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row, text

_DEEDS = {
    "sign-in": d.SIGN_IN,
    "item": d.WEB_READ,
    "suspend user": d.USER_DISABLED,
    "reactvt user": d.USER_ENABLED,
    "create user": d.USER_CREATED,
    "delete user": d.USER_DELETED,
    "join gm": d.MEMBER_ADDED,
    "leave gm": d.MEMBER_REMOVED,
    "grant uva": d.RIGHTS_GIVEN,
    "revoke uva": d.RIGHTS_TAKEN,
    "grant gva": d.RIGHTS_GIVEN,
    "revoke gva": d.RIGHTS_TAKEN,
    "enblmfa user": d.MFA_ON,
    "disblmfa user": d.MFA_OFF,
    "updatmfa user": d.USER_CHANGED,
    "create group": d.GROUP_MADE,
    "delete group": d.GROUP_DELETED,
    "export vault": d.EXPORTED,
}


def _event(row: Row) -> str:
    """Give what the record is: a sign-in attempt, a use of an item, or an audit event by action and object."""
    if "category" in row and "target_user" in row:
        return "sign-in"
    if "item_uuid" in row:
        return "item"
    return f"{text(row.get('action'))} {text(row.get('object_type'))}".strip()


VENDOR = Vendor(
    name="onepassword",
    title="1Password event",
    app="1Password",
    time="timestamp",
    event=_event,
    deeds=_DEEDS,
    otherwise=lambda name: d.by_verb(name.partition(" ")[0]),
    outcome="category",
    outcomes={
        "success": Status.SUCCESS,
        "credentials_failed": Why.BAD_PASSWORD,
        "mfa_failed": Why.MFA_FAILED,
        "sso_failed": Why.OTHER,
        "modern_version_failed": Why.POLICY_DENIED,
        "firewall_failed": Why.POLICY_DENIED,
        "firewall_reported_success": Status.SUCCESS,
    },
    unmapped=Why.OTHER,
    native=("uuid",),
    fields={
        "actor_name": "target_user.email|user.email|actor_details.email|actor_uuid",
        "actor_uid": "target_user.uuid|user.uuid|actor_uuid",
        "target_name": "object_details.email|aux_details.email|object_uuid",
        "target_uid": "object_uuid|item_uuid",
        "src_ip": "client.ip_address|session.ip",
        "app": "client.app_name",
        "resource": "vault_uuid|aux_info",
        "session_uid": "session_uuid|session.uuid",
        "status_code": "type",
        "device_uid": "session.device_uuid",
    },
    extra={"country": "country", "platform": "client.platform_name", "use": "action", "type": "type"},
    wrappers=("items",),
)
