"""The demonstration: seeded once through the product's own doors, and never twice."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from evidence.models import EvidencePack
from evidence.states import PackState
from ledger.queries import head
from logs.models import AccessEvent, LogSource
from portal.demo.seed import Seed
from reviews.models import Campaign
from reviews.states import CampaignState
from tenants.queries import actor_for, tenant_by_slug
from tenants.scope import tenant_scope
from tenants.sharing import visible
from tenants.work import Printed
from tests.database import FreshDatabase

pytestmark = pytest.mark.slow


def test_it_seeds_a_bpo_with_two_clients_once(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    said = io.StringIO()
    seed = Seed(tmp_path, Printed(said), agents=10, days=5)
    seed.run()
    home, acme = tenant_by_slug("harbour"), tenant_by_slug("acme")
    assert home is not None
    assert acme is not None
    with tenant_scope(home):
        states = set(Campaign.objects.values_list("state", flat=True))
        assert states == {CampaignState.CLOSED, CampaignState.OPEN}
        assert head(home.uuid).size > 1_000
        assert list(EvidencePack.objects.values_list("state", flat=True)) == [PackState.ISSUED]
    with tenant_scope(acme):
        cleo = next(member.user for member in acme.memberships.filter(role="client"))
        actor = actor_for(cleo, acme)
        assert actor is not None
        assert visible(actor, EvidencePack.objects.all()).count() == 1
        fed = LogSource.objects.get(fed_by=home)
        people = set(AccessEvent.objects.filter(source=fed).values_list("actor_name", flat=True))
        assert people == {f"sup{number}@acme.example" for number in range(1, 5)}
    again = io.StringIO()
    call_command("demo", stdout=again)
    assert "nothing was seeded again" in again.getvalue()
    assert "rosa@harbour.example" in again.getvalue()
