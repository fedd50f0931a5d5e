"""Creates the database's roles and tells Django how each of them logs in.

Five roles, none of them the administrator: the owner migrates, app serves pages, intake stores events, readonly
verifies and backs up, retention calls the functions that remove what is past its term. Their passwords are random and
live in `<data>/secrets.json` (0600). Django is not imported here, because the settings import this module.
"""

import json
import logging
import os
import secrets
import stat
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

logger = logging.getLogger("countersign.postgres")

OWNER = "countersign_owner"
APP = "countersign_app"
INTAKE = "countersign_intake"
READONLY = "countersign_readonly"
RETENTION = "countersign_retention"
ROLES = (OWNER, APP, INTAKE, READONLY, RETENTION)

SECRETS_FILE = "secrets.json"
ADDRESS_FILE = "postgres-address.json"
DEFAULT_DATABASE = "countersign"
# libpq prints the directory in its error, so that the name itself is the sentence a person reads.
NOT_SET_UP = "/the-database-is-not-set-up-yet:-run-`make-run`-first"

_ATTRIBUTES: dict[str, LiteralString] = {
    OWNER: "LOGIN CREATEDB NOCREATEROLE NOSUPERUSER",
    APP: "LOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER",
    INTAKE: "LOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER",
    READONLY: "LOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER",
    RETENTION: "LOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER",
}
# The portal's own statements are its deeds and stand in the audit trail; logging them again would copy personal data
# into the server's log, and shipping that log would feed itself. Who reads past the portal is logged in full.
_STATEMENTS_LOGGED: dict[str, LiteralString] = {APP: "ddl", INTAKE: "ddl", READONLY: "all", RETENTION: "all"}
# What a delivery of 5,000 events keeps in its connection's temporary tables (9 MB, of a shared source twice) before it
# lies in the event table; more than this is written to disk and read back, five times a delivery (5 us an event).
_TEMPORARY_MEMORY: dict[str, LiteralString] = {APP: "32MB", INTAKE: "32MB"}
# Serialises concurrent set-ups of one server (test workers): "countersign roles" as a number.
_SETUP_LOCK = 4_311_702_018


def bootstrap(admin_dsn: str, data: Path, database: str = DEFAULT_DATABASE) -> None:
    """Creates the five roles and the database, or mends what is missing of them; safe to run any number of times.

    Works on the embedded server and on any PostgreSQL 15 to 18 whose administrator's address is given. Passwords are
    kept in `<data>/secrets.json`; a role that does not accept the kept one gets it anew.

    Raises:
        psycopg.Error: the server cannot be reached, or the administrator may not create roles.
    """
    name = target_database(database)
    with _connect_admin(admin_dsn) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_SETUP_LOCK])
        passwords = _passwords(data)  # under the lock: two that start at once must not make two sets
        _quiet(connection)
        for role in ROLES:
            _create_role(connection, role, passwords[role])
        _set_row_security_bypass(connection)
        _set_statement_logging(connection)
        _set_temporary_memory(connection)
        _create_database(connection, name)
        for role in ROLES:
            _mend_password(connection, role, passwords[role], name)
    with psycopg.connect(make_conninfo(admin_dsn, dbname=name), autocommit=True) as connection:
        _quiet(connection)
        _own_schema(connection, name)


def connection_settings(data: Path, role: str, database: str = DEFAULT_DATABASE) -> dict[str, Any]:
    """Returns Django's DATABASES entry for one role, given as "app" or as "countersign_app".

    With DATABASE_URL set, host, port, name and TLS options come from it. A database that is not set up does not raise
    here: the entry then fails at the first connection with a message that says what to do.

    Raises:
        ValueError: the role is none of the five.
    """
    name = role if role.startswith("countersign_") else f"countersign_{role}"
    if name not in ROLES:
        raise ValueError(
            f"There is no database role {role!r}: the roles are app, owner, intake, readonly and retention."
        )
    address = _address(data)
    passwords = _read_json(data / SECRETS_FILE)
    known = name in passwords and "host" in address
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": target_database(database),
        "USER": name,
        "PASSWORD": passwords.get(name, ""),
        "HOST": address["host"] if known else NOT_SET_UP,
        "PORT": address.get("port", ""),
        "OPTIONS": {key: value for key, value in address.items() if key not in ("host", "port")} if known else {},
    }


