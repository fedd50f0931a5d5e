"""OneLogin events (API and webhooks), whose types are numbers (or text of numbers).

Source: OneLogin, "Events API: event types". Types that are not named here are use of an interface, without a verdict.
"""

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "3": d.IMPERSONATED,
    "4": d.RIGHTS_GIVEN,
    "5": d.LOGIN,
    "6": d.LOGIN.failing(Why.BAD_PASSWORD),
    "7": d.LOGOUT,
    "8": d.SIGN_IN,
    "9": d.SIGN_IN.failing(),
    "10": d.USER_CHANGED,
    "11": d.PASSWORD_CHANGED,
    "13": d.USER_CREATED,
    "14": d.USER_CHANGED,
    "15": d.USER_DISABLED,
    "16": d.USER_ENABLED,
    "17": d.USER_DELETED,
    "19": d.USER_LOCKED,
    "72": d.RIGHTS_GIVEN,
    "73": d.RIGHTS_TAKEN,
    "172": d.MFA_OFF,
    "531": d.USER_LOCKED,
    "551": d.USER_LOCKED,
    "553": d.USER_DISABLED,
}

VENDOR = Vendor(
    name="onelogin",
    title="OneLogin event",
    app="OneLogin",
    time="created_at|event_timestamp",
    event="event_type_id",
    deeds=_DEEDS,
    otherwise=lambda name: d.CALL,  # noqa: ARG005 -- every other number alike
    outcome="error_description",
    outcomes={
        "invalid credentials": Why.BAD_PASSWORD,
        "user locked": Why.LOCKED,
        "user suspended": Why.DISABLED,
        "otp failed": Why.MFA_FAILED,
    },
    unmapped=Why.OTHER,
    silent=Status.SUCCESS,
    native=("id|uuid",),
    fields={
        "actor_name": "actor_user_name|user_name|actor_system",
        "actor_uid": "actor_user_id|user_id",
        "target_name": "user_name|role_name|app_name",
        "target_uid": "user_id|role_id|app_id",
        "src_ip": "ipaddr",
        "app": "app_name",
        "resource": "app_name|policy_name",
        "privileges": "privilege_name|role_name",
        "device_uid": "otp_device_id",
    },
    extra={"factor": "authentication_factor_description|otp_device_name", "notes": "notes|custom_message"},
    wrappers=("data",),
)
