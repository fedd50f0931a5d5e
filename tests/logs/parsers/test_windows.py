"""Windows Security events: every shape says the same, and every event id means what the sheet says."""

import json
from datetime import UTC, datetime

import pytest

from logs.kinds import Format, Ignored, Quarantined
from logs.parsers.windows_shapes import _CANONICAL, from_xml
from tests.logs.parsers.reading import counted, drafts, one, read, reason
from tests.logs.parsers.windows_made import (
    ALL_SHAPES,
    ANA,
    BOB,
    BY_ANA,
    HOW,
    LOGON,
    SUBJECT,
    TIME,
    evtx_json,
    xml,
)

WIN = Format.WINDOWS


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_every_shape_of_a_log_on_says_the_same(shape: str) -> None:
    event = one(WIN, ALL_SHAPES[shape])
    assert (event.log_type, event.class_uid, event.activity_id, event.status_id) == (1, 3002, 1, 1)
    assert (event.actor_name, event.actor_uid, event.actor_type) == ("ana", "S-1-5-21-1-2-3-1104", "user")
    assert (event.src_ip, event.src_port, event.logon_type_id, event.is_remote) == ("192.0.2.7", 51000, 10, True)
    assert (event.dst_host, event.app, event.session_uid) == ("dc1.bpo.test", "windows", "dc1.bpo.test/0x1a2b3c")
    assert event.native_id == "Security/dc1.bpo.test/7"
    assert event.occurred_at.replace(microsecond=0) == datetime(2026, 8, 4, 10, tzinfo=UTC)
    assert event.raw.decode() == ALL_SHAPES[shape]


@pytest.mark.parametrize(
    ("sub_status", "why"),
    [
        ("0xC0000064", "unknown_user"),
        ("0xc000006a", "bad_password"),
        ("0xC0000234", "locked"),
        ("0xC0000072", "disabled"),
        ("0xC0000193", "expired_account"),
        ("0xC0000071", "expired_password"),
        ("0xC0000224", "expired_password"),
        ("0xC000006F", "outside_hours"),
        ("0xC0000070", "workstation_restriction"),
        ("0xC0000133", "clock_skew"),
        ("-1073741718", "bad_password"),
        ("0xC0000099", "other"),
    ],
)
def test_it_says_why_a_log_on_was_refused(sub_status: str, why: str) -> None:
    event = one(WIN, evtx_json(4625, SUBJECT | ANA | HOW | {"Status": "0xc000006d", "SubStatus": sub_status}))
    assert (event.log_type, event.status_id, event.status_detail) == (6, 2, why)
    assert event.status_code.startswith("0xc0000")


def test_it_takes_the_status_where_there_is_no_sub_status() -> None:
    event = one(WIN, evtx_json(4625, LOGON | {"Status": "0xc0000234", "SubStatus": "0x0"}))
    assert (event.status_detail, event.status_code) == ("locked", "0xc0000234")


@pytest.mark.parametrize(
    ("number", "changed", "why"),
    [
        (4624, {"TargetUserName": "WS7$"}, "log-in of a machine account"),
        (4624, {"TargetUserName": "DWM-1", "TargetUserSid": "S-1-5-90-0-1"}, "log-in of the window manager"),
        (4624, {"TargetUserName": "UMFD-0", "TargetUserSid": "S-1-5-96-0-0"}, "log-in of the window manager"),
        (4624, {"TargetUserName": "ANONYMOUS LOGON", "TargetUserSid": "S-1-5-7"}, "anonymous log-on"),
        (4624, {"TargetUserName": "SYSTEM", "TargetUserSid": "S-1-5-18"}, "log-in of the system itself"),
        (4624, {"LogonType": "5"}, "log-on of a service"),
        (4634, {"TargetUserName": "WS7$"}, "log-in of a machine account"),
        (4688, {}, "Windows event that is no access"),
    ],
)
def test_it_counts_what_is_nobodys_log_in(number: int, changed: dict[str, str], why: str) -> None:
    (outcome,) = read(WIN, evtx_json(number, LOGON | changed))
    assert isinstance(outcome, Ignored)
    assert outcome.reason == why


def test_a_person_who_is_named_like_the_window_manager_is_not_overlooked() -> None:
    assert one(WIN, evtx_json(4624, LOGON | {"TargetUserName": "DWM-1"})).actor_name == "DWM-1"


def test_it_does_not_overlook_an_account_that_is_named_like_a_machine_when_it_is_made() -> None:
    event = one(WIN, evtx_json(4720, BY_ANA | BOB | {"TargetUserName": "backup$"}))
    assert (event.actor_name, event.target_name, event.activity_id) == ("ana", "backup$", 1)


