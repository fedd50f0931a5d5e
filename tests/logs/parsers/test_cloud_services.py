"""What the readers of cloud services make of the records that the vendors document (made up, `saas_records.py`)."""

import json
from pathlib import Path

import pytest

from logs.kinds import Draft, Format, Ignored, Quarantined
from logs.parsers import guess_format
from tests.logs.parsers.reading import SHARED, counted, one, read, reason, shared
from tests.logs.parsers.saas_records import RECORDS, line

ENTRA, GOOGLE, GCP, KEYCLOAK = Format.ENTRA, Format.GOOGLE_WORKSPACE, Format.GCP_AUDIT, Format.KEYCLOAK
BOB, ANA = "bob@example.test", "ana@example.test"

EXPECTED: dict[Format, tuple[object, ...]] = {
    ENTRA: (6, 3002, 1, 2, "bad_password", BOB, "", "192.0.2.7", "9f1c-01"),
    GOOGLE: (
        6,
        3002,
        1,
        2,
        "bad_password",
        BOB,
        "",
        "2001:db8::7",
        "2026-08-04T10:00:00.123Z/-8123/login/login_failure",
    ),
    GCP: (5, 3005, 1, 1, "", ANA, "user:" + BOB, "192.0.2.9", "a1b2/2026-08-04T10:00:00.123456789Z"),
    Format.AZURE_ACTIVITY: (5, 3004, 4, 1, "", ANA, "", "192.0.2.9", "e-9"),
    KEYCLOAK: (6, 3002, 1, 2, "bad_password", "bob", "", "192.0.2.7", "e-1"),
    Format.AUTH0: (6, 3002, 1, 2, "bad_password", BOB, "", "192.0.2.7", "900-1"),
    Format.ONELOGIN: (2, 3002, 1, 1, "", "Bob Example", "Bob Example", "192.0.2.7", "4711"),
    Format.DUO: (6, 3002, 1, 2, "mfa_fatigue_denied", "bob", "", "192.0.2.7", "t-1"),
    Format.SALESFORCE: (6, 3002, 1, 2, "bad_password", BOB, "", "192.0.2.7", ""),
    Format.ZENDESK: (5, 3001, 1, 1, "", "Ana Example", "User: Bob Example", "192.0.2.9", "4711"),
    Format.GITHUB_AUDIT: (5, 3005, 1, 1, "", "ana", "bob", "192.0.2.9", "doc-1"),
    Format.SLACK_AUDIT: (5, 3005, 1, 1, "", ANA, BOB, "192.0.2.9", "s-1"),
    Format.ATLASSIAN: (5, 3006, 3, 1, "", ANA, BOB, "192.0.2.9", "at-1"),
    Format.ASANA: (6, 3002, 1, 2, "bad_password", BOB, BOB, "192.0.2.7", "1201/2026-08-04T10:00:00.123Z"),
    Format.BOX: (7, 6006, 2, 1, "", BOB, "customers.csv", "192.0.2.7", "b-1"),
    Format.ZOOM: (5, 3001, 1, 1, "", ANA, "", None, ""),
    Format.ONEPASSWORD: (6, 3002, 1, 2, "mfa_failed", BOB, "", "192.0.2.7", "o-1"),
    Format.SNOWFLAKE: (6, 3002, 1, 2, "bad_password", "BOB", "", "192.0.2.7", "501"),
    Format.DATABRICKS: (5, 3005, 1, 1, "", ANA, BOB, "192.0.2.9", ""),
    Format.MONGODB_ATLAS: (5, 3005, 99, 1, "", ANA, BOB, "192.0.2.9", "m-1"),
    Format.TELEPORT: (6, 3002, 1, 2, "other", "bob", "", "2001:db8::7", "tp-1"),
}
"""Log type, class, activity, status and its reason, actor, target, address, native id."""


@pytest.mark.parametrize("form", RECORDS)
def test_it_reads_a_record_of_the_service(form: Format) -> None:
    found = one(form, line(form))
    meaning = (found.log_type, found.class_uid, found.activity_id, found.status_id, found.status_detail)
    assert (*meaning, found.actor_name, found.target_name, found.src_ip, found.native_id) == EXPECTED[form]
    assert found.occurred_at.isoformat()[:19] == "2026-08-04T10:00:00"
    assert found.action
    assert found.app


