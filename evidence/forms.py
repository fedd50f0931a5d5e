"""Shapes of the forms on controls and packs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from alerts.models import Incident
from evidence.budget import LIMITS
from evidence.catalogue import LOG_TYPES, load
from evidence.evaluate import spell
from evidence.kinds import Period
from evidence.languages import Language
from evidence.models import EvidencePack, SettingKind
from evidence.packtypes import TYPES, PackKind
from evidence.parquet import MISSING, is_installed
from evidence.report import STATE_WORDS

LONGEST_DAYS = 1_100
"""Three years and a little: the longest period of one pack."""


class PeriodForm(forms.Form):
    """A period by its first and last day in the tenant's zone."""

    first_day = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins, begins in the future or is too long."""
        told = super().clean() or {}
        first, last = told.get("first_day"), told.get("last_day")
        if first and last:
            if last < first:
                self.add_error("last_day", "The last day lies before the first one.")
            elif first > datetime.now(UTC).date() + timedelta(days=1):  # noqa: TID251 -- compares dates only
                self.add_error("first_day", "The period begins in the future: there is nothing to show yet.")
            elif (last - first).days > LONGEST_DAYS:
                self.add_error("last_day", f"Choose at most {LONGEST_DAYS} days.")
        return told

    def period(self, zone: ZoneInfo) -> Period:
        """Return the half-open period [first day 00:00, day after the last 00:00) of the zone, as aware UTC."""
        first: date = self.cleaned_data["first_day"]
        after: date = self.cleaned_data["last_day"] + timedelta(days=1)
        start, end = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, after))
        return Period(start, end, str(zone))


class PackForm(PeriodForm):
    """What an evidence pack is asked for."""

    frameworks = forms.MultipleChoiceField(
        label="Frameworks", widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one."}
    )
    recipient = forms.CharField(
        label="Recipient", max_length=200, help_text="Printed on every page, such as: Axel Brandt, Brandt Assurance."
    )
    classification = forms.CharField(label="Classification", max_length=100, initial="Confidential")

    kind = forms.TypedChoiceField(label="Type", coerce=PackKind, widget=forms.RadioSelect, initial=PackKind.CONTROLS)
    incident = forms.ChoiceField(label="Incident", required=False, help_text="For the type incident.")
    language = forms.TypedChoiceField(
        label="Language of the report",
        coerce=Language,
        choices=Language.choices,
        initial=Language.ENGLISH,
        help_text="Of the PDF. Tables, manifest and verifier stay in English, names and reasons as they were written.",
    )
    supersedes = forms.ChoiceField(
        label="Supersedes", required=False, help_text="An issued pack that this one takes the place of; both are kept."
    )

    parquet = forms.BooleanField(
        label="Tables as Parquet too",
        required=False,
        help_text="Beside each CSV file, with types, for whoever computes with long tables.",
    )

    volumes = forms.BooleanField(
        label="Print the cut tables in full as further volumes",
        required=False,
        help_text=(
            f"A report prints about {LIMITS.rows:,} rows in all; its longer tables go on in volume-2.pdf and the "
            f"next, at most {LIMITS.volumes} of {LIMITS.volume_rows:,} rows each. What goes beyond them stands, like "
            "everything, in the CSV files."
        ),
    )

    field_order = (
        *("kind", "incident", "first_day", "last_day", "frameworks", "recipient", "classification", "language"),
        *("supersedes", "volumes", "parquet"),
    )

    def __init__(
        self, *args: Any, incidents: Sequence[Incident] = (), packs: Sequence[EvidencePack] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.incidents = {str(row.pk): row for row in incidents}
        self.packs = {str(row.pk): row for row in packs}
        none = ("", "None")
        choices = {
            "frameworks": [(key, framework.name) for key, framework in load().frameworks.items()],
            "kind": [(kind, f"{kind.label}: {TYPES[kind].told}") for kind in PackKind],
            "incident": [none, *((key, row.title) for key, row in self.incidents.items())],
            "supersedes": [none, *((key, str(row)) for key, row in self.packs.items())],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]  # a field with choices

    def clean_parquet(self) -> bool:
        """Refuse what this installation cannot write."""
        wanted: bool = self.cleaned_data["parquet"]
        if wanted and not is_installed():
            raise forms.ValidationError(MISSING)
        return wanted

    def clean(self) -> dict[str, Any]:
        """Ask for an incident where the type is about one, and for nothing else there."""
        told = super().clean()
        told["incident"] = self.incidents.get(told.get("incident", ""))
        told["supersedes"] = self.packs.get(told.get("supersedes", ""))
        about_one = told.get("kind") == PackKind.INCIDENT
        if about_one and told["incident"] is None:
            self.add_error("incident", "Choose the incident that the pack is about.")
        if not about_one:
            told["incident"] = None
        return told


class CalendarForm(forms.Form):
    """What the calendar is narrowed to."""

    framework = forms.ChoiceField(label="Framework", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(key, framework.name) for key, framework in load().frameworks.items()]
        self.fields["framework"].choices = [("", "All"), *names]  # type: ignore[attr-defined]  # a field with choices


class ControlFilter(forms.Form):
    """Which rows of the catalogue to show."""

    framework = forms.ChoiceField(label="Framework", required=False)
    state = forms.ChoiceField(label="State", required=False, choices=[("", "All"), *STATE_WORDS.items()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "All"), *((key, framework.name) for key, framework in load().frameworks.items())]
        self.fields["framework"].choices = choices  # type: ignore[attr-defined]  # a field with choices


class ReasonForm(forms.Form):
    """A reason that every pack prints."""

    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 2}), max_length=600)


class SettingForm(ReasonForm):
    """One decision about the catalogue: a parameter's value, a log type out of scope, a row set aside."""

    what = forms.ChoiceField(label="What to settle")
    value = forms.FloatField(
        label="Value", required=False, help_text="For a parameter. Leave it empty to go back to the catalogue's value."
    )
    aside = forms.BooleanField(
        label="Out of scope", required=False, help_text="For a log type, a control, or the second signature of packs."
    )

    field_order = ("what", "value", "aside", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        params = [
            (f"{SettingKind.PARAMETER}:{name}", f"{name} ({spell(item.value)} {item.unit})")
            for name, item in load().params.items()
        ]
        types = [(f"{SettingKind.LOG_TYPE}:{name}", name.replace("_", " ").capitalize()) for name in LOG_TYPES]
        rows = [(f"{SettingKind.ROW}:{row.key}", f"{row.id} {row.title}") for row in load().controls]
        alone = [(f"{SettingKind.SIGN_OFF}:people", "One person is enough to sign packs off")]
        groups = [("Packs", alone), ("Parameters", params), ("Log types", types), ("Controls", rows)]
        self.fields["what"].choices = groups  # type: ignore[attr-defined]  # a field with choices


class ShareForm(forms.Form):
    """Whom a pack is shared with."""

    person = forms.ChoiceField(label="Share it with")

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = people  # type: ignore[attr-defined]  # a field with choices


class KeyForm(forms.Form):
    """Takes a verifier key that a person was given elsewhere."""

    key = forms.CharField(
        max_length=300,
        label="The key that you were given",
        help_text="The ledger's or the packs' verifier key, as it stands in your contract: name+number+letters.",
    )


class GrowthForm(forms.Form):
    """Takes the sizes of two printed checkpoints."""

    old = forms.IntegerField(min_value=1, label="Entries under the earlier checkpoint")
    new = forms.IntegerField(min_value=1, required=False, label="Under the later one", help_text="Empty: the newest.")
