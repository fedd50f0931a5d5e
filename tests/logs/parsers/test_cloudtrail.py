"""AWS CloudTrail: own records, and Panther's samples (Apache-2.0) read in place."""

import json
import re
from collections import Counter

import pytest
from msgspec.structs import replace

from logs.kinds import ClockQuality, Format, Outcome
from tests.logs.parsers.reading import counted, drafts, one, read, reason, shared

AWS = Format.CLOUDTRAIL


def record(name: str, **members: object) -> dict[str, object]:
    return {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "userName": "bob", "arn": "arn:aws:iam::111122223333:user/bob"},
        "eventTime": "2026-08-04T10:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2",
        "eventID": "0f0f0f0f-1",
    } | members


def line(name: str, **members: object) -> str:
    return json.dumps(record(name, **members))


@pytest.mark.parametrize("shape", ["records", "array", "ndjson", "pretty"])
def test_it_reads_every_shape_and_keeps_the_exact_bytes_of_each_record(shape: str) -> None:
    inner = [line("CreateUser", eventID=str(number)) for number in range(3)]
    body = {
        "records": '{"Records": [' + " , ".join(inner) + "]}",
        "array": "[" + ",\n".join(inner) + "]",
        "ndjson": "\n".join(inner) + "\n\n",
        "pretty": json.dumps({"Records": [json.loads(text) for text in inner]}, indent=2),
    }[shape]
    events = drafts(read(AWS, *body.encode().splitlines(keepends=True)))
    assert [event.native_id for event in events] == ["0", "1", "2"]
    assert [event.position for event in events] == [0, 1, 2]
    if shape != "pretty":
        assert [event.raw.decode() for event in events] == inner
    assert all(event.raw.decode() in body for event in events)


def test_it_reads_a_console_log_in_and_its_second_factor() -> None:
    good = one(
        AWS, line("ConsoleLogin", responseElements={"ConsoleLogin": "Success"}, additionalEventData={"MFAUsed": "Yes"})
    )
    assert (good.log_type, good.class_uid, good.activity_id, good.status_id, good.mfa) == (1, 3002, 1, 1, True)
    members = {"responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication"}
    bad = one(AWS, line("ConsoleLogin", **members))
    assert (bad.log_type, bad.status_id, bad.status_detail) == (6, 2, "bad_password")
    unknown = one(AWS, line("ConsoleLogin", **members | {"errorMessage": "No username found in supplied account"}))
    assert unknown.status_detail == "unknown_user"


def test_it_reads_names_that_an_exporter_has_lowered() -> None:
    session = {"sessionIssuer": {"userName": "Admin"}, "attributes": {"mfaAuthenticated": "true"}}
    who = {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Admin/bob", "sessionContext": session}
    given = line("AttachUserPolicy", userIdentity=who, requestParameters={"userName": "eve", "policyArn": "arn:x"})
    low = re.sub(r'"(\w+)":', lambda found: f'"{found[1].lower()}":', given).replace("04T10:00:00Z", "04 10:00:00")
    plain, event = one(AWS, given), one(AWS, low)
    assert '"eventtime"' in low
    assert event.clock_quality == ClockQuality.ZONE_ASSUMED
    assert replace(event, raw=plain.raw, clock_quality=plain.clock_quality) == plain
    assert "eventTime" in reason(AWS, line("CreateUser", eventTime=None))


def test_it_names_the_person_behind_an_assumed_role() -> None:
    who = {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/Admin/bob@example.test",
        "sessionContext": {"sessionIssuer": {"userName": "Admin"}, "attributes": {"mfaAuthenticated": "true"}},
    }
    event = one(
        AWS, line("AttachUserPolicy", userIdentity=who, requestParameters={"userName": "eve", "policyArn": "arn:x"})
    )
    assert (event.actor_name, event.mfa, event.extra["role"]) == ("bob@example.test", True, "Admin")
    assert (event.target_name, event.privileges, event.activity_id) == ("eve", ("arn:x",), 7)


@pytest.mark.parametrize("address", ["cloudformation.amazonaws.com", "AWS Internal"])
def test_a_service_in_the_address_field_is_no_address(address: str) -> None:
    event = one(AWS, line("CreateUser", sourceIPAddress=address))
    assert (event.src_ip, event.src_host) == (None, address)


def test_it_marks_tampering_with_the_log_as_critical() -> None:
    event = one(AWS, line("StopLogging", eventSource="cloudtrail.amazonaws.com"))
    assert (event.log_type, event.severity_id) == (5, 5)


def test_it_tells_reading_from_changing() -> None:
    reading = one(AWS, line("DescribeInstances", eventSource="ec2.amazonaws.com", readOnly=True))
    changing = one(AWS, line("TerminateInstances", eventSource="ec2.amazonaws.com", errorCode="AccessDenied"))
    assert (reading.log_type, reading.class_uid, reading.activity_id) == (2, 6003, 2)
    assert (changing.log_type, changing.activity_id, changing.status_detail) == (5, 4, "policy_denied")


@pytest.fixture(scope="module")
def samples() -> list[Outcome]:
    texts = shared("saas/AWS.CloudTrail.jsonl").read_text("utf-8").splitlines()
    return read(AWS, *[json.dumps(json.loads(text)["log"]) for text in texts])


def test_panthers_samples_are_all_accounted_for(samples: list[Outcome]) -> None:
    # 13 of the 296 have no eventTime, and two say "redacted" and "..." there
    assert counted(samples) == (281, 15, 0)


def test_panthers_console_log_ins_are_found(samples: list[Outcome]) -> None:
    found = Counter(event.status_id for event in drafts(samples) if event.action == "ConsoleLogin")
    assert found == {1: 9, 2: 3}  # 13 samples by hand, of which one has no time
