"""Whatever bytes arrive: no parser raises, and every record gives exactly one outcome with its exact bytes."""

import json
from collections import Counter
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.kinds import MAX_FIELD_CHARS, Draft, Format, Outcome, Quarantined, SourceSettings
from logs.parsers import PARSERS
from logs.parsers.auditd_deeds import DEEDS
from logs.parsers.windows_codes import ACTIONS, INSERTS
from tests.logs.parsers.device_lines import AT, PIECES, TEXT_FORMATS, WRAPPED
from tests.logs.parsers.saas_records import RECORDS
from tests.logs.parsers.test_cloudtrail import record
from tests.logs.parsers.test_ecs import ecs
from tests.logs.parsers.test_journal_and_shippers import entry
from tests.logs.parsers.test_mapping import CRM, HEADER, VPN
from tests.logs.parsers.test_okta import event
from tests.logs.parsers.test_postgres_jsonlog import row
from tests.logs.parsers.windows_made import ALL_SHAPES, LOGON, evtx_json, xml

pytestmark = pytest.mark.filterwarnings("error")

SETTINGS = {
    Format.CSV: SourceSettings(mapping=VPN | {"header": HEADER.split(",")}),
    Format.JSON: SourceSettings(mapping=CRM),
}
FIELDS = {name for names in INSERTS.values() for name in names}
PLAIN_FORMATS = {Format.CSV, Format.MYSQL_AUDIT, Format.AUDITD}
OCSF_EVENT: dict[str, object] = {
    "class_uid": 3002,
    "activity_id": 1,
    "time": 1785837601250,
    "status_id": 2,
    "severity_id": 1,
    "count": 2,
    "user": {"name": "ana"},
    "src_endpoint": {"ip": "192.0.2.7"},
    "metadata": {"uid": "1"},
    "duration": 5,
    "unmapped": {"countersign": {"log_type": 6, "mfa": True, "extra": {"a": 1}}, "b": [1]},
}
LINE_FORMATS = {Format.SSHD_SYSLOG, *PLAIN_FORMATS, *TEXT_FORMATS}
WORDS = st.sampled_from(
    [
        "sshd", "sshd[7]: ", "sudo: ", "su[3]: ", "login: ", "pam_unix(sshd:auth): ", "authentication failure; ",
        "rhost=", " user=", "Failed password for ", "invalid user ", " from ", "192.0.2.7", " port 22", " ssh2",
        "Accepted ",
        "session opened for user ", "session closed for user ", " by (uid=0)", "message repeated 3 times: [ ", "]",
        "last message repeated 2 times", "USER=root ; COMMAND=", " ; TTY=pts/0", "bob : ", "check pass; user unknown",
        "2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= ", "AUDIT: SESSION,1,1,", "statement: ",
        "SELECT * FROM ", "GRANT a TO b", "connection authorized: user=", " database=", "\x00", "\u202e",
        '"', "'", "\\",
    ]
)  # fmt: skip
TEXT = st.lists(st.one_of(WORDS, st.text(max_size=12)), max_size=12).map("".join)
SYSLOG = st.tuples(
    st.sampled_from(["Aug  4 10:00:01 web ", "Dec 31 23:59:60 h ", "<86>1 2026-08-04T08:00:01Z web sshd 7 - - ", ""]),
    TEXT,
).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass").replace(b"\n", b" "))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


def account(form: Format, lines: list[bytes]) -> list[Outcome]:
    """Read the lines, and check everything that holds for any body."""
    outcomes = list(PARSERS[form].parse(lines, SETTINGS.get(form, SourceSettings(year=2026))))
    assert sorted(outcome.position for outcome in outcomes) == list(range(len(outcomes)))
    for outcome in outcomes:
        if isinstance(outcome, Draft):
            check_draft(outcome)
        else:
            assert outcome.reason
            assert isinstance(outcome, Quarantined) <= outcome.reason.endswith(".")
            assert outcome.reason.encode()
    return outcomes


