"""`manage.py ingest`: files in parts, more than once, packed, and broken."""

import gzip
import io
from functools import partial
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from logs.jobs import FileAnswer, ingest_file
from logs.kinds import Format
from logs.models import AccessEvent, LogSource, QuarantinedLine
from logs.parsers.windows_evtx import CHUNK, FILE_HEADER, MAGIC
from logs.parts import parts
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_BAD, SSHD_OK, failures, lines, okta, source

pytestmark = pytest.mark.django_db
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "linux" / "Linux_2k.log"


def run(path: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("ingest", str(path), tenant="northwind", stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def test_it_makes_the_source_and_stores_the_file(bpo: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_bytes(lines(SSHD_OK, SSHD_BAD, b"garbage"))
    said = run(path, source="bastion", format="sshd_syslog", year=2026)
    assert "3 records: 2 stored" in said
    assert "1 in quarantine" in said
    with tenant_scope(bpo):
        assert LogSource.objects.get().grade == "D"


def test_it_stores_a_grown_file_once(bpo: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_bytes(lines(SSHD_OK, SSHD_OK))
    run(path, source="bastion", format="sshd_syslog", year=2026)
    path.write_bytes(lines(SSHD_OK, SSHD_OK, SSHD_BAD))
    assert "1 stored, 2 were there before" in run(path, source="bastion")


def test_it_reads_gzip(bpo: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "auth.log.gz"
    path.write_bytes(gzip.compress(lines(*failures(5))))
    assert "5 stored" in run(path, source="bastion", format="sshd_syslog", year=2026)


@pytest.mark.parametrize("name", ["missing.log", "empty.log"])
def test_it_says_what_is_wrong(bpo: Tenant, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.log").write_bytes(b"")
    with pytest.raises(CommandError):
        run(tmp_path / name, source="bastion", format="sshd_syslog")


def test_it_asks_for_a_format_or_a_known_source(bpo: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="name its --format"):
        run(tmp_path / "any", source="nothing")
    with pytest.raises(CommandError, match="cannot be made"):
        run(tmp_path / "any", source="Bad key!", format="sshd_syslog")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"format": "sshd_syslog", "time_zone": "Mars/X"}, "no time zone named 'Mars/X'"),
        ({"format": "csv"}, "The mapping has the wrong shape"),
    ],
)
def test_it_makes_no_source_that_could_not_be_read(
    bpo: Tenant, tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "auth.log"
    path.write_bytes(lines(SSHD_OK))
    with pytest.raises(CommandError, match=sentence):
        run(path, source="any", **options)
    with tenant_scope(bpo):
        assert not LogSource.objects.exists()


def test_it_cuts_at_lines_and_keeps_documents_whole() -> None:
    text = lines(*failures(100))
    cut = list(parts(io.BytesIO(text), Format.SSHD_SYSLOG, size=1000))
    assert b"".join(cut) == text
    assert len(cut) > 5
    csv = list(parts(io.BytesIO(b"h1,h2\n" + b"a,b\n" * 50), Format.CSV, size=60))
    assert all(part.startswith(b"h1,h2\n") for part in csv)
    document = b'[\n {"a": 1},\n {"b": 2}\n]\n'
    assert list(parts(io.BytesIO(document), Format.OKTA, size=5)) == [document]
    assert len(list(parts(io.BytesIO(lines(okta(1), okta(2))), Format.OKTA, size=500))) == 2


def test_a_csv_without_a_header_line_is_stored_once(
    bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.jobs.parts", partial(parts, size=100))
    mapping = {"columns": {"t": "occurred_at", "u": "actor_name"}, "log_type": 2, "header": ["t", "u"]}
    with tenant_scope(bpo):
        table = source("Table", Format.CSV, mapping=mapping)
    body = b"".join(b"2026-11-20T10:00:%02dZ,ana\n" % second for second in range(20))
    answer = _deliver(bpo, table, body, system, [])
    assert (answer.received, answer.stored, len(answer.batches) > 3) == (20, 20, True)


def test_a_part_never_ends_within_an_event_of_windows() -> None:
    event = b"<Event><System>\n<EventID>4624</EventID>\n</System></Event>\n"
    cut = list(parts(io.BytesIO(event * 20), Format.WINDOWS, size=100))
    assert len(cut) > 5
    assert b"".join(cut) == event * 20
    assert all(part.startswith(b"<Event>") and part.endswith(b"</Event>\n") for part in cut)


def test_an_evtx_file_is_cut_between_its_chunks() -> None:
    file = MAGIC + bytes(FILE_HEADER - 8) + b"".join(bytes([number]) * CHUNK for number in range(1, 6))
    cut = list(parts(io.BytesIO(file), Format.WINDOWS, size=FILE_HEADER + 2 * CHUNK))
    assert [(len(part) - FILE_HEADER) // CHUNK for part in cut] == [2, 2, 1]
    assert b"".join([cut[0], *[part[FILE_HEADER:] for part in cut[1:]]]) == file
    assert all(part.startswith(file[:FILE_HEADER]) for part in cut)


def test_a_part_never_ends_within_a_quoted_field() -> None:
    text = b"h1,h2\n" + b'a,"one\ntwo\nthree"\n' * 9
    cut = list(parts(io.BytesIO(text), Format.CSV, size=20))
    assert len(cut) == 9
    assert all(part.count(b'"') == 2 for part in cut)


def test_a_part_holds_no_more_lines_than_a_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logs.parts.PART_LINES", 4)
    assert [len(part) for part in parts(io.BytesIO(b"x\n" * 10), Format.SSHD_SYSLOG)] == [8, 8, 4]


def test_a_packed_file_that_was_cut_keeps_what_was_stored(bpo: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "auth.log.gz"
    path.write_bytes(gzip.compress(lines(*failures(5)))[:-12])
    with pytest.raises(CommandError, match="damaged or was cut"):
        run(path, source="bastion", format="sshd_syslog", year=2026)


def test_parts_know_each_others_repeats(bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logs.parts.PART_BYTES", 150)
    with tenant_scope(bpo):
        bastion = source()
    body = lines(SSHD_OK, SSHD_BAD, SSHD_OK, SSHD_OK)
    said: list[int] = []
    answers = [_deliver(bpo, bastion, body, system, said) for _ in range(2)]
    assert [(one.stored, one.duplicates) for one in answers] == [(4, 0), (0, 4)]
    with tenant_scope(bpo):
        assert AccessEvent.objects.count() == 4


def _deliver(bpo: Tenant, bastion: LogSource, body: bytes, by: Actor, said: list[int]) -> FileAnswer:
    return ingest_file(
        tenant=bpo, source=bastion, file=io.BytesIO(body), by=by, say=lambda total: said.append(total.stored)
    )


@pytest.mark.skipif(not REAL.exists(), reason="the real log is not beside the project")
def test_it_accounts_for_every_line_of_a_real_log(bpo: Tenant) -> None:
    said = run(REAL, source="linux", format="sshd_syslog", year=2005)
    assert said.startswith("2,000 records")
    with tenant_scope(bpo):
        assert AccessEvent.objects.count() > 500
        assert QuarantinedLine.objects.count() == 0


def test_each_part_of_a_cloud_service_s_csv_has_the_column_names() -> None:
    header, row = b'"EVENT_TYPE","USER_NAME"\n', b'"Login","bob"\n'
    cut = list(parts(io.BytesIO(header + row * 10), Format.SALESFORCE, size=60))
    assert len(cut) > 1
    assert all(part.startswith(header) for part in cut)
    assert b"".join(part.removeprefix(header) for part in cut) == row * 10
