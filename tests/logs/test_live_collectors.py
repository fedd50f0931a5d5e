"""Collectors that are installed here deliver to the real web server: sent = stored, and a resend doubles nothing.

A collector that is not installed is skipped; docs/doors.md says which version of each was tried.
"""

import json
import logging
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
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

from logs.actions import issue_source_token
from logs.models import AccessEvent, Delivery
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.browser.serving import serving
from tests.database import fresh_copy
from tests.logs.collectors import (
    ABSENT,
    JOURNAL_REMOTE,
    JOURNAL_UPLOAD,
    RSYSLOG,
    RSYSLOG_MODULES,
    SYSLOG_NG,
    SYSLOG_NG_MODULES,
    environment,
    rsyslog_command,
    running,
    syslog_ng_command,
    waits_for,
)
from tests.logs.sources import failures, lines, source
from tests.logs.test_journal_door import entry
from tests.logs.test_splunk_door import event

pytestmark = [pytest.mark.slow]
OMELASTICSEARCH: Final = RSYSLOG_MODULES / "omelasticsearch.so"
COUNT: Final = 400


@dataclass(frozen=True)
class Served:
    """A served portal with one source and its token."""

    port: int
    token: str
    tenant: Tenant
    home: Path

    @property
    def door(self) -> str:
        """The native door of the source."""
        return f"/api/v1/t/{self.tenant.slug}/ingest/bastion"

    def stored(self) -> int:
        """Return how many events there are."""
        with tenant_scope(self.tenant):
            return AccessEvent.objects.count()

    def doors(self) -> set[str]:
        """Return through which doors something was delivered."""
        with tenant_scope(self.tenant):
            return set(Delivery.objects.values_list("door", flat=True))


@pytest.fixture(scope="module")
def portal(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Serve a database of this module's own; gives the port."""
    enable_socket()
    home = tmp_path_factory.mktemp("web")
    with django_db_blocker.unblock(), fresh_copy() as fresh, serving(fresh.name, home) as (url, _log):
        yield urlsplit(url).port or 0


@pytest.fixture
def served(portal: int, socket_enabled: None, tmp_path: Path) -> Served:
    """A tenant with one source, for one test."""
    tenant = make.tenant(f"tenant-{uuid4().hex[:8]}")
    with tenant_scope(tenant):
        token = issue_source_token(source=source(), by=Actor.system("tests", tenant.pk))
    return Served(portal, token, tenant, tmp_path)


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
    basic = ("-u", f"any:{served.token}")
    assert json.loads(curl(served, "/elastic/_bulk", pairs, *basic)[1])["errors"] is False
    expect = ("-H", "Expect: 100-continue", "-H", "Content-Type: application/vnd.fdo.journal")
    assert curl(served, "/journal/upload", b"".join(map(entry, range(9))), *basic, *expect)[0] == 200
    assert curl(served, "/journal/upload", entry(10)[:-9], *basic, *expect)[0] == 400
    assert served.stored() == 3 * COUNT + 18
    assert served.doors() == {"hec-chunked", "http-chunked", "elastic-chunked", "journal"}


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
    export = b"".join(
        entry(number, _BOOT_ID=b"0123456789abcdef0123456789abcdef", __MONOTONIC_TIMESTAMP=b"%d" % number)
        for number in range(COUNT)
    )
    makes = [str(JOURNAL_REMOTE), "-o", str(written), "-"]
    subprocess.run(makes, input=export, check=True, capture_output=True, timeout=60, env=environment())
    address = f"http://any:{served.token}@localhost:{served.port}/journal"
    for state in ("first", "second", "first"):
        keep = f"--save-state={served.home / state}"
        command = [str(JOURNAL_UPLOAD), f"--url={address}", f"--file={written}", keep, "--follow=no"]
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment())
    assert (served.stored(), served.doors()) == (COUNT, {"journal"})


@pytest.mark.skipif(not RSYSLOG or not OMELASTICSEARCH.exists(), reason=f"rsyslog-elasticsearch {ABSENT}")
def test_rsyslog_delivers_by_omelasticsearch(served: Served) -> None:
    (served.home / "auth.log").write_bytes(lines(*failures(COUNT)))
    settings = RSYSLOG_CONF.format(home=served.home, port=served.port, token=served.token)
    with running(rsyslog_command(served.home, settings), served.home / "rsyslog.out"):
        waits_for(lambda: served.stored() == COUNT)
    assert served.stored() == COUNT, (served.home / "rsyslog.out").read_text()
    with tenant_scope(served.tenant):
        assert not AccessEvent.objects.filter(native_id="").exists()


@pytest.mark.skipif(not SYSLOG_NG or not SYSLOG_NG_MODULES, reason=f"syslog-ng {ABSENT}")
def test_syslog_ng_delivers_by_http_to_the_native_door_and_splunk_hec(served: Served) -> None:
    (served.home / "auth.log").write_bytes(lines(*failures(COUNT)))
    settings = SYSLOG_NG_CONF.format(home=served.home, port=served.port, token=served.token, door=served.door)
    with running(syslog_ng_command(served.home, settings), served.home / "ng.out"):
        waits_for(lambda: served.stored() == 2 * COUNT)
    assert served.stored() == 2 * COUNT, (served.home / "ng.out").read_text()
    assert served.doors() == {"http", "hec"}


SYSLOG_NG_CONF: Final = """
@version: 3.38
options {{ flush-lines(100); }};
source auth {{ file("{home}/auth.log" flags(no-parse) follow-freq(0.2)); }};
destination native {{ http(url("http://localhost:{port}{door}") method("POST")
    headers("Authorization: Bearer {token}", "Content-Type: text/plain") body("${{MESSAGE}}") delimiter("\\n")
    batch-lines(100) batch-timeout(500)); }};
destination hec {{ http(url("http://localhost:{port}/services/collector/event") method("POST")
    headers("Authorization: Splunk {token}") body('$(format-json event="${{MESSAGE}}")') delimiter("\\n")
    batch-lines(100) batch-timeout(500)); }};
log {{ source(auth); destination(native); destination(hec); }};
"""


RSYSLOG_CONF: Final = """
global(workDirectory="{home}")
module(load="imfile")
module(load="omelasticsearch")
input(type="imfile" File="{home}/auth.log" Tag="auth" readMode="0")
template(name="line" type="list" option.jsonf="on") {{ property(outname="message" name="msg" format="jsonf") }}
template(name="id" type="string" string="%uuid%")
action(type="omelasticsearch" server="localhost:{port}/elastic" usehttps="off" uid="any" pwd="{token}"
       searchIndex="logs" searchType="" bulkmode="on" writeoperation="create" dynbulkid="on" bulkid="id"
       template="line" retryfailures="off" errorfile="{home}/errors")
"""