def target_database(database: str = DEFAULT_DATABASE) -> str:
    """Returns the database to use: where the caller asks for the default, the one that DATABASE_URL names."""
    named = _external().get("dbname", "")
    if database == DEFAULT_DATABASE and named not in ("", "postgres", "template1"):
        return named
    return database


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner reads, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _external() -> dict[str, str]:
    """Returns the parts of DATABASE_URL, empty when there is none."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return {}
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ValueError(
            "DATABASE_URL cannot be read: give postgresql://administrator:password@host:5432/ without line breaks."
        ) from error
    return {key: str(value) for key, value in parts.items() if value is not None}


def _address(data: Path) -> dict[str, str]:
    """Returns host, port and further libpq options of the server in use, without user, password and database."""
    external = _external()
    if external:
        kept = {key: value for key, value in external.items() if key not in ("user", "password", "dbname")}
        return {"host": "/var/run/postgresql", **kept}
    return _read_json(data / ADDRESS_FILE)


def _read_json(path: Path) -> dict[str, str]:
    """Returns the object of strings in a file, empty when the file is absent."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {str(key): str(value) for key, value in json.loads(text).items()}


def _passwords(data: Path) -> dict[str, str]:
    """Returns the roles' passwords, making and keeping those that are missing."""
    known = _read_json(data / SECRETS_FILE)
    missing = [role for role in ROLES if role not in known]
    if missing:
        known |= {role: secrets.token_urlsafe(32) for role in missing}
        data.mkdir(parents=True, exist_ok=True)
        write_private(data / SECRETS_FILE, json.dumps(known, indent=1, sort_keys=True))
    return known


def _connect_admin(admin_dsn: str) -> psycopg.Connection[Any]:
    """Opens the administrator's connection; to `postgres` where the named database does not exist yet."""
    try:
        return psycopg.connect(admin_dsn, autocommit=True)
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error) or "database" not in str(error):
            raise
    return psycopg.connect(make_conninfo(admin_dsn, dbname="postgres"), autocommit=True)


def _quiet(connection: psycopg.Connection[Any]) -> None:
    """Keeps this session's statements out of the server's log where the administrator may say so."""
    if _is_superuser(connection):
        connection.execute("SET log_statement = 'none'")
    connection.execute("SET client_min_messages = warning")


def _is_superuser(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"


def _create_role(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    """Creates one role with its password, or brings the attributes of an existing one back."""
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    attributes = sql.SQL(_ATTRIBUTES[role])
    if exists is None:
        statement = sql.SQL("CREATE ROLE {} {} PASSWORD {}")
        verifier = sql.Literal(_verifier(connection, role, password))
        connection.execute(statement.format(sql.Identifier(role), attributes, verifier))
    elif _is_superuser(connection):
        connection.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), attributes))


def _verifier(connection: psycopg.Connection[Any], role: str, password: str) -> str:
    """Returns the SCRAM verifier, so that the password itself never reaches the server or its log."""
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def _mend_password(connection: psycopg.Connection[Any], role: str, password: str, database: str) -> None:
    """Sets the kept password again where the role does not log in with it."""
    dsn = make_conninfo(connection.info.dsn, user=role, password=password, dbname=database)
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        verifier = sql.Literal(_verifier(connection, role, password))
        connection.execute(statement.format(sql.Identifier(role), verifier))


def _set_row_security_bypass(connection: psycopg.Connection[Any]) -> None:
    """Gives BYPASSRLS to readonly alone (a dump under a bound role fails), and says so where the server refuses it."""
    if _is_superuser(connection):
        for role in (OWNER, APP, INTAKE, RETENTION):
            connection.execute(sql.SQL("ALTER ROLE {} NOBYPASSRLS").format(sql.Identifier(role)))
    try:
        connection.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(READONLY)))
    except psycopg.errors.InsufficientPrivilege:
        logger.warning(
            "The server does not let its administrator give BYPASSRLS: %s sees no tenant's rows, so verification and "
            "backup need the owner of the tables.",
            READONLY,
        )


def _set_statement_logging(connection: psycopg.Connection[Any]) -> None:
    """Sets per role which statements the server logs; only a superuser may, elsewhere the server's rule stays."""
    if not _is_superuser(connection):
        return
    for role, level in _STATEMENTS_LOGGED.items():
        statement = sql.SQL("ALTER ROLE {} SET log_statement = {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(level)))


def _set_temporary_memory(connection: psycopg.Connection[Any]) -> None:
    """Sets per role how much of its temporary tables a connection keeps in memory; it takes it as it needs it."""
    for role, size in _TEMPORARY_MEMORY.items():
        statement = sql.SQL("ALTER ROLE {} SET temp_buffers = {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(size)))


def _create_database(connection: psycopg.Connection[Any], database: str) -> None:
    """Creates the database for the owner, and takes from PUBLIC what it got unasked."""
    owner, name = sql.Identifier(OWNER), sql.Identifier(database)
    if not _is_superuser(connection):
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
        statement = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'"
        connection.execute(sql.SQL(statement).format(name, owner))
    connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, INTAKE, READONLY, RETENTION))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, roles))
    writers = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, INTAKE))
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, writers))


def _own_schema(connection: psycopg.Connection[Any], database: str) -> None:
    """Gives schema public to the owner; others may look into it but create nothing."""
    connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, INTAKE, READONLY, RETENTION))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles))
    logger.debug("The roles of database %s are in place.", database)
