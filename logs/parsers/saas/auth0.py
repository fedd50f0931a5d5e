"""Auth0 tenant logs (log streams and Management API). Source: Auth0 Docs, "Log Event Type Codes"."""

from logs.kinds import ActorType, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor, getter
from logs.parsers.saas.values import Row, text

_DEEDS = {
    **dict.fromkeys(("s", "seacft", "seccft", "sepft", "serft", "ssa", "sens", "seoobft", "serwft"), d.LOGIN),
    "f": d.LOGIN.failing(),
    "fp": d.LOGIN.failing(Why.BAD_PASSWORD),
    "fu": d.LOGIN.failing(Why.UNKNOWN_USER),
    "fc": d.LOGIN.failing(),
    "fcoa": d.LOGIN.failing(),
    **dict.fromkeys(("feacft", "feccft", "fepft", "ferft", "fsa", "fens", "feoobft", "ferrt"), d.LOGIN.failing()),
    "limit_wc": d.USER_LOCKED,
    "limit_sul": d.USER_LOCKED,
    "limit_mu": d.LOGIN.failing(Why.POLICY_DENIED),
    "limit_delegation": d.LOGIN.failing(Why.POLICY_DENIED),
    "pwd_leak": d.LOGIN.failing(Why.POLICY_DENIED),
    "signup_pwd_leak": d.USER_CREATED.failing(),
    "reset_pwd_leak": d.PASSWORD_RESET.failing(),
    "slo": d.LOGOUT,
    "flo": d.LOGOUT,
    "ss": d.USER_CREATED,
    "fs": d.USER_CREATED.failing(),
    "scp": d.PASSWORD_CHANGED,
    "fcp": d.PASSWORD_CHANGED.failing(),
    "scpr": d.PASSWORD_RESET,
    "fcpr": d.PASSWORD_RESET.failing(),
    "sce": d.USER_CHANGED,
    "scu": d.USER_CHANGED,
    "sdu": d.USER_DELETED,
    "du": d.USER_DELETED,
    "fdu": d.USER_DELETED.failing(),
    "ublkdu": d.USER_UNLOCKED,
    "gd_auth_succeed": d.CHECK,
    "gd_auth_failed": d.CHECK.failing(Why.MFA_FAILED),
    "gd_auth_rejected": d.CHECK.failing(Why.MFA_FATIGUE_DENIED),
    "gd_otp_rate_limit_exceed": d.CHECK.failing(Why.MFA_FAILED),
    "gd_recovery_failed": d.CHECK.failing(Why.MFA_FAILED),
    "gd_recovery_succeed": d.CHECK,
    "gd_enrollment_complete": d.MFA_ON,
    "gd_unenroll": d.MFA_OFF,
    "gd_user_delete": d.MFA_OFF,
    "fapi": d.CHANGED.failing(),
    "mgmt_api_read": d.SEEN,
}
_QUIET = {
    **dict.fromkeys(("gd_send_pn", "gd_send_sms", "gd_send_voice", "gd_send_email", "gd_start_auth"), "message sent"),
    **dict.fromkeys(("sv", "cls", "cs", "svr", "w", "admin_update_launch", "api_limit", "cls"), "no access event"),
}
_method = getter("details.request.method")
_METHODS = {"post": d.MADE, "put": d.CHANGED, "patch": d.CHANGED, "delete": d.DELETED, "get": d.SEEN}


def _otherwise(name: str) -> d.Deed:
    if name == "sapi":
        return d.CHANGED
    return d.CHECK.failing() if name.startswith("f") else d.CHECK


def _amend(facts: Facts, row: Row) -> None:
    """Read what a call of the Management API did from its method, and who made it."""
    if facts["action"] in {"sapi", "fapi"}:
        facts["activity_id"] = _METHODS.get(text(_method(row)).lower(), d.OTHER_ADMIN).activity
    if not facts.get("actor_name") and not facts.get("actor_uid"):
        facts["actor_name"] = facts.get("app", "")
        facts["actor_type"] = ActorType.SERVICE if facts["actor_name"] else ActorType.UNKNOWN


VENDOR = Vendor(
    name="auth0",
    title="Auth0 log",
    app="Auth0",
    time="date",
    event="type",
    deeds=_DEEDS,
    otherwise=_otherwise,
    ignored=_QUIET,
    outcome="details.error.type",
    outcomes={"invalid_grant": Why.BAD_PASSWORD, "access_denied": Why.POLICY_DENIED, "unauthorized": Why.POLICY_DENIED},
    unmapped=Status.UNKNOWN,
    native=("log_id|_id",),
    fields={
        "actor_name": "details.request.auth.user.email|user_name",
        "actor_uid": "user_id|details.request.auth.user.user_id",
        "target_name": "details.response.body.email|details.request.path",
        "src_ip": "ip",
        "user_agent": "user_agent",
        "app": "client_name",
        "resource": "details.request.path|hostname",
        "session_uid": "session_id",
    },
    extra={
        "description": "description",
        "connection": "connection",
        "client": "client_id",
    },
    nested="data",
    amend=_amend,
)
