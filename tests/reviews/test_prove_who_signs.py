"""Proving who signs: a passkey over the statement, a code, the log-in's second factor; and what is too weak here."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils.html import escape
from fido2.cose import ES256, RS256, CoseKey, EdDSA

from reviews.actions import decide, set_signing_rule
from reviews.kinds import Level
from reviews.manifest import canonical_text, manifest_digest
from reviews.models import Campaign, SigningRule, SignOff
from reviews.queries.standing import statement
from tenants.kinds import Refused
from tenants.models import AuditEntry, User
from tests import make
from tests.factors import PRESENT, Passkey, add_app, code_of
from tests.reviews.conftest import REVOKE, Cast, item, person
from tests.reviews.test_pages import page
from tests.reviews.test_sign import _signature, decide_all

pytestmark = pytest.mark.django_db
CHALLENGE = re.compile(r'"challenge": "([\w-]+)"')


@pytest.fixture
def decided(campaign: Campaign, cast: Cast) -> Campaign:
    """A campaign in which every item is decided."""
    decide_all(campaign, cast)
    return campaign


def post(client: Client, campaign: Campaign, digest: str = "", **typed: object) -> tuple[int, str]:
    """Send the signature's form; returns the status, and what the page says or where the receipt is."""
    digest = digest or statement(campaign, person("M1"))[1]
    path, told = page("sign", campaign.pk), {"printed_name": "Remy Roe", "digest": digest, **typed}
    answer = client.post(path, told, secure=True)
    return answer.status_code, answer.get("Location", answer.content.decode())


def by_passkey(client: Client, campaign: Campaign, answer: dict[str, object], digest: str = "") -> tuple[int, str]:
    """Send the form with the answer of a passkey."""
    return post(client, campaign, digest, credential=json.dumps(answer))


@pytest.mark.parametrize("kind", [ES256, EdDSA, RS256])
def test_a_passkey_signs_the_statement_itself(kind: type[CoseKey], decided: Campaign, remy: User) -> None:
    key, client = Passkey(b"remys-phone", kind), make.login(remy)
    key.register(remy)
    text, digest, _count = statement(decided, person("M1"))
    found = CHALLENGE.search(client.get(page("sign", decided.pk), secure=True).content.decode())
    assert found
    assert base64.urlsafe_b64decode(found[1] + "=") == bytes.fromhex(digest)
    status, where = by_passkey(client, decided, key.answer(bytes.fromhex(digest)))
    signature = SignOff.objects.get()
    assert (status, where, signature.level) == (302, page("receipt", signature.pk), "passkey")
    kept = signature.authentication["assertion"]
    assert (kept["sign_count"], kept["relying_party"]) == (1, "testserver")
    assert base64.b64decode(kept["credential_id"]) == b"remys-phone"
    sealed = AuditEntry.objects.get(verb="campaign.sign").detail
    assert sealed["assertion"] == manifest_digest(canonical_text(kept))
    shown = client.get(where).content.decode()
    assert all(words in shown for words in ("Remy Roe", escape(signature.meaning), digest, Level.PASSKEY.label))
    assert signature.manifest == text


def _other(key: Passkey, right: bytes) -> dict[str, object]:
    stranger = Passkey(key.name)
    return stranger.answer(right)


def _unverified(key: Passkey, right: bytes) -> dict[str, object]:
    key.flags = PRESENT
    return key.answer(right)


def _elsewhere(key: Passkey, right: bytes) -> dict[str, object]:
    key.host = "elsewhere.example"
    return key.answer(right)


def _unknown(key: Passkey, right: bytes) -> dict[str, object]:
    key.name = b"never-registered"
    return key.answer(right)


FORGERIES: dict[str, Callable[[Passkey, bytes], dict[str, object]]] = {
    "another challenge": lambda key, _right: key.answer(bytes(32)),
    "another deed": lambda key, right: key.answer(right, "webauthn.create"),
    "another key": _other,
    "an unknown passkey": _unknown,
    "another site": _elsewhere,
    "a holder who was not checked": _unverified,
    "no answer at all": lambda _key, _right: {"response": 7},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_passkey_that_did_not_sign_this_statement_signs_nothing(forgery: str, decided: Campaign, remy: User) -> None:
    key, client = Passkey(b"remys-phone"), make.login(remy)
    key.register(remy)
    answer = FORGERIES[forgery](key, bytes.fromhex(statement(decided, person("M1"))[1]))
    status, text = by_passkey(client, decided, answer)
    assert (status, "does not fit this statement" in text, SignOff.objects.count()) == (422, True, 0)


def test_a_decision_that_changes_after_the_passkey_signed_is_not_signed(
    decided: Campaign, cast: Cast, remy: User
) -> None:
    key, client = Passkey(b"remys-phone"), make.login(remy)
    key.register(remy)
    shown = statement(decided, person("M1"))[1]
    answer = key.answer(bytes.fromhex(shown))
    decide(item=item(decided, "ana"), choice=REVOKE, by=cast.remy)
    status, text = by_passkey(client, decided, answer, shown)
    assert (status, "The decisions changed since they were shown." in text) == (422, True)
    now = statement(decided, person("M1"))[1]
    assert "does not fit" in by_passkey(client, decided, answer, now)[1]
    assert f'name="digest" value="{now}"' in text
    assert by_passkey(client, decided, key.answer(bytes.fromhex(now)))[0] == 302


@pytest.mark.parametrize("forgery", ["another statement", "another deed", "a holder who was not checked", "nothing"])
def test_the_database_takes_no_passkey_that_did_not_sign_this_statement(forgery: str, decided: Campaign) -> None:
    text, digest, count = statement(decided, person("M1"))
    key, challenge = Passkey(b"remys-phone"), bytes.fromhex(digest)
    key.flags = PRESENT if forgery == "a holder who was not checked" else key.flags
    forged = _signature(decided, text, digest, count)
    forged.level, forged.methods = "passkey", ["passkey", "its PIN or biometric"]
    answer = key.answer(
        bytes(32) if forgery == "another statement" else challenge,
        "webauthn.create" if forgery == "another deed" else "webauthn.get",
    )
    forged.authentication = {} if forgery == "nothing" else {"assertion": _kept(answer)}
    words = "did not check who holds it" if forgery == "a holder who was not checked" else "signed another statement"
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        forged.save(force_insert=True)
    forged.authentication = {"assertion": _kept(Passkey(b"remys-phone").answer(challenge))}
    forged.save(force_insert=True)


def _kept(answer: dict[str, Any]) -> dict[str, str]:
    """Return the parts of an answer that the database looks at, as the signature keeps them."""
    names = {"client_data": "clientDataJSON", "authenticator_data": "authenticatorData"}
    parts = {name: base64.urlsafe_b64decode(answer["response"][key] + "===") for name, key in names.items()}
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}


