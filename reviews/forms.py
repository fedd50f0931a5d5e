"""Shapes what people type about campaigns, decisions and signatures."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.conf import settings
from django.urls import reverse

from identities.models import Entitlement, Identity
from identities.personfield import PersonField
from reviews.actions import AbsenceFacts
from reviews.kinds import (
    CARE_LIMITS,
    REASON_MAX,
    REASON_MIN,
    REVIEWER_OUTCOMES,
    Choice,
    ConflictDecided,
    Level,
    Outcome,
    SilenceAnswer,
)
from reviews.outward import OutwardError, target_of
from reviews.queries.findings import conflicting_choices
from reviews.queries.reviewers import reviewers
from tenants.models import Tenant
from tenants.openid import provider


class DecisionForm(forms.Form):
    """Takes one decision from the review screen."""

    POSTPONE: Final = "postpone"

    outcome = forms.ChoiceField(
        choices=[*((outcome.value, outcome.label) for outcome in REVIEWER_OUTCOMES), (POSTPONE, "Postpone")]
    )
    postponed_until = forms.DateField(required=False)
    reason = forms.CharField(required=False, max_length=2000)
    seen = forms.IntegerField(required=False)
    seen_seconds = forms.IntegerField(required=False, min_value=0)

    def clean(self) -> dict[str, Any]:
        """Refuses to postpone without a day; leaves the day out of any other decision."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("outcome") != self.POSTPONE:
            self.errors.pop("postponed_until", None)
            cleaned["postponed_until"] = None
        elif not cleaned.get("postponed_until"):
            self.add_error("postponed_until", "Choose the day until which it is postponed.")
        return cleaned

    def refusal(self) -> str:
        """Returns what to do about a form that is not valid."""
        if "postponed_until" in self.errors:
            return "Choose the day until which it is postponed."
        return "Choose one of the decisions."

    def choice(self) -> Choice:
        """Returns the decision, for the action; to postpone is to abstain until a day."""
        told = self.cleaned_data
        outcome = Outcome.ABSTAIN if told["outcome"] == self.POSTPONE else Outcome(told["outcome"])
        return Choice(outcome, told["reason"], told["seen_seconds"] or 0, told["postponed_until"])


class BulkForm(forms.Form):
    """Names one bulk of decisions."""

    bulk = forms.UUIDField()


