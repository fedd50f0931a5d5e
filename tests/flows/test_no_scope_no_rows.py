"""The second wall: without a scope the database itself refuses the app and intake roles, for every tenant table.

Also for empty ones. The read-only role is for dumps and verification of all tenants; no process of the portal serves
pages with it.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from psycopg import sql

from ledger.rowsecurity import APP, INTAKE, READONLY
from tests import database, house
from tests.test_house import GLOBAL_MODELS

pytestmark = pytest.mark.django_db

TABLES = sorted(
    model._meta.db_table
    for model in apps.get_models()
    if model._meta.app_label in house.ROOMS and model._meta.label not in GLOBAL_MODELS
)


def logged_in(role: str) -> "psycopg.Connection[Any]":
    return database.connect(role, connection.settings_dict["NAME"])


@pytest.fixture(params=["app", "intake"])
def fresh(request: pytest.FixtureRequest) -> Iterator["psycopg.Connection[Any]"]:
    """A connection that has never had a scope."""
    with logged_in(request.param) as found:
        yield found


@pytest.fixture(params=["app", "intake"])
def used(request: pytest.FixtureRequest) -> Iterator["psycopg.Connection[Any]"]:
    """A connection on which a scope was open before, as one from a pool."""
    with logged_in(request.param) as found:
        with found.transaction():
            found.execute("SET LOCAL app.tenant = '1'; SET LOCAL app.log = '00000000-0000-0000-0000-000000000001'")
        yield found


def reads(open_connection: "psycopg.Connection[Any]", table: str) -> str:
    """Return why the database refuses; fails the test when it answers, even with nothing."""
    try:
        open_connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
    except psycopg.Error as refusal:
        return str(refusal)
    pytest.fail(f"{table} can be read without a scope.")


def test_there_are_tables_to_look_at() -> None:
    assert len(TABLES) > 20
    assert {"alerts_alert", "logs_accessevent", "tenants_auditentry", "identities_grant", "ledger_head"} <= set(TABLES)


def test_a_fresh_connection_is_refused(fresh: "psycopg.Connection[Any]") -> None:
    for table in TABLES:
        assert "app." in (why := reads(fresh, table)) or "permission denied" in why, (table, why)


def test_a_connection_that_had_a_scope_is_refused(used: "psycopg.Connection[Any]") -> None:
    for table in TABLES:
        why = reads(used, table)
        assert "invalid input syntax" in why or "permission denied" in why, (table, why)


def test_writing_is_refused_too(fresh: "psycopg.Connection[Any]") -> None:
    for table in TABLES:
        for deed in ("DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"):
            with pytest.raises(psycopg.Error):
                fresh.execute(sql.SQL(deed).format(sql.Identifier(table)))


def test_the_app_role_cannot_leave_its_bonds(fresh: "psycopg.Connection[Any]") -> None:
    statements = [
        *("SET ROLE countersign_owner", "SET SESSION AUTHORIZATION countersign_owner", "SET row_security = off"),
        *("ALTER TABLE alerts_alert DISABLE ROW LEVEL SECURITY", "SET session_replication_role = replica"),
    ]
    refused = 0
    for statement in statements:
        try:
            fresh.execute(statement)
        except psycopg.Error:
            refused += 1
    assert refused >= 4
    assert reads(fresh, "alerts_alert")


def test_every_run_time_role_is_looked_at() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE table_schema = 'public'"
        )
        grantees = {name for (name,) in cursor.fetchall()}
    assert grantees - {"countersign_owner"} <= {APP, INTAKE, READONLY}
