"""The coverage page: half a year of every source against what was expected of it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from logs.queries.calendars import WEEKS, coverage_overview
from logs.queries.sources import visible_sources
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.SOURCE_VIEW)
@require_safe
def coverage(request: TenantRequest) -> HttpResponse:
    """Show the calendar of all sources that the person may see, and how each of them delivers."""
    sources = list(visible_sources(request.actor).order_by("name", "id"))
    overview = coverage_overview(sources, zone=request.tenant.zone)
    return render(request, "logs/coverage.html", {"overview": overview, "weeks": WEEKS})
