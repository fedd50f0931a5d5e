"""Doors and disks as they were really used, and days without a good backup."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from evidence.atrest import encrypted
from evidence.kinds import Period
from evidence.metrics.backup import due_and_missed
from evidence.metrics.frame import Frame
from logs.actions import record_events
from logs.actions.record import Envelope
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.evidence.test_keep_registers import measured
from tests.logs.sources import SSHD_OK, lines, source


def test_a_disk_is_encrypted_only_when_the_kernel_says_so(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    device = tmp_path / "sys" / f"{os.major(number)}:{os.minor(number)}"
    found = [encrypted(tmp_path, tmp_path / "sys")]
    (device / "slaves" / "sda").mkdir(parents=True)
    found.append(encrypted(tmp_path, tmp_path / "sys"))
    for name in (device / "slaves" / "sda", device):
        (name / "dm").mkdir()
        (name / "dm" / "uuid").write_text("CRYPT-LUKS2-0\n")
        found.append(encrypted(tmp_path, tmp_path / "sys"))
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


def test_a_day_without_a_good_backup_is_a_failed_one() -> None:
    now = timezone.now()
    frame = Frame(Period(now - timedelta(days=10), now), {}, 1, None, now)  # type: ignore[arg-type]  # no log is asked
    reported = [{"done_at": now - timedelta(hours=hours)} for hours in (4 * 24 - 1, 2 * 24 - 1, 24 - 1)]
    good = [row["done_at"] for row in reported]
    assert due_and_missed(good, reported, frame) == (4, 1)
    assert due_and_missed([], [], frame) == (0, 0)
