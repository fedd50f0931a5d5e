"""Shapes what people type about the reviews of logs."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils import timezone

from identities.personfield import PersonField
from reviews.actions import LogScheduleFacts
from reviews.kinds import Disposed, LogRhythm, Looked
from reviews.queries.reviewers import reviewers
from tenants.models import Tenant


class LogScheduleForm(forms.Form):
    """Asks how often logs are reviewed, by whom, and how much of them is drawn."""

    name = forms.CharField(max_length=120, label="Name of the reviews")
    rule = forms.ChoiceField(choices=LogRhythm.choices, initial=LogRhythm.WEEKLY, label="One period is")
    own_rule = forms.CharField(
        max_length=200,
        required=False,
        label="Another rhythm",
        help_text="An RRULE of RFC 5545, such as FREQ=MONTHLY;BYMONTHDAY=1,15, in place of the choice above.",
    )
    starts_on = forms.DateField(
        label="First day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        initial=timezone.localdate,
        help_text="The first period begins on the first day from this one on that the rhythm names.",
    )
    reviewer = PersonField(people=reviewers, label="Reviewer", help_text="Type a part of the name and choose.")
    second = PersonField(
        people=reviewers, label="Second reviewer", help_text="Reviews what is about the first, and stands in for them."
    )
    due_days = forms.IntegerField(min_value=1, max_value=90, initial=7, label="Days from the end to the signature")
    sample_privileged = forms.IntegerField(
        min_value=0, max_value=500, initial=15, label="Privileged events drawn from each period"
    )
    sample_out_of_hours = forms.IntegerField(
        min_value=0, max_value=500, initial=10, label="Events out of hours drawn from each period"
    )
    follow_up_days = forms.IntegerField(
        min_value=1, max_value=365, initial=14, label="Days to follow up an incident or a violation"
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        url = reverse("reviews:reviewer_choices", args=[tenant.slug])
        for name in ("reviewer", "second"):
            self.fields[name].searched_at(url)  # type: ignore[attr-defined]  # a field of people

    def clean(self) -> dict[str, Any]:
        """Refuses one person as both reviewers."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["rule"] = (cleaned.get("own_rule") or cleaned.get("rule") or "").strip().upper()
        if cleaned.get("reviewer") and cleaned.get("reviewer") == cleaned.get("second"):
            self.add_error("second", "Name another person: nobody reviews their own events.")
        return cleaned

    def facts(self) -> LogScheduleFacts:
        """Returns what was typed, for the action."""
        told = {name: value for name, value in self.cleaned_data.items() if name != "own_rule"}
        return LogScheduleFacts(time_zone=self.tenant.time_zone, **told)


class LogReviewersForm(forms.Form):
    """Asks who reviews logs from now on, and why it changes."""

    reviewer = PersonField(people=reviewers, label="Reviewer", help_text="Type a part of the name and choose.")
    second = PersonField(people=reviewers, label="Second reviewer", help_text="Reviews what is about the first.")
    reason = forms.CharField(max_length=200, label="Why, printed in the audit trail")

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        url = reverse("reviews:reviewer_choices", args=[tenant.slug])
        for name in ("reviewer", "second"):
            self.fields[name].searched_at(url)  # type: ignore[attr-defined]  # a field of people


class DispositionForm(forms.Form):
    """Takes what a reviewer found about one item of a log review."""

    outcome = forms.ChoiceField(choices=Disposed.choices)
    reason = forms.CharField(required=False, max_length=2000)
    ticket = forms.CharField(required=False, max_length=120)
    seen = forms.IntegerField(required=False)
    seen_seconds = forms.IntegerField(required=False, min_value=0)

    def looked(self) -> Looked:
        """Returns the disposition, for the action."""
        told = self.cleaned_data
        return Looked(Disposed(told["outcome"]), told["reason"], told["ticket"], told["seen_seconds"] or 0)
