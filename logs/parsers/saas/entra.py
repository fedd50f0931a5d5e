"""Microsoft Entra ID: sign-in logs (people, non-interactive, service principals, managed identities) and audit logs.

Reads diagnostic settings (Event Hub, storage; any case of names) and Microsoft Graph (`value`). Source: Microsoft
Learn, "signIn resource type", "directoryAudit resource type", "Microsoft Entra authentication error codes".
"""

from logs.kinds import ActorType, OcsfClass, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row, shown, text

_SIGN_INS = {
    "SignInLogs": d.LOGIN,
    "NonInteractiveUserSignInLogs": d.SIGN_IN,
    "ServicePrincipalSignInLogs": d.SIGN_IN,
    "ManagedIdentitySignInLogs": d.SIGN_IN,
    "ADFSSignInLogs": d.SIGN_IN,
}
_AUDITS = {
    "Add user": d.USER_CREATED,
    "Invite external user": d.USER_CREATED,
    "Delete user": d.USER_DELETED,
    "Hard Delete user": d.USER_DELETED,
    "Restore user": d.USER_ENABLED,
    "Enable account": d.USER_ENABLED,
    "Disable account": d.USER_DISABLED,
    "Update user": d.USER_CHANGED,
    "Change user password": d.PASSWORD_CHANGED,
    "Change password (self-service)": d.PASSWORD_CHANGED,
    "Reset user password": d.PASSWORD_RESET,
    "Reset password (by admin)": d.PASSWORD_RESET,
    "Reset password (self-service)": d.PASSWORD_RESET,
    "User registered security info": d.MFA_ON,
    "Admin registered security info": d.MFA_ON,
    "User deleted security info": d.MFA_OFF,
    "Admin deleted security info": d.MFA_OFF,
    "Enable Strong Authentication": d.MFA_ON,
    "Disable Strong Authentication": d.MFA_OFF,
    "Add group": d.GROUP_MADE,
    "Delete group": d.GROUP_DELETED,
    "Update group": d.GROUP_CHANGED,
    "Add member to group": d.MEMBER_ADDED,
    "Remove member from group": d.MEMBER_REMOVED,
    "Add member to role": d.RIGHTS_GIVEN,
    "Add eligible member to role": d.RIGHTS_GIVEN,
    "Remove member from role": d.RIGHTS_TAKEN,
    "Remove eligible member from role": d.RIGHTS_TAKEN,
    "Remove role assignment": d.RIGHTS_TAKEN,
    "Delete role assignment": d.RIGHTS_TAKEN,
    "Consent to application": d.RIGHTS_GIVEN,
    "Add delegated permission grant": d.RIGHTS_GIVEN,
    "Remove delegated permission grant": d.RIGHTS_TAKEN,
    "Add app role assignment grant to user": d.RIGHTS_GIVEN,
    "Add app role assignment to service principal": d.RIGHTS_GIVEN,
    "Remove app role assignment from user": d.RIGHTS_TAKEN,
}
_OUTCOMES: dict[str, Status | Why] = {
    **dict.fromkeys(("0", "success", "succeeded"), Status.SUCCESS),
    **dict.fromkeys(("failure", "failed"), Why.OTHER),
    **dict.fromkeys(("timeout", "unknownfuturevalue"), Status.UNKNOWN),
    **dict.fromkeys(
        ["50072", "50074", "50076", "50078", "50079", "50097", "50140", "50158", "50199", "50203", "16000"],
        Status.UNKNOWN,
    ),
    **dict.fromkeys(["50126", "50056", "7000215"], Why.BAD_PASSWORD),
    **dict.fromkeys(["50034", "50020", "51004", "90072", "700016"], Why.UNKNOWN_USER),
    **dict.fromkeys(["50055", "50144", "7000222"], Why.EXPIRED_PASSWORD),
    **dict.fromkeys(["500121", "50088", "50089"], Why.MFA_FAILED),
    **dict.fromkeys(
        ["50005", "50105", "50131", "50142", "53000", "53001", "53002", "53003", "53004", "530032", "530034"],
        Why.POLICY_DENIED,
    ),
    **dict.fromkeys(["50017", "700027", "7000272"], Why.CERT_INVALID),
    **dict.fromkeys(["500133", "700024"], Why.CLOCK_SKEW),
    "50053": Why.LOCKED,
    "50057": Why.DISABLED,
}
"""AADSTS codes; those of an interrupted sign-in (a second factor is asked for) are neither success nor failure."""


