"""MariaDB's server_audit: own lines in the shape that its documentation gives."""

from datetime import UTC, datetime

import pytest

from logs.kinds import Format
from tests.logs.parsers.reading import counted, drafts, one, read, reason

SQL = Format.MYSQL_AUDIT
HEAD = "20260804 10:00:00,db1,bob,192.0.2.7,12"


def query(statement: str, code: int = 0) -> str:
    return f"{HEAD},345,QUERY,crm,'{statement}',{code}"


def test_it_reads_a_connection_from_log_in_to_end() -> None:
    outcomes = read(SQL, f"{HEAD},0,CONNECT,crm,,0", f"{HEAD.replace('10:00:00', '10:00:09')},0,DISCONNECT,crm,,0")
    opened, closed = drafts(outcomes)
    assert (opened.log_type, opened.class_uid, opened.activity_id, opened.status_id) == (3, 3002, 1, 1)
    assert (opened.actor_name, opened.src_ip, opened.dst_host, opened.database) == ("bob", "192.0.2.7", "db1", "crm")
    assert (closed.log_type, closed.activity_id, closed.duration_ms) == (7, 2, 9000)
    assert opened.session_uid == closed.session_uid == "db1/12"


@pytest.mark.parametrize(
    ("operation", "code", "why"),
    [
        ("FAILED_CONNECT", "1045", "bad_password"),
        ("FAILED_CONNECT", "1044", "policy_denied"),
        ("FAILED_CONNECT", "1130", "policy_denied"),
        ("FAILED_CONNECT", "4151", "locked"),
        ("FAILED_CONNECT", "1862", "expired_password"),
        ("FAILED_CONNECT", "1049", "other"),
        ("CONNECT", "1045", "bad_password"),
    ],
)
def test_it_says_why_a_connection_was_refused(operation: str, code: str, why: str) -> None:
    event = one(SQL, f"{HEAD},0,{operation},,,{code}")
    assert (event.log_type, event.status_id, event.status_detail, event.status_code) == (6, 2, why, code)


@pytest.mark.parametrize(
    ("statement", "kind", "activity", "table", "target"),
    [
        ("SELECT name FROM customer, orders WHERE a = \\'x,y\\'", 3, 4, "customer", ""),
        ("INSERT INTO crm.customer VALUES (\\'it\\\\\\'s\\')", 3, 5, "crm.customer", ""),
        ("DELETE FROM\\n customer", 3, 7, "customer", ""),
        ("GRANT SELECT ON crm.* TO eve", 5, 1, "", "eve"),
        ("DROP USER eve", 5, 6, "", "eve"),
        ("CREATE USER \\'eve\\'@\\'%\\' IDENTIFIED BY \\'x\\'", 5, 1, "", "eve"),
        ("GRANT ALL ON `crm`.`customer` TO `eve`@`localhost`", 5, 1, "crm.customer", "eve"),
        ('SELECT "a FROM secret" FROM `customer`', 3, 4, "customer", ""),
    ],
)
def test_it_reads_what_a_statement_does(statement: str, kind: int, activity: int, table: str, target: str) -> None:
    event = one(SQL, query(statement))
    assert (event.log_type, event.activity_id, event.target_name) == (kind, activity, target)
    assert event.table.startswith(table)
    assert event.database == "crm"


def test_it_keeps_no_value_of_a_statement_outside_the_raw_record() -> None:
    event = one(SQL, query("UPDATE customer SET card = \\'4111111111111111\\'"))
    assert "4111111111111111" not in repr([getattr(event, name) for name in event.__struct_fields__ if name != "raw"])
    assert b"4111111111111111" in event.raw


def test_a_refused_statement_is_refused() -> None:
    event = one(SQL, query("SELECT * FROM payroll", 1142))
    assert (event.status_id, event.status_code, event.status_detail) == (2, "1142", "policy_denied")


@pytest.mark.parametrize("operation", ["READ", "WRITE", "CREATE", "ALTER", "RENAME", "DROP"])
def test_it_reads_the_tables_that_a_statement_touched(operation: str) -> None:
    event = one(SQL, f"{HEAD},345,{operation},crm,customer,")
    assert (event.log_type, event.class_uid, event.database, event.table) == (3, 6005, "crm", "customer")


def test_a_user_name_cannot_name_another_address() -> None:
    forged = "20260804 10:00:00,db1,root,198.51.100.1,3,0,CONNECT,x,,0,192.0.2.7,12,0,FAILED_CONNECT,,,1045"
    assert "commas" in reason(SQL, forged)


def test_it_reads_the_port_of_mariadb_12_and_the_time_of_amazon() -> None:
    event = one(SQL, "1785837600123456,db1,bob,192.0.2.7:5000,12,0,CONNECT,crm,,0")
    assert (event.src_ip, event.src_port, event.clock_quality) == ("192.0.2.7", 5000, 1)
    assert event.occurred_at == datetime(2026, 8, 4, 10, 0, 0, 123456, tzinfo=UTC)
    assert one(SQL, f"{HEAD.replace('192.0.2.7', '2001:db8::7')},0,CONNECT,,,0").src_ip == "2001:db8::7"


def test_it_reads_lines_that_came_by_syslog() -> None:
    event = one(SQL, "Aug  4 10:00:00 dbhost mysql-server_auditing: db1,bob,localhost,12,0,FAILED_CONNECT,,,1045")
    assert (event.src_ip, event.src_host, event.is_remote, event.log_type) == (None, "localhost", False, 6)


@pytest.mark.parametrize("statement", ["COMMIT", "SET autocommit=0", ""])
def test_it_ignores_what_touches_no_data(statement: str) -> None:
    assert counted(read(SQL, query(statement))) == (0, 0, 1)


@pytest.mark.parametrize(
    "line", ["hello", "20260804 10:00:00,db1,bob", "20269904 10:00:00,db1,bob,h,1,2,QUERY,a,'b',0"]
)
def test_it_says_why_a_line_is_kept_apart(line: str) -> None:
    assert reason(SQL, line).startswith("The line is no server_audit record")
