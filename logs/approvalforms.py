"""The shape of what people enter about approved places."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from identities.models import System
from logs.actions import PlaceFacts
from logs.approval import read_place


class PlaceForm(forms.Form):
    """A place, for which system, and who approved it when and why."""

    place = forms.CharField(
        label="Network or country",
        max_length=100,
        help_text="A network such as 203.0.113.0/24, one address, or a country: ES or Spain.",
    )
    system: "forms.ModelChoiceField[System]" = forms.ModelChoiceField(
        queryset=None,
        label="System",
        required=False,
        empty_label="Every system",
        help_text="The system whose remote access is meant; a VPN is a system of its own.",
    )
    approved_by = forms.CharField(label="Approved by", max_length=200)
    approved_on = forms.DateField(
        label="Approved on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The approval holds from this day. When it was recorded here stands beside it.",
    )
    reason = forms.CharField(
        label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}), help_text="Auditors read it."
    )

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["system"].queryset = System.objects.order_by("name", "id")  # type: ignore[attr-defined]  # a model's
        self.fields["approved_on"].initial = timezone.localdate(timezone=zone)

    def clean_place(self) -> str:
        """Refuse what names no place."""
        try:
            read_place(self.cleaned_data["place"])
        except ValueError as fault:
            raise ValidationError(str(fault)) from fault
        return str(self.cleaned_data["place"])

    def facts(self) -> PlaceFacts:
        """Return what was entered."""
        return PlaceFacts(**self.cleaned_data, zone=self.zone)
