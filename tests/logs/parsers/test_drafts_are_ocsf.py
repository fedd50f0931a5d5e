"""Every number of a draft is one that OCSF 1.8.0 defines for its class (Apache-2.0 schema, read in place)."""

import json
from functools import lru_cache

import pytest

from logs.kinds import Draft, Format, LogType, SourceSettings
from logs.parsers import PARSERS
from logs.parsers.cloudtrail import IAM_EVENTS
from logs.parsers.okta import OKTA_EVENTS
from logs.parsers.saas import VENDORS
from logs.parsers.saas.reader import Vendor
from logs.parsers.windows_codes import ACTIONS
from tests.logs.parsers.reading import drafts, read, shared
from tests.logs.parsers.saas_records import line as line_of
from tests.logs.parsers.test_cloudtrail import line
from tests.logs.parsers.test_okta import event
from tests.logs.parsers.test_postgres_jsonlog import row
from tests.logs.parsers.windows_made import BOB, BY_ANA, HOW, LOGON, evtx_json

ENUMS = ("activity_id", "status_id", "severity_id", "logon_type_id", "auth_protocol_id")


@lru_cache(maxsize=1)
def classes() -> dict[int, dict[str, set[int]]]:
    """Give class uid -> attribute -> the numbers that it may hold."""
    schema = json.loads(shared("ocsf/slim-schema-1.8.0.json").read_text("utf-8"))
    found = {}
    for definition in schema["classes"].values():
        attributes = definition["attributes"]
        enums = {name: {int(key) for key in attributes[name]["enum"]} for name in ENUMS if name in attributes}
        found[int(definition["uid"])] = enums
    return found


def check(event: Draft) -> None:
    enums = classes()[event.class_uid]
    for name in ENUMS:
        value = getattr(event, name)
        if value is not None and name in enums:
            assert value in enums[name], (name, event)
    assert event.type_uid == event.class_uid * 100 + event.activity_id


def test_the_real_linux_log() -> None:
    with shared("linux/Linux_2k.log").open("rb") as log:
        events = drafts(PARSERS[Format.SSHD_SYSLOG].parse(log, SourceSettings(year=2005)))
    assert len(events) == 761
    for found in events:
        check(found)


@pytest.mark.parametrize(("name", "form"), [("AWS.CloudTrail", Format.CLOUDTRAIL), ("Okta.SystemLog", Format.OKTA)])
def test_the_real_cloud_logs(name: str, form: Format) -> None:
    texts = shared(f"saas/{name}.jsonl").read_text("utf-8").splitlines()
    events = drafts(read(form, *[json.dumps(json.loads(text)["log"]) for text in texts]))
    assert events
    for found in events:
        check(found)


def test_every_event_name_that_the_parsers_know() -> None:
    names = [
        *IAM_EVENTS,
        "ConsoleLogin",
        "AssumeRole",
        "StopLogging",
        "GetObject",
        "PutObject",
    ]
    kinds = [*OKTA_EVENTS, "policy.rule.update", "application.lifecycle.delete", "app.x"]
    for found in drafts(read(Format.CLOUDTRAIL, *map(line, names))) + drafts(read(Format.OKTA, *map(event, kinds))):
        check(found)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_event_of_a_cloud_service_that_its_table_names(vendor: Vendor) -> None:
    verbs = ("create", "get", "update", "delete", "enable", "disable", "anything")
    meant = [*vendor.deeds.values(), *map(vendor.otherwise, verbs), *map(vendor.otherwise, map(str.upper, verbs))]
    assert len(meant) > len(verbs)
    for deed in meant:
        assert deed.activity in classes()[deed.class_uid]["activity_id"], deed
        LogType(deed.kind)
    for found in drafts(read(Format(vendor.name), line_of(Format(vendor.name)))):
        check(found)


def test_every_sql_verb_that_the_parser_knows() -> None:
    verbs = [
        "SELECT",
        "INSERT INTO t",
        "MERGE",
        "TRUNCATE t",
        "CALL",
        "LOCK t",
        "ALTER SYSTEM",
        "CREATE ROLE x",
        "GRANT x TO y",
    ]
    events = drafts(
        read(Format.POSTGRES_JSONLOG, *[row(f"statement: {verb}", number) for number, verb in enumerate(verbs)])
    )
    assert len(events) == len(verbs)
    for found in events:
        check(found)


def test_every_windows_event_that_the_parser_knows() -> None:
    bodies = [evtx_json(number, BY_ANA | BOB | HOW) for number in ACTIONS]
    bodies += [evtx_json(4624, LOGON | {"LogonType": str(number)}) for number in range(15)]
    events = drafts(read(Format.WINDOWS, *bodies))
    assert {event.extra["event_id"] for event in events} == set(ACTIONS) - {104}  # 104 comes from another provider
    for found in events:
        check(found)
