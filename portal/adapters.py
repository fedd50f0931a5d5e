"""allauth's hooks: nobody signs up by themselves; log-ins, failures and log-outs go to the portal's own log."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from tenants.deedlog import write_deed


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # untyped base
    """People are added by an officer; their log-ins are the portal's first log source."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- allauth's signature
        """Refuse sign-up: an officer adds people."""
        return False

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Log the person in and write it down."""
        super().login(request, user)
        write_deed("login", actor=user.get_username(), actor_id=user.pk, tenant="", outcome="success")

    def logout(self, request: HttpRequest) -> None:
        """Log the person out and write it down."""
        user = request.user
        if user.is_authenticated:
            write_deed("logout", actor=user.get_username(), actor_id=user.pk, tenant="", outcome="success")
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write the failed attempt down, with the address that was typed (it may be anybody's)."""
        super().authentication_failed(request, **credentials)
        typed = str(credentials.get("email") or credentials.get("username") or "")[:320]
        write_deed("login", actor=typed, actor_id=None, tenant="", outcome="failure")
