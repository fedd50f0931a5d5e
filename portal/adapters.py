"""allauth's hooks: nobody signs up by themselves; log-ins, failures and log-outs go to the portal's own log."""

import logging
import smtplib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from tenants.deedlog import write_deed

_log = logging.getLogger("countersign.accounts")
NOT_MAILED = "The mail about this could not be sent: tell the operator. What you changed is kept."


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

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail about the person's own account; where no mail server takes it, say so on the next page.

        What it tells of is committed before. A fault here would answer it with an error, and whoever set up a second
        factor would never be shown the recovery codes. The words are the same for an address that has no account.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, smtplib.SMTPException) as fault:
            _log.warning("The mail %s could not be sent: %s", template_prefix, fault)
            messages.warning(self.request, NOT_MAILED)
