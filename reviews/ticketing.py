"""Hands tickets over, outside of any transaction: each is claimed, sent and recorded."""

import logging
import smtplib
import time
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from reviews.actions import claim_ticket, finish_ticket
from reviews.actions.tickets import Attempt
from reviews.kinds import TicketWay
from reviews.models import Ticket, TicketRoute
from reviews.outward import OutwardError, post
from reviews.ticketwords import letter_of
from reviews.webhooks import SecretLost, signed_headers, unsealed
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

_log = logging.getLogger(__name__)
ROUND_SECONDS: Final = 120
"""After this long the rest waits for the next round, so that a system that hangs does not hold the worker."""


def hand_over_tickets(tenant: Tenant) -> int:
    """Hands over every ticket of the tenant that is due, one after the other; returns how many were taken."""
    by, taken, began = Actor.system("tickets", tenant.pk), 0, time.monotonic()
    while time.monotonic() - began < ROUND_SECONDS:
        with tenant_scope(tenant):
            claimed = claim_ticket(by=by)
        if claimed is None:
            break
        attempt = _attempt(*claimed, tenant)
        with tenant_scope(tenant):
            finish_ticket(ticket=claimed[0], attempt=attempt, by=by)
        taken += not attempt.error
        if attempt.error:
            _log.warning("A ticket of %s could not be handed over: %s", tenant.slug, attempt.error)
    return taken


def _attempt(ticket: Ticket, route: TicketRoute, tenant: Tenant) -> Attempt:
    """Sends one ticket; returns how it went."""
    at, began = timezone.now(), time.monotonic()
    to = ticket.address or (route.mail if ticket.way == TicketWay.MAIL else route.url)
    error, status, ip = "", None, ""
    try:
        if ticket.way == TicketWay.MAIL:
            letter = letter_of(ticket.body)
            EmailMessage(letter.subject, letter.body, settings.DEFAULT_FROM_EMAIL, [to]).send()
        else:
            status, ip = _post(ticket, route, tenant, at)
            error = "" if status in range(200, 300) else f"The other system answered {status}."
    except (OutwardError, SecretLost) as fault:
        error = str(fault)
    except (OSError, smtplib.SMTPException) as fault:
        error = f"The mail server did not take it: {getattr(fault, 'strerror', None) or fault}."
    took = int((time.monotonic() - began) * 1000)
    return Attempt(at=at, to=to, milliseconds=took, ip=ip, status=status, error=error)


def _post(ticket: Ticket, route: TicketRoute, tenant: Tenant, at: datetime) -> tuple[int, str]:
    """Posts a ticket with its signature; returns the status of the answer, and from which address it came."""
    body = ticket.body.encode()
    secret = unsealed(route.secret, key=settings.SECRET_KEY, owner=str(tenant.uuid))
    headers = signed_headers(secret=secret, message_id=f"msg_{ticket.message_id.hex}", at=at, body=body)
    headers |= {"Content-Type": "application/json", "User-Agent": "countersign"}
    reply = post(route.url, body, headers, inside=settings.COUNTERSIGN_TICKET_HOSTS)
    return reply.status, reply.ip
