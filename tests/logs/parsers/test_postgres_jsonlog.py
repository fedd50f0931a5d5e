"""PostgreSQL 18's jsonlog; the rows have the shape that the embedded server writes with `log_statement = all`."""

import json

import pytest

from logs.kinds import Format, Ignored
from tests.logs.parsers.reading import counted, drafts, one, read, reason

PG = Format.POSTGRES_JSONLOG


def row(message: str, line_num: int = 1, **members: object) -> str:
    base: dict[str, object] = {
        "timestamp": "2026-08-04 10:00:00.123 UTC",
        "user": "bob",
        "dbname": "crm",
        "pid": 301,
        "remote_host": "192.0.2.7",
        "remote_port": 5000,
        "session_id": "6b0338cf.12d",
        "line_num": line_num,
        "error_severity": "LOG",
        "message": message,
        "application_name": "psql",
        "backend_type": "client backend",
    }
    return json.dumps(base | members)


def test_it_reads_a_session_from_log_in_to_end() -> None:
    outcomes = read(
        PG,
        row("connection received: host=192.0.2.7 port=5000", 1),
        row('connection authenticated: identity="bob" method=scram-sha-256 (/data/pg_hba.conf:9)', 2),
        row("connection authorized: user=bob database=crm application_name=psql SSL enabled (protocol=TLSv1.3)", 3),
        row("statement: SELECT * FROM public.customer WHERE name = 'secret'", 4),
        row("disconnection: session time: 1:02:03.004 user=bob database=crm host=192.0.2.7 port=5000", 5),
    )
    opened, query, closed = drafts(outcomes)
    assert counted(outcomes) == (3, 0, 2)
    assert (opened.log_type, opened.class_uid, opened.activity_id, opened.status_code) == (3, 3002, 1, "scram-sha-256")
    assert (query.class_uid, query.activity_id, query.table) == (6005, 4, "public.customer")
    assert (closed.log_type, closed.duration_ms) == (7, 3_723_004)
    assert {event.session_uid for event in (opened, query, closed)} == {"6b0338cf.12d"}
    assert [event.native_id for event in (opened, query, closed)] == [f"6b0338cf.12d.{n}" for n in (3, 4, 5)]


def test_it_keeps_no_value_of_a_statement_outside_the_raw_record() -> None:
    event = one(PG, row("statement: UPDATE customer SET card = '4111111111111111' WHERE id = 7"))
    shown = [getattr(event, name) for name in event.__struct_fields__ if name != "raw"]
    assert "4111111111111111" not in repr(shown)
    assert b"4111111111111111" in event.raw


@pytest.mark.parametrize(
    ("code", "message", "detail", "why"),
    [
        ("28P01", 'password authentication failed for user "bob"', None, "bad_password"),
        ("28P01", 'password authentication failed for user "bob"', 'Role "bob" does not exist.', "unknown_user"),
        ("28000", 'role "bob" is not permitted to log in', None, "disabled"),
        ("28000", 'no pg_hba.conf entry for host "192.0.2.7", user "bob", database "crm"', None, "policy_denied"),
        ("3D000", 'database "crm" does not exist', None, "other"),
    ],
)
def test_it_says_why_a_log_in_was_refused(code: str, message: str, detail: str | None, why: str) -> None:
    event = one(PG, row(message, error_severity="FATAL", state_code=code, detail=detail))
    assert (event.log_type, event.status_id, event.status_detail, event.status_code) == (6, 2, why, code)
    assert event.actor_name == "bob"


def test_a_refused_statement_is_counted_once_and_as_refused() -> None:
    sql = "DELETE FROM customer"
    outcomes = read(
        PG,
        row(f"statement: {sql}", 4),
        row("permission denied for table customer", 5, error_severity="ERROR", state_code="42501", statement=sql),
    )
    (event,) = drafts(outcomes)
    assert (event.activity_id, event.status_id, event.status_detail) == (7, 2, "policy_denied")
    assert isinstance(outcomes[0], Ignored)


def test_a_connection_that_is_refused_after_authorization_is_no_success() -> None:
    outcomes = read(
        PG,
        row("connection authorized: user=bob database=crm", 3),
        row('database "crm" does not exist', 4, error_severity="FATAL", state_code="3D000"),
    )
    assert [event.status_id for event in drafts(outcomes)] == [2]


@pytest.mark.parametrize(
    ("sql", "kind", "class_uid", "activity", "target"),
    [
        ("CREATE ROLE eve SUPERUSER PASSWORD 'x'", 5, 3001, 1, "eve"),
        ("ALTER USER eve PASSWORD 'y'", 5, 3001, 4, "eve"),
        ("DROP ROLE IF EXISTS eve", 5, 3001, 6, "eve"),
        ("GRANT SELECT, DELETE ON TABLE customer TO eve", 5, 3005, 1, "eve"),
        ("REVOKE dba FROM eve", 5, 3005, 2, "eve"),
        ("SET ROLE dba", 5, 3002, 7, "dba"),
        ("COPY customer TO STDOUT", 3, 6005, 1, ""),
        ("/* x */ -- y\n INSERT INTO customer VALUES (1)", 3, 6005, 5, ""),
        ("WITH gone AS (DELETE FROM customer RETURNING *) SELECT * FROM gone", 3, 6005, 7, ""),
    ],
)
def test_it_reads_what_a_statement_does(sql: str, kind: int, class_uid: int, activity: int, target: str) -> None:
    event = one(PG, row(f"statement: {sql}"))
    assert (event.log_type, event.class_uid, event.activity_id) == (kind, class_uid, activity)
    assert event.target_name == target


@pytest.mark.parametrize("sql", ["BEGIN", "COMMIT", "SET search_path TO x", "DISCARD ALL", ""])
def test_it_ignores_what_touches_no_data(sql: str) -> None:
    assert counted(read(PG, row(f"statement: {sql}"))) == (0, 0, 1)


def test_it_reads_pgaudit() -> None:
    event = one(PG, row('AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.customer,"select * from customer",<none>,42'))
    assert (event.table, event.rows_count, event.activity_id) == ("public.customer", 42, 4)


def test_it_reads_a_socket_as_local() -> None:
    event = one(PG, row("connection authorized: user=bob database=crm", remote_host="[local]", remote_port=None))
    assert (event.src_ip, event.src_host, event.is_remote) == (None, "localhost", False)


@pytest.mark.parametrize("line", ['{"timestamp": 5}', '{"message": "x"}', "{", '{"timestamp": "yesterday UTC"}'])
def test_it_says_why_a_row_is_kept_apart(line: str) -> None:
    assert "cannot" in reason(PG, line) or "JSON" in reason(PG, line) or "can be read" in reason(PG, line)
