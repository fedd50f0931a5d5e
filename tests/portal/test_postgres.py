"""The embedded server starts, survives a kill, and its roles own nothing."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from portal import machine, postgres, roles
from portal.postgres import Embedded, EmbeddedServerError, bootstrap, connection_settings


@pytest.fixture(autouse=True)
def _no_external_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Embedded]:
    root = Path(tempfile.mkdtemp(prefix="cs-"))
    root.chmod(0o755)
    embedded = Embedded(root / "data")
    embedded.start()
    bootstrap(embedded.admin_dsn(), embedded.data)
    yield embedded
    host = address_of(embedded)["host"]
    embedded.stop()
    shutil.rmtree(root)
    shutil.rmtree(host)


def address_of(server: Embedded) -> dict[str, str]:
    found: dict[str, str] = json.loads((server.data / roles.ADDRESS_FILE).read_text())
    return found


def connect(server: Embedded, role: str) -> psycopg.Connection[Any]:
    entry = connection_settings(server.data, role)
    return psycopg.connect(
        host=entry["HOST"],
        port=entry["PORT"],
        user=entry["USER"],
        password=entry["PASSWORD"],
        dbname=entry["NAME"],
        autocommit=True,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def logged(server: Embedded) -> list[dict[str, Any]]:
    files = sorted(server.jsonlog_directory().glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_it_keeps_data_socket_and_secrets_closed(server: Embedded) -> None:
    assert mode(server.cluster) == 0o700
    assert mode(Path(address_of(server)["host"])) == 0o700
    assert mode(server.data / roles.SECRETS_FILE) == 0o600
    assert mode(server.data / postgres.SUPERUSER_FILE) == 0o600
    assert mode(server.data) in (0o700, 0o710)
    assert mode(server.data.parent) == 0o755


def test_it_listens_on_no_network_address(server: Embedded) -> None:
    with psycopg.connect(server.admin_dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_deliveries_keep_their_temporary_tables_in_memory(server: Embedded) -> None:
    for role in ("app", "intake"):
        with connect(server, role) as connection:
            assert connection.execute("SHOW temp_buffers").fetchone() == ("32MB",)


def test_it_trusts_nobody_without_a_password(server: Embedded) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(make_conninfo("", **address_of(server), user=postgres.SUPERUSER, dbname="postgres"))


def test_it_sorts_by_code_point_in_utf8(server: Embedded) -> None:
    with psycopg.connect(server.admin_dsn()) as connection:
        row = connection.execute(
            "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s",
            [roles.DEFAULT_DATABASE],
        ).fetchone()
    assert row == ("b", "C.UTF-8", "UTF8")


def test_a_second_start_is_harmless(server: Embedded) -> None:
    pid = (server.cluster / "postmaster.pid").read_text().splitlines()[0]
    kept = (server.data / roles.SECRETS_FILE).read_bytes()
    Embedded(server.data).start()
    bootstrap(server.admin_dsn(), server.data)
    assert (server.cluster / "postmaster.pid").read_text().splitlines()[0] == pid
    assert (server.data / roles.SECRETS_FILE).read_bytes() == kept


@pytest.mark.slow
def test_it_starts_again_after_the_postmaster_was_killed(server: Embedded) -> None:
    with connect(server, "owner") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS answer")
    os.kill(int((server.cluster / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    server.start()
    with connect(server, "owner") as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (7,)
        connection.execute("DROP TABLE kept")


def test_it_backs_a_database_up_for_its_user_alone(server: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "countersign.dump"
    assert postgres.main(["dump", "--data", str(server.data), "--file", str(file)]) == 0
    assert file.read_bytes().startswith(b"PGDMP")
    assert mode(file) == 0o600
    with pytest.raises(EmbeddedServerError, match="no_such_database"):
        server.dump(tmp_path / "other", "no_such_database")
    assert [path.name for path in tmp_path.iterdir()] == ["countersign.dump"]


@pytest.mark.slow
def test_it_stops_and_says_so(server: Embedded) -> None:
    server.stop()
    assert not server.running()
    server.stop()
    server.start()
    assert server.running()


@pytest.mark.parametrize("role", ["app", "intake", "readonly", "retention"])
def test_a_run_time_role_creates_and_owns_nothing(server: Embedded, role: str) -> None:
    with connect(server, role) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE planted (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE SCHEMA planted")
        owned = connection.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole").fetchone()
    assert owned == (0,)


@pytest.mark.parametrize(("role", "may"), [("app", True), ("intake", True), ("readonly", False), ("retention", False)])
def test_temporary_tables_are_for_the_writers(server: Embedded, role: str, may: bool) -> None:
    with connect(server, role) as connection:
        answer = connection.execute("SELECT has_database_privilege(current_database(), 'TEMP')").fetchone()
    assert answer == (may,)


@pytest.mark.parametrize("role", ["app", "intake", "readonly", "retention"])
def test_nothing_of_the_owners_is_readable_by_default(server: Embedded, role: str) -> None:
    with connect(server, "owner") as owner:
        owner.execute("CREATE TABLE quiet (id int)")
        try:
            with connect(server, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM quiet")
        finally:
            owner.execute("DROP TABLE quiet")


def test_only_readonly_passes_row_security_and_nobody_is_superuser(server: Embedded) -> None:
    with psycopg.connect(server.admin_dsn()) as connection:
        rows = connection.execute(
            "SELECT rolname, rolbypassrls, rolsuper OR rolcreaterole, rolcreatedb "
            "FROM pg_roles WHERE rolname = ANY(%s)",
            [list(roles.ROLES)],
        ).fetchall()
    assert {name: flags for name, *flags in rows} == {
        "countersign_owner": [False, False, True],
        "countersign_app": [False, False, False],
        "countersign_intake": [False, False, False],
        "countersign_readonly": [True, False, False],
        "countersign_retention": [False, False, False],
    }


def test_a_lost_secrets_file_is_made_anew_and_the_roles_follow(server: Embedded) -> None:
    (server.data / roles.SECRETS_FILE).unlink()
    assert connection_settings(server.data, "app")["HOST"] == roles.NOT_SET_UP
    bootstrap(server.admin_dsn(), server.data)
    with connect(server, "app") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("countersign_app",)


def test_the_server_logs_connections_and_refusals_but_no_password(server: Embedded) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(
            make_conninfo("", **address_of(server), user="countersign_app", password="guessed", dbname="countersign")
        )
    with connect(server, "readonly") as connection:
        connection.execute("SELECT 'looked past the portal'")
    entries = logged(server)
    assert any("password authentication failed" in entry["message"] for entry in entries)
    assert any("connection authorized: user=countersign_readonly" in entry["message"] for entry in entries)
    assert any("looked past the portal" in entry["message"] for entry in entries)
    passwords = json.loads((server.data / roles.SECRETS_FILE).read_text()).values()
    text = json.dumps(entries)
    assert not any(password in text for password in passwords)
    assert "SCRAM-SHA-256$" not in text


def test_a_database_that_is_not_set_up_says_what_to_do(tmp_path: Path) -> None:
    entry = connection_settings(tmp_path, "app")
    with pytest.raises(psycopg.OperationalError, match="run-`make-run`-first"):
        psycopg.connect(host=entry["HOST"], user=entry["USER"], dbname=entry["NAME"])


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="app, owner, intake, readonly"):
        connection_settings(tmp_path, "root")


def test_database_url_gives_host_port_name_and_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://boss:secret@db.example:5433/ledgerdb?sslmode=require")
    roles.write_private(tmp_path / roles.SECRETS_FILE, json.dumps({"countersign_app": "kept"}))
    entry = connection_settings(tmp_path, "app")
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == ("db.example", "5433", "ledgerdb")
    assert (entry["USER"], entry["PASSWORD"]) == ("countersign_app", "kept")
    assert entry["OPTIONS"] == {"sslmode": "require"}
    assert connection_settings(tmp_path, "app", database="other")["NAME"] == "other"


def test_a_socket_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    planted = tmp_path / "socket"
    planted.mkdir(mode=0o755)
    planted.chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="made by somebody else"):
        machine.closed_directory(planted, machine.server_user())


ADDS_A_USER: Final = """
import sys, time
from portal import machine
machine.OS_USER = sys.argv[1]
time.sleep(max(0, float(sys.argv[2]) - time.time()))
print(machine.server_user().pw_uid)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root adds the system user of the server")
def test_starts_at_the_same_moment_add_one_system_user() -> None:
    name, moment = f"cs-test-{os.getpid()}", str(time.time() + 1)
    command = [sys.executable, "-c", ADDS_A_USER, name, moment]
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    try:
        numbers = {start.communicate()[0].strip() for start in starts}
        assert numbers == {str(pwd.getpwnam(name).pw_uid)}
    finally:
        subprocess.run(["/usr/sbin/userdel", name], check=True, capture_output=True)


