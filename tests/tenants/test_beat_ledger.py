"""The heartbeat: written after silence, never beside other entries, and by nobody but the installation."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ledger.kinds import LeafKind
from ledger.queries import head
from tenants.actions import SILENT_AFTER, beat_ledger
from tenants.jobs import beat
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make

LATER = SILENT_AFTER + timedelta(minutes=1)


@pytest.mark.django_db
def test_silence_is_answered_by_one_leaf(bpo: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with tenant_scope(bpo):
        size = head(bpo.uuid).size
    assert beat(Silent(), bpo) == {"written": False}
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + LATER)
    assert beat(Silent(), bpo) == {"written": True}
    assert beat(Silent(), bpo) == {"written": False}
    with tenant_scope(bpo):
        assert head(bpo.uuid).size == size + 1
        entry = AuditEntry.objects.get(verb="ledger.heartbeat")
    assert (entry.leaf_kind, entry.actor_name) == (LeafKind.HEARTBEAT, "system:scheduler")
    assert entry.detail["silent_since"] < f"{now + LATER:%Y-%m-%dT%H:%M:%S}"


@pytest.mark.django_db
def test_no_person_writes_it(bpo: Tenant, olga: User) -> None:
    by: Actor = make.actor(olga, bpo)
    with tenant_scope(bpo), pytest.raises(Refused, match="Only the installation"):
        beat_ledger(by=by)
