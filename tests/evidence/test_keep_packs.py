"""Packs where they are kept: a folder by default, or a bucket of a real S3 service, with Parquet beside the tables."""

import csv
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from pyarrow import parquet
from pytest_django import Settings

from evidence import storedpacks
from evidence.actions import download_pack
from evidence.building import build_pack
from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.metrics.packs import measure
from evidence.models import EvidencePack, PackFile
from evidence.packbucket import _sentence
from evidence.packfolder import PackGoneError, StoreError
from evidence.signoffs.issuing import issue_signed
from evidence.verifier.check import Pack
from portal.doctor import State, _packs
from portal.packplace import pack_storage
from tenants.kinds import Actor, Cancelled, Refused
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.evidence.bucket import BUCKET, Service
from tests.evidence.signing import data_of, deputy_of, signs


@pytest.fixture
def service(tmp_path: Path, socket_enabled: None) -> Iterator[Service]:
    """An S3 service that does not run yet."""
    one = Service(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second until the one further try."""
    monkeypatch.setattr(storedpacks, "WAITS", (1,))


class Outage:
    """A service that is down until somebody reads on the work's page that it is."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.said: list[str] = []

    def step(self, done: int, total: int, message: str = "") -> None:
        """Note each message once, and start the service where the store is missed."""
        if message not in self.said:
            self.said.append(message)
        if message.startswith("The store of packs") and self.service.process is None:
            self.service.start()


def told(settings: Settings, service: Service, **more: str) -> None:
    settings.STORAGES = {**settings.STORAGES, "packs": service.storage(**more)}


@pytest.mark.usefixtures("reviewed", "hurried")
@pytest.mark.django_db
def test_a_pack_is_kept_in_a_bucket_through_outages(
    bpo: Tenant, officer: Actor, pack: Callable[..., EvidencePack], period: Period, service: Service, settings: Settings
) -> None:
    told(settings, service)
    outage = Outage(service)
    made = build_pack(bpo, pack(("pci",), parquet=True).pk, outage)
    missed = "The store of packs does not answer. The pack is made and kept at hand; trying again in 1 s."
    assert [outage.said.count(one) for one in (missed, "Printing the report")] == [1, 1]
    assert (made.state, len(service.keys())) == ("draft", 1)
    tables_have_types(data_of(bpo, made))
    deputy = deputy_of(bpo)
    signs(bpo, made, officer)
    signs(bpo, made, deputy)
    told(settings, service, secret_key="another")
    with pytest.raises(StoreError, match=r"refuses the portal \(SignatureDoesNotMatch\)"):
        issue_signed(bpo, made.pk, Silent())
    told(settings, service)
    assert _packs() == (State.WELL, "The store of packs answers.")
    nothing_is_half_issued(bpo, made, service)
    issued = issue_signed(bpo, made.pk, Silent())
    only_its_own_bytes_are_given(bpo, issued, officer, service)
    large_files_go_in_parts()
    service.stop()
    a_silent_store_is_not_a_broken_pack(bpo, issued, officer, period)


def tables_have_types(data: bytes) -> None:
    """Each table lies there twice, cell by cell the same, and the verifier names a changed Parquet file."""
    pack = Pack(data)
    assert pack.check() == []
    for name in [name for name in pack.files if name.endswith(".csv")]:
        rows = list(csv.reader(io.StringIO(pack.files[name].decode(), newline="")))
        table = parquet.read_table(io.BytesIO(pack.files[name.replace(".csv", ".parquet")]))
        assert (table.column_names, table.num_rows) == (rows[0], len(rows) - 1), name
        for place, column in enumerate(table.columns):
            for text, value in zip((row[place] for row in rows[1:]), column.to_pylist(), strict=True):
                assert value is None or spelled(value) == text, (name, place)
                assert bool(text) != (value is None), (name, place)
    decisions = parquet.read_schema(io.BytesIO(pack.files["tables/decisions.parquet"]))
    kinds = {name: str(decisions.field(name).type) for name in ("item", "reason", "bulk", "privileged", "decided_at")}
    assert list(kinds.values()) == ["int64", "string", "string", "bool", "timestamp[us, tz=UTC]"]
    place = data.index(pack.files["tables/decisions.parquet"]) + 100
    changed = Pack(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert "tables/decisions.parquet" in {where for where, _why in changed.check()}


def spelled(value: object) -> str:
    """Spell a value as CSV files of packs do."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def nothing_is_half_issued(bpo: Tenant, made: EvidencePack, service: Service) -> None:
    """The signatures stay, and the pack is the draft that it was."""
    with tenant_scope(bpo):
        made.refresh_from_db()
        assert (made.state, made.sign_offs.count(), PackFile.objects.filter(pack=made).count()) == ("draft", 2, 1)
    assert len(service.keys()) == 1


def only_its_own_bytes_are_given(bpo: Tenant, issued: EvidencePack, officer: Actor, service: Service) -> None:
    """The file downloads, nobody deletes it, and other bytes under its name are not given out."""
    with tenant_scope(bpo):
        with download_pack(pack=issued, by=officer) as stored:
            data = stored.read()
        key = "northwind/" + PackFile.objects.get(pack=issued, stage="issued").stored_as
    assert hashlib.sha256(data).hexdigest() == issued.sha256
    version = service.client.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        service.client.delete_object(Bucket=BUCKET, Key=key, VersionId=version)
    service.client.put_object(Bucket=BUCKET, Key=key, Body=data[:-1] + b"?")
    with tenant_scope(bpo), pytest.raises(Refused, match="its SHA-256 differs"):
        download_pack(pack=issued, by=officer)


def large_files_go_in_parts() -> None:
    """Above 8 MiB the service puts parts together."""
    data = os.urandom(9 << 20)
    storages["packs"].save("large.zip", ContentFile(data))
    with storages["packs"].open("large.zip") as opened:
        assert hashlib.sha256(b"".join(opened.chunks())).digest() == hashlib.sha256(data).digest()
    with pytest.raises(PackGoneError):
        storages["packs"].open("none.zip")


def a_silent_store_is_not_a_broken_pack(bpo: Tenant, issued: EvidencePack, officer: Actor, period: Period) -> None:
    """The page and `doctor` say it, and the control on packs has no data."""
    assert _packs()[0] is State.ILL
    answer = make.login(User.objects.get(pk=officer.user_id)).get(f"/t/northwind/packs/{issued.pk}/download/")
    assert (answer.status_code, "The store of packs does not answer." in answer.content.decode()) == (503, True)
    with tenant_scope(bpo):
        metrics = measure(Frame(period, {}, bpo.pk, bpo.uuid, period.end)).metrics
    assert (metrics["issued"], metrics["verification_failures"]) == (1, None)


@pytest.mark.django_db
def test_the_folder_is_closed_and_a_file_that_is_gone_is_said(
    bpo: Tenant, officer: Actor, period: Period, pack: Callable[..., EvidencePack], settings: Settings, tmp_path: Path
) -> None:
    settings.STORAGES = {**settings.STORAGES, "packs": pack_storage(tmp_path)}
    asked = pack(("pci",))
    with storedpacks.kept_zip(bpo, asked, "draft", io.BytesIO(b"PK"), print) as name:
        assert stat.S_IMODE((tmp_path / "packs" / name).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "packs").stat().st_mode) == 0o700
    assert not [path for path in (tmp_path / "packs").rglob("*") if path.is_file()], "no row names it"
    with tenant_scope(bpo):
        PackFile.objects.create(pack=asked, stored_as=name)
        with pytest.raises(PackGoneError, match="from the backups"):
            storedpacks.stored_zip(asked.pk, "draft")


@pytest.mark.usefixtures("hurried")
@pytest.mark.django_db
def test_who_waits_for_a_folder_may_cancel(
    bpo: Tenant, pack: Callable[..., EvidencePack], settings: Settings, tmp_path: Path
) -> None:
    settings.STORAGES = {**settings.STORAGES, "packs": pack_storage(tmp_path)}
    (tmp_path / "packs").write_text("no folder")
    said: list[str] = []

    def tell(message: str) -> None:
        said.append(message)
        raise Cancelled

    with pytest.raises(Cancelled), storedpacks.kept_zip(bpo, pack(), "draft", io.BytesIO(b"PK"), tell):
        pytest.fail("a file was kept")
    assert said == [
        "The folder of packs cannot be written: File exists. The pack is made and kept at hand; trying again in 1 s."
    ]


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("QuotaExceeded", 403, "is full"),
        ("InternalError", 507, "is full"),
        ("NoSuchBucket", 404, r"refuses the portal \(NoSuchBucket\)"),
        ("SlowDown", 503, "cannot serve at present"),
        ("NoSuchKey", 404, "is not where packs are kept"),
    ],
)
def test_each_answer_of_a_store_is_one_sentence(code: str, status: int, said: str) -> None:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(StoreError, match=said):
        raise StoreError(_sentence(ClientError(answer, "PutObject")))


def test_wrong_settings_stop_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def tell(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"COUNTERSIGN_PACKS_S3_{name}", value)

    tell(ENDPOINT="http://store.example")
    with pytest.raises(ImproperlyConfigured, match="BUCKET is not"):
        pack_storage(tmp_path)
    tell(BUCKET="packs")
    with pytest.raises(ImproperlyConfigured, match="must begin with https"):
        pack_storage(tmp_path)
    tell(ENDPOINT="https://store.example", KEY_ID="k")
    with pytest.raises(ImproperlyConfigured, match="belong together"):
        pack_storage(tmp_path)
    tell(SECRET="s", LOCK="forever")
    with pytest.raises(ImproperlyConfigured, match="compliance, governance, none"):
        pack_storage(tmp_path)
    tell(LOCK="governance")
    assert pack_storage(tmp_path)["OPTIONS"]["bucket_name"] == "packs"
