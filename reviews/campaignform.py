"""Shapes what a compliance officer types to plan a campaign, on one page."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.urls import reverse
from django.utils import timezone

from identities.models import System
from identities.personfield import PersonField, label_of
from reviews.actions import PlanFacts
from reviews.kinds import (
    Recurrence,
    Silence,
    Strategy,
    Trigger,
)
from reviews.models import CampaignPlan
from reviews.queries.reviewers import reviewers, reviewing_groups
from reviews.recurrence import Openings, next_eight
from tenants.models import Tenant

FURTHER = (
    *("conflicts_only", "entitlements", "programme", "dormant_days", "later", "silence_privileged", "silence_standard"),
    *("own_rule", "trigger"),
)
"""Fields of a campaign that are folded away until somebody wants them."""


def typed_like(plan: CampaignPlan) -> dict[str, object]:
    """Returns what would be typed to plan the same again, from today on and under a name of its own."""
    plain = plan.rule in Recurrence.values
    names = ["privileged_only", "conflicts_only", "entitlements", "programme", "dormant_days", "strategy", "group"]
    names += ["due_days", "silence_privileged", "silence_standard", "trigger", "purpose"]
    return {
        **{name: getattr(plan, name) for name in names},
        "starts_on": timezone.localdate(),
        "systems": list(plan.plan_systems.values_list("system_id", flat=True)),
        "named": label_of(plan.named) if plan.named else "",
        "fallback": label_of(plan.fallback),
        "later": ",".join(plan.later_stages.order_by("n").values_list("strategy", flat=True)),
        "rule": plan.rule if plain else "",
        "own_rule": "" if plain else plan.rule,
    }


class CampaignForm(forms.Form):
    """Asks on one page for everything that a campaign needs."""

    name = forms.CharField(max_length=120, label="Name of the campaign")
    all_systems = forms.BooleanField(
        required=False, label="All systems", help_text="As they are now. Without it, tick the systems below."
    )
    systems: "forms.ModelMultipleChoiceField[System]" = forms.ModelMultipleChoiceField(
        queryset=None, label="Systems", widget=forms.CheckboxSelectMultiple, required=False
    )
    privileged_only = forms.BooleanField(required=False, label="Privileged access only")
    conflicts_only = forms.BooleanField(
        required=False,
        label="Conflicts of duties only",
        help_text="Each conflict is one thing to decide: remove one side, or name the control that watches over both.",
    )
    entitlements = forms.CharField(
        max_length=300, required=False, label="Entitlements only", help_text="Patterns, such as admin*, *_dba."
    )
    programme = forms.CharField(max_length=100, required=False, label="People of one programme only")
    dormant_days = forms.IntegerField(
        min_value=30, max_value=365, required=False, label="Only accounts not used for so many days"
    )
    strategy = forms.ChoiceField(choices=Strategy.choices, label="Who reviews", initial=Strategy.MANAGER)
    named = PersonField(
        people=reviewers,
        required=False,
        label="Named reviewer",
        help_text="Needed where one named person reviews all. Type a part of the name and choose from the list.",
    )
    group = forms.ChoiceField(
        required=False,
        label="Group",
        help_text="Needed where a group reviews: of the directory, or who holds an entitlement. Each reviews a fixed "
        "share, never their own access. Where nobody of it may review, the fallback does.",
    )
    fallback = PersonField(
        people=reviewers,
        label="Fallback reviewer",
        help_text="Reviews what has no other reviewer but its subject. Type a part of the name and choose.",
    )
    due_days = forms.IntegerField(min_value=1, max_value=90, initial=14, label="Days to decide")
    later = forms.ChoiceField(
        choices=[
            ("", "One stage"),
            ("owner", "Then the owner of the system"),
            ("owner,client", "Then the owner of the system, then the client's own reviewer"),
            ("client", "Then the client's own reviewer"),
        ],
        required=False,
        label="Stages",
        help_text="A later stage reviews what the one before did not revoke, by somebody else, and signs by itself.",
    )
    silence_privileged = forms.ChoiceField(
        choices=Silence.choices, initial=Silence.REVOKE, required=False, label="Privileged access nobody decides"
    )
    silence_standard = forms.ChoiceField(
        choices=Silence.choices,
        initial=Silence.NOT_DECIDED,
        required=False,
        label="Other access nobody decides",
        help_text="Silence never approves. What is left as it is becomes a finding.",
    )
    rule = forms.ChoiceField(choices=Recurrence.choices, required=False, label="Comes back")
    own_rule = forms.CharField(
        max_length=200,
        required=False,
        label="Another recurrence",
        help_text="An RRULE of RFC 5545, such as FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1, in place of the choice above.",
    )
    starts_on = forms.DateField(
        label="First day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        initial=timezone.localdate,
        help_text="Of what comes back: no campaign is made before it. What is made once is made now.",
    )
    trigger = forms.ChoiceField(
        choices=Trigger.choices,
        required=False,
        label="Made by itself after",
        help_text="A small campaign over the accounts concerned, whenever it happens from now on.",
    )
    purpose = forms.CharField(max_length=300, required=False, label="Purpose, printed in the evidence")

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        self.fields["systems"].queryset = System.objects.order_by("name")  # type: ignore[attr-defined]  # a field with choices
        self.fields["group"].choices = [("", "No group"), *reviewing_groups()]  # type: ignore[attr-defined]  # a field with choices
        url = reverse("reviews:reviewer_choices", args=[tenant.slug])
        for name in ("named", "fallback"):
            self.fields[name].searched_at(url)  # type: ignore[attr-defined]  # a field of people

    def clean(self) -> dict[str, Any]:
        """Takes all systems where that is ticked; refuses none at all, and reviewers by name or group without one."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("all_systems"):
            cleaned["systems"] = System.objects.order_by("name")
        elif "systems" not in self.errors and not cleaned.get("systems"):
            self.add_error("systems", "Tick at least one system, or all of them.")
        cleaned["rule"] = (cleaned.get("own_rule") or cleaned.get("rule") or "").strip().upper()
        if cleaned.get("strategy") == Strategy.NAMED and not cleaned.get("named"):
            self.add_error("named", "Choose who reviews, or another way to find the reviewers.")
        if cleaned.get("strategy") == Strategy.GROUP and not cleaned.get("group"):
            self.add_error("group", "Choose the group that reviews, or another way to find the reviewers.")
        return cleaned

    @property
    def essential(self) -> list[forms.BoundField]:
        """Returns what every campaign is asked for."""
        return [field for field in self if field.name not in FURTHER]

    @property
    def further(self) -> list[forms.BoundField]:
        """Returns what most campaigns leave as it is."""
        return [self[name] for name in FURTHER]

    def openings(self) -> Openings:
        """Returns the next openings as far as the form says when they are; run after `is_valid`.

        What is made once opens when a person opens it, on no date of the form.
        """
        told = getattr(self, "cleaned_data", {})
        if not told.get("starts_on") or not told.get("rule"):
            return Openings(self.tenant.time_zone)
        return next_eight(told["rule"], told["starts_on"], ZoneInfo(self.tenant.time_zone), timezone.now())

    def facts(self) -> PlanFacts:
        """Returns what was typed, for the action."""
        told = dict(self.cleaned_data)
        for name in ("own_rule", "all_systems"):
            told.pop(name)
        told["group_name"] = self._group_name(told["group"])
        told["trigger"] = Trigger(told["trigger"])
        told["later"] = [Strategy(one) for one in told["later"].split(",") if one]
        told["systems"], told["strategy"] = list(told["systems"]), Strategy(told["strategy"])
        for name in ("silence_privileged", "silence_standard"):
            told[name] = Silence(told[name] or self.fields[name].initial)
        return PlanFacts(time_zone=self.tenant.time_zone, **told)

    def _group_name(self, chosen: str) -> str:
        """Returns the words of the chosen group as the form showed them, without the count."""
        for where, lines in reviewing_groups():
            for key, words in lines:
                if key == chosen:
                    return f"{where}: {words.rpartition(' (')[0]}"[:200]
        return ""
