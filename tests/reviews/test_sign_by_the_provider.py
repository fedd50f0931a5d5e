"""Proving who signs by a new sign-in at the identity provider, which signs the statement's digest into its answer."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import jwt
import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.rounds import assertions
from evidence.verifier.tokens import check_token
from identities.actions import SystemFacts, save_system
from reviews.actions import decide, propose_risk, set_signing_rule, sign_risk
from reviews.kinds import Authentication, Level
from reviews.manifest import canonical_text, manifest_digest
from reviews.models import Campaign, LogSignature, Remediation, RiskProposal, RiskSignature, ScopeLine, SignOff, Waiver
from reviews.queries.logreviews import log_statement
from reviews.queries.standing import statement
from reviews.queries.waivers import waiver_statement
from tenants.kinds import Refused
from tenants.models import AuditEntry, ProviderLink, User
from tests import make
from tests.factors import Passkey
from tests.openid.running import Running
from tests.openid.tokens import proved_by_provider
from tests.reviews import periods
from tests.reviews.conftest import KEEP, REVOKE, Cast, fall_late, item, person, ready, waive
from tests.reviews.test_pages import page
from tests.reviews.test_prove_who_signs import post
from tests.reviews.test_sign import _signature, decide_all, sign

pytestmark = pytest.mark.django_db
AGAIN = re.compile('href="(/openid/again/[^"]+)"')
REMY: dict[str, Any] = {"sub": "r-1", "amr": ["pwd", "otp"]}
BUTTON = "Sign 3 decisions with this sign-in"
BY_PROVIDER = {"way": "provider"}
WAIVED = "The CRM is being replaced."
"""The reason that `waive` gives."""


@pytest.fixture
def decided(campaign: Campaign, cast: Cast, remy: User, openid: Running) -> Campaign:
    """A campaign in which every item is decided; Remy has logged in by the provider before."""
    decide_all(campaign, cast)
    ProviderLink.objects.create(user=remy, issuer=openid.issuer, subject="r-1")
    return campaign


def shown(client: Client, campaign: Campaign) -> str:
    return client.get(page("sign", campaign.pk)).content.decode()


def sign_in_again(client: Client, campaign: Campaign, openid: Running, **claims: object) -> str:
    """Go to the provider from the page of the signature and back; returns what the page says then."""
    openid.says(**REMY | claims)
    found = AGAIN.search(shown(client, campaign))
    assert found
    back = openid.walk(client, unescape(found[1]))
    assert back["Location"] == page("sign", campaign.pk)
    return shown(client, campaign)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_provider_signs_the_statements_digest_into_its_answer(
    algorithm: str, decided: Campaign, remy: User, openid: Running
) -> None:
    client = make.login(remy)
    assert BUTTON not in shown(client, decided)
    assert BUTTON in sign_in_again(client, decided, openid, alg=algorithm)
    assert post(client, decided, **BY_PROVIDER)[0] == 302
    signature = SignOff.objects.get()
    assert (signature.level, signature.methods[1]) == ("provider", "its second factor (pwd, otp)")
    kept = signature.authentication["assertion"]
    assert check_token(kept, signature.manifest.encode(), "here") == f"provider {algorithm}"
    assert carried(signature) == canonical_text(kept)
    assert not {"d", "p", "q"} & set(kept["public_key"])
    sealed = AuditEntry.objects.get(verb="campaign.sign").detail
    assert (sealed["level"], sealed["assertion"]) == ("provider", manifest_digest(canonical_text(kept)))
    receipt = client.get(page("receipt", signature.pk)).content.decode()
    assert all(
        words in receipt for words in (Level.PROVIDER.label, openid.issuer, "r-1", "(names of RFC 8176): pwd, otp")
    )
    assert signature.methods[1] not in receipt, "the level and the provider's line say it"
    assert "openid_told" not in client.session, "An answer counts once."


def carried(signature: SignOff) -> str:
    """Return what a pack of the period carries of a signature in `signatures`."""
    day, tenant = timedelta(days=1), signature.tenant
    period = Period(signature.signed_at - day, signature.signed_at + day, "UTC")
    frame = Frame(period, {}, tenant.pk, tenant.uuid, signature.signed_at + day)
    return assertions(frame)[str(signature.pk)].decode()


LIES: dict[str, Mapping[str, Any]] = {
    "another nonce": {"nonce": "0" * 64},
    "another account": {"sub": "r-2"},
    "an account without a name": {"sub": ""},
    "an old sign-in": {"auth_time": int(time.time()) - 3600},
    "a sign-in to come": {"auth_time": int(time.time()) + 3600},
    "no time": {"auth_time": None},
    "another audience": {"aud": "another-client"},
    "an old token": {"exp": int(time.time()) - 3600},
}


def test_nothing_is_signed_by_what_does_not_hold(
    decided: Campaign, remy: User, openid: Running, caplog: pytest.LogCaptureFixture
) -> None:
    client = make.login(remy)
    for lie, claims in LIES.items():
        caplog.clear()
        with caplog.at_level("INFO", "countersign.deeds"):
            text = sign_in_again(client, decided, openid, **claims)
        assert (BUTTON in text, "sign in again" in text.lower()) == (False, True), lie
        assert sum(f'"user": "{remy.email}"' in one.getMessage() for one in caplog.records) == 1, lie
    assert "too old, over another statement" in post(client, decided, **BY_PROVIDER)[1]
    assert not SignOff.objects.exists()


def test_a_decision_that_changes_after_the_sign_in_is_not_signed(
    decided: Campaign, cast: Cast, remy: User, openid: Running
) -> None:
    client, before = make.login(remy), statement(decided, person("M1"))[1]
    sign_in_again(client, decided, openid)
    decide(item=item(decided, "ana"), choice=REVOKE, by=cast.remy)
    text = shown(client, decided)
    assert ("The statement changed since you signed in again" in text, BUTTON in text) == (True, False)
    assert "too old, over another statement" in post(client, decided, **BY_PROVIDER)[1]
    status, text = post(client, decided, before, **BY_PROVIDER)
    assert (status, "The decisions changed since they were shown." in text) == (422, True)
    assert f'name="digest" value="{statement(decided, person("M1"))[1]}"' in text
    decide(item=item(decided, "ana"), choice=KEEP, by=cast.remy)
    sign_in_again(client, decided, openid)
    assert post(client, decided, **BY_PROVIDER)[0] == 302


def test_without_a_second_factor_it_signs_nothing(decided: Campaign, cast: Cast, remy: User, openid: Running) -> None:
    client = make.login(remy)
    set_signing_rule(minimum=Level.SESSION, reason="A pilot of two weeks.", by=cast.officer)
    for weak in (5, ["pwd"], None):
        text = sign_in_again(client, decided, openid, amr=weak)
        assert ("Example ID showed no second factor." in text, BUTTON in text) == (True, False)
        assert "without a second factor" in post(client, decided, **BY_PROVIDER)[1]
    assert not SignOff.objects.exists()


def test_it_is_offered_only_where_it_can_be_enough(decided: Campaign, cast: Cast, remy: User, carla: User) -> None:
    client, officer = make.login(remy), make.login(carla)
    Passkey(b"remys-phone").register(remy)
    assert AGAIN.search(shown(client, decided))
    assert Level.PROVIDER.label in officer.get(page("signing_rule")).content.decode()
    set_signing_rule(minimum=Level.PASSKEY, reason="Our client asks for it.", by=cast.officer)
    assert not AGAIN.search(shown(client, decided))
    digest = statement(decided, person("M1"))[1]
    again = {"digest": digest, "next": page("sign", decided.pk)}
    assert client.get("/openid/again/", again)["Location"].startswith("http://127.0.0.1")
    assert officer.get("/openid/again/", again).status_code == 404, "Who has no account there is not sent there."
    assert client.get("/openid/again/", again | {"next": "https://elsewhere.example"}).status_code == 404
    assert client.get("/openid/again/", again | {"digest": "x"}).status_code == 404


def test_no_provider_no_such_level(campaign: Campaign, carla: User) -> None:
    text = make.login(carla).get(page("signing_rule")).content.decode()
    assert Level.PROVIDER.label not in text


def _unsigned(claims: Mapping[str, Any]) -> str:
    """Return claims as a token that nobody signed."""
    return jwt.encode(dict(claims), None, algorithm="none")


FORGED: dict[str, Mapping[str, Any]] = {
    "about another statement": {"nonce": "0" * 64},
    "says another time": {"auth_time": 1},
    "showed no second factor": {"amr": ["pwd"]},
}


def test_the_database_takes_no_provider_that_was_asked_otherwise(
    decided: Campaign, remy: User, openid: Running
) -> None:
    sign_in_again(client := make.login(remy), decided, openid)
    right = client.session["openid_told"]
    forged = _signature(decided, *statement(decided, person("M1")))
    forged.level, forged.methods = "provider", ["sign-in at the identity provider", "its second factor (pwd, otp)"]
    forged.authenticated_at = min(timezone.now(), datetime.fromtimestamp(right["claims"]["auth_time"], UTC))
    for words, changed in FORGED.items():
        forged.authentication = {"assertion": {"id_token": _unsigned(right["claims"] | changed)}}
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            forged.save(force_insert=True)
    forged.authentication = {}
    with pytest.raises(DatabaseError, match="another statement"), transaction.atomic():
        forged.save(force_insert=True)
    forged.authentication = {"assertion": {"id_token": right["token"]}}
    forged.methods = forged.methods[:1]
    with pytest.raises(DatabaseError, match="two_components"), transaction.atomic():
        forged.save(force_insert=True)
    forged.methods = ["sign-in", "otp"]
    forged.save(force_insert=True)


Prove = Callable[[str], Authentication]
Signature = Waiver | RiskSignature | LogSignature


def waives(cast: Cast, _campaign: Campaign) -> Callable[[Prove], Signature]:
    """Have a campaign that waits for a system's list, and return the signing of its waiver."""
    billing = save_system(facts=SystemFacts("Billing", "billing", "admin*"), by=cast.officer)
    line = ScopeLine.objects.get(campaign=ready(cast, name="Both", systems=[cast.crm, billing]), system=billing)

    def signs(prove: Prove) -> Signature:
        waive(line, cast.officer, proof=prove(waiver_statement(line, WAIVED, cast.officer.name)[1]))
        return Waiver.objects.get()

    return signs


