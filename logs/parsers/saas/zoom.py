"""Zoom operation logs and sign-in activities. Source: Zoom API, "operation logs" and "sign in / sign out activity"."""

from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row, text

_DEEDS = {
    "Sign in": d.SIGN_IN,
    "Sign out": d.LOGOUT,
    "User Add": d.USER_CREATED,
    "User Batch Add": d.USER_CREATED,
    "User Update": d.USER_CHANGED,
    "User Batch Update": d.USER_CHANGED,
    "User Delete": d.USER_DELETED,
    "User Batch Delete": d.USER_DELETED,
    "User Deactivate": d.USER_DISABLED,
    "User Activate": d.USER_ENABLED,
    "User Group Add": d.GROUP_MADE,
    "User Group Update": d.GROUP_CHANGED,
    "User Group Delete": d.GROUP_DELETED,
    "Role Add": d.MADE,
    "Role Update": d.RIGHTS_CHANGED,
    "Role Delete": d.DELETED,
}


def _event(row: Row) -> str:
    """Give category and action of an operation, or the type of a sign-in."""
    if "category_type" in row:
        return f"{text(row['category_type'])} {text(row.get('action'))}".strip()
    return text(row.get("type"))


def _otherwise(name: str) -> d.Deed:
    return d.USER_CHANGED if name.startswith("User ") and name.endswith("Update") else d.by_verb(name)


VENDOR = Vendor(
    name="zoom",
    title="Zoom log",
    app="Zoom",
    time="time",
    event=_event,
    deeds=_DEEDS,
    otherwise=_otherwise,
    fields={
        "actor_name": "operator|email",
        "src_ip": "ip_address",
        "user_agent": "client_type",
        "resource": "category_type",
    },
    extra={"detail": "operation_detail", "version": "version"},
    wrappers=("operation_logs", "activity_logs"),
)
