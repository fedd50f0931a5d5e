"""Accepting a risk: one person asks, another signs exactly that, for a time within the rules; then it is open again."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identities.models import Identity
from reviews.actions import close_campaign, propose_risk, sign_risk, verify_remediations
from reviews.models import Campaign, Remediation, RiskProposal, RiskSignature
from tenants.kinds import Actor, Refused, Role
from tenants.models import AuditEntry, Tenant, User
from tests import make
from tests.database import without_triggers
from tests.factors import Passkey
from tests.reviews.conftest import Cast, accept, fall_late, person, proof
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db
WHY = "The vendor's fix is coming."


@pytest.fixture
def fix(campaign: Campaign, cast: Cast) -> Remediation:
    """A revocation of Bob's administration, signed by every reviewer and late."""
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    fall_late()
    return Remediation.objects.get()


def attempt(proposal: RiskProposal, by: Actor, **changes: object) -> RiskSignature:
    facts: dict[str, object] = {"printed_name": "X", "shown_digest": proposal.digest, "proof": proof(), **changes}
    return sign_risk(proposal=proposal, by=by, **facts)


def test_a_proposal_stops_no_clock_until_a_second_person_signs_it(fix: Remediation, cast: Cast) -> None:
    now = timezone.now()
    made = propose_risk(remediation=fix, until=now + timedelta(days=20), reason=WHY, by=cast.officer)
    fix.refresh_from_db()
    assert (fix.state, fix.is_late(now)) == ("open", True)
    for by, words, changes in (
        (cast.officer, "A second person signs it", {}),
        (cast.remy, "by the owner of the system and those who run", {}),
        (Actor.system("tests", cast.officer.tenant_id), "Only a person", {}),
        (cast.rosa, "not the statement that was shown", {"shown_digest": "0" * 64}),
        (cast.rosa, "within five minutes", {"proof": proof(seconds_ago=301)}),
    ):
        with pytest.raises(Refused, match=words):
            attempt(made, by, **changes)
    signature = attempt(made, cast.rosa)
    fix.refresh_from_db()
    assert (fix.state, fix.accepted_until, fix.is_late(now)) == ("risk_accepted", made.until, False)
    entry = AuditEntry.objects.get(verb="risk.sign")
    assert (entry.detail["digest"], entry.leaf_kind) == (signature.digest, 8)
    assert json.loads(made.manifest)["reason"] == WHY
    with pytest.raises(Refused, match="risk accepted for a time"):
        attempt(made, cast.rosa)


def test_at_its_end_the_revocation_is_open_and_late_again(fix: Remediation, cast: Cast) -> None:
    accept(fix, cast.rosa, cast.officer, timezone.now() + timedelta(days=9))
    Remediation.objects.update(accepted_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Refused, match="not verified"):
        close_campaign(campaign=Campaign.objects.get(), by=cast.officer)
    assert verify_remediations(by=cast.officer).expired == 1
    fix.refresh_from_db()
    assert (fix.state, fix.is_late(timezone.now())) == ("open", True)


def test_a_proposal_has_a_reason_and_an_end_within_the_rules(fix: Remediation, cast: Cast) -> None:
    now = timezone.now()
    for until, reason, by, words in (
        (now, WHY, cast.officer, "in the future"),
        (now + timedelta(days=31), WHY, cast.officer, "at most 30 days"),
        (now + timedelta(days=3), "later", cast.officer, "at least 10 characters"),
        (now + timedelta(days=3), WHY, cast.remy, "by the owner of the system"),
    ):
        with pytest.raises(Refused, match=words):
            propose_risk(remediation=fix, until=until, reason=reason, by=by)


SIGNED = (
    "INSERT INTO reviews_risksignature (tenant_id, proposal_id, remediation_id, asker_user, asker_key, subject_key,"
    " digest, signer_user, signer_key, signed_by, printed_name, meaning, level, methods, authentication,"
    " authenticated_at, signed_at) SELECT tenant_id, id, remediation_id, {asker}, asker_key, subject_key, {digest},"
    " {signer}, {key}, 'x', 'x', 'x', {level}, '[\"a\", \"b\"]', '{{}}', now(), now() FROM reviews_riskproposal"
)
PROPOSED = (
    "INSERT INTO reviews_riskproposal (tenant_id, remediation_id, until, reason, asked_at, asked_by, asker_user,"
    " asker_key, subject_key, manifest, digest) SELECT tenant_id, remediation_id, {until}, reason, now(), asked_by,"
    " {asker}, {key}, subject_key, manifest, digest FROM reviews_riskproposal"
)
ACCEPTED = (
    "UPDATE reviews_remediation SET state = 'risk_accepted', accepted_until = now() + interval '1 day',"
    " accepted_reason = 'Nobody else has to know.', accepted_by = 'x'"
)


