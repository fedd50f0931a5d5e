"""Doors, disks and sessions as they really were, and days without a good backup."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from evidence.atrest import encrypted
from evidence.catalogue import load
from evidence.kinds import Period
from evidence.metrics import MEASURES
from evidence.metrics.backup import due_and_missed
from evidence.metrics.frame import Frame
from evidence.models import EvidencePack
from logs.actions import record_events
from logs.actions.record import Envelope
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.evidence.signing import issue_by_hand
from tests.evidence.test_keep_registers import measured
from tests.logs.sources import SSHD_OK, lines, source


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """What the kernel lists of the devices, empty at first; gives the entry of the one that holds a place."""
    monkeypatch.setattr("evidence.atrest.DEVICES", tmp_path / "sys")

    def device(place: Path) -> Path:
        number = place.stat().st_dev
        return tmp_path / "sys" / f"{os.major(number)}:{os.minor(number)}"

    return device


def test_a_disk_is_encrypted_only_when_the_kernel_says_so(tmp_path: Path, kernel: Callable[[Path], Path]) -> None:
    device = kernel(tmp_path)
    found = [encrypted(tmp_path)]
    (device / "slaves" / "sda").mkdir(parents=True)
    found.append(encrypted(tmp_path))
    for name in (device / "slaves" / "sda", device):
        (name / "dm").mkdir()
        (name / "dm" / "uuid").write_text("CRYPT-LUKS2-0\n")
        found.append(encrypted(tmp_path))
        (name / "dm" / "uuid").write_text("LVM-0\n")
    assert found == [None, False, True, True]


@pytest.mark.django_db
def test_records_from_elsewhere_over_plain_http_are_counted(bpo: Tenant, settings: Settings) -> None:
    with tenant_scope(bpo):
        for name, address in (("Near", "127.0.0.1"), ("Far", "203.0.113.9")):
            envelope = Envelope(door="http", address=address)
            record_events(source=source(name), body=lines(SSHD_OK), door=envelope, by=Actor.system("tests", bpo.pk))
    settings.PORTAL_URL = "http://portal.example"
    assert measured(bpo, "protection")["sources_without_tls"] == 1
    settings.PORTAL_URL = "https://portal.example"
    settings.COUNTERSIGN_ENCRYPTED_STORES = "database=LUKS on db1; signer=LUKS; data=LUKS"
    told = measured(bpo, "protection")
    assert (told["sources_without_tls"], told["stores_not_encrypted"], told["stores"]) == (0, 0, 3)


@pytest.mark.django_db
def test_a_pack_on_an_open_disk_that_nobody_signed_and_that_does_not_verify(
    bpo: Tenant, pack: Callable[..., EvidencePack], kernel: Callable[[Path], Path], tmp_path: Path, settings: Settings
) -> None:
    settings.COUNTERSIGN_ENCRYPTED_STORES = "database=LUKS on db1"
    settings.COUNTERSIGN_SIGNER = str(tmp_path)
    for place in (tmp_path, settings.COUNTERSIGN_DATA):
        kernel(place).mkdir(parents=True, exist_ok=True)
    told = measured(bpo, "protection")
    assert (told["stores_not_encrypted"], told["packs_not_encrypted"]) == (2, 0), "the signer's files and the data"
    with tenant_scope(bpo):
        issue_by_hand(pack(), b"no zip")
    assert measured(bpo, "protection")["packs_not_encrypted"] == 1
    assert measured(bpo, "client_access")["packs_issued"] == 1
    assert measured(bpo, "packs") == {"issued": 1, "unsigned": 1, "verification_failures": 1}


def test_a_day_without_a_good_backup_is_a_failed_one() -> None:
    now = timezone.now()
    frame = Frame(Period(now - timedelta(days=10), now), {}, 1, None, now)  # type: ignore[arg-type]  # no log is asked
    reported = [{"done_at": now - timedelta(hours=hours)} for hours in (4 * 24 - 1, 2 * 24 - 1, 24 - 1)]
    good = [row["done_at"] for row in reported]
    assert due_and_missed(good, reported, frame) == (4, 1)
    assert due_and_missed([], [], frame) == (0, 0)


@pytest.mark.django_db
def test_sessions_that_show_no_use_are_not_judged(bpo: Tenant) -> None:
    day, opened, closed = b"Nov 20 09:", b"Accepted password for ", b"pam_unix(sshd:session): session closed for user "
    span = Period(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    params = {name: item.value for name, item in load().params.items()}

    def told(*spans: tuple[bytes, int]) -> tuple[float | None, ...]:
        records = []
        for who, minutes in spans:
            pid = b"web1 sshd[%d]: " % (4000 + len(who))
            records += [day + b"00:01 " + pid + opened + who + b" from 203.0.113.7 port 50022 ssh2"]
            records += [day + b"%02d:01 " % minutes + pid + closed + who]
        with tenant_scope(bpo):
            record_events(source=source(f"Host {len(spans)}"), body=lines(*records), door="tests", by=by)
            found = MEASURES["sessions"](Frame(span, params, bpo.pk, bpo.uuid, span.end)).metrics
        return found["sessions"], found["idle_over_limit"], found["end_unknown_ratio"]

    by = Actor.system("tests", bpo.pk)
    assert told((b"al", 45)) == (1, None, 0), "only log-on and log-off, half an hour apart: nothing is known of its use"
    assert told(*((b"x" * n, 9) for n in range(3, 9))) == (7, 0, 0), "six short ones of seven are judged"
    with tenant_scope(bpo):
        entry = b"%02d:01 web1 sshd[9]: " + opened + b"bo from 203.0.113.7 port 1 ssh2"
        used = [day + entry % minutes for minutes in (0, 1, 59)]
        record_events(source=source("Host"), body=lines(*used), door="tests", by=by)
    assert told((b"y", 9), (b"z", 9))[1] == 1, "shown to be used, and silent for longer than the limit"
