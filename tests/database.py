"""The tests' PostgreSQL: the embedded server (or ``DATABASE_URL``), migrated as owner, used as the app role."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from psycopg import sql
from psycopg.conninfo import make_conninfo

from portal.postgres import Embedded
from portal.roles import bootstrap, connection_settings

ALIASES = ("default", "progress")
ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = "countersign_template_"
TEMPLATE_LOCK = 4_311_702_019
CARELESS = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
"""What a server does against the loss of power, and a server of tests need not: killed processes lose nothing by it."""
CROWDED = {"max_connections": "250"}
"""A race of fifty meets whole portals of other workers, each with connections of its own."""
WITHOUT_TRIGGERS = """
CREATE SCHEMA tests;
GRANT USAGE ON SCHEMA tests TO countersign_app;
CREATE FUNCTION tests.without_triggers(statement text, told text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public SET session_replication_role = replica
    AS $$ BEGIN EXECUTE statement USING told; END $$;
"""
"""Lets a test do in its transaction what triggers refuse: let time pass, and see what still holds without them."""


def start_server() -> None:
    """Start the embedded server unless ``DATABASE_URL`` names another, and create the roles."""
    data = Path(settings.COUNTERSIGN_DATA)
    if not os.environ.get("DATABASE_URL"):
        Embedded(data, settings=CARELESS | CROWDED).start()
    bootstrap(admin_dsn(), data)


def admin_dsn() -> str:
    """Return the administrator's address of the tests' server."""
    return os.environ.get("DATABASE_URL") or Embedded(Path(settings.COUNTERSIGN_DATA)).admin_dsn()


def use_role(role: str, database: str | None = None) -> None:
    """Make every later connection of Django log in as the role; closes the open ones."""
    fresh = connection_settings(Path(settings.COUNTERSIGN_DATA), role)
    keys = ("USER", "PASSWORD", "HOST", "PORT")
    for alias in ALIASES:
        connection = connections[alias]
        connection.close()
        for target in (connection.settings_dict, connections.databases[alias]):
            target.update({key: fresh[key] for key in keys})
            if database:
                target["NAME"] = database
    # The one that removes keeps a role of its own, and only follows to the database.
    connections["retention"].close()
    own = connection_settings(Path(settings.COUNTERSIGN_DATA), "retention")
    for target in (connections["retention"].settings_dict, connections.databases["retention"]):
        target.update({key: own[key] for key in keys} | ({"NAME": database} if database else {}))


def connect(role: str, database: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """Return a connection of psycopg's own, logged in as the role."""
    entry = connection_settings(Path(settings.COUNTERSIGN_DATA), role)
    return psycopg.connect(
        dbname=database,
        user=entry["USER"],
        password=entry["PASSWORD"],
        host=entry["HOST"],
        port=entry["PORT"] or None,
        autocommit=autocommit,
    )


@dataclass(frozen=True)
class FreshDatabase:
    """A database of its own, copied from the migrated template: for tests that commit, in threads or processes."""

    name: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which another process of the portal uses this database."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "COUNTERSIGN_DATA": str(settings.COUNTERSIGN_DATA),
            "COUNTERSIGN_DATABASE": self.name,
        }

    def connect(self, role: str = "app", *, autocommit: bool = True) -> psycopg.Connection[Any]:
        """Return a connection logged in as the role."""
        return connect(role, self.name, autocommit=autocommit)


def template_name() -> str:
    """Return the name of the migrated template: it follows from the migrations, this and the lock file, and the month.

    The month counts because the migrations make the partitions of the months to come.
    """
    state = hashlib.sha256(f"{timezone.now():%Y-%m}".encode())
    alone = ("uv.lock", "ledger/rowsecurity.py", "ledger/creation.py", "logs/partitions.py", "tests/database.py")
    for path in [*(ROOT / name for name in alone), *sorted(ROOT.glob("*/migrations/*.py"))]:
        state.update(path.read_bytes())
    return f"{TEMPLATES}{state.hexdigest()[:12]}"


def ensure_template() -> str:
    """Migrate the template as the owner unless it is there; workers of one run wait for the first of them."""
    name, making = template_name(), f"{TEMPLATES}making"
    with connect("owner", "postgres") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{TEMPLATES}%"]).fetchall()
        if (name,) not in rows:
            for (old,) in rows:
                drop_as_administrator(old)
            connection.execute(f"CREATE DATABASE {making}")  # type: ignore[call-overload]  # our own name
            use_role("owner", making)
            call_command("migrate", verbosity=0)
            connections["default"].close()
            with psycopg.connect(make_conninfo(admin_dsn(), dbname=making)) as administrator:
                administrator.execute(WITHOUT_TRIGGERS)
            connection.execute(f"ALTER DATABASE {making} RENAME TO {name}")  # type: ignore[call-overload]  # our own name
    return name


def without_triggers(statement: str, *values: object) -> None:
    """Run a statement beyond the triggers and row security, in the open transaction; its values are $1[1], $1[2]."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT tests.without_triggers(%s, %s::text[])", [statement, [str(value) for value in values]])


def copy(source: str, target: str) -> None:
    """Copy a database that nobody is in; by files, which costs a third of writing each page into the log too."""
    execute_as_owner(f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY FILE_COPY")


def execute_as_owner(*statements: str) -> None:
    """Run statements such as CREATE DATABASE, which need a connection outside of any transaction."""
    with connect("owner", "postgres") as connection:
        for statement in statements:
            connection.execute(statement)


def drop_as_administrator(name: str) -> None:
    """Drop a database although somebody is in it; the owner may not end a superuser's autovacuum worker."""
    with psycopg.connect(make_conninfo(admin_dsn(), dbname="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def fresh_copy() -> Iterator[FreshDatabase]:
    """Copy the template, and make Django use the copy meanwhile."""
    original = connections["default"].settings_dict["NAME"]
    name = f"fresh_{uuid4().hex[:12]}"
    copy(template_name(), name)
    use_role("app", name)
    try:
        yield FreshDatabase(name)
    finally:
        use_role("app", original)
        drop_as_administrator(name)