class SignForm(forms.Form):
    """Asks who signs, and for the proof that it is they: a passkey's answer, or a password with or without a code.

    `way` says that the proof is the sign-in at the identity provider, which the session holds.
    """

    printed_name = forms.CharField(max_length=200, label="Your name, as it is printed on the signature")
    credential = forms.JSONField(required=False, widget=forms.HiddenInput)
    password = forms.CharField(
        required=False,
        label="Your password, again",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="It proves that it is you who signs, now.",
    )
    code = forms.CharField(
        required=False,
        max_length=20,
        label="Code of your authenticator app",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    way = forms.CharField(required=False, max_length=8, widget=forms.HiddenInput)
    digest = forms.RegexField("^[0-9a-f]{64}$", widget=forms.HiddenInput)

    def clean_credential(self) -> dict[str, Any] | None:
        """Refuses what is no object: a passkey's answer is one."""
        told = self.cleaned_data["credential"]
        if told is not None and not isinstance(told, dict):
            raise forms.ValidationError("This is not the answer of a passkey.")
        return told


class SigningRuleForm(forms.Form):
    """Asks for the weakest proof that signs, and why it is changed."""

    minimum = forms.ChoiceField(choices=Level.choices, widget=forms.RadioSelect, label="Weakest proof that signs")
    reason = forms.CharField(max_length=300, label="Why, printed in the history")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if provider() is None:
            offered = [(level.value, level.label) for level in Level if level != Level.PROVIDER]
            self.fields["minimum"].choices = offered  # type: ignore[attr-defined]  # a field with choices


class ReassignForm(forms.Form):
    """Asks who takes over a reviewer's items, and why."""

    new = PersonField(
        people=reviewers, label="New reviewer", help_text="Type a part of the name and choose from the list."
    )
    reason = forms.CharField(max_length=200, label="Why, printed in the evidence")
    decided_too = forms.BooleanField(
        required=False,
        label="Also what they decided and did not sign",
        help_text="For a reviewer who will not sign any more: the new reviewer decides those items again.",
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        url = reverse("reviews:reviewer_choices", args=[tenant.slug])
        self.fields["new"].searched_at(url)  # type: ignore[attr-defined]  # a field of people


class SecondLookForm(forms.Form):
    """Takes what a second reviewer would decide."""

    outcome = forms.ChoiceField(choices=[(one.value, one.label) for one in REVIEWER_OUTCOMES if one != Outcome.ABSTAIN])
    reason = forms.CharField(required=False, max_length=2000)
    seen_seconds = forms.IntegerField(required=False, min_value=0)

    def choice(self) -> Choice:
        """Returns the decision, for the action."""
        told = self.cleaned_data
        return Choice(Outcome(told["outcome"]), told["reason"], told["seen_seconds"] or 0)


_CARE: Final = {
    "least_decisions": "Judge a reviewer from so many decisions on",
    "median_seconds": "Finding below this median time in view, where one of the shares kept or as advised is exceeded",
    "gap_seconds": "Finding below this median time between two decisions, where one of these shares is exceeded",
    "kept_percent": "Share kept, above which these times count",
    "follows_percent": "Share decided as advised, above which these times count",
    "seldom_follows_percent": "Finding where less than this share was decided as advised, at any pace",
    "bulk_kept_percent": "Finding where more than this share of what was kept was kept together",
    "bulk_items": "Finding where more than so many were kept in one go",
    "privileged_seconds": "Finding for a decision about privileged access in less than",
    "last_day_percent": "Finding where more than this share was decided on the last day",
    "second_percent": "Share of privileged decisions that a second reviewer looks at",
    "control_items": "Control items among those of each reviewer",
}


class CareRuleForm(forms.Form):
    """Asks for the thresholds of care of a plan, each with its unit and within its limits."""

    FIGURES: Final = tuple(CARE_LIMITS)

    reason = forms.CharField(max_length=300, label="Why, printed in the history")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most, unit) in CARE_LIMITS.items():
            self.fields[name] = forms.IntegerField(
                min_value=least,
                max_value=most,
                label=f"{_CARE[name]} ({unit})",
                help_text=f"{least} to {most} {unit}." + (" 0 for none." if least == 0 else ""),
            )
        self.order_fields([*CARE_LIMITS, "reason"])

    def figures(self) -> dict[str, int]:
        """Returns the thresholds, for the action."""
        return {name: self.cleaned_data[name] for name in CARE_LIMITS}


class ConflictForm(forms.Form):
    """Asks which entitlements nobody may hold together with which others, and why."""

    one: "forms.ModelMultipleChoiceField[Entitlement]" = forms.ModelMultipleChoiceField(
        queryset=None, label="Any of these", help_text="Choose several with Ctrl or Cmd held down."
    )
    other: "forms.ModelMultipleChoiceField[Entitlement]" = forms.ModelMultipleChoiceField(
        queryset=None, label="Must not be held together with any of these"
    )
    why = forms.CharField(max_length=300, label="Why, printed beside each item and finding")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("one", "other"):
            field = self.fields[name]
            field.queryset = conflicting_choices()  # type: ignore[attr-defined]  # a field with choices
            field.widget.attrs["size"] = 8
            field.label_from_instance = lambda right: f"{right.system.name}: {right}"  # type: ignore[attr-defined]  # a field with choices


class ConflictDecisionForm(forms.Form):
    """Takes what a reviewer decides about a conflict of duties."""

    answer = forms.ChoiceField(choices=ConflictDecided.choices)
    control = forms.CharField(required=False, max_length=300)
    reason = forms.CharField(required=False, max_length=1500)
    seen_seconds = forms.IntegerField(required=False, min_value=0)


class DelegateForm(forms.Form):
    """Asks a reviewer who takes over their undecided items, and why."""

    new = PersonField(
        people=reviewers, label="New reviewer", help_text="Type a part of the name and choose from the list."
    )
    reason = forms.CharField(max_length=200, label="Why, printed in the evidence")

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        url = reverse("reviews:reviewer_choices", args=[tenant.slug])
        self.fields["new"].searched_at(url)  # type: ignore[attr-defined]  # a field of people


class AbsenceForm(forms.Form):
    """Asks who is away, when, and who reviews instead; a reviewer without `everybody` speaks for themselves alone."""

    absent = PersonField(people=reviewers, label="Who is away")
    deputy = PersonField(people=reviewers, label="Deputy", help_text="Reviews instead, but never their own access.")
    first_on = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_on = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(max_length=200, label="Why, printed in the evidence")

    def __init__(self, *args: Any, tenant: Tenant, me: Identity | None, everybody: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.me = me
        url = reverse("reviews:reviewer_choices", args=[tenant.slug])
        for name in ("absent", "deputy"):
            self.fields[name].searched_at(url)  # type: ignore[attr-defined]  # a field of people
        if not everybody:
            del self.fields["absent"]

    def clean(self) -> dict[str, Any]:
        """Refuses days in the wrong order, and a reviewer who is not in the register."""
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("first_on"), cleaned.get("last_on")
        if first and last and last < first:
            self.add_error("last_on", "The last day lies before the first.")
        if "absent" not in self.fields and self.me is None:
            self.add_error(None, "Your user is not linked to a person in the register.")
        return cleaned

    def facts(self) -> AbsenceFacts:
        """Returns what was typed, for the action."""
        told = dict(self.cleaned_data)
        return AbsenceFacts(reviewer=told.pop("absent", self.me), **told)


class RiskForm(forms.Form):
    """Asks until when the risk of a late revocation is accepted, and why."""

    until = forms.DateTimeField(
        label="Accepted until", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(max_length=300, label="Why, printed in the evidence")


class WaiverForm(forms.Form):
    """Asks why a campaign goes on without the list of a system, before that is signed."""

    reason = forms.CharField(
        min_length=REASON_MIN,
        max_length=REASON_MAX,
        label="Why, printed in the evidence",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class TicketRouteForm(forms.Form):
    """Asks where tickets about revocations go."""

    mail = forms.EmailField(max_length=254, required=False, label="By mail to", help_text="Empty for no mails.")
    url = forms.CharField(
        max_length=500,
        required=False,
        label="By webhook to",
        help_text="An address that begins with https://, on the open internet. Empty for no webhook.",
    )
    new_secret = forms.BooleanField(
        required=False, label="Make a new secret", help_text="The old one stops at once. The first is made by itself."
    )

    def clean_url(self) -> str:
        """Refuses what is no address to post to, or leads to the inside of a network."""
        url = str(self.cleaned_data["url"]).strip()
        if url:
            try:
                target_of(url, inside=settings.COUNTERSIGN_TICKET_HOSTS)
            except OutwardError as fault:
                raise forms.ValidationError(str(fault)) from fault
        return url


class ReplyForm(forms.Form):
    """Takes the answer to a reviewer's question."""

    text = forms.CharField(max_length=2000, label="Your answer", widget=forms.Textarea(attrs={"rows": 4}))


class AnswerForm(forms.Form):
    """Takes an owner's answer about access that nobody decided."""

    answer = forms.ChoiceField(choices=[(one.value, one.label) for one in SilenceAnswer if one.value])
    reason = forms.CharField(max_length=300)


class DueForm(forms.Form):
    """Asks for a new due time and why."""

    due_at = forms.DateTimeField(
        label="New due time", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(max_length=300, label="Why, printed in the evidence")

    def due(self) -> datetime:
        """Returns the new due time, aware."""
        due_at: datetime = self.cleaned_data["due_at"]
        return due_at