@pytest.fixture
def closed_parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that only root may pass, with the place for what root moves out of it."""
    root = Path(tempfile.mkdtemp(prefix="cs-"))
    root.chmod(0o755)
    (root / "closed").mkdir(mode=0o700)
    for module in (machine, postgres):
        monkeypatch.setattr(module, "STATE_DIRECTORY", root / "state")
    yield root / "closed"
    shutil.rmtree(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
@pytest.mark.slow
def test_under_a_closed_parent_the_cluster_lives_elsewhere_and_the_parent_stays_closed(closed_parent: Path) -> None:
    server = Embedded(closed_parent / "data")
    server.start()
    try:
        bootstrap(server.admin_dsn(), server.data)
        with connect(server, "app") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert server.cluster.is_relative_to(closed_parent.parent / "state")
        assert mode(closed_parent) == 0o700
        assert mode(server.home) == 0o710
        assert Embedded(server.data).running()
    finally:
        server.stop()
        shutil.rmtree(address_of(server)["host"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
@pytest.mark.slow
def test_programs_behind_a_closed_directory_are_copied_once(
    closed_parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = machine.programs(machine.server_user()).parents[1]
    shutil.copytree(package, closed_parent / package.name)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed_parent / f"{package.name}.libs")
    monkeypatch.syspath_prepend(closed_parent)
    copied = machine.programs(machine.server_user())
    assert copied.is_relative_to(closed_parent.parent / "state")
    assert machine.programs(machine.server_user()) == copied
    server = Embedded(closed_parent.parent / "data")
    server.start()
    server.stop()
    shutil.rmtree(address_of(server)["host"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
def test_a_closed_state_directory_is_refused_with_a_sentence(closed_parent: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"may not pass .*closed: start Countersign as an ordinary user"):
        machine.refuse_closed_path(closed_parent, machine.server_user())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
def test_a_data_directory_that_root_made_is_passable_for_the_server_alone(tmp_path: Path) -> None:
    server = Embedded(tmp_path / "data")
    server.data.mkdir(mode=0o700)
    user = machine.server_user()
    server._make_data_directory(user)  # noqa: SLF001 -- the modes are what is tested
    facts = server.data.stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_gid) == (0o710, user.pw_gid)