@pytest.mark.parametrize("form", RECORDS)
def test_a_record_without_a_time_is_quarantined_and_says_so(form: Format) -> None:
    def bare(value: object) -> object:
        times = ("time", "date", "stamp", "created", "timestamp")
        if not isinstance(value, dict):
            return value
        return {key: bare(inner) for key, inner in value.items() if not any(word in key.lower() for word in times)}

    assert reason(form, json.dumps(bare(RECORDS[form]))).endswith("cannot be read. The record has no time.")


@pytest.mark.parametrize("form", sorted(set(RECORDS) - {GOOGLE, Format.DUO, Format.ZENDESK, Format.ONEPASSWORD}))
def test_names_in_any_case_give_the_same_event(form: Format) -> None:
    def low(value: object) -> object:
        if isinstance(value, dict):
            return {key.lower(): low(inner) for key, inner in value.items()}
        return [low(inner) for inner in value] if isinstance(value, list) else value

    plain, lowered = one(form, line(form)), one(form, json.dumps(low(RECORDS[form])))
    assert (lowered.actor_name, lowered.src_ip, lowered.status_detail) == (
        plain.actor_name,
        plain.src_ip,
        plain.status_detail,
    )


@pytest.mark.parametrize(
    ("code", "status", "why"),
    [
        (0, 1, ""), (50126, 2, "bad_password"), (50034, 2, "unknown_user"), (50053, 2, "locked"),
        (50057, 2, "disabled"), (50055, 2, "expired_password"), (53003, 2, "policy_denied"),
        (500121, 2, "mfa_failed"), (50074, 0, ""), (50076, 0, ""), (99999, 2, "other"),
    ],
)  # fmt: skip
def test_a_code_of_entra_says_why(code: int, status: int, why: str) -> None:
    inner = RECORDS[ENTRA]["properties"]
    assert isinstance(inner, dict)
    found = one(ENTRA, line(ENTRA, properties=inner | {"status": {"errorCode": code}}))
    assert (found.status_id, found.status_detail) == (status, why)
    assert found.log_type == (6 if status == 2 else 1)
    assert found.mfa is (True if status == 1 else None)


def test_event_hub_lowers_the_names_of_entra_at_the_top_only() -> None:
    record = {key.lower(): value for key, value in RECORDS[ENTRA].items()}
    inner = {key: value for key, value in RECORDS[ENTRA]["properties"].items() if key != "ipAddress"}  # type: ignore[attr-defined]  # an object
    assert one(ENTRA, json.dumps(record | {"properties": inner})).src_ip == "192.0.2.7"


@pytest.mark.parametrize(
    ("activity", "meant"),
    [
        ("Add member to role", (3005, 1)), ("Remove member from role", (3005, 2)), ("Delete user", (3001, 6)),
        ("Reset user password", (3001, 4)), ("Add member to group", (3006, 3)), ("Delete application", (3004, 4)),
    ],
)  # fmt: skip
def test_a_directory_audit_of_graph(activity: str, meant: tuple[int, int]) -> None:
    record = {
        "id": "Directory_1", "activityDateTime": "2026-08-04T10:00:00Z", "activityDisplayName": activity,
        "category": "RoleManagement", "result": "success", "loggedByService": "Core Directory",
        "initiatedBy": {"user": {"id": "u-1", "userPrincipalName": ANA, "ipAddress": "192.0.2.9"}},
        "targetResources": [{"id": "u-2", "userPrincipalName": BOB, "modifiedProperties": [
            {"displayName": "Role.DisplayName", "newValue": '"Global Administrator"'}]}],
    }  # fmt: skip
    found = one(ENTRA, json.dumps({"value": [record]}))
    assert (found.class_uid, found.activity_id) == meant
    assert (found.actor_name, found.target_name, found.src_ip) == (ANA, BOB, "192.0.2.9")
    assert found.privileges == (("Global Administrator",) if meant[0] == 3005 else ())


def test_google_names_further_events_of_an_activity_beside_the_first() -> None:
    events = [
        {
            "name": "ASSIGN_ROLE",
            "parameters": [{"name": "ROLE_NAME", "value": "Super"}, {"name": "USER_EMAIL", "value": BOB}],
        },
        {"name": "CHANGE_PASSWORD"},
    ]
    found = one(GOOGLE, line(GOOGLE, events=events))
    assert (found.class_uid, found.activity_id, found.target_name, found.privileges) == (3005, 1, BOB, ("Super",))
    assert found.extra["more_events"] == "CHANGE_PASSWORD"


