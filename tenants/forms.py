"""Shapes of the forms on people, roles and tokens."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from tenants.kinds import Actor, Permission, Role


class PersonForm(forms.Form):
    """A person and the role they are given."""

    name = forms.CharField(label="Name", max_length=200, help_text="As it shall stand on signatures.")
    email = forms.EmailField(label="E-mail address", help_text="They log in with it and set a password by mail.")
    role = forms.ChoiceField(label="Role", choices=Role.choices)
    ends_on = forms.DateField(
        label="Last day of the role",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="An external auditor's access needs one.",
    )

    def ends_at(self, zone: ZoneInfo) -> datetime | None:
        """Return the end of the last day in the tenant's zone, aware, or None for a role without an end."""
        day = self.cleaned_data["ends_on"]
        return datetime.combine(day, time.max, zone) if day else None


class TokenForm(forms.Form):
    """A machine's key: what it may do and how long."""

    name = forms.CharField(label="What it is for", max_length=100, help_text="Such as: SIEM export of Acme.")
    scopes = forms.MultipleChoiceField(label="It may", widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label="Days until it expires", min_value=1, max_value=365, initial=90)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = sorted(by.permissions)
        self.fields["scopes"].choices = [(str(one), _spoken(one)) for one in held]  # type: ignore[attr-defined]


def _spoken(permission: Permission) -> str:
    noun, _, verb = permission.value.partition(".")
    return f"{verb} {noun}s ({permission.value})"


class TrailFilter(forms.Form):
    """What to show of the audit trail."""

    verb = forms.CharField(label="Deed starts with", required=False, max_length=60)
    actor = forms.CharField(label="Person or process", required=False, max_length=320)