def accepts(cast: Cast, campaign: Campaign) -> Callable[[Prove], Signature]:
    """Have somebody ask to accept the risk of a late revocation, and return the second person's signing."""
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    fall_late()
    until, fix = timezone.now() + timedelta(days=20), Remediation.objects.get()
    made = propose_risk(remediation=fix, until=until, reason="The vendor's fix is coming.", by=cast.officer)
    told = {"proposal": made, "by": cast.rosa, "printed_name": "Rosa", "shown_digest": made.digest}
    return lambda prove: sign_risk(**told, proof=prove(made.digest))


def reviews_logs(cast: Cast, _campaign: Campaign) -> Callable[[Prove], Signature]:
    """Open a period of logs in which nothing happened, and return the signing of it."""
    review = periods.opened(cast, periods.schedule(cast))
    digest = log_statement(review, person("M2"), [])[1]
    return lambda prove: periods.sign(review, cast.rosa, "M2", proof=prove(digest))


def copied(right: Signature, **changes: object) -> Signature:
    """Return a signature that was taken back, to be written by hand with changes."""
    names = [one.attname for one in right._meta.concrete_fields if one.attname not in {"id", "tenant_id"}]
    return type(right)(**{name: getattr(right, name) for name in names} | changes)


@pytest.mark.parametrize("kind", [waives, accepts, reviews_logs])
def test_the_database_holds_the_provider_for_every_kind_of_signature(
    kind: Callable[[Cast, Campaign], Callable[[Prove], Signature]], campaign: Campaign, cast: Cast
) -> None:
    signs = kind(cast, campaign)
    with transaction.atomic():
        right = signs(proved_by_provider)
        transaction.set_rollback(True)
    other, weak = proved_by_provider("0" * 64), proved_by_provider(right.digest, amr=["pwd"])
    for words, authentication in (
        ("another statement", {}),
        ("another statement", dict(other.detail)),
        ("no second factor", dict(weak.detail)),
    ):
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            copied(right, authentication=authentication).save(force_insert=True)
    with pytest.raises(Refused, match="about another statement"):
        signs(lambda _digest: other)
    signed, text = signs(proved_by_provider), getattr(right, "manifest", "") or RiskProposal.objects.get().manifest
    assert signed.level == "provider"
    assert check_token(signed.authentication["assertion"], text.encode(), "here") == "provider RS256"
