"""Okta System Log: own events, and Panther's samples (Apache-2.0) read in place."""

import json

import pytest

from logs.kinds import Format
from tests.logs.parsers.reading import counted, one, read, shared

OKTA = Format.OKTA


def event(event_type: str, **members: object) -> str:
    return json.dumps(
        {
            "uuid": "7d0f8c2a-1",
            "published": "2026-08-04T10:00:00.123Z",
            "eventType": event_type,
            "severity": "INFO",
            "actor": {"id": "00u1", "type": "User", "alternateId": "bob@example.test", "displayName": "B"},
            "client": {
                "ipAddress": "192.0.2.7",
                "userAgent": {"rawUserAgent": "Mozilla/5.0"},
                "geographicalContext": {"city": "Manila", "country": "Philippines"},
            },
            "outcome": {"result": "SUCCESS"},
            "authenticationContext": {"externalSessionId": "102abc"},
            "target": [],
        }
        | members
    )


def test_it_reads_a_session_start() -> None:
    found = one(OKTA, event("user.session.start"))
    assert (found.log_type, found.class_uid, found.activity_id, found.status_id) == (1, 3002, 1, 1)
    assert (found.actor_name, found.actor_uid, found.src_ip) == ("bob@example.test", "00u1", "192.0.2.7")
    assert (found.session_uid, found.native_id, found.extra["country"]) == ("102abc", "7d0f8c2a-1", "Philippines")


@pytest.mark.parametrize(
    ("kind", "reason", "why"),
    [
        ("user.session.start", "INVALID_CREDENTIALS", "bad_password"),
        ("user.session.start", "LOCKED_OUT", "locked"),
        ("user.authentication.auth_via_mfa", "INVALID_CREDENTIALS", "mfa_failed"),
        ("user.mfa.okta_verify.deny_push", "User rejected Okta push verify", "mfa_fatigue_denied"),
        ("user.session.start", "NETWORK_ZONE_BLACKLIST", "policy_denied"),
    ],
)
def test_it_says_why_a_log_in_failed(kind: str, reason: str, why: str) -> None:
    found = one(OKTA, event(kind, outcome={"result": "FAILURE", "reason": reason}))
    assert (found.log_type, found.status_id, found.status_detail) == (6, 2, why)


def test_a_challenge_is_neither_success_nor_failure() -> None:
    found = one(OKTA, event("policy.evaluate_sign_on", outcome={"result": "CHALLENGE"}))
    assert (found.status_id, found.status_code) == (0, "CHALLENGE")


def test_it_names_the_application_and_the_changed_account() -> None:
    target = [
        {"id": "0oa1", "type": "AppInstance", "alternateId": "CRM", "displayName": "CRM Acme"},
        {"id": "00u2", "type": "User", "alternateId": "eve@example.test", "displayName": "E"},
        {"id": "00g1", "type": "UserGroup", "alternateId": "x", "displayName": "Admins"},
    ]
    sso = one(OKTA, event("user.authentication.sso", target=target[:1]))
    assert (sso.log_type, sso.app) == (2, "CRM Acme")
    grant = one(OKTA, event("group.user_membership.add", target=target[1:]))
    assert (grant.class_uid, grant.activity_id, grant.target_name, grant.privileges) == (
        3006,
        3,
        "eve@example.test",
        ("Admins",),
    )


def test_it_reads_names_that_an_exporter_has_lowered() -> None:
    lowered = json.loads(event("user.session.start", published="2026-08-04 10:00:00.123000000"))
    lowered["eventtype"] = lowered.pop("eventType")
    assert one(OKTA, json.dumps(lowered)).action == "user.session.start"


def test_panthers_samples_are_all_accounted_for() -> None:
    texts = shared("saas/Okta.SystemLog.jsonl").read_text("utf-8").splitlines()
    outcomes = read(OKTA, *[json.dumps(json.loads(text)["log"]) for text in texts])
    # five have no time of publication, two say "redacted" there; four are rate limits and the like
    assert counted(outcomes) == (33, 7, 4)
