"""The guess behind `manage.py loop FILE` and `manage.py ingest FILE`."""

import pytest

from logs.kinds import Format
from logs.parsers import PARSERS, guess_format
from tests.logs.parsers.saas_records import RECORDS, line
from tests.logs.parsers.test_cloudtrail import line as cloudtrail_line
from tests.logs.parsers.test_okta import event
from tests.logs.parsers.test_postgres_jsonlog import row
from tests.logs.parsers.windows_made import ALL_SHAPES


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"Aug  4 10:00:01 web sshd[7]: x\n"], Format.SSHD_SYSLOG),
        ([b"<86>1 2026-08-04T08:00:01Z web sshd 7 - - x"], Format.SSHD_SYSLOG),
        ([b"2026-08-04T10:00:01+02:00 web sshd[7]: x"], Format.SSHD_SYSLOG),
        ([b'{"Records": [\n', b'{"eventTime": "x", "eventSource": "y"}'], Format.CLOUDTRAIL),
        ([b'{"eventType": "user.session.start", "published": "x"}'], Format.OKTA),
        ([b'{"timestamp": "x", "error_severity": "LOG"}'], Format.POSTGRES_JSONLOG),
        ([b'{"id":"1","at":"x","kind":"login","user":"a"}'], Format.PORTAL),
        ([b'{"__REALTIME_TIMESTAMP":"1785837601250000","MESSAGE":"x"}'], Format.SSHD_SYSLOG),
        ([b"20260804 10:00:00,db1,bob,192.0.2.7,12,345,QUERY,crm,'SELECT 1',0"], Format.MYSQL_AUDIT),
        ([b"Aug  4 10:00:00 h mysql-server_auditing: db1,bob,h,1,2,CONNECT,,,0"], Format.MYSQL_AUDIT),
        ([b"type=USER_LOGIN msg=audit(1785837600.123:7): pid=1"], Format.AUDITD),
        ([b"Aug  4 10:00:00 h audisp-syslog[7]: type=EOE msg=audit(1785837600.123:7): "], Format.AUDITD),
        ([b"ElfFile\0\1\2"], Format.WINDOWS),
        ([b"<?xml version='1.0'?>\n", b"<Events>"], Format.WINDOWS),
        ([b"<Event xmlns='x'><System>"], Format.WINDOWS),
        ([ALL_SHAPES["winlogbeat"].encode()], Format.WINDOWS),
        ([ALL_SHAPES["nxlog"].encode()], Format.WINDOWS),
        ([ALL_SHAPES["otel"].encode()], Format.WINDOWS),
        ([b"<166>Aug 04 2026 10:00:01 asa : %ASA-6-113039: x"], Format.CISCO_ASA),
        ([b"Aug  4 10:00:01 gate openvpn[7]: x"], Format.OPENVPN),
        ([b"2026-08-04 10:00:01 192.0.2.7:1 [a] Peer Connection Initiated with [AF_INET]192.0.2.7:1"], Format.OPENVPN),
        ([b"Tue Aug  4 10:00:01 2026\n", b"\tAcct-Status-Type = Start\n"], Format.FREERADIUS),
        ([b"Aug  4 10:00:01 rad radiusd[7]: Login OK: [a] (from client b port 0)"], Format.FREERADIUS),
        ([b"<14>Aug  4 10:00:01 PA 1,2026/08/04 10:00:01,01,GLOBALPROTECT,0,"], Format.GLOBALPROTECT),
        ([b'<189>date=2026-08-04 time=10:00:01 logid="0101039424" type="event"'], Format.FORTINET),
        ([b"Aug  4 10:00:01 web CEF:0|a|b|1|c|d|3|suser=x"], Format.CEF),
        ([b"LEEF:2.0|a|b|1|c|^|usrName=x"], Format.LEEF),
        ([b'{"class_uid": 3002, "metadata": {}}'], Format.OCSF),
        ([b'{"@timestamp": "x", "event": {"category": "iam"}}'], Format.ECS),
        ([b'{"a": 1}', b'{"a": 2}'], Format.JSON),
        ([b'[\n', b'{"a": 1}]'], Format.JSON),
        ([b'"EVENT_TYPE","TIMESTAMP","USER_ID"', b'"Login","20260804100000.123","005"'], Format.SALESFORCE),
        ([b"EVENT_TIMESTAMP,USER_NAME,IS_SUCCESS"], Format.SNOWFLAKE),
        ([b"a,b,c", b"1,2,3"], Format.CSV),
        ([b"a;b;c"], Format.CSV),
        ([b"hello world"], None),
        ([b"{oops"], None),
        ([], None),
        ([b"\n"], None),
    ],
)  # fmt: skip
def test_it_guesses(lines: list[bytes], expected: Format | None) -> None:
    assert guess_format(lines) is expected


@pytest.mark.parametrize("form", RECORDS)
def test_it_tells_every_cloud_service_apart(form: Format) -> None:
    record = line(form)
    assert guess_format([record.encode()]) is form
    assert guess_format([f"[{record},".encode(), f"{record}]".encode()]) is form


def test_the_services_that_came_first_are_still_told_apart() -> None:
    assert guess_format([cloudtrail_line("ConsoleLogin").encode()]) is Format.CLOUDTRAIL
    assert guess_format([event("user.session.start").encode()]) is Format.OKTA
    assert guess_format([row("statement: SELECT 1").encode()]) is Format.POSTGRES_JSONLOG


def test_every_format_has_a_named_parser_with_a_version() -> None:
    assert set(PARSERS) == set(Format)
    assert all(PARSERS[form].name == form.value and PARSERS[form].version for form in Format)