def test_a_code_with_the_password_is_the_weaker_way(decided: Campaign, remy: User) -> None:
    secret, client = add_app(remy), make.login(remy)
    text = client.get(page("sign", decided.pk)).content.decode()
    assert ("Code of your authenticator app" in text, "Sign 3 decisions" in text) == (True, True)
    for wrong in ({"password": "wrong", "code": code_of(secret)}, {"password": make.PASSWORD, "code": "000000"}):
        assert "The password or the code is not right." in post(client, decided, **wrong)[1]
    assert "code is not right" in post(client, decided, password=make.PASSWORD)[1]
    assert post(client, decided, password=make.PASSWORD, code=code_of(secret))[0] == 302
    assert SignOff.objects.get().level == "code"


def test_nobody_signs_without_a_second_factor(decided: Campaign, cast: Cast, remy: User) -> None:
    set_signing_rule(minimum=Level.SESSION, reason="A pilot of two weeks.", by=cast.officer)
    client = make.login(remy)
    text = client.get(page("sign", decided.pk)).content.decode()
    assert "You cannot sign yet." in text
    assert 'href="/accounts/2fa/">Set up a passkey or an authenticator app' in text
    assert 'name="password"' not in text
    assert post(client, decided, password=make.PASSWORD)[0] == 422
    assert not SignOff.objects.exists()


def test_the_officer_sets_the_weakest_proof_that_signs(decided: Campaign, cast: Cast, remy: User, carla: User) -> None:
    add_app(remy)
    client, officer = make.login(remy), make.login(carla)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "type": "totp"}]
    session["account_authentication_methods_user"] = str(remy.pk)
    session.save()
    weak = {"password": make.PASSWORD}
    assert post(client, decided, **weak)[0] == 422
    for level, words in ((Level.PASSKEY, "You cannot sign yet."), (Level.SESSION, "Your password, again")):
        told = {"minimum": level, "reason": "Our client asks for it."}
        assert officer.post(page("signing_rule"), told)["Location"] == page("signing_rule")
        assert words in client.get(page("sign", decided.pk)).content.decode()
    assert "Our client asks for it." in officer.get(page("signing_rule")).content.decode()
    assert client.get(page("signing_rule")).status_code == 403
    assert post(client, decided, password="wrong")[0] == 422
    assert post(client, decided, **weak)[0] == 302
    assert SignOff.objects.get().level == "session"
    assert [rule.minimum for rule in SigningRule.objects.order_by("id")] == ["passkey", "session"]
    with pytest.raises(Refused, match="plan and run campaigns"):
        set_signing_rule(minimum=Level.CODE, reason="I would rather not.", by=cast.remy)


def test_a_rule_about_signing_is_never_changed_afterwards(cast: Cast) -> None:
    set_signing_rule(minimum=Level.PASSKEY, reason="Our client asks for it.", by=cast.officer)
    with pytest.raises(Refused, match="asked for already"):
        set_signing_rule(minimum=Level.PASSKEY, reason="Our client asks for it.", by=cast.officer)
    for deed in (SigningRule.objects.all().delete, lambda: SigningRule.objects.update(minimum="session")):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            deed()


def test_nobody_finds_the_password_by_trying_to_sign(
    decided: Campaign, remy: User, caplog: pytest.LogCaptureFixture
) -> None:
    secret, client = add_app(remy), make.login(remy)
    with caplog.at_level("INFO", "countersign.deeds"):
        for n in range(10):
            post(client, decided, password=f"guess {n}", code="123456")
    failures = [record for record in caplog.records if '"failure"' in record.getMessage()]
    assert (len(failures), remy.email in failures[0].getMessage()) == (10, True)
    late = post(client, decided, password=make.PASSWORD, code=code_of(secret))
    assert "You tried too often." in late[1]
    assert not SignOff.objects.exists()
