"""The watch process: wakes when events are committed, judges them, and sends the mail about what it raised."""

import logging
import smtplib
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Final

import psycopg
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.urls import reverse

from alerts.actions import LOOK, claim_notice, finish_notice, look_for_alerts
from alerts.mail import alert_letter
from alerts.models import AlertNotice
from logs.actions import CHANNEL
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.queries import all_tenants
from tenants.scope import tenant_scope

_log = logging.getLogger(__name__)

POLL_SECONDS: Final = 10.0
"""Longest pause between two looks when no notification came: a third of the 30 s that an alert may take."""

AFTER_FAULT: Final = timedelta(seconds=2)
"""Pause after a fault, such as a restarting database."""

LONGEST_LOOK: Final = 40_000
"""Events of one look while others wait. Each look reads again what happened around its events, so that a burst that is
judged in few looks is judged sooner."""

NAME: Final = "alerts"


def look_round(stop: Event | None = None) -> int:
    """Judge the new events of every tenant until none are left; returns how many were judged.

    A fault in one tenant is logged and does not keep the others from being judged; its cursor has not moved.
    """
    seen = 0
    for tenant in all_tenants():
        try:
            seen += _look_at(tenant, stop)
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001 -- the worker's outer loop: one tenant's fault must not stop the others
            _log.exception("Judging the events of %s failed; it will be tried again", tenant.slug)
    return seen


def _look_at(tenant: Tenant, stop: Event | None) -> int:
    seen, more, limit = 0, True, LOOK
    while more and not (stop is not None and stop.is_set()):
        with tenant_scope(tenant):
            look = look_for_alerts(tenant=tenant, by=Actor.system(NAME, tenant.pk), limit=limit)
        seen, more, limit = seen + look.seen, look.more, min(2 * limit, LONGEST_LOOK)
        if look.raised.new:
            _log.info("%s: raised alerts: %d, after %d events", tenant.slug, len(look.raised.new), look.seen)
    return seen


def send_round() -> int:
    """Send every mail that is due, one after the other; returns how many the mail server took."""
    return sum(_send_due(tenant) for tenant in all_tenants())


def _send_due(tenant: Tenant) -> int:
    by, sent = Actor.system(NAME, tenant.pk), 0
    while True:
        with tenant_scope(tenant):
            notice = claim_notice(by=by)
        if notice is None:
            return sent
        error = _send(notice, tenant)
        with tenant_scope(tenant):
            finish_notice(notice=notice, error=error, by=by)
        sent += not error


def _send(notice: AlertNotice, tenant: Tenant) -> str:
    """Hand one mail to the mail server; returns what went wrong, or nothing."""
    link = f"{settings.PORTAL_URL}{reverse('alerts:alerts', args=[tenant.slug])}"
    letter = alert_letter(tenant_name=tenant.name, alert_count=notice.alert_count, link=link)
    try:
        EmailMessage(letter.subject, letter.body, settings.DEFAULT_FROM_EMAIL, list(notice.recipients)).send()
    except (OSError, smtplib.SMTPException) as fault:
        _log.warning("Mail about alerts of %s could not be sent: %s", tenant.slug, fault)
        return f"The mail server did not take it: {getattr(fault, 'strerror', None) or fault}."
    return ""


def watch(stop: Event) -> None:
    """Judge and send until told to stop; survives restarts of the database and of the mail server."""
    sender = Thread(target=_send_until, args=(stop,), name="alert-mail", daemon=True)
    sender.start()
    while not stop.is_set():
        try:
            _watch_connected(stop)
        except (DatabaseError, psycopg.Error) as fault:
            _log.warning("The database cannot be reached (%s); trying again", fault)
            close_old_connections()
            stop.wait(AFTER_FAULT.total_seconds())
    sender.join(timeout=2)


def _watch_connected(stop: Event) -> None:
    with listener() as listening:
        while not stop.is_set():
            close_old_connections()
            look_round(stop)
            wait_for_events(listening, stop.is_set)


def listener() -> "psycopg.Connection[tuple[object, ...]]":
    """Open a connection of its own that hears when events are committed."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    listening: psycopg.Connection[tuple[object, ...]] = psycopg.connect(**parameters, autocommit=True)
    listening.execute(f"LISTEN {CHANNEL}")
    return listening


def wait_for_events(
    listening: "psycopg.Connection[tuple[object, ...]]",
    stopped: Callable[[], bool],
    seconds: float = POLL_SECONDS,
) -> bool:
    """Wait until events are committed, the poll time is over or the process is told to stop; returns the first."""
    waited = 0.0
    while waited < seconds and not stopped():
        if list(listening.notifies(timeout=1.0, stop_after=1)):
            return True
        waited += 1.0
    return False


def _send_until(stop: Event) -> None:
    while not stop.is_set():
        try:
            close_old_connections()
            send_round()
        except Exception:  # noqa: BLE001 -- the mail thread's outer loop: a fault must not end all mail
            _log.exception("Sending alert mail failed; it will be tried again")
        stop.wait(AFTER_FAULT.total_seconds())
