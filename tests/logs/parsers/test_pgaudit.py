"""pgAudit inside PostgreSQL's jsonlog: class, command, object, and each statement counted once."""

import pytest

from logs.kinds import Format, Ignored
from tests.logs.parsers.reading import counted, drafts, one, read
from tests.logs.parsers.test_postgres_jsonlog import row

PG = Format.POSTGRES_JSONLOG


def audit(group: str, command: str, kind: str = "", name: str = "", sql: str = "", rest: str = "<none>") -> str:
    quoted = '"' + sql.replace('"', '""') + '"'
    return f"AUDIT: SESSION,3,2,{group},{command},{kind},{name},{quoted},{rest}"


@pytest.mark.parametrize(
    ("message", "kind", "class_uid", "activity", "table", "target"),
    [
        (audit("READ", "SELECT", "TABLE", "public.customer", "select 1"), 3, 6005, 4, "public.customer", ""),
        (audit("READ", "COPY TO", "TABLE", "crm.orders", "COPY orders TO STDOUT"), 3, 6005, 1, "crm.orders", ""),
        (audit("WRITE", "INSERT", "TABLE", "crm.orders", "insert"), 3, 6005, 5, "crm.orders", ""),
        (audit("WRITE", "DELETE", "TABLE", "crm.orders", "delete"), 3, 6005, 7, "crm.orders", ""),
        (audit("WRITE", "SELECT", "SEQUENCE", "crm.s", "select nextval('s')"), 3, 6005, 2, "crm.s", ""),
        (audit("DDL", "CREATE TABLE", "TABLE", "crm.x", "create table x (a int)"), 3, 6005, 6, "crm.x", ""),
        (audit("DDL", "DROP TABLE", "TABLE", "crm.x", "drop table x"), 3, 6005, 7, "crm.x", ""),
        (audit("ROLE", "GRANT", "TABLE", "", "grant select on customer to eve"), 5, 3005, 1, "customer", "eve"),
        (audit("ROLE", "CREATE ROLE", "", "", "create role eve superuser"), 5, 3001, 1, "", "eve"),
        (audit("ROLE", "ALTER ROLE", "", "", "alter role eve password <REDACTED>"), 5, 3001, 4, "", "eve"),
        (audit("READ", "SELECT", "TABLE", '"public.""My, Table"""', "select 1"), 3, 6005, 4, "public.My, Table", ""),
    ],
)
def test_it_reads_class_command_and_object(
    message: str, kind: int, class_uid: int, activity: int, table: str, target: str
) -> None:
    event = one(PG, row(message))
    assert (event.log_type, event.class_uid, event.activity_id) == (kind, class_uid, activity)
    assert (event.table, event.target_name) == (table, target)
    assert event.extra["pgaudit_class"] == message.split(",")[3]


def test_it_reads_a_function_as_a_resource() -> None:
    event = one(PG, row(audit("FUNCTION", "EXECUTE", "FUNCTION", "public.refund", "select refund(7)")))
    assert (event.resource, event.table, event.action) == ("public.refund", "", "EXECUTE")


def test_rows_are_told_from_parameters() -> None:
    with_rows = audit("READ", "SELECT", "TABLE", "t", 'select "a, b" from t', '"1,2",42')
    assert one(PG, row(with_rows)).rows_count == 42
    assert one(PG, row(audit("READ", "SELECT", "TABLE", "t", "select", "42"))).rows_count is None


def test_no_value_of_statement_or_parameters_leaves_the_raw_record() -> None:
    sql = "insert into customer values ('4111111111111111', $1)"
    event = one(PG, row(audit("WRITE", "INSERT", "TABLE", "customer", sql, "4222222222222")))
    shown = repr([getattr(event, name) for name in event.__struct_fields__ if name != "raw"])
    assert "4111" not in shown
    assert "4222" not in shown


def test_a_statement_in_both_logs_is_counted_once() -> None:
    sql = "select * from customer;"
    before = [row(f"statement: {sql}", 4), row(audit("READ", "SELECT", "TABLE", "customer", sql[:-1]), 5)]
    after = [before[1], row(f"duration: 0.4 ms  statement: {sql}", 6)]
    for lines in (before, after):
        outcomes = read(PG, *lines)
        assert counted(outcomes) == (1, 0, 1)
        assert drafts(outcomes)[0].extra["pgaudit_class"] == "READ"
        (twin,) = (outcome for outcome in outcomes if isinstance(outcome, Ignored))
        assert twin.reason.startswith("twin of pgAudit")


def test_two_tables_of_one_statement_are_two_accesses() -> None:
    sql = "select * from a join b using (id)"
    lines = [row(audit("READ", "SELECT", "TABLE", name, sql), number) for number, name in enumerate("ab")]
    assert [event.table for event in drafts(read(PG, row(f"statement: {sql}", 9), *lines))] == ["a", "b"]


def test_a_statement_that_fails_after_its_audit_is_counted_as_refused() -> None:
    sql = "insert into t values (1)"
    failed = row("duplicate key", 6, error_severity="ERROR", state_code="23505", statement=sql)
    outcomes = read(PG, row(audit("WRITE", "INSERT", "TABLE", "t", sql), 5), failed)
    assert [event.status_id for event in drafts(outcomes)] == [2]


@pytest.mark.parametrize("message", ["AUDIT: ", "AUDIT: SESSION,1", audit("MISC", "BEGIN"), audit("MISC_SET", "SET")])
def test_it_ignores_what_is_no_access(message: str) -> None:
    assert counted(read(PG, row(message))) == (0, 0, 1)
