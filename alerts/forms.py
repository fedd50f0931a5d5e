"""The shape of what people enter about alerts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from alerts.kinds import AlertState, CloseReason, Hours, IncidentFacts, IncidentStep, Rule, RuleSettings, Severity
from alerts.queries.pages import OPEN, AlertFilters

DAYS = ((1, "Monday"), (2, "Tuesday"), (3, "Wednesday"), (4, "Thursday"), (5, "Friday"), (6, "Saturday"), (7, "Sunday"))
MOST_RECIPIENTS = 20


class AlertFilterForm(forms.Form):
    """What the list of alerts is narrowed to."""

    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=((OPEN, "Open"), *AlertState.choices, ("all", "All")),
    )
    rule = forms.ChoiceField(label="Rule", required=False, choices=(("", "Every rule"), *Rule.choices))
    severity = forms.TypedChoiceField(
        label="Severity",
        required=False,
        coerce=int,
        empty_value=None,
        choices=(("", "Every severity"), *Severity.choices),
    )
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def filters(self) -> AlertFilters:
        """Return the filters; wrong values are left out, since a list can always be shown."""
        self.is_valid()
        values = self.cleaned_data
        state = values.get("state") or OPEN
        return AlertFilters("" if state == "all" else state, values.get("rule") or "", values.get("severity"))


class CloseForm(forms.Form):
    """Why an alert is closed."""

    reason = forms.ChoiceField(label="What it was", choices=CloseReason.choices, widget=forms.RadioSelect)
    note = forms.CharField(
        label="What you found out",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One or two sentences that an auditor will understand in a year.",
    )


class MomentField(forms.DateTimeField):
    """A moment in the tenant's zone that has happened already."""

    def __init__(self, label: str, **more: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(label=label, widget=widget, **more)

    def clean(self, value: Any) -> Any:
        """Refuse a moment that lies ahead."""
        at = super().clean(value)
        if at is not None and at > timezone.now():
            message = "This lies in the future: record what has happened."
            raise ValidationError(message)
        return at


class IncidentForm(forms.Form):
    """What an incident is opened with."""

    title = forms.CharField(label="Title", max_length=200)
    what = forms.CharField(label="What happened", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    affected = forms.CharField(
        label="Whose data and which accounts may be affected",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    found_at = MomentField("First sign found")
    known_at = MomentField("Known to be an incident", help_text="The clock to tell the client runs from here.")

    def facts(self) -> IncidentFacts:
        """Return what was entered."""
        return IncidentFacts(**self.cleaned_data)


class StepForm(forms.Form):
    """One step of an incident."""

    step = forms.ChoiceField(label="Step", choices=IncidentStep.choices)
    happened_at = MomentField("When it happened")
    note = forms.CharField(
        label="What was done or found",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Whom you told and how, or what you found. It cannot be changed afterwards.",
    )


class SettingsForm(forms.Form):
    """Thresholds, hours and recipients of a tenant."""

    failed_on = forms.BooleanField(label="Raise alerts for failed log-ins", required=False)
    account_threshold = forms.IntegerField(
        label="Failed log-ins of one account", min_value=2, max_value=10_000, help_text="Raise an alert at this number."
    )
    source_threshold = forms.IntegerField(
        label="Failed log-ins from one address",
        min_value=2,
        max_value=10_000,
        help_text="Raise an alert at this number.",
    )
    window_minutes = forms.IntegerField(label="Within how many minutes", min_value=1, max_value=1440)
    success_minutes = forms.IntegerField(
        label="Minutes in which a log-in that succeeds afterwards makes the alert graver", min_value=0, max_value=1440
    )
    hours_on = forms.BooleanField(label="Raise alerts for access out of hours", required=False)
    hours_start = forms.TimeField(label="Business hours start", widget=forms.TimeInput(attrs={"type": "time"}))
    hours_end = forms.TimeField(
        label="Business hours end",
        widget=forms.TimeInput(attrs={"type": "time"}),
        help_text="An end before the start is on the next day.",
    )
    days = forms.TypedMultipleChoiceField(
        label="Business days", choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    slack_minutes = forms.IntegerField(
        label="Minutes of slack before and after", min_value=0, max_value=240, help_text="Early starts and overtime."
    )
    unknown_on = forms.BooleanField(label="Also watch accounts that belong to nobody in the register", required=False)
    places_on = forms.BooleanField(label="Raise alerts for remote access from elsewhere", required=False)
    mail_on = forms.BooleanField(label="Send a mail when an alert is raised or becomes graver", required=False)
    mail_to = forms.CharField(
        label="Recipients",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One e-mail address a line, 20 at most.",
    )

    def clean_mail_to(self) -> tuple[str, ...]:
        """Return the addresses, each once."""
        addresses = tuple(dict.fromkeys(self.cleaned_data["mail_to"].replace(",", "\n").split()))
        if len(addresses) > MOST_RECIPIENTS:
            message = f"Name {MOST_RECIPIENTS} addresses at most: use a distribution list."
            raise ValidationError(message)
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError as fault:
                message = f"{address} is not an e-mail address."
                raise ValidationError(message) from fault
        return addresses

    def clean(self) -> dict[str, Any]:
        """Refuse mail to nobody."""
        values = super().clean() or {}
        if values.get("mail_on") and "mail_to" in values and not values["mail_to"]:
            self.add_error("mail_to", "Name at least one address, or switch the mail off.")
        return values

    def settings(self) -> RuleSettings:
        """Return the settings that were entered; call it on a valid form."""
        values = self.cleaned_data
        hours = Hours(values["hours_start"], values["hours_end"], frozenset(values["days"]))
        plain = {name: values[name] for name in self.fields if name not in {"hours_start", "hours_end", "days"}}
        return RuleSettings(hours=hours, **plain)

    @classmethod
    def showing(cls, settings: RuleSettings) -> "SettingsForm":
        """Return the form filled with settings."""
        hours = settings.hours
        initial = {name: getattr(settings, name) for name in cls.base_fields if hasattr(settings, name)}
        initial |= {"hours_start": hours.start, "hours_end": hours.end, "days": sorted(hours.days)}
        return cls(initial=initial | {"mail_to": "\n".join(settings.mail_to)})
