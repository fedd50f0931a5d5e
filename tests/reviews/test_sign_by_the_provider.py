"""Proving who signs by a new sign-in at the identity provider, which signs the statement's digest into its answer."""

import re
import time
from collections.abc import Mapping
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
from reviews.actions import decide, set_signing_rule
from reviews.kinds import Level
from reviews.manifest import canonical_text, manifest_digest
from reviews.models import Campaign, SignOff
from reviews.queries.standing import statement
from tenants.models import AuditEntry, ProviderLink, User
from tests import make
from tests.factors import Passkey
from tests.openid.running import Running
from tests.reviews.conftest import KEEP, REVOKE, Cast, item, person
from tests.reviews.test_pages import page
from tests.reviews.test_prove_who_signs import post
from tests.reviews.test_sign import _signature, decide_all

pytestmark = pytest.mark.django_db
AGAIN = re.compile('href="(/openid/again/[^"]+)"')
REMY: dict[str, Any] = {"sub": "r-1", "amr": ["pwd", "otp"]}
BUTTON = "Sign 3 decisions with this sign-in"
BY_PROVIDER = {"way": "provider"}


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
