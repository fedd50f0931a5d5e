"""The registers through their pages: what is filed and noted becomes the metric, and nothing else does."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from evidence.actions import compute_controls, set_parameter
from evidence.catalogue import load
from evidence.kinds import Period
from evidence.metrics import MEASURES
from evidence.metrics.frame import Frame
from evidence.models import ControlResult
from evidence.registers.models import Document, OperatingReport
from evidence.registers.queries import gaps_between
from ledger.queries import head
from logs.actions import record_events
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.evidence.planted import measured as ahead
from tests.logs.sources import SSHD_OK, lines, source

pytestmark = pytest.mark.django_db


def measured(tenant: Tenant, kind: str, days: int = 90) -> Mapping[str, float | None]:
    """Return a kind's metrics over the last days."""
    now = timezone.now()
    params = {name: item.value for name, item in load().params.items()}
    with tenant_scope(tenant):
        frame = Frame(
            Period(now - timedelta(days=days), now + timedelta(minutes=1)), params, tenant.pk, tenant.uuid, now
        )
        return MEASURES[kind](frame).metrics


def send(person: User, tenant: Tenant, name: str, sent: dict[str, object], *args: object) -> int:
    """Send a form; returns the answer's status."""
    return make.login(person).post(reverse(name, args=[tenant.slug, *args]), sent).status_code


def test_documents_are_filed_with_their_hash_and_counted(bpo: Tenant, carla: User, ana: User) -> None:
    today = timezone.localdate()
    assert measured(bpo, "documents") == {"required": 4, "missing": 4, "overdue_review": 0}
    form: dict[str, object] = {
        "kind": "access", "title": "Access policy", "version": "3", "approved_by": "Dora Diaz, CISO",
        "approved_on": today - timedelta(days=400), "valid_until": today - timedelta(days=35),
    }  # fmt: skip
    assert send(carla, bpo, "evidence:documents", form) == 422, "neither a file nor a place"
    file = SimpleUploadedFile("../policy v3.pdf", b"%PDF-1.7 policy")
    assert send(ana, bpo, "evidence:documents", {**form, "file": file}) == 403
    file.seek(0)
    assert send(carla, bpo, "evidence:documents", {**form, "file": file}) == 302
    assert measured(bpo, "documents") == {"required": 4, "missing": 3, "overdue_review": 1}
    with tenant_scope(bpo):
        row = Document.objects.get()
        assert AuditEntry.objects.get(verb="document.file").detail["sha256"] == row.sha256
    answer = make.login(carla).get(reverse("evidence:document_file", args=[bpo.slug, row.pk]))
    assert (answer.content, answer["Content-Disposition"]) == (
        b"%PDF-1.7 policy",
        f'attachment; filename="document-{row.pk}.pdf"',
    )
    assert (
        send(carla, bpo, "evidence:documents", {**form, "valid_until": today + timedelta(days=9), "reference": "A-7"})
        == 302
    )
    assert measured(bpo, "documents")["overdue_review"] == 0, "a later version supersedes"


def test_the_record_of_processing_is_kept_by_versions(bpo: Tenant, carla: User) -> None:
    assert measured(bpo, "processing_record")["incomplete"] is None, "kept nowhere here: no data, and no failure"
    names = ("processor", "controllers", "officer", "categories", "transfers", "security", "subprocessors")
    assert send(carla, bpo, "evidence:processing", dict.fromkeys(names[1:], "Stated.")) == 302
    assert measured(bpo, "processing_record")["incomplete"] == 1
    assert send(carla, bpo, "evidence:processing", dict.fromkeys(names, "Stated.")) == 302
    assert measured(bpo, "processing_record") == {"tenants": 1, "incomplete": 0, "stale": 0, "undeclared_sources": 0}
    old = ahead(bpo, "processing_record", {"record_stale_days": 1}, ahead=2).metrics
    assert (old["stale"], old["undeclared_sources"]) == (1, 0), "no event has come in"
    with tenant_scope(bpo):
        record_events(source=source(), body=lines(SSHD_OK), door="tests", by=Actor.system("tests", bpo.pk))
    assert measured(bpo, "processing_record")["undeclared_sources"] == 1, "the record names none"