@pytest.mark.parametrize("text", ["-", "", "S-1-0-0", "NULL SID"])
def test_nothing_said_is_nothing(text: str) -> None:
    event = one(WIN, evtx_json(4624, LOGON | {"TargetUserSid": text, "IpAddress": "-", "IpPort": "-"}))
    assert (event.actor_uid, event.src_ip, event.src_port, event.src_host) == ("", None, None, "WS7")


def test_it_reads_a_v4_mapped_address() -> None:
    data = BOB | {"ServiceName": "krbtgt", "Status": "0x12", "IpAddress": "::ffff:192.0.2.9", "IpPort": "0"}
    event = one(WIN, evtx_json(4768, data))
    assert (event.src_ip, event.src_port, event.actor_name) == ("192.0.2.9", None, "bob")
    assert (event.log_type, event.activity_id, event.status_detail, event.auth_protocol_id) == (6, 3, "disabled", 2)


@pytest.mark.parametrize(
    ("number", "status", "kind", "activity", "why"),
    [
        (4768, "0x0", 1, 3, ""),
        (4768, "0x6", 6, 3, "unknown_user"),
        (4769, "0x0", 1, 4, ""),
        (4771, "0x18", 6, 6, "bad_password"),
        (4771, "0x17", 6, 6, "expired_password"),
        (4771, "0x25", 6, 6, "clock_skew"),
    ],
)
def test_it_reads_kerberos(number: int, status: str, kind: int, activity: int, why: str) -> None:
    event = one(WIN, evtx_json(number, BOB | {"TargetUserName": "bob@BPO.TEST", "Status": status}))
    assert (event.log_type, event.activity_id, event.status_detail) == (kind, activity, why)
    assert (event.actor_name, event.actor_uid) == ("bob", "S-1-5-21-1-2-3-1105")


@pytest.mark.parametrize(
    ("number", "class_uid", "activity"),
    [
        (4720, 3001, 1), (4722, 3001, 2), (4723, 3001, 3), (4724, 3001, 4), (4725, 3001, 5), (4726, 3001, 6),
        (4738, 3001, 99), (4740, 3001, 9), (4767, 3001, 12),
    ],
)  # fmt: skip
def test_it_reads_changes_of_accounts(number: int, class_uid: int, activity: int) -> None:
    event = one(WIN, evtx_json(number, BY_ANA | BOB))
    assert (event.log_type, event.class_uid, event.activity_id, event.status_id) == (5, class_uid, activity, 1)
    assert (event.actor_name, event.target_name, event.target_uid) == ("ana", "bob", "S-1-5-21-1-2-3-1105")
    assert event.session_uid == "dc1.bpo.test/0x1a2b3c"


def test_a_change_that_the_audit_calls_failed_is_failed() -> None:
    event = one(WIN, evtx_json(4723, BY_ANA | BOB, Keywords="0x8010000000000000"))
    assert (event.log_type, event.status_id) == (5, 2)


@pytest.mark.parametrize(("number", "activity"), [(4728, 3), (4732, 3), (4756, 3), (4729, 4), (4733, 4), (4757, 4)])
def test_it_reads_who_joined_and_left_a_group(number: int, activity: int) -> None:
    member = {"MemberName": "CN=Reyes\\, Bob,OU=Staff,DC=bpo", "MemberSid": "S-1-5-21-1-2-3-1105"}
    event = one(WIN, evtx_json(number, BY_ANA | member | {"TargetUserName": "Domain Admins", "TargetSid": "S-1"}))
    assert (event.log_type, event.class_uid, event.activity_id) == (5, 3006, activity)
    assert (event.actor_name, event.target_name, event.privileges) == ("ana", "Reyes, Bob", ("Domain Admins",))


def test_it_reads_special_privileges_of_the_same_session() -> None:
    on, special = drafts(
        read(
            WIN,
            evtx_json(4624, LOGON),
            evtx_json(4672, BY_ANA | {"PrivilegeList": "SeDebugPrivilege\r\n\t\tSeBackupPrivilege"}),
        )
    )
    assert special.privileges == ("SeDebugPrivilege", "SeBackupPrivilege")
    assert (special.class_uid, special.activity_id, special.session_uid) == (3003, 1, on.session_uid)


def test_it_measures_a_session_from_log_on_to_log_off() -> None:
    later = TIME.replace("10:00:00", "10:30:00")
    events = drafts(read(WIN, xml(4624, LOGON), xml(4647, ANA, time=later), xml(4634, ANA, time=later)))
    assert [event.duration_ms for event in events] == [None, 1_800_000, 1_800_000]
    assert len({event.session_uid for event in events}) == 1