def refused(words: str, statement: str) -> None:
    """Run a statement by SQL as the app role, with every deferred check; it must be refused in these words."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def made(fix: Remediation, cast: Cast) -> RiskProposal:
    """What the officer asks for, for nine days."""
    until = timezone.now() + timedelta(days=9)
    return propose_risk(remediation=fix, until=until, reason=WHY, by=cast.officer)


def test_the_database_holds_that_two_people_accept(made: RiskProposal, cast: Cast, in_bpo: Tenant) -> None:
    carla, rosa, bob = cast.officer.user_id, cast.rosa.user_id, make.user("bob")
    make.member(bob, in_bpo, Role.OFFICER)
    Identity.objects.filter(external_id="E2").update(user=bob)
    right = {"asker": carla, "digest": "digest", "signer": rosa, "key": person("M2").pk, "level": "'code'"}
    for changes, words in (
        ({"signer": carla, "key": 0}, "risk_is_signed_by_a_second_person"),
        ({"signer": carla, "key": 0, "asker": rosa}, "risk_signature_copies_its_proposal"),
        ({"digest": "repeat('0', 64)"}, "risk_signature_copies_its_proposal"),
        ({"key": 0}, "not a person of this tenant"),
        ({"signer": make.user("stranger").pk, "key": 0}, "not a person of this tenant"),
        ({"signer": bob.pk, "key": person("E2").pk}, "nobody_signs_their_own_risk"),
        ({"level": "'session'"}, "stronger proof"),
    ):
        refused(words, SIGNED.format(**{**right, **changes}))
    refused("by two people", ACCEPTED)
    attempt(made, cast.rosa)
    whole, endless = "risk_acceptance_has_end_reason_and_person", "UPDATE reviews_remediation SET accepted_until = NULL"
    refused("no longer than both signed", endless)
    with pytest.raises(DatabaseError, match=whole), transaction.atomic():
        without_triggers(endless)
    refused(whole, "UPDATE reviews_remediation SET accepted_reason = 'because'")
    refused(whole, "UPDATE reviews_remediation SET accepted_by = ''")
    refused("cannot be accepted now", SIGNED.format(**right))


def test_the_database_holds_the_end_and_the_statement(made: RiskProposal, cast: Cast) -> None:
    mine = {"until": "until", "asker": cast.officer.user_id, "key": 0}
    for changes, words in (
        ({"until": "until + interval '1 day'"}, "does not say what is proposed"),
        ({"until": "until + interval '40 days'"}, "at most 30 days"),
        ({"asker": cast.rosa.user_id}, "not a person of this tenant"),
    ):
        refused(words, PROPOSED.format(**{**mine, **changes}))
    attempt(made, cast.rosa)
    longer = "UPDATE reviews_remediation SET accepted_until = accepted_until + interval '1 day'"
    refused("no longer than both signed", longer)
    refused("permission denied", "UPDATE reviews_riskproposal SET until = until + interval '1 year'")
    refused("permission denied", "DELETE FROM reviews_risksignature")


def test_one_asks_on_the_page_and_the_other_signs_with_a_passkey(
    fix: Remediation, carla: User, rosa: User, remy: User
) -> None:
    asker, signer, key = make.login(carla), make.login(rosa), Passkey(b"rosas-phone")
    later = (timezone.localtime() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    told = {"until": "2020-01-01T09:00", "reason": WHY}
    assert "in the future" in asker.post(page("accept", fix.pk), told).content.decode()
    assert asker.post(page("accept", fix.pk), {**told, "until": later}).status_code == 302
    made = RiskProposal.objects.get()
    path = page("risk", made.pk)
    assert "waits for a second person" in asker.get(path, secure=True).content.decode()
    assert "accepted risk" in signer.get(page("inbox"), secure=True).content.decode()
    assert make.login(remy).get(path, secure=True).status_code == 404
    assert make.login(remy).get(page("accept", fix.pk), secure=True).status_code == 404
    key.register(rosa)
    assert "Accept this risk" in signer.get(path, secure=True).content.decode()
    sent = {"printed_name": "Rosa Marin", "digest": made.digest}
    wrong = {**sent, "credential": json.dumps(key.answer(bytes(32)))}
    assert "does not fit this statement" in signer.post(path, wrong, secure=True).content.decode()
    right = {**sent, "credential": json.dumps(key.answer(bytes.fromhex(made.digest)))}
    assert signer.post(path, right, secure=True).status_code == 302
    assert RiskSignature.objects.get().level == "passkey"
    for client, where in ((asker, page("remediations", fix.campaign_id)), (signer, page("risks")), (asker, path)):
        assert "rosa@example.org" in client.get(where, secure=True).content.decode(), where
