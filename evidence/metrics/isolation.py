"""Probes tenant isolation: tables without forced row security, foreign rows in sight, answers without a scope."""

from collections.abc import Sequence

from django.db import connection

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row
from tenants.scope import current_tenant_id

TABLES = """
SELECT c.relname AS table_name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
    EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy,
    pg_has_role(current_user, c.relowner, 'USAGE') AS owned_by_us
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'tenants_membership'
    AND has_table_privilege(current_user, c.oid, 'SELECT')
ORDER BY c.relname
"""
FOREIGN = "SELECT 1 FROM {table} WHERE tenant_id IS DISTINCT FROM %s LIMIT 1"
UNSCOPED = "SELECT 1 FROM {table} LIMIT 1"
PROBE = """
DO $probe$
DECLARE
    name text;
    answered text[] := '{}';
BEGIN
    FOREACH name IN ARRAY string_to_array(%(tables)s, ' ') LOOP
        PERFORM set_config('app.tenant', '', true);
        BEGIN
            EXECUTE format('SELECT 1 FROM %%I LIMIT 1', name);
            answered := answered || name;
        EXCEPTION WHEN OTHERS THEN
            CONTINUE;  -- refused, as it must be
        END;
    END LOOP;
    PERFORM set_config('app.answered', array_to_string(answered, ' '), true);
    PERFORM set_config('app.tenant', %(tenant)s, true);
END $probe$;
SELECT current_setting('app.answered')
"""
"""Tries UNSCOPED on all tables at once; with a savepoint for each, the measure took three times as long."""
COLUMNS = ("table_name", "forced", "has_policy", "owned_by_us", "foreign_rows_seen", "answers_without_scope")


def measure(frame: Frame) -> KindEvidence:
    """Return two probes a table: is a foreign tenant's row readable, and does a query without a scope answer."""
    asked = Asked(frame)
    rows = _probed(asked.rows(TABLES), frame.tenant_id)
    asked.note(f"-- for each table, in the open scope:\n{FOREIGN}")
    asked.note(f"-- and with app.tenant empty, which must fail:\n{UNSCOPED}")
    metrics = {
        "probes": 2 * len(rows),
        "leaks": sum(row["foreign_rows_seen"] + row["answers_without_scope"] for row in rows),
        "tables_without_policy": sum(not (row["forced"] and row["has_policy"]) or row["owned_by_us"] for row in rows),
    }
    notes = (
        said("The memberships' table is read before a scope is open, to find a person's tenants; it is left out."),
    )
    return asked.answer(
        "isolation", metrics, rows, columns=COLUMNS, notes=notes, title=said("Isolation probes by table")
    )


def _probed(rows: Sequence[Row], tenant_id: int) -> list[Row]:
    """Add what the two probes of each table found."""
    tables = [row["table_name"] for row in rows]
    foreign = {table for table in tables if _shows_foreign(table, tenant_id)}
    with connection.cursor() as cursor:
        cursor.execute(PROBE, {"tables": " ".join(tables), "tenant": str(current_tenant_id())})
        cursor.nextset()
        answered = set(cursor.fetchall()[0][0].split())
    found = ({"foreign_rows_seen": one in foreign, "answers_without_scope": one in answered} for one in tables)
    return [{**row, **probes} for row, probes in zip(rows, found, strict=True)]


def _shows_foreign(table: str, tenant_id: int) -> bool:
    """Tell whether a row of another tenant is in sight."""
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN.format(table=connection.ops.quote_name(table)), [tenant_id])
        return cursor.fetchone() is not None
