"""Says where tickets about revocations go, writes each once, and records how handing it over went."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from reviews.actions.remediation import is_changed
from reviews.kinds import TicketEvent, TicketWay
from reviews.models import Remediation, Ticket, TicketRoute, TicketTry
from reviews.policies import can_manage_campaigns
from reviews.queries.tickets import occurrences, officers_addresses, ticket_route, tickets_given_up, told_steps
from reviews.remedypolicies import can_set_ticket_route
from reviews.states import NoticeState
from reviews.ticketwords import TicketFacts, ticket_json, ticket_text
from reviews.webhooks import new_secret, sealed
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Tenant
from tenants.scope import current_tenant_id

MAX_TRIES: Final = 8
FIRST_PAUSE: Final = timedelta(minutes=5)
"""Doubles with every attempt: eight are over after about ten and a half hours."""
TOLD_EVERY: Final = timedelta(days=1)
"""Those who run campaigns are mailed about given-up tickets at most this often."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Holds how one attempt went; `error` is empty when the ticket was taken."""

    at: datetime
    to: str
    milliseconds: int
    ip: str = ""
    status: int | None = None
    error: str = ""


@transaction.atomic
def set_ticket_route(*, mail: str, url: str, fresh_secret: bool, by: Actor) -> tuple[TicketRoute, str]:
    """Says where tickets go from now on; returns the route, and a secret to show once where one was made."""
    before, now = ticket_route(), timezone.now()
    was = (before.mail, before.url) if before else ("", "")
    enforce(can_set_ticket_route(by, same=was == (mail, url) and not (fresh_secret and url)))
    kept = before.secret if before and not fresh_secret else ""
    shown = new_secret() if url and not kept else ""
    on = before is not None and any(was)
    made = TicketRoute.objects.create(
        mail=mail,
        url=url,
        secret=sealed(shown, key=settings.SECRET_KEY, owner=str(_tenant().uuid)) if shown else kept,
        since=before.since if before and on else now,
        set_at=now,
        set_by=by.name,
    )
    detail = {"mail": mail, "url": url, "from": list(was), "secret": "new" if shown else "kept"}
    audit("ticket.route", by=by, target="where tickets go", detail=detail)
    return made, shown


@transaction.atomic
def write_tickets(*, by: Actor, at: datetime | None = None) -> int:
    """Writes the tickets that are due at a moment, now by default; returns how many. Safe to run any time."""
    enforce(can_manage_campaigns(by))
    route, now = ticket_route(), at or timezone.now()
    if route is None:
        return 0
    ways = [way for way, there in ((TicketWay.MAIL, route.mail), (TicketWay.WEBHOOK, route.url)) if there]
    if not ways:
        return 0
    tenant, told = _tenant(), told_steps()
    fresh = [
        _ticket(fix, event, step, way, tenant)
        for fix, event, step in occurrences(route.since, now)
        for way in ways
        if (fix.pk, step, str(way)) not in told
    ]
    Ticket.objects.bulk_create(fresh, ignore_conflicts=True)
    if fresh:
        audit("ticket.write", by=by, target="tickets", detail={"tickets": len(fresh)})
    return len(fresh)


def _tenant() -> Tenant:
    """Returns the tenant of the open scope."""
    return Tenant.objects.get(pk=current_tenant_id())


def _ticket(fix: Remediation, event: TicketEvent, step: str, way: TicketWay, tenant: Tenant) -> Ticket:
    """Returns a ticket with its words, not stored yet."""
    facts, now = _facts(fix, event, tenant), timezone.now()
    body = ticket_json(facts) if way == TicketWay.WEBHOOK else ticket_text(facts)
    return Ticket(remediation=fix, event=event, step=step, way=way, body=body, next_try_at=now, created_at=now)


def _facts(fix: Remediation, event: TicketEvent, tenant: Tenant) -> TicketFacts:
    """Returns what a ticket says about a revocation."""
    changed = fix.decision.superseded_by if event == TicketEvent.CHANGED else None
    page = "reviews:tickets" if event == TicketEvent.GIVEN_UP else "reviews:remediations"
    arguments = [tenant.slug] if event == TicketEvent.GIVEN_UP else [tenant.slug, fix.campaign_id]
    return TicketFacts(
        event=event,
        tenant=tenant.slug,
        remediation=fix.pk,
        campaign=fix.campaign.name,
        n=fix.item.n,
        system_key=fix.item.system.key,
        system=fix.item.system.name,
        account=fix.item.account.name,
        entitlement=fix.item.entitlement.key,
        privileged=fix.item.privileged,
        owner=fix.owner.name if fix.owner else None,
        outcome=fix.decision.outcome,
        reason=fix.decision.reason,
        state=fix.get_state_display().lower(),
        due_at=fix.due_at,
        at=timezone.now(),
        link=f"{settings.PORTAL_URL}{reverse(page, args=arguments)}",
        changed_to=changed.outcome if changed else "",
        changed_reason=changed.reason if changed else "",
    )


