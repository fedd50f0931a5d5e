"""Small campaigns that make themselves: a new privileged grant, a leaver, use after a revocation; each cause once."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from identities.actions import upsert_identities
from identities.models import Account, Identity
from reviews import jobs
from reviews.actions import find_causes, open_campaign
from reviews.kinds import Trigger
from reviews.models import Campaign, Finding, ReviewItem
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import Tenant, User, Work
from tenants.work import Silent
from tests import make
from tests.reviews.conftest import CRM, PEOPLE, Cast, deliver, plan

pytestmark = pytest.mark.django_db
MORE = CRM + b"ana,admin_all,E1,human\n"


def test_a_new_privileged_grant_makes_a_small_campaign_once(cast: Cast, in_bpo: Tenant) -> None:
    deliver(cast, days_ago=3)
    plan(cast, name="New administrators", trigger=Trigger.NEW_PRIVILEGED)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    deliver(cast, MORE)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 1, "opening": 1}
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    made = Campaign.objects.get()
    assert (made.state, Work.objects.get().arguments) == (CampaignState.READY, [made.pk, None])
    open_campaign(campaign=made, by=cast.officer)
    grants = ReviewItem.objects.values_list("account__name", "entitlement__key")
    assert set(grants) == {("ana", "admin_all"), ("ana", "agent")}


def test_leavers_and_use_after_revocation_make_one_each(cast: Cast, in_bpo: Tenant) -> None:
    deliver(cast)
    plan(cast, name="Leavers", trigger=Trigger.LEAVER)
    plan(cast, name="Used after", trigger=Trigger.USED_AFTER)
    Identity.objects.filter(external_id="E3").update(employed_until=date(2026, 1, 1))
    find_causes(by=cast.officer)
    now, bob = timezone.now(), Account.objects.get(name="bob")
    told = {"sentence": "Bob came back.", "found_at": now, "due_at": now + timedelta(days=1)}
    Finding.objects.create(kind="use_after_revocation", key="r 1", account=bob, system=cast.crm, **told)
    assert jobs.create_due(Silent(), in_bpo)["made"] == 2
    accounts = {one.plan.name: one.definition["accounts"] for one in Campaign.objects.select_related("plan")}
    assert accounts == {"Leavers": [Account.objects.get(name="cem").pk], "Used after": [bob.pk]}


def test_a_trigger_is_planned_on_the_page_and_never_with_a_recurrence(cast: Cast, carla: User) -> None:
    sent = {"systems": cast.crm.pk, "fallback": "M2", "strategy": "manager", "starts_on": "2030-01-01", "due_days": 7}
    client = make.login(carla)
    told = client.post("/t/northwind/campaigns/new/", {**sent, "name": "X", "trigger": "leaver"}, follow=True)
    assert b"is planned" in told.content
    assert not Campaign.objects.exists()
    with pytest.raises(Refused, match="a trigger or comes back"):
        plan(cast, name="Y", trigger=Trigger.LEAVER, rule="FREQ=WEEKLY")


def test_a_mover_makes_a_campaign_over_their_accounts_once(cast: Cast, in_bpo: Tenant) -> None:
    deliver(cast)
    plan(cast, name="Movers", trigger=Trigger.MOVED)
    assert jobs.create_due(Silent(), in_bpo)["made"] == 0
    upsert_identities(body=PEOPLE.replace(b"E1,Ana Ruiz,,M1,Acme", b"E1,Ana Ruiz,,M2,Zenith"), by=cast.officer)
    assert [jobs.create_due(Silent(), in_bpo)["made"] for _ in range(2)] == [1, 0]
    made = Campaign.objects.get()
    assert made.definition["accounts"] == [Account.objects.get(name="ana").pk]
    assert len(made.definition["causes"]) == 1, "one person moved once, though two fields changed"
    upsert_identities(body=PEOPLE, by=cast.officer)
    assert jobs.create_due(Silent(), in_bpo)["made"] == 1, "she moved back"