def check_draft(draft: Draft) -> None:
    """Check what PostgreSQL and OCSF ask of every draft."""
    assert draft.occurred_at.tzinfo is UTC
    texts = [getattr(draft, name) for name in draft.__struct_fields__ if isinstance(getattr(draft, name), str)]
    beside = [part for item in draft.extra.items() for part in item if isinstance(part, str)]
    assert all(isinstance(value, str | int | float | bool | list) for value in draft.extra.values())
    for text in [*texts, *draft.privileges, *beside]:
        assert len(text) <= MAX_FIELD_CHARS
        assert "\x00" not in text
        text.encode()
    for name in ("duration_ms", "bytes_in", "bytes_out", "rows_count"):
        assert 0 <= (getattr(draft, name) or 0) < 2**63
    assert 1 <= draft.repeat_count <= 1_000_000
    assert (draft.class_uid == 3002 and draft.status_id == 2) == (draft.log_type == 6)


def not_blank(lines: list[bytes]) -> Counter[bytes]:
    return Counter(line for body in lines for line in body.split(b"\n") if line.strip(b" \t\r\v\f\n"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(SYSLOG, st.binary(max_size=60)), max_size=25))
def test_syslog_lines_are_each_given_back_once(lines: list[bytes]) -> None:
    outcomes = account(Format.SSHD_SYSLOG, lines)
    assert Counter(outcome.raw for outcome in outcomes) == not_blank(lines)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(TEXT_FORMATS)), st.data())
def test_lines_of_a_device_are_each_given_back_once(form: Format, data: st.DataObject) -> None:
    piece = st.one_of(st.sampled_from(PIECES[form]), st.sampled_from(PIECES[form]), WORDS, st.text(max_size=8))
    line = st.tuples(st.sampled_from([AT, f"<13>1 2026-08-04T10:00:01Z h a 7 - - {WRAPPED[form]}", WRAPPED[form], ""]),
                     st.lists(piece, max_size=14).map("".join))  # fmt: skip
    lines = [("".join(parts)).encode("utf-8", "surrogatepass") for parts in data.draw(st.lists(line, max_size=8))]
    outcomes = account(form, lines)
    kept = b"\n".join(outcome.raw for outcome in sorted(outcomes, key=lambda outcome: outcome.position))
    assert not_blank([kept]) == not_blank(lines)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(Format)), st.lists(st.binary(max_size=80), max_size=10))
def test_no_parser_raises_over_any_bytes(form: Format, lines: list[bytes]) -> None:
    outcomes = account(form, lines)
    whole = b"".join(lines)
    if form in LINE_FORMATS or (b"[" not in whole and b"{" not in whole):
        kept = b"".join(outcome.raw for outcome in sorted(outcomes, key=lambda outcome: outcome.position))
        assert b"".join(kept.split()) == b"".join(whole.split())


@pytest.mark.parametrize("form", RECORDS)
def test_a_nul_in_any_member_is_stored_nowhere(form: Format) -> None:
    for name in RECORDS[form]:
        account(form, [json.dumps(RECORDS[form] | {name: "\0x"}).encode()])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(set(Format) - PLAIN_FORMATS)), st.data())
def test_json_records_with_any_member_changed_are_each_given_back_once(form: Format, data: st.DataObject) -> None:
    base: dict[str, object] = {
        Format.SSHD_SYSLOG: json.loads(entry("Failed password for root from 192.0.2.7 port 4711 ssh2")),
        Format.CLOUDTRAIL: record("ConsoleLogin", responseElements={}, requestParameters={}, additionalEventData={}),
        Format.OKTA: json.loads(event("user.session.start", target=[{"type": "User"}])),
        Format.POSTGRES_JSONLOG: json.loads(row("statement: SELECT 1", statement="", state_code="", detail="")),
        Format.JSON: {"ts": 1785837600123, "user": {"email": "bob", "roles": []}, "what": "app", "verb": "x", "id": 1},
        Format.WINDOWS: json.loads(ALL_SHAPES["nxlog"]),
        Format.PORTAL: {"id": "1", "at": "2026-08-04T10:00:00Z", "kind": "deed", "user": "a", "verb": "x.y", "rows": 1},
        **RECORDS,
        Format.ECS: json.loads(ecs(source={"ip": "192.0.2.7"}, host={"name": "web"}, message="x")),
        Format.OCSF: OCSF_EVENT,
        **{text: {"message": WRAPPED[text]} for text in TEXT_FORMATS},
    }[form]
    lines: list[bytes] = []
    for _ in range(data.draw(st.integers(1, 4))):
        changed = dict(base)
        for name in data.draw(st.lists(st.sampled_from(sorted(base)), max_size=3)):
            changed[name] = data.draw(VALUES)
        lines.append(json.dumps(changed, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass"))
    outcomes = account(form, lines)
    assert [outcome.raw for outcome in sorted(outcomes, key=lambda outcome: outcome.position)] == lines


PARTS = st.sampled_from(
    [xml(4624, LOGON), "<Event>", "</Event>", "<Events>", "</Events>", "<?xml version='1.0'?>", "<Event ",
     "<EventData>", "<![CDATA[", "]]>", "&a;", "<!DOCTYPE x>", "\n", "\n\n", " ", "ElfFile\0", *ALL_SHAPES.values()]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(PARTS, TEXT), max_size=8), st.booleans())
def test_xml_of_windows_loses_no_byte(parts: list[str], in_lines: bool) -> None:
    body = ("<Event>" + "".join(parts)).encode("utf-8", "surrogatepass")
    outcomes = account(Format.WINDOWS, body.splitlines(keepends=True) if in_lines else [body])
    kept = b"".join(outcome.raw for outcome in sorted(outcomes, key=lambda outcome: outcome.position))
    assert b"".join(kept.split()) == b"".join(body.split())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ACTIONS)), st.dictionaries(st.sampled_from(sorted(FIELDS)), TEXT, max_size=8))