def _event(row: Row) -> str:
    """Give the category of a sign-in, or the activity of an audit event; Graph's sign-ins name neither."""
    category = text(row.get("category"))
    if category.endswith("SignInLogs"):
        return category
    activity = shown(row.get("activityDisplayName") or row.get("operationName"))
    if activity == "Sign-in activity" or (not activity and (row.get("appDisplayName") or row.get("clientAppUsed"))):
        return "SignInLogs"
    return (activity or category).rstrip(".")


def _otherwise(name: str) -> d.Deed:
    if " to role" in name and "requested" in name:
        return d.RIGHTS_CHANGED
    if " member to role" in name or "elevated their access" in name:
        return d.RIGHTS_GIVEN
    return d.RIGHTS_TAKEN if " member from role" in name else d.by_verb(name)


def _amend(facts: Facts, row: Row) -> None:
    """Write the role that was given or taken."""
    if facts["class_uid"] != OcsfClass.USER_ACCESS:
        return
    resources = row.get("targetResources")
    first = resources[0] if isinstance(resources, list) and resources else None
    changes = first.get("modifiedProperties") if isinstance(first, dict) else None
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and change.get("displayName") == "Role.DisplayName":
            role = shown(text(change.get("newValue")).strip('"') or text(change.get("oldValue")).strip('"'))
            facts["privileges"] = (role,) if role else ()


VENDOR = Vendor(
    name="entra",
    title="Microsoft Entra log",
    app="Microsoft Entra ID",
    time="createdDateTime|activityDateTime|time",
    event=_event,
    deeds=_SIGN_INS | _AUDITS,
    otherwise=_otherwise,
    outcome="status.errorCode|result|resultType",
    outcomes=_OUTCOMES,
    unmapped=Why.OTHER,
    silent=Status.UNKNOWN,
    native=("id",),
    fields={
        "actor_name": "userPrincipalName|initiatedBy.user.userPrincipalName|servicePrincipalName"
        "|initiatedBy.app.displayName|identity|initiatedBy.user.displayName",
        "actor_uid": "userId|initiatedBy.user.id|servicePrincipalId|initiatedBy.app.servicePrincipalId",
        "actor_type": "category",
        "target_name": "targetResources.0.userPrincipalName|targetResources.0.displayName",
        "target_uid": "targetResources.0.id",
        "src_ip": "ipAddress|callerIpAddress|callerIPAddress|initiatedBy.user.ipAddress",
        "user_agent": "userAgent",
        "app": "appDisplayName",
        "resource": "resourceDisplayName",
        "device_uid": "deviceDetail.deviceId",
        "session_uid": "sessionId|correlationId",
        "mfa": "authenticationRequirement",
    },
    actor_types={
        "serviceprincipalsigninlogs": ActorType.SERVICE,
        "managedidentitysigninlogs": ActorType.SERVICE,
    },
    yes=frozenset({"multifactorauthentication"}),
    extra={
        "reason": "status.failureReason|resultReason",
        "country": "location.countryOrRegion|location",
        "client": "clientAppUsed",
        "risk": "riskLevelDuringSignIn",
        "conditional_access": "conditionalAccessStatus",
    },
    nested="properties",
    wrappers=("records", "value"),
    lowered=(b'"operationname"',),
    amend=_amend,
)
