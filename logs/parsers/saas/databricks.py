"""Databricks audit logs. Source: Databricks, "Diagnostic log reference" and "audit log schema"."""

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    **dict.fromkeys(
        ("login", "tokenLogin", "samlLogin", "jwtLogin", "aadBrowserLogin", "aadTokenLogin"), d.DATABASE_LOGIN
    ),
    **dict.fromkeys(("oidcBrowserLogin", "oidcTokenAuthorization", "certLogin", "mfaLogin"), d.DATABASE_LOGIN),
    "IpAccessDenied": d.DATABASE_LOGIN.failing(Why.POLICY_DENIED),
    "accountIpAclsValidationFailed": d.DATABASE_LOGIN.failing(Why.POLICY_DENIED),
    "logout": d.LOGOUT,
    "createUser": d.USER_CREATED,
    "add": d.USER_CREATED,
    "deleteUser": d.USER_DELETED,
    "changePassword": d.PASSWORD_CHANGED,
    "resetPassword": d.PASSWORD_RESET,
    "mfaAddKey": d.MFA_ON,
    "mfaDeleteKey": d.MFA_OFF,
    "deactivateUser": d.USER_DISABLED,
    "activateUser": d.USER_ENABLED,
    "setAdmin": d.RIGHTS_GIVEN,
    "setAccountAdmin": d.RIGHTS_GIVEN,
    "removeAdmin": d.RIGHTS_TAKEN,
    "removeAccountAdmin": d.RIGHTS_TAKEN,
    "grant": d.RIGHTS_GIVEN,
    "revoke": d.RIGHTS_TAKEN,
    "modifyUserRole": d.RIGHTS_CHANGED,
    "updatePermissions": d.RIGHTS_CHANGED,
    "changeOwner": d.RIGHTS_CHANGED,
    "addPrincipalToGroup": d.MEMBER_ADDED,
    "addPrincipalsToGroup": d.MEMBER_ADDED,
    "addUserToAdminGroup": d.MEMBER_ADDED,
    "removePrincipalFromGroup": d.MEMBER_REMOVED,
    "createGroup": d.GROUP_MADE,
    "removeGroup": d.GROUP_DELETED,
    "downloadPreviewResults": d.DATA_READ,
    "downloadQueryResult": d.DATA_READ,
    "executeCommand": d.QUERIED,
    "runCommand": d.QUERIED,
    "commandSubmit": d.QUERIED,
    "commandFinish": d.QUERIED,
    "getTable": d.DATA_READ,
    "getSecret": d.SEEN,
    "createTable": d.DATA_MADE,
    "deleteTable": d.DATA_DELETED,
    "dropSchema": d.DATA_DELETED,
}

VENDOR = Vendor(
    name="databricks",
    title="Databricks audit log",
    app="Databricks",
    time="timestamp|event_time",
    event="actionName",
    deeds=_DEEDS,
    otherwise=d.call_by_verb,
    outcome="response.statusCode",
    outcomes={
        **dict.fromkeys(("200", "201", "204"), Status.SUCCESS),
        "401": Why.BAD_PASSWORD,
        "403": Why.POLICY_DENIED,
    },
    unmapped=Why.OTHER,
    native=("event_id|eventId",),
    fields={
        "actor_name": "userIdentity.email|userIdentity.subjectName",
        "target_name": "requestParams.targetUserName|requestParams.user_name|requestParams.endpoint"
        "|requestParams.full_name_arg|requestParams.name",
        "target_uid": "requestParams.targetUserId|requestParams.target_user_id",
        "src_ip": "sourceIPAddress",
        "user_agent": "userAgent",
        "session_uid": "sessionId",
        "resource": "requestParams.full_name_arg|requestParams.path|requestParams.name|serviceName",
        "table": "requestParams.full_name_arg",
        "privileges": "requestParams.targetGroupName|requestParams.role",
    },
    extra={
        "service": "serviceName",
        "workspace": "workspaceId",
        "error": "response.errorMessage",
        "request": "requestId",
        "level": "auditLevel",
    },
)
