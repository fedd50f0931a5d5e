"""Collectors that are installed here deliver to the real web server: sent = stored, and a resend doubles nothing.

A collector that is not installed is skipped; docs/doors.md says which version of each was tried.
"""

import json
import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from pytest_django import DjangoDbBlocker
from pytest_socket import enable_socket
from splunk_hec_handler import SplunkHecHandler

from logs.models import AccessEvent, QuarantinedLine
from tenants.scope import tenant_scope
from tests.browser.serving import serving
from tests.database import FreshDatabase, fresh_copy
from tests.flows.running import free_port
from tests.logs.collectors import (
    ABSENT,
    JOURNAL_REMOTE,
    JOURNAL_UPLOAD,
    RSYSLOG,
    RSYSLOG_MODULES,
    SYSLOG_NG,
    SYSLOG_NG_MODULES,
    environment,
    hand,
    running,
    syslog_ng_command,
    waits_for,
)
from tests.logs.documented import Served, journal, rsyslog, served_tenant
from tests.logs.sources import failures, lines
from tests.logs.test_journal_door import entry
from tests.logs.test_splunk_door import event

pytestmark = [pytest.mark.slow]
OMELASTICSEARCH: Final = RSYSLOG_MODULES / "omelasticsearch.so"
COUNT: Final = 400


@pytest.fixture(scope="module")
def portal(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FreshDatabase, int]]:
    """Serve a database of this module's own; gives it and the port."""
    enable_socket()
    home, port = tmp_path_factory.mktemp("web"), free_port()
    with django_db_blocker.unblock(), fresh_copy() as fresh, serving(fresh.name, home, port=port):
        yield fresh, port


@pytest.fixture
def served(portal: tuple[FreshDatabase, int], socket_enabled: None, tmp_path: Path) -> Served:
    """A tenant with one source, for one test."""
    return served_tenant(f"tenant-{uuid4().hex[:8]}", portal[1], tmp_path)


def curl(served: Served, path: str, body: bytes, *options: str) -> tuple[int, bytes]:
    """Post a body chunked, as curl does from a pipe; returns status and answer."""
    command = ["curl", "-sS", "-T", "-", "-X", "POST", "-w", "\n%{http_code}", *options]
    address = f"http://localhost:{served.port}{path}"
    said = subprocess.run([*command, address], input=body, capture_output=True, check=True, timeout=60).stdout
    answer, _newline, status = said.rpartition(b"\n")
    return int(status), answer


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_sends_chunked_to_every_door(served: Served) -> None:
    key = ("-H", f"Authorization: Splunk {served.token}")
    body = b"".join(event(line) for line in failures(COUNT))
    assert curl(served, "/services/collector/event", body, *key) == (200, b'{"text": "Success", "code": 0}')
    assert curl(served, "/services/collector/event", body[:-3], *key)[0] == 400
    assert curl(served, "/services/collector/raw", lines(*failures(COUNT, COUNT)), *key)[0] == 200
    bearer = ("-H", f"Authorization: Bearer {served.token}")
    native = curl(served, served.door, lines(*failures(COUNT, 2 * COUNT)), *bearer)
    assert (native[0], json.loads(native[1])["stored"]) == (200, COUNT)
    assert served.stored() == 3 * COUNT
    pairs = b"".join(
        b'{"create":{}}\n' + json.dumps({"message": line.decode()}).encode() + b"\n" for line in failures(9)
    )
    record = {"body": {"stringValue": failures(1, 9)[0].decode()}}
    logs = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    assert curl(served, "/v1/logs", logs, *bearer, "-H", "Content-Type: application/json") == (200, b"{}")
    basic = ("-u", f"any:{served.token}")
    assert json.loads(curl(served, "/elastic/_bulk", pairs, *basic)[1])["errors"] is False
    expect = ("-H", "Expect: 100-continue", "-H", "Content-Type: application/vnd.fdo.journal")
    assert curl(served, "/journal/upload", b"".join(map(entry, range(9))), *basic, *expect)[0] == 200
    assert curl(served, "/journal/upload", entry(10)[:-9], *basic, *expect)[0] == 400
    assert served.stored() == 3 * COUNT + 19
    assert served.doors() == {"hec-chunked", "http-chunked", "otlp-chunked", "elastic-chunked", "journal"}


