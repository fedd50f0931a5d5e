"""Shapes of the forms on people, roles and tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms

from tenants.kinds import Actor, Permission, Purpose, Role

LONGEST_PURPOSE: Final = 100

_SPOKEN: Final[Mapping[Permission, str]] = {
    Permission.TENANT_MANAGE: "Manage people and roles",
    Permission.SHARE_MANAGE: "Share single objects",
    Permission.TOKEN_MANAGE: "Manage API tokens",
    Permission.AUDIT_VIEW: "Read the audit trail",
    Permission.SOURCE_VIEW: "Read log sources",
    Permission.SOURCE_MANAGE: "Manage log sources",
    Permission.EVENT_VIEW: "Read events",
    Permission.EVENT_EXPORT: "Export events",
    Permission.REGISTER_VIEW: "Read systems, accounts and grants",
    Permission.REGISTER_MANAGE: "Deliver snapshots",
    Permission.PEOPLE_PROVISION: "Provision people and groups (SCIM)",
    Permission.CAMPAIGN_VIEW: "Read campaigns",
    Permission.CAMPAIGN_MANAGE: "Manage campaigns",
    Permission.ITEM_REVIEW: "Decide review items",
    Permission.REMEDIATION_MANAGE: "Manage remediations",
    Permission.ALERT_VIEW: "Read alerts",
    Permission.ALERT_HANDLE: "Handle alerts",
    Permission.ALERT_CONFIGURE: "Configure alert rules",
    Permission.CONTROL_VIEW: "Read control results",
    Permission.CONTROL_COMPUTE: "Compute controls",
    Permission.PACK_VIEW: "Read evidence packs",
    Permission.PACK_BUILD: "Build evidence packs",
    Permission.LEDGER_VIEW: "Read the ledger and its proofs",
    Permission.ROOM_VIEW: "Open the auditor's room",
    Permission.CLIENT_VIEW: "Open the client's pages",
}


class PersonForm(forms.Form):
    """A person and the role they are given."""

    name = forms.CharField(label="Name", max_length=200, help_text="As it shall stand on signatures.")
    email = forms.EmailField(label="E-mail address", help_text="They log in with it and set a password by mail.")
    role = forms.ChoiceField(label="Role", choices=[one for one in Role.choices if one[0] != Role.AUDITOR])
    ends_on = forms.DateField(
        label="Last day of the role",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="External auditors are invited under Auditors, with a scope and an end.",
    )

    def ends_at(self, zone: ZoneInfo) -> datetime | None:
        """Return the end of the last day in the tenant's zone, aware, or None for a role without an end."""
        day = self.cleaned_data["ends_on"]
        return datetime.combine(day, time.max, zone) if day else None


class TokenForm(forms.Form):
    """A machine's key: what it may do and how long."""

    name = forms.CharField(label="What it is for", max_length=100, help_text="Such as: SIEM export of Acme.")
    scopes = forms.MultipleChoiceField(
        label="It may", widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one."}
    )
    days = forms.IntegerField(label="Days until it expires", min_value=1, max_value=365, initial=90)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = [one for one in _SPOKEN if by.may(one)]
        self.fields["scopes"].choices = [(str(one), _SPOKEN[one]) for one in held]  # type: ignore[attr-defined]  # a field with choices


class PurposeForm(forms.Form):
    """What somebody looks at logs for."""

    purpose = forms.ChoiceField(label="Purpose", widget=forms.RadioSelect)
    reference = forms.CharField(
        label="Reference", max_length=100, required=False, help_text="A ticket, case or request, where there is one."
    )

    def __init__(self, *args: Any, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["purpose"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # a choice

    def stated(self) -> Purpose:
        """Return what was entered."""
        return Purpose(self.cleaned_data["purpose"], self.cleaned_data["reference"].strip())


class PurposesForm(forms.Form):
    """The purposes for which logs are looked at in a tenant."""

    names = forms.CharField(
        label="Purposes",
        max_length=1500,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="One a line, 12 at most. Whoever looks at logs is asked for one of them once a day.",
    )

    def clean_names(self) -> list[str]:
        """Return the lines; a purpose is short enough to be chosen at a glance."""
        lines = [line.strip() for line in str(self.cleaned_data["names"]).splitlines() if line.strip()]
        if any(len(line) > LONGEST_PURPOSE for line in lines):
            raise forms.ValidationError(f"A purpose has {LONGEST_PURPOSE} characters at most.")
        return lines


class TrailFilter(forms.Form):
    """What to show of the audit trail."""

    verb = forms.CharField(label="Deed starts with", required=False, max_length=60)
    actor = forms.CharField(label="Person or process", required=False, max_length=320)
