"""Azure Monitor activity log and resource logs: who managed which resource of a subscription.

Source: Microsoft Learn, "Azure activity log event schema" and "common and service-specific schemas for resource logs".
"""

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_CLAIM = "identity.claims.http://schemas~xmlsoap~org/ws/2005/05/identity/claims/"
_STORAGE = {"Get": d.SEEN, "List": d.SEEN, "Put": d.MADE, "Delete": d.DELETED, "Set": d.CHANGED, "Copy": d.MADE}


def _otherwise(name: str) -> d.Deed:
    """Give what an operation means: `Microsoft.Compute/virtualMachines/write`, or a call of storage such as GetBlob."""
    lower = name.lower()
    if "roleassignments/" in lower or "elevateaccess" in lower:
        return d.RIGHTS_TAKEN if lower.endswith("/delete") else d.RIGHTS_GIVEN
    if "/" in name:
        last = lower.rpartition("/")[2]
        known = {"write": d.CHANGED, "delete": d.DELETED, "read": d.SEEN}
        return known.get(last) or (d.OTHER_ADMIN if last == "action" else d.by_verb(name))
    return d.call_by_verb(name)


VENDOR = Vendor(
    name="azure_activity",
    title="Azure activity log",
    app="Azure",
    time="time|eventTimestamp|properties.eventTimestamp",
    event="operationName.value|operationName",
    deeds={},
    otherwise=_otherwise,
    outcome="resultType|status.value|properties.status|properties.statusCode|statusText|properties.metricResponseType",
    outcomes={
        **dict.fromkeys(("success", "succeeded", "ok", "created", "accepted", "start", "started"), Status.SUCCESS),
        **dict.fromkeys(("failure", "failed"), Why.OTHER),
        **dict.fromkeys(("forbidden", "authorizationfailure", "authenticationfailed"), Why.POLICY_DENIED),
    },
    silent=Status.UNKNOWN,
    native=("properties.eventDataId|eventDataId",),
    fields={
        "actor_name": f"{_CLAIM}upn|{_CLAIM}name|{_CLAIM}emailaddress|caller"
        "|identity.authorization.evidence.principalName|properties.caller|identity.requester.upn|properties.log.user.username|identity.claims.appid",
        "actor_uid": "identity.claims.http://schemas~microsoft~com/identity/claims/objectidentifier"
        "|identity.authorization.evidence.principalId|identity.requester.objectId",
        "src_ip": "callerIpAddress|httpRequest.clientIpAddress|properties.clientIpAddress",
        "user_agent": "properties.userAgentHeader|properties.log.userAgent",
        "resource": "resourceId|resourceID|properties.objectKey|uri",
        "session_uid": "correlationId",
        "status_code": "resultSignature|statusCode",
    },
    extra={"category": "category.value|category", "reason": "resultDescription", "location": "location"},
    wrappers=("records", "value"),
    lowered=(b'"operationname"',),
)
