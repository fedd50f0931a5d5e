"""Asks why a campaign is to go on without the list of a system, and takes the signature over exactly that."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from reviews import actions
from reviews.forms import SignForm, WaiverForm
from reviews.kinds import meaning_of_waiver
from reviews.models import Campaign, ScopeLine
from reviews.policies import can_waive_system
from reviews.queries.waivers import waiver_statement
from reviews.views.proving import take_signature, ways_to_sign
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.CAMPAIGN_MANAGE)
def waive(request: TenantRequest, line_id: int) -> HttpResponse:
    """Asks for the reason, then shows the statement and takes the signature under it."""
    line = get_object_or_404(ScopeLine.objects.select_related("campaign", "system"), pk=line_id)
    asked, form = WaiverForm(request.GET or None), SignForm(request.POST or None)
    context: dict[str, object] = {"line": line, "campaign": line.campaign, "asked": asked, "form": form}
    if asked.is_valid():
        reason = asked.cleaned_data["reason"]
        if form.is_valid() and _sign(request, line, reason, form):
            messages.success(request, f"Signed. {line.system.name} is left out of this campaign.")
            return redirect("reviews:campaign", request.tenant.slug, line.campaign_id)
        text, digest = waiver_statement(line, reason, request.actor.name)
        verdict = can_waive_system(request.actor, line.campaign, reason=reason)
        context |= {"reason": reason, "statement": text, "digest": digest, "verdict": verdict}
        context |= {"meaning": meaning_of_waiver(line.system.name), "signs": "Sign the waiver"}
        context |= ways_to_sign(request, digest)
        form.initial = {"printed_name": request.user.name}
    return render(request, "reviews/waive.html", context, status=422 if form.is_bound else 200)


def _sign(request: TenantRequest, line: ScopeLine, reason: str, form: SignForm) -> Campaign | None:
    """Proves who signs and signs; returns None with the form's error where it is refused."""
    told = form.cleaned_data
    return take_signature(
        request,
        form,
        lambda proof: actions.waive_system(
            line=line,
            reason=reason,
            by=request.actor,
            printed_name=told["printed_name"],
            shown_digest=told["digest"],
            proof=proof,
        ),
    )
