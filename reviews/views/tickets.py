"""Shows where tickets about revocations go and how handing them over went, and changes it."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from reviews import actions
from reviews.actions.tickets import MAX_TRIES
from reviews.forms import TicketRouteForm
from reviews.queries.tickets import ticket_route, ticket_routes, tickets_given_up, tickets_shown
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50


@requires(Permission.CAMPAIGN_MANAGE)
def tickets(request: TenantRequest) -> HttpResponse:
    """Shows the route and the tickets, and takes a new route; a secret that was made is shown in this answer alone."""
    route = ticket_route()
    form = TicketRouteForm(request.POST or None, initial={"mail": route.mail, "url": route.url} if route else {})
    secret, status = "", 200
    if form.is_valid():
        told = form.cleaned_data
        try:
            route, secret = actions.set_ticket_route(
                mail=told["mail"], url=told["url"], fresh_secret=told["new_secret"], by=request.actor
            )
            messages.success(
                request, "Tickets go there from now on." if any((route.mail, route.url)) else "Turned off."
            )
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    if form.errors:
        status = 422
    page = Paginator(tickets_shown(), PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {"form": form, "route": route, "secret": secret, "page": page, "tries": MAX_TRIES}
    context |= {"routes": ticket_routes()[:20], "given_up": tickets_given_up().count()}
    return render(request, "reviews/tickets.html", context, status=status)


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def tickets_again(request: TenantRequest) -> HttpResponse:
    """Has what was given up tried again."""
    messages.success(request, f"{actions.retry_tickets(by=request.actor)} tickets are tried again within five minutes.")
    return redirect("reviews:tickets", request.tenant.slug)