def test_google_mail_that_was_delivered_is_ignored_by_name() -> None:
    (outcome,) = read(GOOGLE, line(GOOGLE, events=[{"name": "delivery"}]))
    assert isinstance(outcome, Ignored)
    assert outcome.reason == "delivery of mail"


@pytest.mark.parametrize(
    ("changed", "status", "why"),
    [
        ({"status": {"code": 7, "message": "Denied"}}, 2, "policy_denied"),
        ({"authorizationInfo": [{"permission": "x", "granted": False}]}, 2, "policy_denied"),
        ({"status": {}}, 1, ""),
    ],
)
def test_google_cloud_refusals(changed: dict[str, object], status: int, why: str) -> None:
    payload = RECORDS[GCP]["protoPayload"]
    assert isinstance(payload, dict)
    found = one(GCP, line(GCP, protoPayload=payload | changed))
    assert (found.status_id, found.status_detail) == (status, why)


def test_keycloak_admin_events_and_the_console_log() -> None:
    admin = {
        "time": 1785837600123, "realmId": "bpo", "operationType": "CREATE", "resourceType": "REALM_ROLE_MAPPING",
        "resourcePath": "users/17/role-mappings", "authDetails": {"userId": "u-1", "ipAddress": "192.0.2.9"},
    }  # fmt: skip
    found = one(KEYCLOAK, json.dumps(admin))
    assert (found.class_uid, found.activity_id, found.src_ip, found.actor_uid) == (3005, 1, "192.0.2.9", "u-1")
    said = (
        'type="LOGIN_ERROR", realmId="bpo", userId="u", ipAddress="192.0.2.7", error="user_not_found", username="eve"'
    )
    console = {"timestamp": "2026-08-04T10:00:00Z", "loggerName": "org.keycloak.events", "message": said}
    failed = one(KEYCLOAK, json.dumps(console))
    assert (failed.status_detail, failed.actor_name, failed.src_ip) == ("unknown_user", "eve", "192.0.2.7")


def test_a_salesforce_event_file_is_read_by_its_column_names() -> None:
    header = b'"EVENT_TYPE","TIMESTAMP","USER_ID","LOGIN_STATUS","SOURCE_IP","URI"'
    rows = [
        b'"Login","20260804100000.123","0051","LOGIN_NO_ERROR","192.0.2.7",""',
        b'"ReportExport","20260804100100.000","0051","","192.0.2.7","/00O1?x=""y"""',
        b'"Login","20260804100200.000","0051"',
    ]
    outcomes = read(Format.SALESFORCE, header, *rows)
    assert counted(outcomes) == (2, 1, 1)
    first, second = (outcome for outcome in outcomes if isinstance(outcome, Draft))
    assert (first.status_id, first.actor_uid, first.occurred_at.microsecond) == (1, "0051", 123000)
    assert (second.class_uid, second.activity_id, second.resource) == (6001, 7, '/00O1?x="y"')


def test_salesforce_names_who_logged_in_as_whom() -> None:
    found = one(
        Format.SALESFORCE, line(Format.SALESFORCE, EVENT_TYPE="LoginAs", LOGIN_STATUS="", DELEGATED_USER_NAME=ANA)
    )
    assert (found.activity_id, found.actor_name, found.target_name) == (7, ANA, BOB)


def test_records_inside_an_answer_of_the_interface_are_each_read() -> None:
    for form, wrapper in (
        (ENTRA, "records"),
        (GOOGLE, "items"),
        (Format.ZENDESK, "audit_logs"),
        (Format.BOX, "entries"),
    ):
        body = json.dumps({"next": None, wrapper: [RECORDS[form], RECORDS[form]]})
        assert counted(read(form, body)) == (2, 0, 0), form


@pytest.mark.parametrize(
    "path", sorted((SHARED / "saas").glob("*.jsonl")) or [SHARED / "saas" / "absent.jsonl"], ids=lambda path: path.stem
)
def test_every_real_sample_gives_exactly_one_outcome_and_only_unreadable_times_are_quarantined(path: Path) -> None:
    texts = shared(f"saas/{path.name}").read_text("utf-8").splitlines()
    logs = [json.dumps(json.loads(text)["log"]).encode() for text in texts]
    form = guess_format(logs[:50])
    assert form is not None
    outcomes = read(form, *logs)
    assert [outcome.raw for outcome in outcomes] == logs
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Quarantined)]
    known = ("no time.", "isoformat string", "names no event", "`eventTime`", "`published`")
    assert all(any(word in text for word in known) for text in reasons), reasons
