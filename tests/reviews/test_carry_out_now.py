"""A revocation waits for the signature, so that a mistake is corrected; what cannot wait is carried out at once."""

from datetime import timedelta

import pytest

from reviews.actions import carry_out_now, claim_remediation, decide
from reviews.models import Campaign, Remediation
from reviews.queries.campaigns import standing
from tenants.kinds import Refused
from tenants.models import AuditEntry, User
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, item, person
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db


def test_what_cannot_wait_is_carried_out_before_the_signature_and_once(
    campaign: Campaign, cast: Cast, remy: User, rosa: User
) -> None:
    mine = item(campaign, "bob", "admin_all")
    address, client = page("carry_out", campaign.pk, mine.pk), make.login(remy)
    assert "Decide first" in client.post(address, follow=True).content.decode()
    decide_all(campaign, cast)
    assert not Remediation.objects.exists(), "it waits for the signature"
    assert "Urgent: carry it out now" in client.get(page("item", campaign.pk, mine.pk)).content.decode()
    assert make.login(rosa).post(address).status_code == 404
    with pytest.raises(Refused, match="another reviewer"):
        carry_out_now(item=mine, by=cast.rosa)
    told = client.post(address, follow=True).content.decode()
    assert "for the owner of the system to carry out now" in told
    assert "You had it carried out before your signature" in told
    fix = Remediation.objects.get()
    assert (fix.item_id, fix.owner, fix.due_at - fix.created_at) == (mine.pk, person("M2"), timedelta(days=1))
    assert AuditEntry.objects.get(verb="item.carry_out_now").detail["decision"] == fix.decision_id
    with pytest.raises(Refused, match="carried out already"):
        carry_out_now(item=mine, by=cast.remy)
    sign(campaign, cast.remy, "M1")
    assert Remediation.objects.get() == fix, "the signature begins no second one"
    with pytest.raises(Refused, match="signed"):
        carry_out_now(item=item(campaign, "ana"), by=cast.remy)


def test_a_changed_mind_before_the_signature_leaves_nothing_to_carry_out(
    campaign: Campaign, cast: Cast, carla: User
) -> None:
    mine = item(campaign, "ana")
    decide(item=mine, choice=REVOKE, by=cast.remy)
    carry_out_now(item=mine, by=cast.remy)
    decide(item=mine, choice=KEEP, by=cast.remy)
    fix = Remediation.objects.get()
    with pytest.raises(Refused, match="was changed since"):
        claim_remediation(remediation=fix, ticket="OPS-1", by=cast.officer)
    with pytest.raises(Refused, match="Decide first"):
        carry_out_now(item=mine, by=cast.remy)
    assert standing(campaign).remediations == {}
    shown = make.login(carla).get(page("remediations", campaign.pk)).content.decode()
    assert "Begun, then decided otherwise" in shown
    assert f"by Remy: {KEEP.reason}" in shown
