"""Shows the risks that are accepted for a time, takes a proposal, and takes the second person's signature."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import RiskForm, SignForm
from reviews.kinds import meaning_of_acceptance
from reviews.models import Remediation, RiskProposal, RiskSignature
from reviews.queries.risks import risk_lines, risks_for, signature_of, standing_of
from reviews.remedypolicies import risk_days
from reviews.views.proving import take_signature, ways_to_sign
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50
WEIGHERS = (Permission.CAMPAIGN_MANAGE, Permission.ITEM_REVIEW)


@requires(*WEIGHERS)
def risks(request: TenantRequest) -> HttpResponse:
    """Shows what was proposed and accepted, newest first."""
    rows = risks_for(request.actor, identity_of_user(request.actor.user_id))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    lines = risk_lines(page.object_list, timezone.now())
    return render(request, "reviews/risks.html", {"page": page, "lines": lines})


@requires(*WEIGHERS)
def accept(request: TenantRequest, remediation_id: int) -> HttpResponse:
    """Takes a proposal to leave a revocation undone for a time."""
    rows = Remediation.objects.select_related(
        "campaign", "decision", "item__account", "item__entitlement", "item__system"
    )
    fix, me = get_object_or_404(rows, pk=remediation_id), identity_of_user(request.actor.user_id)
    if not request.actor.may(Permission.CAMPAIGN_MANAGE) and (me is None or fix.item.system.owner_id != me.pk):
        raise Http404("Somebody else weighs the risk of this revocation.")
    form = RiskForm(request.POST or None)
    if form.is_valid():
        try:
            made = actions.propose_risk(remediation=fix, by=request.actor, **form.cleaned_data)
            messages.success(request, "Proposed. The limit runs on until a second person signs.")
            return redirect("reviews:risk", request.tenant.slug, made.pk)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {"form": form, "fix": fix, "campaign": fix.campaign, "limit": risk_days(fix)}
    return render(request, "reviews/accept_risk.html", context, status=422 if form.is_bound else 200)


@requires(*WEIGHERS)
def risk(request: TenantRequest, proposal_id: int) -> HttpResponse:
    """Shows one risk with its statement, and takes the second person's signature."""
    me = identity_of_user(request.actor.user_id)
    proposal = get_object_or_404(risks_for(request.actor, me), pk=proposal_id)
    form = SignForm(request.POST or None, initial={"printed_name": request.user.name, "digest": proposal.digest})
    if form.is_valid() and _sign(request, proposal, form):
        messages.success(request, "Signed. The revocation stands still until then and opens again at its end.")
        return redirect("reviews:risk", request.tenant.slug, proposal.pk)
    context = {
        "form": form,
        "digest": proposal.digest,
        **_shown(request, proposal),
        **ways_to_sign(request, proposal.digest),
    }
    return render(request, "reviews/risk.html", context, status=422 if form.is_bound else 200)


def _shown(request: TenantRequest, proposal: RiskProposal) -> dict[str, Any]:
    """Returns what stands on the page of a risk."""
    signature = signature_of(proposal)
    standing = standing_of(proposal, signed=signature is not None, at=timezone.now())
    mine = proposal.asker_user == request.actor.user_id
    return {
        "proposal": proposal,
        "fix": proposal.remediation,
        "item": proposal.remediation.item,
        "signature": signature,
        "standing": standing,
        "may_sign": standing == "proposed" and not mine,
        "why_not": "You asked for it yourself: it waits for a second person." if standing == "proposed" else "",
        "meaning": meaning_of_acceptance(f"{proposal.until:%-d %B %Y %H:%M} UTC"),
        "signs": "Accept this risk",
    }


def _sign(request: TenantRequest, proposal: RiskProposal, form: SignForm) -> RiskSignature | None:
    """Proves who signs and signs; returns None with the form's error where it is refused."""
    told = form.cleaned_data
    return take_signature(
        request,
        form,
        lambda proof: actions.sign_risk(
            proposal=proposal,
            by=request.actor,
            printed_name=told["printed_name"],
            shown_digest=told["digest"],
            proof=proof,
        ),
    )
