"""A pack whose ground has moved since it was begun is begun anew as a whole: its run, issue time and checkpoint."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from evidence.begun import Known, begin
from evidence.models import EvidencePack
from evidence.provenance import version
from ledger import actions, signer
from ledger.queries import head
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.evidence.test_own_frameworks import TEXT

Change = Callable[[Tenant, Settings, Path], None]


def nothing(_bpo: Tenant, _settings: Settings, _folder: Path) -> None:
    """The control: the same ground."""


def program(_bpo: Tenant, settings: Settings, folder: Path) -> None:
    """The program is updated."""
    (folder / "pyproject.toml").write_text('[project]\nversion = "0.0.0"\n')
    settings.BASE_DIR = folder
    version.cache_clear()


def catalogue(_bpo: Tenant, settings: Settings, folder: Path) -> None:
    """The operator adds a framework of their own."""
    (folder / "acme.yaml").write_text(TEXT)
    settings.COUNTERSIGN_FRAMEWORKS = str(folder)


def key(bpo: Tenant, _settings: Settings, _folder: Path) -> None:
    """The key that signs the ledger is rotated."""
    call_command("ledger_rotate", "--reason", "A person left", "--tenant", bpo.slug, stdout=StringIO())


def epoch(bpo: Tenant, _settings: Settings, _folder: Path) -> None:
    """An epoch is opened and not signed yet: the newest checkpoint is still the one of the epoch before."""
    with tenant_scope(bpo):
        signer.signer_files().approve(bpo.uuid, 2)
        actions.open_epoch(log_id=bpo.uuid, epoch=2, origin=f"{head(bpo.uuid).origin[:-1]}2")
        audit("ledger.epoch", by=Actor.system("tests", bpo.pk))


@pytest.fixture(autouse=True)
def read_version_again() -> Iterator[None]:
    """Forget the version that a test pretended."""
    yield
    version.cache_clear()


@pytest.mark.django_db
@pytest.mark.parametrize("change", [nothing, program, catalogue, key, epoch])
def test_what_a_pack_was_begun_with_is_used_on_the_same_ground_alone(
    bpo: Tenant, pack: Callable[..., EvidencePack], settings: Settings, tmp_path: Path, change: Change
) -> None:
    asked, first = begun(bpo, pack(("gdpr",)), tmp_path)
    change(bpo, settings, tmp_path)
    taken_up, second = begun(bpo, asked, tmp_path)
    anew = change is not nothing
    assert (first.computed.run != second.computed.run, first.signed != second.signed) == (anew, anew), "both or none"
    assert taken_up.run == second.computed.run
    assert taken_up.issued_at == second.computed.run.computed_at
    assert second.signed.size > second.computed.run.ledger_size or change is epoch, "signed over what was measured"
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="pack.begin", target=f"pack {asked.uuid}").count() == 1 + anew
    assert begun(bpo, taken_up, tmp_path)[1] == second, "and what was begun anew is taken up as it is"


def begun(bpo: Tenant, asked: EvidencePack, folder: Path) -> tuple[EvidencePack, Known]:
    """Begin a pack as the next worker does; return its row and what it rests on."""
    with tenant_scope(bpo):
        row = EvidencePack.objects.get(pk=asked.pk)
    known = begin(bpo, row, folder, Silent(), Actor.system("evidence", bpo.pk))
    with tenant_scope(bpo):
        return EvidencePack.objects.select_related("run").get(pk=asked.pk), known
