"""The web server is killed under real collectors, which run as docs/doors.md tells, and started again on its port.

Each is caught with a delivery that is committed and not answered, and is given more while nobody listens: what was sent
is stored, and once. The one that tries nothing again is named.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from pytest_django import DjangoDbBlocker

from tests.browser.serving import serving
from tests.database import FreshDatabase, fresh_copy
from tests.flows.running import free_port
from tests.logs import documented
from tests.logs.collectors import ABSENT, JOURNAL_REMOTE, JOURNAL_UPLOAD, RSYSLOG, RSYSLOG_MODULES, SYSLOG_NG, waits_for
from tests.logs.documented import Send, Served, served_tenant

pytestmark = [pytest.mark.slow]
PROGRAMS: Final = (RSYSLOG, SYSLOG_NG, JOURNAL_REMOTE, JOURNAL_UPLOAD)
INSTALLED: Final = all(PROGRAMS) and (RSYSLOG_MODULES / "omelasticsearch.so").exists()
BEFORE, CAUGHT, AWAY = range(50), range(50, 100), range(100, 300)
"""The records that are sent before the kill, those that it catches, and those that are sent while nobody listens."""

SURE: Final = ("rsyslog", "syslog_ng", "journal_upload", "otlp_exporter", "curl")
LOSING: Final = "hec_handler"
"""Tries nothing again: of what it logs into the kill the first event is stored, and the rest is lost."""

HOLD: Final = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('DECLARE %I CURSOR WITH HOLD FOR SELECT pg_advisory_xact_lock_shared(1)', NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER hold AFTER INSERT ON logs_delivery FOR EACH ROW EXECUTE FUNCTION hold();
"""
"""COMMIT reads a held cursor to its end: there each delivery waits while somebody else has the lock."""

WAITING: Final = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


def reached(clients: list[Served], least: int) -> bool:
    """Wait until so many records of each are stored, or more."""
    return waits_for(lambda: all(to.stored() >= least for to in clients))


def faults(to: Served) -> tuple[list[int], list[int]]:
    """Return the numbers of the records that are lost, and of those that are stored more than once."""
    stored = Counter(to.numbers())
    return [number for number in range(AWAY.stop) if not stored[number]], sorted(stored - Counter(range(AWAY.stop)))


def caught(copy: FreshDatabase, sends: list[Send], kill: Callable[[], None]) -> None:
    """Kill the server while a delivery of each is at its commit; then the commits go through, and nobody answers."""
    with copy.connect("owner") as owner:
        owner.execute("SELECT pg_advisory_lock(1)")
        for send in sends:
            send(CAUGHT)
        assert waits_for(lambda: owner.execute(WAITING).fetchone() == (len(sends),))
        kill()


@pytest.mark.skipif(not INSTALLED, reason=f"one of rsyslog, syslog-ng and systemd-journal-remote {ABSENT}")
def test_what_collectors_send_through_a_kill_is_stored_and_once(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, socket_enabled: None, tmp_path: Path
) -> None:
    with django_db_blocker.unblock(), fresh_copy() as copy, ExitStack() as collectors, ExitStack() as server:
        with copy.connect("owner") as owner:
            owner.execute(HOLD)
        port = free_port()
        server.enter_context(serving(copy.name, tmp_path, port=port))
        clients = [served_tenant(name.replace("_", "-"), port, tmp_path / name) for name in (*SURE, LOSING)]
        sends = [collectors.enter_context(getattr(documented, to.home.name)(to)) for to in clients]
        for send in sends:
            send(BEFORE)
        assert reached(clients, BEFORE.stop)
        caught(copy, sends, server.close)
        assert reached(clients, CAUGHT.start + 1)
        for send in sends:
            send(AWAY)
        with serving(copy.name, tmp_path, port=port):
            reached(clients[:-1], AWAY.stop)
            collectors.close()
        found = {to.home.name: faults(to) for to in clients}
        assert found.pop(LOSING) == ([*CAUGHT[1:], *AWAY], [])
        assert found == {name: ([], []) for name in SURE}
