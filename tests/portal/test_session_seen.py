"""A session is noted once a minute, and at once where it comes from elsewhere."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from portal import seen
from tenants.models import User

PAGE = "/accounts/email/"


def test_a_session_is_noted_once_a_minute(olga: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(olga)
    client.get(PAGE)
    first = UserSession.objects.get().last_seen_at
    client.get(PAGE)
    assert UserSession.objects.get().last_seen_at == first
    monkeypatch.setattr(seen, "EVERY_SECONDS", 0.0)
    client.get(PAGE)
    assert UserSession.objects.get().last_seen_at > first


def test_another_address_is_noted_at_once(olga: User, client: Client) -> None:
    client.force_login(olga)
    client.get(PAGE)
    client.get(PAGE, REMOTE_ADDR="192.0.2.7")
    assert UserSession.objects.get().ip == "192.0.2.7"


def test_a_process_forgets_before_it_grows(olga: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MOST_KEPT", 1)
    client.force_login(olga)
    for address in ("192.0.2.7", "192.0.2.8", "192.0.2.7"):
        client.get(PAGE, REMOTE_ADDR=address)
        assert UserSession.objects.get().ip == address
