"""Salesforce: EventLogFile (CSV and JSON), LoginHistory, and the real-time events of Event Monitoring.

Source: Salesforce, object reference "EventLogFile", "LoginHistory", "LoginEvent" and supported event types. The rows of
an EventLogFile have no id of their own (REQUEST_ID is shared), so they are told apart by content.
"""

from logs.kinds import ActorType, OcsfClass, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import Facts
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor
from logs.parsers.saas.values import Row, text

_DEEDS = {
    "Login": d.SIGN_IN,
    "LoginEvent": d.SIGN_IN,
    "LoginHistory": d.SIGN_IN,
    "Logout": d.LOGOUT,
    "LogoutEvent": d.LOGOUT,
    "LoginAs": d.IMPERSONATED,
    "LoginAsEvent": d.IMPERSONATED,
    "ReportExport": d.EXPORTED,
    "Report": d.WEB_READ,
    "ReportEvent": d.WEB_READ,
    "ListViewEvent": d.WEB_READ,
    "UriEvent": d.WEB_READ,
    "URI": d.WEB_READ,
    "LightningPageView": d.WEB_READ,
    "LightningUriEvent": d.WEB_READ,
    "Search": d.SEARCHED,
    "DataExport": d.EXPORTED,
    "DocumentAttachmentDownloads": d.FILE_GOT,
    "ContentDocumentLink": d.SHARED,
    "ContentTransfer": d.FILE_OTHER,
    "FileEvent": d.FILE_OTHER,
    "API": d.CALL,
    "ApiEvent": d.CALL_READS,
    "ApiTotalUsage": d.CALL,
    "RestApi": d.CALL,
    "BulkApi": d.CALL,
    "BulkApi2": d.CALL,
    "BulkApiResultEventStore": d.EXPORTED,
    "BulkApiResultEvent": d.EXPORTED,
    "ConnectedAppUsageEventStore": d.CALL,
    "PermissionSetEvent": d.RIGHTS_CHANGED,
    "PermissionSetEventStore": d.RIGHTS_CHANGED,
    "SetupAuditTrail": d.CHANGED,
    "OAuthTokenRevoked": d.RIGHTS_TAKEN,
    "OAuthTokenRefreshFailed": d.CHECK.failing(),
    "IdentityVerificationEvent": d.CHECK,
    "VerificationHistory": d.CHECK,
    "ApiAnomalyEventStore": d.CALL,
    "SessionHijackingEventStore": d.CHECK,
    "CredentialStuffingEventStore": d.CHECK,
}
_QUIET = (
    "ApexExecution",
    "ApexTrigger",
    "ApexCallout",
    "ApexSoap",
    "LightningPerformance",
    "LightningError",
    "CorsViolation",
)


def _shape(row: Row) -> Row:
    """Name the records that say no type of their own: LoginHistory, and real-time events by their members."""
    if "EVENT_TYPE" in row:
        return row
    kind = row.get("attributes")
    named = text(kind.get("type")) if isinstance(kind, dict) else text(row.get("EventType") or row.get("LogFile"))
    if not named and "LoginTime" in row:
        named = "LoginHistory"
    if not named and "LoginType" in row:
        named = "LoginEvent"
    return row | {"EVENT_TYPE": named}


def _amend(facts: Facts, row: Row) -> None:
    """Write whom a LoginAs became, and take a code other than success for a refusal."""
    if facts["activity_id"] == 7 and facts["class_uid"] == OcsfClass.AUTHENTICATION:
        delegated = text(row.get("DELEGATED_USER_NAME") or row.get("DelegatedUsername"))
        if delegated:
            facts["target_name"], facts["target_kind"] = facts.get("actor_name", ""), "account"
            facts["target_uid"] = facts.get("actor_uid", "")
            facts["actor_name"] = delegated
            facts["actor_uid"] = text(row.get("DELEGATED_USER_ID_DERIVED") or row.get("DELEGATED_USER_ID"))
    if text(row.get("USER_TYPE")) in {"AutomatedProcess", "CloudIntegrationUser"}:
        facts["actor_type"] = ActorType.SERVICE


VENDOR = Vendor(
    name="salesforce",
    title="Salesforce event",
    app="Salesforce",
    time="TIMESTAMP_DERIVED|TIMESTAMP|EventDate|LoginTime|CreatedDate|EVENT_DATE",
    event="EVENT_TYPE",
    deeds=_DEEDS,
    otherwise=lambda name: d.WEB_READ if "View" in name else d.CALL,
    ignored=dict.fromkeys(_QUIET, "run of a program, no access"),
    outcome="LOGIN_STATUS|Status|STATUS|REQUEST_STATUS",
    outcomes={
        **dict.fromkeys(("login_no_error", "success", "s", "0"), Status.SUCCESS),
        **dict.fromkeys(("login_error_invalid_password", "invalid password", "i"), Why.BAD_PASSWORD),
        "login_error_invalid_username": Why.UNKNOWN_USER,
        "login_error_user_inactive": Why.DISABLED,
        "user is frozen": Why.DISABLED,
        "login_error_password_lockout": Why.LOCKED,
        "password lockout": Why.LOCKED,
        "login_error_restricted_domain": Why.WORKSTATION_RESTRICTION,
        "restricted ip": Why.WORKSTATION_RESTRICTION,
        "login_error_restricted_time": Why.OUTSIDE_HOURS,
        "restricted time": Why.OUTSIDE_HOURS,
        "login_error_expired_password": Why.EXPIRED_PASSWORD,
        "login_error_org_closed": Why.DISABLED,
        "login_error_two_factor_required": Status.UNKNOWN,
        "failed: computer activation required": Status.UNKNOWN,
        **dict.fromkeys(("f", "u"), Why.OTHER),
    },
    unmapped=Why.OTHER,
    native=("EventIdentifier|Id",),
    fields={
        "actor_name": "USER_NAME|USERNAME|Username|UserName",
        "actor_uid": "USER_ID_DERIVED|USER_ID|UserId|CreatedById",
        "src_ip": "SOURCE_IP|CLIENT_IP|SourceIp",
        "user_agent": "BROWSER_TYPE|USER_AGENT|UserAgent|Browser",
        "app": "CONNECTED_APP_NAME|Application",
        "resource": "ENTITY_NAME|REPORT_ID_DERIVED|REPORT_ID|URI|LoginUrl|QueriedEntities|Name",
        "session_uid": "LOGIN_KEY|LoginKey|SESSION_KEY|SessionKey",
        "rows_count": "RECORDS_PROCESSED|ROWS_PROCESSED|ROW_COUNT|RowsProcessed|RowsReturned",
        "duration_ms": "RUN_TIME",
    },
    extra={
        "organization": "ORGANIZATION_ID",
        "request": "REQUEST_ID",
        "api": "API_TYPE|ApiType",
        "login_type": "LOGIN_TYPE|LoginType",
        "summary": "SUMMARY|Summary",
    },
    wrappers=("records",),
    shape=_shape,
    amend=_amend,
    columns=(b"EVENT_TYPE", b"LoginTime", b"EventIdentifier"),
)
