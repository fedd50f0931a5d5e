"""Silence: what the deadline does to what nobody decided, what owners answer, and that nothing is ever approved."""

import pytest
from django.db import DatabaseError, connection, transaction

from reviews.actions import answer_silence, claim_remediation, close_campaign, close_deciding, verify_remediations
from reviews.kinds import Outcome, Silence, SilenceAnswer
from reviews.models import Campaign, Decision, Finding, Remediation, SilentItem
from reviews.queries.campaigns import blockers, reviewer_lines, standing
from reviews.queries.deadline import deadline_effect, silences_for
from reviews.states import CampaignState
from tenants.kinds import Actor, Refused
from tenants.models import Tenant, User
from tests import make
from tests.reviews.conftest import CRM, Cast, deliver, fall_due, item, person, plan, ready

pytestmark = pytest.mark.django_db
WHY = "Nobody knows what it is for."


@pytest.fixture
def late(campaign: Campaign, cast: Cast) -> Campaign:
    """The campaign after its deadline; nobody decided anything."""
    fall_due(campaign)
    return close_deciding(campaign=campaign, by=cast.officer)


def refused(sql: str, sqlstate: str, *values: object) -> None:
    """Assert that the database itself refuses a statement of the app role."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.sqlstate == sqlstate


def test_the_deadline_is_shown_before_it_comes_and_before_the_opening(cast: Cast, campaign: Campaign) -> None:
    waiting = ready(cast, name="Again", silence_standard=Silence.REVOKE)
    for one, standard in ((campaign, Silence.NOT_DECIDED), (waiting, Silence.REVOKE)):
        effect = deadline_effect(one)
        assert effect is not None
        assert (effect.privileged, effect.standard, effect.standard_rule) == (1, 5, standard)
    assert effect.asked == 6


def test_privileged_access_waits_for_the_owner_and_the_rest_is_a_finding(late: Campaign, cast: Cast) -> None:
    assert late.state == CampaignState.REMEDIATING
    assert {d.outcome for d in Decision.objects.all()} == {Outcome.NOT_DECIDED}
    (silence,) = silences_for(person("M2"))
    assert (silence.item, silence.answer, silence.confirmer) == (item(late, "bob", "admin_all"), "", person("M2"))
    assert "1 of them privileged" in Finding.objects.get(kind="not_decided").sentence
    told = blockers(late, standing(late), reviewer_lines(late))
    assert told == ["1 grant that nobody decided waits for the answer of the system's owner."]
    with pytest.raises(Refused, match="not verified"):
        close_campaign(campaign=late, by=cast.officer)


def test_a_confirmed_revocation_is_carried_out_and_verified_like_any(late: Campaign, cast: Cast) -> None:
    silence = SilentItem.objects.get()
    for actor in (cast.remy, cast.officer):
        with pytest.raises(Refused):
            answer_silence(silence=silence, answer=SilenceAnswer.REVOKE, reason=WHY, by=actor)
    answer_silence(silence=silence, answer=SilenceAnswer.REVOKE, reason=WHY, by=cast.rosa)
    with pytest.raises(Refused, match="answered already"):
        answer_silence(silence=silence, answer=SilenceAnswer.KEEP, reason=WHY, by=cast.rosa)
    fix = Remediation.objects.get()
    assert fix.decision.outcome == Outcome.NOT_DECIDED
    with pytest.raises(Refused, match="not verified"):
        close_campaign(campaign=late, by=cast.officer)
    claim_remediation(remediation=fix, ticket="CHG-9", by=cast.officer)
    deliver(cast, CRM.replace(b"bob,admin_all,E2,human\n", b""), days_ago=0)
    assert verify_remediations(by=cast.officer).verified == 1
    assert close_campaign(campaign=late, by=cast.officer).state == CampaignState.CLOSED


def test_what_the_owner_keeps_stays_not_decided(late: Campaign, cast: Cast) -> None:
    answer_silence(silence=SilentItem.objects.get(), answer=SilenceAnswer.KEEP, reason=WHY, by=cast.rosa)
    assert not Remediation.objects.exists()
    assert close_campaign(campaign=late, by=cast.officer).state == CampaignState.CLOSED
    assert standing(late).not_decided == 6


def test_when_the_owner_left_the_officer_answers(
    late: Campaign, cast: Cast, rosa: User, carla: User, in_bpo: Tenant
) -> None:
    type(rosa).objects.filter(pk=rosa.pk).update(is_active=False)
    person("M1").__class__.objects.filter(external_id="E3").update(user=carla)
    told: Actor = make.actor(carla, in_bpo)
    answer_silence(silence=SilentItem.objects.get(), answer=SilenceAnswer.KEEP, reason=WHY, by=told)
    assert SilentItem.objects.get().answerer == person("E3")


def test_the_database_holds_the_rules_of_silence(late: Campaign, campaign: Campaign, cast: Cast) -> None:
    row, bob = SilentItem.objects.get(), person("E2")
    answer = (
        "UPDATE reviews_silentitem SET answer = 'keep', reason = %s, answered_at = now(), answered_by = 'x', "
        "answerer_id = %s WHERE id = %s"
    )
    refused(answer, "23514", WHY, bob.pk, row.pk)
    refused(answer, "23514", "short", person("M2").pk, row.pk)
    refused("UPDATE reviews_silentitem SET subject_key = 0 WHERE id = %s", "42501", row.pk)
    refused("DELETE FROM reviews_silentitem WHERE id = %s", "42501", row.pk)
    refused(
        "UPDATE reviews_campaign SET state = 'closed', closed_at = now(), closed_by = 'x' WHERE id = %s",
        "UA015",
        late.pk,
    )
    with pytest.raises(DatabaseError, match="silence_is_never_an_approval"):
        plan(cast, "Approves", silence_standard="approve")
    other = Decision.objects.exclude(pk=row.decision_id).first()
    assert other is not None
    fix = (
        "INSERT INTO reviews_remediation (tenant_id, campaign_id, decision_id, item_id, state, created_at, due_at, "
        "ticket, claimed_by, accepted_reason, accepted_by, reopened) "
        "VALUES (%s, %s, %s, %s, 'open', now(), now(), '', '', '', '', 0)"
    )
    refused(fix, "UA010", late.tenant_id, late.pk, other.pk, other.item_id)


def test_the_owner_answers_on_a_page_of_their_own(late: Campaign, cast: Cast, in_bpo: Tenant, rosa: User) -> None:
    client, silence = make.login(rosa), SilentItem.objects.get()
    assert b"Confirm 1 revocation" in client.get("/t/northwind/inbox/").content
    assert b"admin_all" in client.get("/t/northwind/unanswered/").content
    told = client.post(f"/t/northwind/unanswered/{silence.pk}/", {"answer": "revoke", "reason": WHY}, follow=True)
    assert b"Nothing waits for your answer" in told.content
    assert Remediation.objects.get().decision_id == silence.decision_id


def test_the_campaigns_page_says_what_the_deadline_will_do(campaign: Campaign, carla: User) -> None:
    page = " ".join(make.login(carla).get(f"/t/northwind/campaigns/{campaign.pk}/").content.decode().split())
    assert "<strong>1 privileged grant</strong>: not decided; revoked once the owner of the system confirms." in page
    assert "<strong>5 other grants</strong>: not decided, with a finding." in page
