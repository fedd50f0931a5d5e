"""Snowflake: LOGIN_HISTORY, QUERY_HISTORY and SESSIONS of ACCOUNT_USAGE, as JSON or CSV.

Source: Snowflake, "LOGIN_HISTORY view", "QUERY_HISTORY view".
"""

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "LOGIN": d.DATABASE_LOGIN,
    "LOGOUT": d.LOGOUT,
    "SELECT": d.DATA_READ,
    "INSERT": d.DATA_WRITTEN,
    "COPY": d.DATA_WRITTEN,
    "UPDATE": d.DATA_CHANGED,
    "MERGE": d.DATA_CHANGED,
    "DELETE": d.DATA_DELETED,
    "TRUNCATE_TABLE": d.DATA_DELETED,
    "SHOW": d.LISTED,
    "DESCRIBE": d.LISTED,
    "LIST_FILES": d.LISTED,
    "UNLOAD": d.DATA_READ,
    "GET_FILES": d.DATA_READ,
    "PUT_FILES": d.DATA_WRITTEN,
    "CALL": d.QUERIED,
    "CREATE_USER": d.USER_CREATED,
    "ALTER_USER": d.USER_CHANGED,
    "DROP_USER": d.USER_DELETED,
    "ALTER_USER_RESET_PASSWORD": d.PASSWORD_RESET,
    "CREATE_ROLE": d.MADE,
    "DROP_ROLE": d.DELETED,
    "GRANT": d.RIGHTS_GIVEN,
    "REVOKE": d.RIGHTS_TAKEN,
}


def _otherwise(name: str) -> d.Deed:
    verb = name.partition("_")[0]
    if verb in {"GRANT", "REVOKE"}:
        return _DEEDS[verb]
    known = {"CREATE": d.DATA_MADE, "DROP": d.DATA_DELETED, "ALTER": d.DATA_CHANGED}
    return known.get(verb, d.DATA_OTHER)


VENDOR = Vendor(
    name="snowflake",
    title="Snowflake history",
    app="Snowflake",
    time="EVENT_TIMESTAMP|START_TIME|CREATED_ON|END_TIME",
    event="QUERY_TYPE|EVENT_TYPE",
    deeds=_DEEDS,
    otherwise=_otherwise,
    outcome="ERROR_CODE|IS_SUCCESS|EXECUTION_STATUS",
    outcomes={
        **dict.fromkeys(("yes", "true", "success", "0"), Status.SUCCESS),
        **dict.fromkeys(("running", "queued", "blocked"), Status.UNKNOWN),
        "390100": Why.BAD_PASSWORD,
        "390101": Why.DISABLED,
        "390102": Why.LOCKED,
        "390106": Why.EXPIRED_PASSWORD,
        "390120": Why.MFA_FAILED,
        "390127": Why.MFA_FAILED,
        "390144": Why.CERT_INVALID,
        "390420": Why.POLICY_DENIED,
        "390422": Why.POLICY_DENIED,
        "003001": Why.POLICY_DENIED,
    },
    unmapped=Why.OTHER,
    native=("EVENT_ID|QUERY_ID",),
    fields={
        "actor_name": "USER_NAME",
        "src_ip": "CLIENT_IP",
        "database": "DATABASE_NAME",
        "resource": "QUERY_TEXT",
        "session_uid": "SESSION_ID|LOGIN_EVENT_ID|RELATED_EVENT_ID",
        "duration_ms": "TOTAL_ELAPSED_TIME",
        "rows_count": "ROWS_PRODUCED",
        "bytes_in": "BYTES_SCANNED",
        "user_agent": "REPORTED_CLIENT_TYPE",
        "privileges": "ROLE_NAME",
        "status_code": "ERROR_CODE",
        "mfa": "SECOND_AUTHENTICATION_FACTOR",
    },
    yes=frozenset({"duo_push", "duo_passcode", "duo_passwordless", "mfa_token", "totp", "passkey"}),
    extra={
        "factor": "FIRST_AUTHENTICATION_FACTOR",
        "error": "ERROR_MESSAGE",
        "warehouse": "WAREHOUSE_NAME",
        "schema": "SCHEMA_NAME",
    },
    columns=(b"IS_SUCCESS", b"QUERY_TEXT"),
    lowered=(b'"event_timestamp"', b'"query_text"'),
)
