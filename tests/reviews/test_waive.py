"""Leaving a system out of a campaign: reasoned, signed over exactly that, and held by the database."""

import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.room.populations import items_of
from identities.actions import SystemFacts, save_system
from reviews.actions import begin_stage, collect_snapshots, open_campaign
from reviews.kinds import Authentication, Level, Strategy
from reviews.manifest import manifest_digest
from reviews.models import Campaign, ScopeLine, Waiver
from reviews.queries.waivers import waiver_statement
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import AuditEntry, User
from tenants.sharing import share
from tests import make
from tests.factors import Passkey, add_app, code_of
from tests.reviews.conftest import Cast, deliver, proof, ready, waive
from tests.reviews.test_pages import page
from tests.reviews.test_plans import refused
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db
WHY = "The CRM is being replaced."


@pytest.fixture
def line(cast: Cast) -> ScopeLine:
    """The line of Billing, whose list is missing, in a campaign over the CRM and Billing."""
    deliver(cast)
    billing = save_system(facts=SystemFacts("Billing", "billing", "admin*"), by=cast.officer)
    waiting = ready(cast, systems=[cast.crm, billing], later=[Strategy.OWNER])
    assert waiting.state == CampaignState.COLLECTING
    return ScopeLine.objects.select_related("campaign", "system").get(system=billing)


def test_a_signed_waiver_lets_the_campaign_get_ready(line: ScopeLine, cast: Cast) -> None:
    assert collect_snapshots(campaign=line.campaign, by=cast.officer).state == CampaignState.COLLECTING
    assert waive(line, cast.officer).state == CampaignState.READY
    made, text = Waiver.objects.get(), waiver_statement(line, WHY, "carla@example.org")[0]
    assert (made.manifest, made.digest) == (text, manifest_digest(text))
    assert (made.level, made.signed_by, made.printed_name) == ("code", "carla@example.org", "Carla")
    assert "without the list of Billing" in made.meaning
    sealed = AuditEntry.objects.get(verb="campaign.waive")
    assert (sealed.detail["digest"], sealed.detail["level"], sealed.detail["why"]) == (made.digest, "code", WHY)
    assert open_campaign(campaign=line.campaign, by=cast.officer).state == CampaignState.OPEN


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("not the statement that was shown", {"shown_digest": "0" * 64}),
        (
            "asked for here: password and a code",
            {"proof": Authentication(Level.SESSION, ("password", "second factor"), timezone.now())},
        ),
        ("within five minutes", {"proof": proof(seconds_ago=301)}),
    ],
)
def test_no_waiver_without_a_fresh_proof_over_this_statement(
    words: str, changes: dict[str, object], line: ScopeLine, cast: Cast
) -> None:
    with pytest.raises(Refused, match=words):
        waive(line, cast.officer, **changes)
    assert not Waiver.objects.exists()
    assert collect_snapshots(campaign=line.campaign, by=cast.officer).state == CampaignState.COLLECTING


def test_a_waiver_is_signed_once_by_those_who_run_campaigns_and_before_the_campaign_is_ready(
    line: ScopeLine, cast: Cast
) -> None:
    with pytest.raises(Refused, match="plan and run campaigns"):
        waive(line, cast.remy)
    waive(line, cast.officer)
    with pytest.raises(Refused, match="while the campaign collects its snapshots"):
        waive(line, cast.officer)
    collect_snapshots(campaign=line.campaign, by=cast.officer)


def test_a_later_stage_keeps_the_signed_waiver(line: ScopeLine, cast: Cast) -> None:
    waive(line, cast.officer)
    first = open_campaign(campaign=line.campaign, by=cast.officer)
    decide_all(first, cast)
    for by, who in ((cast.remy, "M1"), (cast.rosa, "M2")):
        sign(first, by, who)
    second = begin_stage(campaign=Campaign.objects.get(pk=first.pk), by=cast.officer)
    assert second.state == CampaignState.READY
    assert ScopeLine.objects.get(campaign=second, system=line.system).waiver == Waiver.objects.get()


