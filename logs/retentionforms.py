"""Shapes of what people enter about retention: a term, a hold, and why a hold is lifted."""

from typing import Any

from django import forms

from logs.actions import HoldFacts
from logs.kinds import LogType
from logs.models import HoldKind, LogSource
from logs.queries.sources import visible_sources
from logs.terms import LONGEST, SHORTEST, SHORTEST_SESSION
from tenants.kinds import Actor

WHY = forms.Textarea(attrs={"rows": 2})


class TermForm(forms.Form):
    """How long one kind of log is kept."""

    kind = forms.TypedChoiceField(label="Kind of log", choices=LogType.choices, coerce=int)
    months = forms.IntegerField(
        label="Months",
        min_value=SHORTEST_SESSION,
        max_value=LONGEST,
        help_text=f"{SHORTEST} to {LONGEST}; session activity {SHORTEST_SESSION} to {LONGEST}.",
    )
    reason = forms.CharField(label="Why", max_length=1000, widget=WHY, help_text="Auditors read it.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "term_%s", **kwargs})  # two forms stand on one page


class HoldForm(forms.Form):
    """What is to be kept whatever its term, and why."""

    kind = forms.ChoiceField(label="What is held", choices=HoldKind.choices)
    name = forms.CharField(
        label="Person",
        required=False,
        max_length=300,
        help_text="For one person: the name, id or e-mail address in the register, or a name as the logs have it.",
    )
    source: "forms.ModelChoiceField[LogSource]" = forms.ModelChoiceField(
        queryset=None, label="Source", required=False, empty_label="No source"
    )
    reason = forms.CharField(label="Why", max_length=1000, widget=WHY, help_text="Auditors read it.")

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "hold_%s", **kwargs})
        self.fields["source"].queryset = visible_sources(by).order_by("name", "id")  # type: ignore[attr-defined]  # a model's

    def facts(self) -> HoldFacts:
        """Return what was entered; only what belongs to the kind counts."""
        values = self.cleaned_data
        kind = HoldKind(values["kind"])
        return HoldFacts(
            kind=kind,
            reason=values["reason"],
            person=values["name"] if kind == HoldKind.PERSON else "",
            source=values["source"] if kind == HoldKind.SOURCE else None,
        )