def test_any_values_of_a_windows_event_make_a_sound_draft(number: int, data: dict[str, str]) -> None:
    account(Format.WINDOWS, [evtx_json(number, data).encode()])


KERNEL_RECORDS = st.tuples(
    st.sampled_from(["", "node=web ", "Aug  4 10:00:00 web audit: ", "x"]),
    st.sampled_from(
        [*DEEDS, "USER_AUTH", "USER_LOGIN", "USER_START", "USER_END", "USER_CMD", "SYSCALL", "EOE", "PATH"]
    ),
    st.integers(1, 3).map(" msg=audit(1785837600.123:{}): pid=7 uid=0 auid=1000 ses=3 msg='op=".format),
    TEXT,
    st.sampled_from([" acct=61206220", ' acct="a"', " acct=(null)", ' grp="wheel"', ' key="k"', " cmd=ff00"]),
    TEXT,
    st.sampled_from([" res=success'", " res=failed'", ' exe="/usr/bin/su" res=failed', ""]),
).map(lambda parts: "".join([parts[0], "type=", *parts[1:]]).encode("utf-8", "surrogatepass").replace(b"\n", b" "))


@settings(max_examples=150, deadline=None)
@given(st.lists(KERNEL_RECORDS, max_size=15))
def test_audit_records_of_linux_are_each_given_back_once(lines: list[bytes]) -> None:
    assert Counter(outcome.raw for outcome in account(Format.AUDITD, lines)) == Counter(lines)


AUDIT_LINES = st.tuples(
    st.sampled_from(
        ["20260804 10:00:00,db1,", "1785837600123456,db1,", "Aug  4 10:00:00 h mysql-server_auditing: db1,"]
    ),
    TEXT,
    st.sampled_from([",192.0.2.7,1,2,", ",h:1,1,2,", ""]),
    st.sampled_from(["CONNECT,", "DISCONNECT,", "FAILED_CONNECT,", "QUERY,crm,'", "READ,", "x,"]),
    TEXT,
    st.sampled_from(["',0", ",,1045", ",", ""]),
).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass").replace(b"\n", b" "))


@settings(max_examples=150, deadline=None)
@given(st.lists(AUDIT_LINES, max_size=10))
def test_audit_lines_of_mysql_are_each_given_back_once(lines: list[bytes]) -> None:
    assert [outcome.raw for outcome in account(Format.MYSQL_AUDIT, lines)] == lines


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(TEXT, min_size=6, max_size=9), max_size=8))
def test_csv_loses_no_byte(rows: list[list[str]]) -> None:
    lines = [",".join(cells).encode("utf-8", "surrogatepass").replace(b"\n", b" ") for cells in rows]
    outcomes = account(Format.CSV, lines)
    kept = b"\n".join(outcome.raw for outcome in sorted(outcomes, key=lambda outcome: outcome.position))
    assert Counter(kept.split(b"\n")) >= Counter(not_blank(lines))
