"""The portal's own pages: the entrance, each role's start, preferences."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.forms import PreferencesForm
from portal.navigation import home_of
from portal.preferences import keep_preferences
from portal.queries import tenants_of
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission
from tenants.models import User


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


@requires(*Permission)
def home(request: TenantRequest) -> HttpResponse:
    """Send a member to the page on which their role starts."""
    return redirect(home_of(request.actor.roles, request.tenant.slug))


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