def test_the_proof_by_ntlm_and_the_log_on_after_it_are_one() -> None:
    proof = evtx_json(4776, {"TargetUserName": "ANA", "Workstation": "WS7", "Status": "0x0"})
    outcomes = read(WIN, proof, evtx_json(4624, LOGON))
    assert counted(outcomes) == (1, 0, 1)
    wrong = evtx_json(4776, {"TargetUserName": "ana", "Workstation": "WS7", "Status": "0xc000006a"})
    refusal = evtx_json(4625, LOGON | {"SubStatus": "0xc000006a"})
    assert counted(read(WIN, wrong, refusal)) == (1, 0, 1)
    assert counted(read(WIN, wrong, evtx_json(4624, LOGON))) == (2, 0, 0)
    assert counted(read(WIN, wrong, wrong)) == (2, 0, 0)


def test_it_reads_the_use_of_another_password() -> None:
    data = BY_ANA | {"TargetUserName": "adm-bob", "TargetDomainName": "BPO", "TargetServerName": "FILES1"}
    event = one(WIN, evtx_json(4648, data))
    assert (event.log_type, event.class_uid, event.activity_id, event.status_id) == (5, 3002, 7, 0)
    assert (event.actor_name, event.target_name, event.resource) == ("ana", "adm-bob", "FILES1")
    assert counted(read(WIN, evtx_json(4648, data | SUBJECT | {"TargetServerName": "localhost"}))) == (0, 0, 1)


@pytest.mark.parametrize(("number", "severity"), [(1102, 5), (1100, 4), (4719, 5), (4616, 3)])
def test_it_marks_tampering_with_the_log(number: int, severity: int) -> None:
    event = one(WIN, evtx_json(number, BY_ANA if number != 1100 else {}))
    assert (event.log_type, event.class_uid) == (5, 3004)
    assert event.severity_id == severity


def test_the_screen_and_the_remote_desktop() -> None:
    window = {"AccountName": "ana", "LogonID": "0x1A2B3C", "ClientName": "HOME", "ClientAddress": "192.0.2.7"}
    events = drafts(
        read(WIN, evtx_json(4800, ANA), evtx_json(4801, ANA), evtx_json(4778, window), evtx_json(4779, window))
    )
    assert [(event.log_type, event.activity_id, event.logon_type_id) for event in events] == [
        (7, 99, None),
        (7, 1, 7),
        (4, 1, 10),
        (7, 99, 10),
    ]
    assert {event.session_uid for event in events} == {"dc1.bpo.test/0x1a2b3c"}


def test_it_reads_a_cleared_log_of_user_data() -> None:
    text = xml(1102, {}).replace(
        "<EventData></EventData>",
        "<UserData><LogFileCleared xmlns='x'><SubjectUserName>ana</SubjectUserName></LogFileCleared></UserData>",
    )
    assert one(WIN, text).actor_name == "ana"


@pytest.mark.parametrize("body", [
    '<!DOCTYPE x [<!ENTITY a "b">]><Event><System/></Event>',
    '<?xml version="1.0"?><!DOCTYPE Event SYSTEM "file:///etc/passwd"><Event/></Event>',
    "<Event><System><EventID>4624</EventID></Event>",
    "<Event>" + "<a>" * 2000 + "</Event>",
])  # fmt: skip
def test_it_keeps_xml_apart_that_is_damaged_or_declares_a_type(body: str) -> None:
    outcomes = read(WIN, body)
    assert outcomes
    assert all(isinstance(outcome, Quarantined) for outcome in outcomes)


@pytest.mark.parametrize("line", ["{}", '{"EventID": "x"}', '{"a": {"b": 1}}', '{"EventID": 4624}', "{", "hello"])
def test_it_says_why_a_record_is_kept_apart(line: str) -> None:
    assert "Windows event" in reason(WIN, line) or "JSON" in reason(WIN, line)


@pytest.mark.parametrize("data", [LOGON, LOGON | {"TargetUserName": "", "ProcessName": "C:\\a b > c.exe"}, {}])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_quick_reading_of_xml_says_what_the_tree_says(data: dict[str, str], quote: str) -> None:
    text = xml(4624, data).replace("'", quote)
    loose = text.replace("<System>", "<System> ").replace("<Data ", "\n<Data ")
    assert _CANONICAL.fullmatch(text)
    assert not _CANONICAL.fullmatch(loose)
    assert from_xml(text) == from_xml(loose)


@pytest.mark.parametrize(
    ("value", "name"), [("a&amp;b", "a&b"), ("&lt;x&gt;", "<x>"), ("a&#233;", "a\u00e9"), ("it's", "it's")]
)
def test_entities_of_xml_are_read(value: str, name: str) -> None:
    assert one(WIN, xml(4624, LOGON | {"TargetUserName": value})).actor_name == name


def test_a_document_type_is_refused_inside_json_too() -> None:
    typed = "<!DOCTYPE Event [<!ELEMENT Event ANY>]>" + xml(4624, LOGON)
    assert "document type" in reason(WIN, json.dumps({"message": typed}))