def test_a_hec_handler_of_python_delivers(served: Served) -> None:
    handler = SplunkHecHandler("localhost", served.token, port=served.port, proto="http")
    for number, line in enumerate(failures(20)):
        handler.emit(logging.LogRecord("auth", logging.INFO, __file__, number, line.decode(), None, None))
    handler.r.close()
    assert (served.stored(), served.doors()) == (20, {"hec"})


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
def test_the_otlp_exporter_of_python_delivers(served: Served, compression: Compression) -> None:
    exporter = OTLPLogExporter(
        endpoint=f"http://localhost:{served.port}/v1/logs",
        headers={"Authorization": f"Bearer {served.token}"},
        compression=compression,
    )
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=50))
    logger = provider.get_logger("tests")
    for number, line in enumerate(failures(COUNT)):
        logger.emit(LogRecord(body=line.decode(), attributes={"log.record.uid": f"u{number}"}))
    assert provider.force_flush()
    provider.shutdown()
    assert (served.stored(), served.doors()) == (COUNT, {"otlp"})


@pytest.mark.skipif(not JOURNAL_UPLOAD or not JOURNAL_REMOTE, reason=f"systemd-journal-remote {ABSENT}")
def test_systemd_journal_upload_delivers_a_journal_once(served: Served) -> None:
    written = served.home / "web1.journal"
    journal(written, range(COUNT))
    address = f"http://any:{served.token}@localhost:{served.port}/journal"
    for state in ("first", "second", "first"):
        keep = f"--save-state={served.home / state}"
        command = [str(JOURNAL_UPLOAD), f"--url={address}", f"--file={written}", keep, "--follow=no"]
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment())
    assert (served.stored(), served.doors()) == (COUNT, {"journal"})


@pytest.mark.skipif(not RSYSLOG or not OMELASTICSEARCH.exists(), reason=f"rsyslog-elasticsearch {ABSENT}")
def test_rsyslog_sends_again_what_is_turned_away_and_not_what_is_in_quarantine(
    served: Served, portal: tuple[FreshDatabase, int]
) -> None:
    def quarantined() -> int:
        with tenant_scope(served.tenant):
            return QuarantinedLine.objects.count()

    with rsyslog(served) as send:
        hand(served.home, b"<38>1 1971-11-20T10:00:00Z web1 sshd 7 - - Failed password for bob from ::1 port 22 ssh2\n")
        assert waits_for(lambda: quarantined() == 1)
        with portal[0].connect("owner") as owner:
            owner.execute(REFUSE)
        send(range(COUNT))
        waits_for(lambda: served.stored() >= COUNT)
    assert served.numbers() == list(range(COUNT)), (served.home / "out").read_text()
    assert (quarantined(), served.doors()) == (1, {"elastic"})
    with tenant_scope(served.tenant):
        assert not AccessEvent.objects.filter(native_id="").exists()


@pytest.mark.skipif(not SYSLOG_NG or not SYSLOG_NG_MODULES, reason=f"syslog-ng {ABSENT}")
def test_syslog_ng_delivers_by_http_to_the_native_door_and_splunk_hec(served: Served) -> None:
    settings = SYSLOG_NG_CONF.format(port=served.port, token=served.token, door=served.door)
    with running(syslog_ng_command(served.home, settings, "native", "hec"), served.home / "ng.out"):
        hand(served.home, lines(*failures(COUNT)))
        waits_for(lambda: served.stored() == 2 * COUNT)
    assert served.stored() == 2 * COUNT, (served.home / "ng.out").read_text()
    assert served.doors() == {"http", "hec"}


SYSLOG_NG_CONF: Final = """
template line {{ template("${{ISODATE}} ${{HOST}} ${{MSGHDR}}${{MESSAGE}}"); }};
template event {{ template('$(format-json event="$(template line)")'); }};
destination native {{ http(url("http://localhost:{port}{door}") method("POST")
    headers("Authorization: Bearer {token}", "Content-Type: text/plain") body("$(template line)")
    delimiter("\\n") batch-lines(100) batch-timeout(500)); }};
destination hec {{ http(url("http://localhost:{port}/services/collector/event") method("POST")
    headers("Authorization: Splunk {token}") body("$(template event)")
    delimiter("\\n") batch-lines(100) batch-timeout(500)); }};
"""

REFUSE: Final = """
CREATE SEQUENCE refused;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF nextval('refused') <= 3 THEN RAISE EXCEPTION 'not now'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse AFTER INSERT ON logs_delivery FOR EACH ROW EXECUTE FUNCTION refuse();
"""
"""Turns the next three deliveries away; a sequence counts also what is rolled back."""
