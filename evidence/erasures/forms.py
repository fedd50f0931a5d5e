"""Shapes of what officers enter about an erasure: whose events, when they happened, why, and by which law."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from evidence.erasures.kinds import ErasureScope, Grounds
from evidence.erasures.queries import subject_key

_NAMELESS = "It stays for good: write no name of whom it is about."


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}))


class ScopeForm(forms.Form):
    """Which events: of whom or from where, and when they happened."""

    subject = forms.CharField(
        label="Person, address or event",
        max_length=320,
        help_text="A person's name, id or e-mail address as in the register, a name as in the logs, or a network "
        "address. One event: open it and choose Erase.",
    )
    first_day = _day("First day")
    last_day = _day("Last day")
    with_cited = forms.BooleanField(label="Erase events that are evidence, too", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        one = str(self.data.get("subject", "")).startswith("event-")
        for name in ("first_day", "last_day"):
            self.fields[name].required = not one

    def clean_subject(self) -> str:
        """Return the key of the subject."""
        return subject_key(self.cleaned_data["subject"])

    def clean(self) -> dict[str, Any]:
        """Ask for days in their order."""
        told = super().clean() or {}
        first, last = told.get("first_day"), told.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day lies before the first.")
        return told

    def scope(self, zone: ZoneInfo) -> ErasureScope:
        """Return what was entered; the days are those of the tenant's zone."""
        told = self.cleaned_data
        if told["subject"].startswith("event-"):
            return ErasureScope(told["subject"], None, None, told["with_cited"])
        since = datetime.combine(told["first_day"], time(), zone)
        until = datetime.combine(told["last_day"] + timedelta(days=1), time(), zone)
        return ErasureScope(told["subject"], since, until, told["with_cited"])


class AskForm(ScopeForm):
    """The same with the reason and the law."""

    reason = forms.CharField(
        label="Why",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=f"Auditors read it. {_NAMELESS}",
    )
    legal_ref = forms.CharField(
        label="Legal reference", max_length=300, help_text="For example: Art. 17(1)(a) GDPR, request 2026-14."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "ask_%s", **kwargs})
        for name in ("subject", "first_day", "last_day", "with_cited"):
            self.fields[name].widget = forms.HiddenInput()

    def grounds(self) -> Grounds:
        """Return why, and by which law."""
        return Grounds(self.cleaned_data["reason"], self.cleaned_data["legal_ref"])
