"""Shows a reviewer's statement and takes the signature over it; shows the receipt, and the level that is asked for."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string

from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import SignForm, SigningRuleForm
from reviews.kinds import Level, meaning_of_signature
from reviews.models import Campaign, Decision, SignOff
from reviews.queries import desk
from reviews.queries.controls import caught_by_reviewer
from reviews.queries.standing import (
    StatementLine,
    signed_lines,
    signing_minimum,
    signing_rules,
    statement_lines,
    statement_over,
)
from reviews.views.desk import DESK, around, desk_of
from reviews.views.proving import take_signature, ways_to_sign
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused


@requires(*DESK)
def sign(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows the statement and takes the signature after the person proved again who they are."""
    campaign, reviewer = desk_of(request, campaign_id)
    lines = statement_lines(campaign, reviewer)
    _text, digest = statement_over(campaign, reviewer, lines)
    form = SignForm(request.POST or None, initial={"printed_name": request.user.name or reviewer.name})
    if form.is_valid():
        signature = _sign(request, campaign, form)
        if signature is not None:
            return redirect("reviews:receipt", request.tenant.slug, signature.pk)
    meaning = meaning_of_signature(len(lines))
    context = {"form": form, "digest": digest, "meaning": meaning, **_shown(lines), **around(campaign, reviewer)}
    context |= {"caught": caught_by_reviewer(campaign).get(reviewer.pk), **ways_to_sign(request, digest)}
    context["signs"] = f"Sign {len(lines):,} decision{'' if len(lines) == 1 else 's'}"
    return render(request, "reviews/sign.html", context, status=422 if form.is_bound else 200)


def _shown(lines: list[StatementLine]) -> dict[str, object]:
    """Returns the statement for the page; every badge is drawn once, since 1,000 drawings take 0.2 s."""
    badges = {
        (outcome, day): render_to_string(
            "reviews/_outcome.html", {"decision": Decision(outcome=outcome, postponed_until=day)}
        )
        for outcome, day in {(line.outcome, line.postponed_until) for line in lines}
    }
    return {
        "rows": [(line, badges[line.outcome, line.postponed_until]) for line in lines],
        "privileged": render_to_string("components/_badge.html", {"look": "warn", "word": "Privileged"}),
        "summary": desk.outcome_summary(lines),
    }


def _sign(request: TenantRequest, campaign: Campaign, form: SignForm) -> SignOff | None:
    """Proves who signs and signs; returns None with the form's error where it is refused."""
    told = form.cleaned_data
    return take_signature(
        request,
        form,
        lambda proof: actions.sign_off(
            campaign=campaign,
            by=request.actor,
            printed_name=told["printed_name"],
            shown_digest=told["digest"],
            proof=proof,
        ),
    )


@requires(*DESK, Permission.CAMPAIGN_VIEW)
def receipt(request: TenantRequest, signature_id: int) -> HttpResponse:
    """Shows a signature with its digest: to its signer, and to those who see campaigns."""
    signature = get_object_or_404(SignOff.objects.select_related("campaign", "reviewer"), pk=signature_id)
    reviewer = identity_of_user(request.actor.user_id)
    own = reviewer is not None and reviewer.pk == signature.reviewer_id
    if not own and not request.actor.may(Permission.CAMPAIGN_VIEW):
        raise Http404("This is another reviewer's signature.")
    context = {"signature": signature, "own": own, **_shown(signed_lines(signature))}
    return render(request, "reviews/receipt.html", context)


@requires(Permission.CAMPAIGN_MANAGE)
def signing_rule(request: TenantRequest) -> HttpResponse:
    """Shows which proof a signature needs here and needed before, and changes it."""
    form = SigningRuleForm(request.POST or None, initial={"minimum": signing_minimum()})
    if form.is_valid():
        told = form.cleaned_data
        try:
            actions.set_signing_rule(minimum=Level(told["minimum"]), reason=told["reason"], by=request.actor)
            messages.success(request, "Signatures from now on need this proof.")
            return redirect("reviews:signing_rule", request.tenant.slug)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {"form": form, "minimum": signing_minimum(), "rules": signing_rules()}
    return render(request, "reviews/signing_rule.html", context, status=422 if form.is_bound else 200)
