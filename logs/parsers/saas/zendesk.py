"""Zendesk audit logs. Source: Zendesk, API reference "Audit Logs"."""

from logs.kinds import ActorType
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row, text

_DEEDS = {
    "login": d.SIGN_IN,
    "login user": d.SIGN_IN,
    "logout user": d.LOGOUT,
    "create user": d.USER_CREATED,
    "update user": d.USER_CHANGED,
    "destroy user": d.USER_DELETED,
    "create group": d.GROUP_MADE,
    "destroy group": d.GROUP_DELETED,
    "create membership": d.MEMBER_ADDED,
    "destroy membership": d.MEMBER_REMOVED,
    "create group_membership": d.MEMBER_ADDED,
    "destroy group_membership": d.MEMBER_REMOVED,
    "create user_role": d.RIGHTS_GIVEN,
    "create custom_role": d.MADE,
}
_VERBS = {"create": d.MADE, "update": d.CHANGED, "destroy": d.DELETED, "exported": d.EXPORTED, "export": d.EXPORTED}


def _otherwise(name: str) -> d.Deed:
    verb = name.partition(" ")[0]
    return d.SIGN_IN if verb == "login" else _VERBS.get(verb) or d.by_verb(verb)


def _amend(facts: Facts, row: Row) -> None:
    """Read a changed role, password or factor from the description; a log-in is told apart by its words."""
    said = text(row.get("change_description")).lower()
    if facts["action"] == "update user" and "role" in said and "changed" in said:
        facts["class_uid"], facts["activity_id"] = d.RIGHTS_CHANGED.class_uid, d.RIGHTS_CHANGED.activity
    elif facts["action"] == "update user" and "suspended" in said:
        facts["activity_id"] = d.USER_DISABLED.activity
    elif facts["action"].startswith("login") and "fail" in said:
        facts["status_id"], facts["status_detail"] = 2, Why.OTHER
    if text(row.get("actor_id")) == "-1":
        facts["actor_type"], facts["actor_name"] = ActorType.SYSTEM, facts.get("actor_name", "") or "Zendesk"


def _event(row: Row) -> str:
    return f"{text(row.get('action'))} {text(row.get('source_type'))}".strip()


VENDOR = Vendor(
    name="zendesk",
    title="Zendesk audit log",
    app="Zendesk",
    time="created_at",
    event=_event,
    deeds=_DEEDS,
    otherwise=_otherwise,
    native=("id",),
    fields={
        "actor_name": "actor_name",
        "actor_uid": "actor_id",
        "target_name": "source_label",
        "target_uid": "source_id",
        "target_kind": "source_type",
        "src_ip": "ip_address",
        "resource": "source_label",
    },
    extra={"change": "change_description", "url": "url"},
    wrappers=("audit_logs",),
    amend=_amend,
)
