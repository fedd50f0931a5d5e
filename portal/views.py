"""The portal's own pages: the entrance, each role's start, preferences."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render

from evidence.catalogue import framework_names
from evidence.room.actions import look
from portal.actions import look_at_feed, look_at_population
from portal.facts import due_fact, facts_of
from portal.forms import PreferencesForm
from portal.navigation import home_of
from portal.preferences import keep_preferences
from portal.queries import client_home, due_now, feed, room_campaign, tenants_of
from portal.queries import overview as overview_of
from portal.queries import room as room_of
from tenants.access import TenantRequest, requires
from tenants.kinds import OF_ROLES, Permission
from tenants.models import Engagement, User


class PersonRequest(HttpRequest):
    """A request of somebody who has logged in, outside of any tenant."""

    user: User


@login_required
def entrance(request: PersonRequest) -> HttpResponse:
    """Send a person with one tenant straight to their work; let the others choose."""
    entries = tenants_of(request.user)
    if len(entries) == 1:
        return redirect("portal:home", entries[0].tenant.slug)
    return render(request, "portal/entrance.html", {"entries": entries})


@requires(*OF_ROLES)
def home(request: TenantRequest) -> HttpResponse:
    """Send a member to the page on which their role starts."""
    return redirect(home_of(request.actor.roles, request.tenant.slug))


@requires(Permission.AUDIT_VIEW)
def overview(request: TenantRequest) -> HttpResponse:
    """Show an officer or operator where the tenant stands."""
    found = overview_of(request.actor, request.tenant)
    return render(request, "portal/overview.html", {"overview": found, "facts": facts_of(found, request.tenant.slug)})


@requires(Permission.CONTROL_VIEW)
def overview_due(request: TenantRequest) -> HttpResponse:
    """Answer the overview's part on evidence that is due, for which the page does not wait."""
    lines, today = due_now(request.tenant)
    return render(request, "portal/_due.html", {"fact": due_fact(lines, today, request.tenant.slug)})


@requires(Permission.CLIENT_VIEW)
def client(request: TenantRequest) -> HttpResponse:
    """Show a client who touched their data, and what is not covered."""
    found = client_home(request.actor)
    look_at_feed(sources=len(found.sources), by=request.actor)
    return render(request, "portal/client.html", {"home": found, "feed": found.feed})


@requires(Permission.CLIENT_VIEW)
def client_feed(request: TenantRequest) -> HttpResponse:
    """Answer the feed's part again, or 304 while nothing is new."""
    found = feed(request.actor)
    tag = f'"{found.tag}"'
    if request.headers.get("If-None-Match") == tag or request.GET.get("tag") == found.tag:
        return HttpResponseNotModified()
    answer = render(request, "portal/_feed.html", {"feed": found})
    answer.headers["ETag"] = tag
    return answer


@requires(Permission.ROOM_VIEW)
def room(request: TenantRequest) -> HttpResponse:
    """Show an external auditor what their engagement covers, and how to verify it."""
    found = room_of(request.actor, request.tenant, _engagement(request))
    look(what="room", target=str(found.engagement), by=request.actor)
    words = {"room": found, "frameworks": framework_names(found.engagement.frameworks)}
    return render(request, "portal/room.html", words)


@requires(Permission.ROOM_VIEW)
def room_campaign_page(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Show an external auditor the population and the decisions of a shared campaign."""
    after = request.GET.get("after", "0")
    after_item = int(after) if after.isdecimal() and len(after) < 10 else 0
    found = room_campaign(request.actor, _engagement(request), campaign_id, after=after_item)
    if found is None:
        message = "No such campaign is shared with you."
        raise Http404(message)
    look_at_population(campaign=found.campaign, after=after_item, by=request.actor)
    return render(request, "portal/room_campaign.html", {"found": found, "after": after_item})


def _engagement(request: TenantRequest) -> Engagement:
    """Return the engagement of the asking auditor; nobody else has a room."""
    if request.engagement is None:
        raise Http404
    return request.engagement


@login_required
def preferences(request: PersonRequest) -> HttpResponse:
    """Show and keep a person's colours and keys."""
    user = request.user
    chosen = {"theme": user.theme, "review_keys": user.review_keys}
    form = PreferencesForm(request.POST or None, initial=chosen)
    if request.method == "POST" and form.is_valid():
        keep_preferences(user=user, **form.cleaned_data)
        messages.success(request, "Your preferences are kept.")
        return redirect("portal:preferences")
    return render(request, "portal/preferences.html", {"form": form})
