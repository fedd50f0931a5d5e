"""Logging in by the identity provider: who is let in, who is not, and what it leaves."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from portal.openidplace import openid_provider
from tenants.models import ProviderLink, User
from tests import make
from tests.openid.running import Running

pytestmark = pytest.mark.django_db
BEGIN = "/openid/"
OLGA: dict[str, Any] = {"sub": "o-1", "email": "Olga@example.org", "email_verified": True}


def deeds(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "countersign.deeds"]


def test_a_person_logs_in_by_the_provider_and_is_tied_to_their_account_there(
    openid: Running, olga: User, caplog: pytest.LogCaptureFixture
) -> None:
    openid.says(**OLGA)
    client = Client()
    page = client.get(reverse("account_login"), {"next": "/preferences/"}).content.decode()
    assert 'href="/openid/?next=%2Fpreferences%2F"' in page
    asked = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)
    assert (asked["code_challenge_method"], asked["scope"], "prompt" in asked) == (["S256"], ["openid email"], False)
    with caplog.at_level("INFO", "countersign.deeds"):
        assert openid.walk(client, "/openid/?next=/preferences/")["Location"] == "/preferences/"
    assert client.session["_auth_user_id"] == str(olga.pk)
    assert ['"outcome": "success"' in line and olga.email in line for line in deeds(caplog)] == [True]
    again = Client()
    assert openid.walk(again, "/openid/?next=https://elsewhere.example/")["Location"] == "/"
    assert list(ProviderLink.objects.values_list("user", "issuer", "subject")) == [(olga.pk, openid.issuer, "o-1")]
    openid.says(**OLGA, alg="ES256")
    assert openid.walk(Client(), BEGIN).status_code == 302


LIES: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "another-client"},
    "another party": {"aud": ["countersign", "other"], "azp": "other"},
    "another issuer": {"iss": "https://elsewhere.example"},
    "another nonce": {"nonce": "another"},
    "an old token": {"exp": int(time.time()) - 3600},
    "an address that is not verified": {"email_verified": False},
    "a word for yes": {"email_verified": "true"},
    "no address": {"email": ""},
    "an unknown address": {"email": "nobody@example.org"},
    "a closed account": {"email": "gone@example.org"},
}


def test_nobody_is_logged_in_by_what_does_not_hold(
    openid: Running, olga: User, caplog: pytest.LogCaptureFixture
) -> None:
    make.user("gone", is_active=False)
    people = User.objects.count()
    for lie, claims in LIES.items():
        openid.says(**OLGA | claims)
        client, caplog_before = Client(), len(deeds(caplog))
        with caplog.at_level("INFO", "countersign.deeds"):
            answer = openid.walk(client, BEGIN)
        assert (answer.status_code, "_auth_user_id" in client.session) == (403, False), lie
        assert "You are not logged in" in answer.content.decode(), lie
        assert ['"outcome": "failure"' in line for line in deeds(caplog)[caplog_before:]] == [True], lie
    assert "nobody@example.org" in " ".join(deeds(caplog))
    assert (ProviderLink.objects.count(), User.objects.count()) == (0, people)


def test_a_tie_is_never_pointed_elsewhere(openid: Running, olga: User, carla: User) -> None:
    openid.says(**OLGA)
    openid.walk(Client(), BEGIN)
    for other in ({"sub": "o-2"}, {"email": carla.email}):
        openid.says(**OLGA | other)
        answer = openid.walk(Client(), BEGIN)
        assert (answer.status_code, "is tied to yours" in answer.content.decode()) == (403, True)
    for deed in (ProviderLink.objects.all().delete, lambda: ProviderLink.objects.update(subject="o-2")):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            deed()


def test_an_answer_belongs_to_the_question_of_this_browser(openid: Running, olga: User) -> None:
    openid.says(**OLGA)
    client = Client()
    back = openid.sends_back(client.get(BEGIN)["Location"])
    assert Client().get(back).status_code == 403
    assert client.get(back.replace("state=", "state=x")).status_code == 403
    assert client.get(back).status_code == 403, "A question is answered once."
    client.get(BEGIN)
    refused = client.get(
        reverse("portal:openid_return"), {"error": "access_denied", "state": client.session["openid_asked"]["state"]}
    )
    assert "Example ID did not let you in." in refused.content.decode()


def test_a_second_factor_is_asked_for_as_after_a_password(openid: Running, axel: User) -> None:
    openid.says(sub="a-1", email=axel.email, email_verified=True, amr=["mfa"])
    client = Client()
    assert openid.walk(client, BEGIN)["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session


def test_there_is_no_provider_unless_it_is_named_in_whole(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get(BEGIN).status_code == 404
    assert client.get(reverse("portal:openid_return")).status_code == 404
    assert BEGIN not in client.get(reverse("account_login")).content.decode()
    told = {"ISSUER": "http://id.example.org", "CLIENT_ID": "us", "CLIENT_SECRET": "shh"}
    for part, value in told.items():
        monkeypatch.setenv(f"COUNTERSIGN_OIDC_{part}", value)
    with pytest.raises(ImproperlyConfigured, match="COUNTERSIGN_OIDC_NAME is not set"):
        openid_provider()
    monkeypatch.setenv("COUNTERSIGN_OIDC_NAME", "Example ID")
    with pytest.raises(ImproperlyConfigured, match="must begin with https://"):
        openid_provider()


def test_a_provider_that_does_not_answer_is_said_in_a_sentence(openid: Running, settings: Settings) -> None:
    settings.COUNTERSIGN_OIDC = {**openid.settings, "ISSUER": f"{openid.issuer}/elsewhere"}
    answer = Client().get(BEGIN)
    assert (answer.status_code, "Example ID does not answer as it should." in answer.content.decode()) == (403, True)
