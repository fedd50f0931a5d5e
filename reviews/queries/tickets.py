"""Answers which tickets about revocations are due, where they go, and how handing them over went."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from reviews.kinds import TicketEvent
from reviews.models import Remediation, Ticket, TicketRoute, TicketTry
from reviews.queries.notices import UNDONE
from reviews.states import NoticeState, RemediationState
from tenants.kinds import ROLE_PERMISSIONS, Permission, Role
from tenants.models import Membership
from tenants.scope import current_tenant_id


def ticket_route() -> TicketRoute | None:
    """Returns where tickets go now; None or a route without an address when they are off."""
    return TicketRoute.objects.order_by("-id").first()


def ticket_routes() -> QuerySet[TicketRoute]:
    """Returns every route, newest first."""
    return TicketRoute.objects.order_by("-id")


def occurrences(since: datetime, at: datetime) -> Iterator[tuple[Remediation, TicketEvent, str]]:
    """Yields what happened to revocations and is to be told: what is undone, and what was verified since a time.

    The words name an occurrence, so that each is told once: a revocation that opens again twice is told of twice.
    Where another decision took the place of the revocation, that is told once to whom a ticket was handed over before.
    """
    over = Count("risk_signatures", filter=Q(risk_signatures__proposal__until__lte=at))
    rows = Remediation.objects.filter(
        Q(state__in=UNDONE) | Q(state=RemediationState.VERIFIED, verified_at__gte=since),
        decision__superseded_by__isnull=True,
    ).annotate(risks_over=over)
    shown = ("campaign", "decision", "item__account", "item__entitlement", "item__system", "owner")
    for fix in rows.select_related(*shown).order_by("id"):
        turn = f"{fix.reopened}.{fix.risks_over}"
        if fix.state == RemediationState.VERIFIED:
            yield fix, TicketEvent.VERIFIED, f"verified {fix.reopened}"
            continue
        yield fix, TicketEvent.OPENED, "opened"
        if turn != "0.0":
            yield fix, TicketEvent.REOPENED, f"reopened {turn}"
        if fix.is_late(at):
            yield fix, TicketEvent.OVERDUE, f"overdue {turn}"
    tried = Q(attempts__gt=0) | Q(tries__isnull=False)  # who has them all tried again counts from 0
    known = Ticket.objects.filter(tried, remediation=OuterRef("pk"), address="")
    changed = Remediation.objects.filter(Exists(known), decision__superseded_by__isnull=False)
    for one in changed.select_related(*shown, "decision__superseded_by").order_by("id"):
        yield one, TicketEvent.CHANGED, "changed"


def told_steps() -> set[tuple[int, str, str]]:
    """Returns what was told already: revocation, occurrence, and the way."""
    return set(Ticket.objects.filter(address="").values_list("remediation_id", "step", "way"))


def tickets_shown() -> QuerySet[Ticket]:
    """Returns the tickets with their attempts, newest first."""
    rows = Ticket.objects.select_related("remediation__campaign", "remediation__item__system")
    return rows.prefetch_related(Prefetch("tries", TicketTry.objects.order_by("n"))).order_by("-id")


def tickets_given_up() -> QuerySet[Ticket]:
    """Returns the tickets that nothing more is tried for."""
    return Ticket.objects.filter(state=NoticeState.GIVEN_UP, address="")


def officers_addresses() -> list[str]:
    """Returns the mail addresses of those who run campaigns in this tenant."""
    roles = [role for role in Role if Permission.CAMPAIGN_MANAGE in ROLE_PERMISSIONS[role]]
    rows = Membership.objects.filter(tenant_id=current_tenant_id(), role__in=roles, user__is_active=True)
    return sorted({one.user.email for one in rows.select_related("user")})
