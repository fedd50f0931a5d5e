"""Probes tenant isolation: tables without forced row security, foreign rows in sight, answers without a scope."""

from django.db import DatabaseError, connection, transaction

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
COLUMNS = ("table_name", "forced", "has_policy", "owned_by_us", "foreign_rows_seen", "answers_without_scope")


def measure(frame: Frame) -> KindEvidence:
    """Return two probes a table: is a foreign tenant's row readable, and does a query without a scope answer."""
    asked = Asked(frame)
    rows = [_probed(row, frame.tenant_id) for row in asked.rows(TABLES)]
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


def _probed(row: Row, tenant_id: int) -> Row:
    """Add what the two probes of a table found."""
    table = connection.ops.quote_name(row["table_name"])
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN.format(table=table), [tenant_id])
        foreign = cursor.fetchone() is not None
    return {**row, "foreign_rows_seen": foreign, "answers_without_scope": _answers_without_scope(table)}


def _answers_without_scope(table: str) -> bool:
    """Tell whether a table answers while no tenant is named; the savepoint brings the scope back."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL app.tenant = ''")
            cursor.execute(UNSCOPED.format(table=table))
            cursor.fetchone()
    except DatabaseError:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(current_tenant_id())])
    return True
