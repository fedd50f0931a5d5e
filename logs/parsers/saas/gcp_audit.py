"""Google Cloud audit logs: admin activity, data access and denied calls of every Google Cloud service.

Source: Google Cloud, "LogEntry" and "AuditLog" (google.cloud.audit). The first of several policy changes is named.
"""

from logs.kinds import ActorType, OcsfClass, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor, getter
from logs.parsers.saas.values import Row, shown

_DEEDS = {
    "AuthorizeUser": d.SIGN_IN,
    "GenerateAccessToken": d.IMPERSONATED,
    "GenerateIdToken": d.IMPERSONATED,
    "SignJwt": d.IMPERSONATED,
    "SignBlob": d.IMPERSONATED,
    "CreateServiceAccount": d.USER_CREATED,
    "DeleteServiceAccount": d.USER_DELETED,
    "DisableServiceAccount": d.USER_DISABLED,
    "EnableServiceAccount": d.USER_ENABLED,
    "addGroupMember": d.MEMBER_ADDED,
    "removeGroupMember": d.MEMBER_REMOVED,
}
_DATA = ("google.cloud.bigquery.", "jobservice.", "tableservice.", "datasetservice.", "cloudsql.")
_deltas = getter("serviceData.policyDelta.bindingDeltas|metadata.policyDelta.bindingDeltas")
_CODES = {"3": "INVALID_ARGUMENT", "5": "NOT_FOUND", "6": "ALREADY_EXISTS", "7": "PERMISSION_DENIED"}


def _otherwise(name: str) -> d.Deed:
    """Give what a method means by its last word (`v1.compute.instances.insert`)."""
    last = name.rpartition(".")[2]
    if last in _DEEDS:
        return _DEEDS[last]
    if last.lower() in {"setiampolicy", "setiampermissions"}:
        return d.RIGHTS_CHANGED
    if name.startswith(_DATA):
        return d.QUERIED if "job" in name.lower() else d.DATA_OTHER
    if name.startswith("storage.objects."):
        known = {"get": d.FILE_GOT, "create": d.FILE_PUT, "update": d.FILE_CHANGED, "delete": d.FILE_DELETED}
        return known.get(last, d.FILE_OTHER)
    return d.call_by_verb(last)


def _amend(facts: Facts, row: Row) -> None:
    """Write a refused permission, and which role was given to whom or taken."""
    granted = row.get("authorizationInfo")
    if facts["status_id"] == Status.SUCCESS and isinstance(granted, list):
        asked = [item for item in granted if isinstance(item, dict) and "granted" in item]
        if asked and not any(item["granted"] for item in asked):
            facts["status_id"], facts["status_detail"] = Status.FAILURE, Why.POLICY_DENIED
    if facts.get("actor_name", "").endswith("gserviceaccount.com"):
        facts["actor_type"] = ActorType.SERVICE
    facts["status_code"] = _CODES.get(facts.get("status_code", ""), facts.get("status_code", ""))
    deltas = _deltas(row)
    if facts["class_uid"] != OcsfClass.USER_ACCESS or not isinstance(deltas, list):
        return
    changes = [delta for delta in deltas[:50] if isinstance(delta, dict)]
    if changes:
        facts["activity_id"] = 2 if all(change.get("action") == "REMOVE" for change in changes) else 1
        facts["privileges"] = tuple(role for change in changes if (role := shown(change.get("role"))))
        facts["target_name"] = shown(changes[0].get("member"))
        facts["target_kind"] = "account"


VENDOR = Vendor(
    name="gcp_audit",
    title="Google Cloud audit log",
    app="Google Cloud",
    time="timestamp|receiveTimestamp|requestMetadata.requestAttributes.time",
    event="methodName",
    deeds={},
    otherwise=_otherwise,
    outcome="status.code",
    outcomes={"0": Status.SUCCESS, "7": Why.POLICY_DENIED, "16": Why.OTHER},
    unmapped=Why.OTHER,
    native=("insertId|insertid", "timestamp|receiveTimestamp"),
    fields={
        "actor_name": "authenticationInfo.principalEmail|authenticationInfo.principalSubject"
        "|authenticationInfo.authoritySelector",
        "src_ip": "requestMetadata.callerIp|requestMetadata.callerIP",
        "user_agent": "requestMetadata.callerSuppliedUserAgent",
        "app": "serviceName",
        "resource": "resourceName|resource.labels.project_id",
    },
    extra={
        "project": "resource.labels.project_id",
        "permission": "authorizationInfo.0.permission",
        "message": "status.message",
        "log": "logName",
    },
    wrappers=("entries",),
    nested="protoPayload",
    lowered=(b'"protopayload"',),
    amend=_amend,
)
