"""The roles are set up on somebody else's server too: PostgreSQL 15, by its superuser or a lesser administrator."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal import installation, machine, roles

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAMS.exists(), reason="needs Debian's package postgresql-15"),
]


def run_as_server(*command: str) -> None:
    user = machine.server_user() if os.geteuid() == 0 else None
    # The server keeps what it inherits open: a pipe would never end.
    subprocess.run(
        command,
        check=True,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def superuser_url() -> Iterator[str]:
    root = Path(tempfile.mkdtemp(prefix="cs15-"))
    if os.geteuid() == 0:
        user = machine.server_user()
        os.chown(root, user.pw_uid, user.pw_gid)
    cluster = str(root / "data")
    run_as_server(
        str(PROGRAMS / "initdb"), "-D", cluster, "-U", "boss", "--auth=trust", "--encoding=UTF8", "--locale=C"
    )
    options = f"-k {root} -c listen_addresses= -c fsync=off"
    run_as_server(str(PROGRAMS / "pg_ctl"), "start", "-w", "-D", cluster, "-o", options, "-l", str(root / "log"))
    yield f"postgresql://boss@/postgres?host={root}"
    run_as_server(str(PROGRAMS / "pg_ctl"), "stop", "-m", "immediate", "-D", cluster)
    shutil.rmtree(root)


@pytest.fixture
def installed(superuser_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABASE_URL", superuser_url)
    roles.bootstrap(superuser_url, tmp_path)
    return tmp_path


def connect(data: Path, role: str) -> psycopg.Connection[Any]:
    entry = roles.connection_settings(data, role)
    return psycopg.connect(
        host=entry["HOST"], dbname=entry["NAME"], user=entry["USER"], password=entry["PASSWORD"], autocommit=True
    )


@pytest.mark.parametrize("role", ["owner", "app", "intake", "readonly", "retention"])
def test_every_role_logs_in_on_postgresql_15(installed: Path, role: str) -> None:
    with connect(installed, role) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (
            f"countersign_{role}",
            "countersign",
        )


def test_the_owner_creates_tables_and_databases_and_the_app_role_does_not(installed: Path) -> None:
    with connect(installed, "owner") as owner:
        owner.execute("CREATE TABLE mine (id int)")
        owner.execute("DROP TABLE mine")
        owner.execute("CREATE DATABASE beside")
        owner.execute("DROP DATABASE beside")
    with connect(installed, "app") as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE mine (id int)")


def test_an_administrator_without_bypassrls_sets_up_what_it_may_and_says_what_not(
    superuser_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as boss:
        boss.execute("DROP DATABASE IF EXISTS countersign WITH (FORCE)")
        for role in roles.ROLES:
            boss.execute(f"DROP ROLE IF EXISTS {role}")
        boss.execute("DROP ROLE IF EXISTS manager")
        boss.execute("CREATE ROLE manager LOGIN CREATEROLE CREATEDB")
    url = superuser_url.replace("boss@", "manager@")
    monkeypatch.setenv("DATABASE_URL", url)
    roles.bootstrap(url, tmp_path)
    roles.bootstrap(url, tmp_path)
    assert "does not let its administrator give BYPASSRLS" in caplog.text
    with connect(tmp_path, "owner") as owner:
        owner.execute("CREATE TABLE mine (id int)")
    with connect(tmp_path, "readonly") as readonly, pytest.raises(psycopg.errors.InsufficientPrivilege):
        readonly.execute("SELECT * FROM mine")


def test_a_wrong_address_is_said_in_one_sentence(
    superuser_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", superuser_url.replace("boss", "nobody"))
    with pytest.raises(installation.NotReadyError, match=r"DATABASE_URL could not be set up: .*nobody.*exist\.$"):
        installation.start_database(tmp_path, log_statement="mod")