def test_a_silence_is_noted_once_it_is_there(bpo: Tenant, carla: User) -> None:
    begin = (timezone.now() - timedelta(hours=40)).replace(minute=0, second=0, microsecond=0)
    with tenant_scope(bpo):
        desk = source(expected={"every_minutes": 60})
        type(desk).objects.filter(pk=desk.pk).update(created_at=begin)
        (gap,) = gaps_between(begin)
    told = measured(bpo, "collection_failures")
    assert (told["failures"], told["noticed_in_limit_ratio"], told["without_cause"]) == (1, 0, 1)
    assert told["open_over_limit"] == 1
    assert measured(bpo, "coverage")["gaps_without_cause"] == 1
    form = {"cause": "outage", "said": "The server was down; nothing is lost."}
    client, page = make.login(carla), reverse("evidence:gap", args=[bpo.slug, desk.pk])
    assert client.post(f"{page}?hour={gap.hour + 1}", form).status_code == 422, "no gap begins there"
    assert client.post(f"{page}?hour={gap.hour}", form).status_code == 302
    told = measured(bpo, "collection_failures")
    assert (told["noticed_in_limit_ratio"], told["open_over_limit"], told["without_cause"]) == (1, 0, 0)
    assert measured(bpo, "coverage")["gaps_without_cause"] == 0
    assert "The server was down" in make.login(carla).get(reverse("evidence:gaps", args=[bpo.slug])).content.decode()


def test_a_deviation_is_answered_and_the_answer_runs_out(
    bpo: Tenant, carla: User, officer: Actor, period: Period
) -> None:
    today, key = timezone.localdate(timezone=bpo.zone), "iso27001-a.8.15"
    form: dict[str, object] = {
        "stand": "accept", "said": "The source is replaced in May.", "owner": carla.email, "due_on": today,
    }  # fmt: skip
    assert send(carla, bpo, "evidence:answer", form, key) == 422, "there is no result to answer"
    with tenant_scope(bpo):
        set_parameter(name="retention_days", value=30, reason="The contract asks for a month.", by=officer)
        compute_controls(tenant=bpo, period=period, by=officer)
        key = ControlResult.objects.filter(state="no_data", control__startswith="iso27001").earliest("pk").control
    assert send(carla, bpo, "evidence:answer", form, key) == 302
    assert measured(bpo, "exceptions") == {"open": 1, "expired": 0, "without_owner": 0}
    assert ahead(bpo, "exceptions", ahead=2).metrics["expired"] == 1
    late = ahead(bpo, "evaluation", ahead=70).metrics
    assert ((late["due"] or 0) > 1, late["run"]) == (True, 1), "nobody evaluated after this month"
    page = make.login(carla).get(reverse("evidence:control", args=[bpo.slug, key])).content.decode()
    assert "The source is replaced in May." in page
    assert "Information sheet of this table" in page
    loosened = make.login(carla).get(reverse("evidence:control", args=[bpo.slug, "iso27001-a.8.15"])).content.decode()
    assert "Loosened" in loosened
    assert "The catalogue says 365 days." in loosened


def test_backups_count_only_when_a_tool_reports_them(bpo: Tenant, tmp_path: object) -> None:
    assert set(measured(bpo, "backup").values()) == {0, None}
    with pytest.raises(CommandError, match="Name the file"):
        call_command("report_backup")
    dump = tmp_path / "day.dump"  # type: ignore[operator]  # a Path
    dump.write_bytes(b"PGDMP")
    call_command("report_backup", str(dump))
    assert measured(bpo, "backup")["runs_failed"] == 0
    late = ahead(bpo, "backup", ahead=3).metrics
    assert (round(late["last_good_hours"] or 0), late["runs_failed"]) == (72, 3), "three days without a good one"
    assert late["days_since_restore_test"] is None, "never"
    call_command("report_backup", "--failed", "The disk was full.")
    assert measured(bpo, "backup")["runs_failed"] == 1
    with tenant_scope(bpo):
        size = head(bpo.uuid).size
    copy = tmp_path / "copy.json"  # type: ignore[operator]  # a Path
    call_command("restored_ledgers", str(copy))
    call_command("report_restore", str(copy))
    assert measured(bpo, "backup")["restore_root_mismatches"] == 0
    assert round(ahead(bpo, "backup", ahead=91).metrics["days_since_restore_test"] or 0) == 91
    copy.write_text(copy.read_text().replace(f'"size": {size}', f'"size": {size - 1}'))
    with pytest.raises(CommandError, match="has another root"):
        call_command("report_restore", str(copy))
    assert measured(bpo, "backup")["restore_root_mismatches"] == 1
    with tenant_scope(bpo):
        assert OperatingReport.objects.count() == 4
