"""A group shares a campaign's items by a rule that anybody can repeat; an empty one leaves them to the fallback."""

import hashlib

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from identities.models import Entitlement
from identities.scim.models import DirectoryGroup, DirectoryMember, DirectoryPerson
from reviews.actions import open_campaign
from reviews.kinds import Strategy
from reviews.models import Assignment, Campaign, CampaignPlan
from tenants.models import User
from tests import make
from tests.reviews.conftest import Cast, deliver, person, ready
from tests.reviews.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def leads(cast: Cast) -> DirectoryGroup:
    """A group of the directory: two who may review, and one who may not."""
    now = timezone.now()
    group = DirectoryGroup.objects.create(display_name="Leads", created_at=now, changed_at=now)
    for one in ("M1", "M2", "E1"):
        told = DirectoryPerson.objects.create(
            identity=person(one), user_name=one, user_name_key=one.lower(), created_at=now, changed_at=now
        )
        DirectoryMember.objects.create(group=group, person=told)
    deliver(cast)
    return group


def opened(cast: Cast, group: str, name: str) -> dict[str, tuple[str, str]]:
    """Open a campaign that a group reviews; return who got each grant, and on which basis."""
    terms = {"strategy": Strategy.GROUP, "group": group, "group_name": f"Directory: {name}", "name": name}
    campaign = open_campaign(campaign=ready(cast, **terms), by=cast.officer)
    rows = Assignment.objects.filter(campaign=campaign).select_related("reviewer", "item__account", "item__entitlement")
    return {
        f"{row.item.account.name} {row.item.entitlement.key}": (row.reviewer.external_id, row.basis) for row in rows
    }


def expected(cast: Cast, account: str, whose: str) -> str:
    """Return whom the published rule names, worked out by hand."""
    able = [one for one in ("M1", "M2") if person(one).pk != int(whose[1:] if whose[0] == "p" else 0)]
    return min(able, key=lambda one: hashlib.sha256(f"{person(one).pk}:{whose}".encode()).hexdigest())


def test_members_share_by_the_published_rule_and_nobody_gets_their_own(cast: Cast, leads: DirectoryGroup) -> None:
    got = opened(cast, f"directory:{leads.pk}", "Leads")
    backup = cast.crm.accounts.get(name="backup").pk
    whose = {"ana": "E1", "bob": "E2", "cem": "E3", "remy": "M1"}
    rule = {account: expected(cast, account, f"p{person(one).pk}") for account, one in whose.items()}
    rule["backup"] = expected(cast, "backup", f"a{backup}")
    assert got == {grant: (rule[grant.split()[0]], "group") for grant in got}
    assert (len(got), got["remy agent"]) == (6, ("M2", "group"))
    definition = Campaign.objects.get().definition
    assert (definition["group"], definition["group_name"]) == (f"directory:{leads.pk}", "Directory: Leads")


def test_who_is_not_active_or_gone_leaves_it_to_the_others_and_the_fallback(cast: Cast, leads: DirectoryGroup) -> None:
    DirectoryPerson.objects.filter(user_name="M2").update(active=False)
    alone = opened(cast, f"directory:{leads.pk}", "One is left")
    assert alone.pop("remy agent") == ("M2", "fallback")
    assert set(alone.values()) == {("M1", "group")}
    nobody = opened(cast, "directory:999999", "Gone")
    assert set(nobody.values()) == {("M2", "fallback")}
    holders = opened(cast, f"right:{Entitlement.objects.get(key='agent').pk}", "Holders")
    assert (holders["ana agent"], holders["remy agent"]) == (("M1", "group"), ("M2", "fallback"))


def test_the_officer_chooses_a_group_on_the_form(cast: Cast, leads: DirectoryGroup, carla: User) -> None:
    client = make.login(carla)
    told = {"name": "Round", "systems": cast.crm.pk, "strategy": "group", "fallback": "Rosa (M2)", "due_days": 14}
    told |= {"starts_on": "2030-01-01"}
    shown = client.get(page("campaign_new")).content.decode()
    assert f'<option value="directory:{leads.pk}">Leads (2 may review)</option>' in shown
    assert "agent (1 may review)" in shown
    for wrong in ("", "directory:999999"):
        assert client.post(page("campaign_new"), {**told, "group": wrong}).status_code == 422
    counts = client.get(page("campaign_counts"), {**told, "group": f"directory:{leads.pk}"}).content.decode()
    assert "6 grants</strong> (1 privileged)" in counts
    assert "6 grants would go to the fallback" not in counts
    made = client.post(page("campaign_new"), {**told, "group": f"directory:{leads.pk}"})
    assert made.status_code == 302
    plan = CampaignPlan.objects.get()
    assert (plan.group, plan.group_name) == (f"directory:{leads.pk}", "Directory: Leads")
    plan.pk, plan.name, plan.group = None, "Another", ""
    with pytest.raises(IntegrityError, match="plan_names_its_group"), transaction.atomic():
        plan.save(force_insert=True)