def attack(words: str, line: ScopeLine, **fields: object) -> None:
    """Change a line around the action; the database must refuse it with these words."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        ScopeLine.objects.filter(pk=line.pk).update(**fields)


def test_the_database_takes_no_waiver_that_nobody_signed(line: ScopeLine, cast: Cast) -> None:
    told = {"waiver_reason": WHY, "waived_by": "carla@example.org"}
    attack("only by a signed waiver", line, **told)
    gate = Campaign.objects.filter(pk=line.campaign_id)
    with pytest.raises(DatabaseError, match="complete snapshot or a waiver"), transaction.atomic():
        gate.update(state="ready")
    waive(line, cast.officer)
    gate.update(state="collecting")
    signed = Waiver.objects.get()
    attack("only by a signed waiver", line, **told, waiver=None)
    attack("only by a signed waiver", line, waiver_reason="Another reason than was signed.")
    attack("only by a signed waiver", line, waived_by="rosa@example.org")
    attack("only by a signed waiver", ScopeLine.objects.get(system=cast.crm), **told, snapshot=None, waiver=signed)
    other = ready(cast, name="Next year", systems=[line.system])
    attack("only by a signed waiver", ScopeLine.objects.get(campaign=other), **told, waiver=signed)
    for statement in ("UPDATE reviews_waiver SET reason = 'Something else.'", "DELETE FROM reviews_waiver"):
        refused("permission denied", statement)


FORGERIES: dict[str, tuple[str, dict[str, object]]] = {
    "another reason": ("does not say what is waived", {"reason": "Another reason than was signed."}),
    "another signer": ("does not say what is waived", {"signed_by": "rosa@example.org"}),
    "another digest": ("does not say what is waived", {"digest": "0" * 64}),
    "a stranger": ("not a person of this tenant", {"signer_user": 0}),
    "another time": ("bears the time", {"signed_at": timezone.now() - timedelta(hours=1)}),
    "no level": ("stronger proof", {"level": ""}),
    "a weak level": ("stronger proof", {"level": "session"}),
    "one component": ("waiver_rests_on_two_components", {"methods": ["password"]}),
    "an old proof": ("waiver_follows_its_auth", {"authenticated_at": timezone.now() - timedelta(hours=1)}),
    "no name": ("waiver_says_who_and_why", {"printed_name": ""}),
    "a passkey that signed nothing": ("signed another statement", {"level": "passkey"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_database_takes_no_forged_waiver(forgery: str, line: ScopeLine, cast: Cast) -> None:
    words, changes = FORGERIES[forgery]
    text, digest = waiver_statement(line, WHY, "carla@example.org")
    facts: dict[str, object] = {"reason": WHY, "manifest": text, "digest": digest, "signed_by": "carla@example.org"}
    facts |= {"signer_user": cast.officer.user_id, "printed_name": "Carla", "meaning": "I answer for it."}
    facts |= {"level": "code", "methods": ["password", "code"], "authenticated_at": proof().authenticated_at}
    right = {"campaign": line.campaign, "system": line.system, **facts, "signed_at": timezone.now()}
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        Waiver.objects.create(**{**right, **changes})
    Waiver.objects.create(**right)


def test_a_campaign_that_is_ready_takes_no_waiver(line: ScopeLine, cast: Cast) -> None:
    waive(line, cast.officer)
    fresh = Waiver.objects.get()
    fresh.pk, fresh.system = None, cast.crm
    text, fresh.digest = waiver_statement(ScopeLine.objects.get(system=cast.crm), WHY, fresh.signed_by)
    fresh.manifest = text
    with pytest.raises(DatabaseError, match="while the campaign collects"), transaction.atomic():
        fresh.save(force_insert=True)


def address(line: ScopeLine, reason: str = WHY) -> str:
    return f"{page('waive', line.pk)}?{urlencode({'reason': reason})}"


def post(client: Client, line: ScopeLine, **typed: object) -> tuple[int, str]:
    """Send the signature's form; returns the status, and what the page says or where it leads."""
    digest = waiver_statement(line, WHY, "carla@example.org")[1]
    answer = client.post(address(line), {"printed_name": "Carla Ruiz", "digest": digest, **typed}, secure=True)
    return answer.status_code, answer.get("Location", answer.content.decode())


def test_the_officer_reads_the_waiver_and_signs_it_with_a_passkey(line: ScopeLine, carla: User) -> None:
    key, client = Passkey(b"carlas-phone"), make.login(carla)
    key.register(carla)
    assert page("waive", line.pk) in client.get(page("campaign", line.campaign_id)).content.decode()
    assert "Read the waiver, then sign" in client.get(page("waive", line.pk)).content.decode()
    assert "at least 10 characters" in client.get(address(line, "short")).content.decode()
    digest = waiver_statement(line, WHY, "carla@example.org")[1]
    shown = client.get(address(line), secure=True).content.decode()
    assert (digest in shown, "Sign the waiver with a passkey" in shown) == (True, True)
    assert "does not fit this statement" in post(client, line, credential=json.dumps(key.answer(bytes(32))))[1]
    right = json.dumps(key.answer(bytes.fromhex(digest)))
    assert post(client, line, credential=right) == (302, page("campaign", line.campaign_id))
    made = Waiver.objects.get()
    assert (made.level, made.printed_name) == ("passkey", "Carla Ruiz")
    after = client.get(page("campaign", line.campaign_id)).content.decode()
    assert "passkey over this very statement" in after
    assert "while the campaign collects its snapshots" in client.get(address(line)).content.decode()


def test_nobody_signs_a_waiver_without_a_second_factor(line: ScopeLine, carla: User, remy: User) -> None:
    client = make.login(carla)
    text = client.get(address(line)).content.decode()
    assert "A signature needs a second proof beside your password, and you have set up none." in text
    assert 'name="password"' not in text
    assert post(client, line, password=make.PASSWORD)[0] == 422
    assert not Waiver.objects.exists()
    assert make.login(remy).get(address(line)).status_code == 403
    secret = add_app(carla)
    assert post(client, line, password=make.PASSWORD, code=code_of(secret))[0] == 302
    assert Waiver.objects.get().level == "code"


def test_the_auditor_reads_who_signed_for_the_missing_list(line: ScopeLine, cast: Cast, axel: User) -> None:
    waive(line, cast.officer)
    opened = open_campaign(campaign=line.campaign, by=cast.officer)
    share(opened, user=axel, by=cast.officer)
    signed = Waiver.objects.get()
    room = make.login(axel).get(reverse("portal:room_campaign", args=["northwind", opened.pk])).content.decode()
    assert f"{WHY} (waived by carla@example.org, signed" in room
    assert f"password and a code of the authenticator app, SHA-256 {signed.digest}" in re.sub("<.*?>", "", room)
    told = dict(items_of(opened).own)["List of Billing"]
    assert told == f"No list: {WHY} (signed {signed.signed_at.isoformat()}, code, SHA-256 {signed.digest})"