@transaction.atomic
def claim_ticket(*, by: Actor) -> tuple[Ticket, TicketRoute] | None:
    """Claims the ticket that is due first, with where it goes; None when nothing is due.

    What has no way any more is dropped, and so is what asks for a revocation whose decision was changed meanwhile. The
    attempt is counted before it is made: a process that dies while sending loses only this attempt.
    """
    enforce(can_manage_campaigns(by))
    route = ticket_route()
    while True:
        due = Ticket.objects.filter(state__in=(NoticeState.WAITING, NoticeState.FAILED))
        due = due.filter(next_try_at__lte=timezone.now()).order_by("next_try_at", "id")
        ticket = due.select_for_update(of=("self",), skip_locked=True).first()
        if ticket is None or route is None:
            return None
        there = ticket.address or (route.mail if ticket.way == TicketWay.MAIL else route.url)
        asks = ticket.event not in {TicketEvent.CHANGED, TicketEvent.GIVEN_UP}
        if there and not (asks and is_changed(ticket.remediation)):
            ticket.attempts += 1
            ticket.next_try_at = timezone.now() + FIRST_PAUSE * (1 << min(ticket.attempts - 1, MAX_TRIES))
            ticket.save(update_fields=["attempts", "next_try_at"])
            return ticket, route
        ticket.state = NoticeState.DROPPED
        ticket.save(update_fields=["state"])
        audit("ticket.drop", by=by, target=str(ticket), detail={"ticket": ticket.pk})


@transaction.atomic
def finish_ticket(*, ticket: Ticket, attempt: Attempt, by: Actor) -> Ticket:
    """Records how an attempt went; the last one in vain is told to those who run campaigns."""
    enforce(can_manage_campaigns(by))
    TicketTry.objects.create(
        ticket=ticket,
        n=TicketTry.objects.filter(ticket=ticket).count() + 1,
        at=attempt.at,
        to=attempt.to[:500],
        ip=attempt.ip,
        status=attempt.status,
        milliseconds=attempt.milliseconds,
        error=attempt.error[:500],
    )
    if not attempt.error:
        ticket.state, ticket.sent_at, ticket.last_error = NoticeState.SENT, attempt.at, ""
    else:
        ticket.state = NoticeState.GIVEN_UP if ticket.attempts >= MAX_TRIES else NoticeState.FAILED
        ticket.last_error = attempt.error[:500]
    ticket.save(update_fields=["state", "sent_at", "last_error"])
    if ticket.state == NoticeState.GIVEN_UP and not ticket.address:
        _tell_officers(ticket)
    if ticket.attempts == 1 or ticket.state != NoticeState.FAILED:
        detail = {"ticket": ticket.pk, "event": ticket.event, "attempts": ticket.attempts, "error": ticket.last_error}
        audit("ticket.send", by=by, target=str(ticket), detail=detail)
    return ticket


def _tell_officers(ticket: Ticket) -> None:
    """Writes a mail to those who run campaigns, unless they were told within the last day."""
    now = timezone.now()
    if Ticket.objects.filter(event=TicketEvent.GIVEN_UP, created_at__gt=now - TOLD_EVERY).exists():
        return
    shown = ("campaign", "decision", "item__account", "item__entitlement", "item__system")
    fix = Remediation.objects.select_related(*shown).get(pk=ticket.remediation_id)
    body = ticket_text(_facts(fix, TicketEvent.GIVEN_UP, _tenant()), tries=ticket.attempts)
    facts = {"event": TicketEvent.GIVEN_UP, "way": TicketWay.MAIL, "body": body, "next_try_at": now, "created_at": now}
    step = f"given up {now:%Y-%m-%d %H:%M}"
    Ticket.objects.bulk_create(
        [Ticket(remediation=fix, step=step, address=address, **facts) for address in officers_addresses()]
    )


@transaction.atomic
def retry_tickets(*, by: Actor) -> int:
    """Has every ticket that was given up tried again from now on; returns how many."""
    enforce(can_manage_campaigns(by))
    n = tickets_given_up().update(state=NoticeState.WAITING, attempts=0, last_error="", next_try_at=timezone.now())
    audit("ticket.retry", by=by, target="tickets", detail={"tickets": n})
    return n
