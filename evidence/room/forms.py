"""Shapes of the forms of the auditor's room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.files.uploadedfile import UploadedFile

from evidence.catalogue import load
from evidence.forms import PeriodForm
from evidence.room.populations import OF_A_PERIOD
from evidence.states import Mark, Turn
from tenants.kinds import Columns, EngagementScope

LARGEST_BYTES: Final = 10 * 1024 * 1024
Choices = Sequence[tuple[str, str]]


class InviteForm(PeriodForm):
    """Whom to invite, what the room covers, and how long it is open."""

    email = forms.EmailField(label="E-mail address", help_text="The one address that can use the invitation.")
    firm = forms.CharField(label="Audit firm", max_length=200)
    frameworks = forms.MultipleChoiceField(
        label="Frameworks", widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one."}
    )
    columns = forms.ChoiceField(
        label="What it shows of people",
        choices=Columns.choices,
        initial=Columns.CONTROLLED,
        widget=forms.RadioSelect,
        help_text="A room with pseudonyms opens no evidence packs, since packs carry names.",
    )
    days = forms.IntegerField(label="Days until the room closes", min_value=1, max_value=365, initial=30)

    field_order = ("email", "firm", "first_day", "last_day", "frameworks", "columns", "days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, framework.name) for key, framework in load().frameworks.items()]
        self.fields["frameworks"].choices = choices  # type: ignore[attr-defined]  # a field with choices

    def scope(self, zone: ZoneInfo, now: datetime) -> EngagementScope:
        """Return the scope; the room opens at once and closes after the days."""
        told, period = self.cleaned_data, self.period(zone)
        ends_at = now + timedelta(days=told["days"])
        frameworks = tuple(told["frameworks"])
        return EngagementScope(period.start, period.end, frameworks, Columns(told["columns"]), now, ends_at)


class AskForm(forms.Form):
    """What an auditor asks for."""

    control = forms.ChoiceField(label="Control", required=False)
    what = forms.CharField(label="What you need", widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    due_on = forms.DateField(label="Due on", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, frameworks: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        catalogue = load()
        rows = [row for row in catalogue.controls if row.framework in frameworks]
        named = [(row.key, f"{catalogue.frameworks[row.framework].name}: {row.id} {row.title}") for row in rows]
        self.fields["control"].choices = [("", "None in particular"), *named]  # type: ignore[attr-defined]  # a field with choices


class TurnForm(forms.Form):
    """What somebody does to a request, and what goes with it."""

    turn = forms.ChoiceField(label="What to do", widget=forms.RadioSelect)
    words = forms.CharField(label="Words", required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    attach = forms.ChoiceField(label="Attach", required=False)
    document = forms.FileField(label="Or a document", required=False, help_text="At most 10 MiB.")

    def __init__(self, *args: Any, turns: Sequence[Turn], attachable: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["turn"].choices = [(turn.value, turn.label) for turn in turns]  # type: ignore[attr-defined]  # a field with choices
        self.fields["attach"].choices = [("", "Nothing"), *attachable]  # type: ignore[attr-defined]  # a field with choices
        if not attachable:
            del self.fields["attach"]
            self.fields["document"].label = "A document"

    def clean_document(self) -> UploadedFile[bytes] | None:
        """Refuse a document that is too large to keep."""
        file: UploadedFile[bytes] | None = self.cleaned_data["document"]
        if file and (file.size or 0) > LARGEST_BYTES:
            message = "The document has more than 10 MiB. Split it, or provide it as a pack."
            raise forms.ValidationError(message)
        return file


class FreezeForm(forms.Form):
    """Which population to freeze for a room."""

    population = forms.ChoiceField(label="Population")

    def __init__(self, *args: Any, campaigns: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [*campaigns, *((key, title) for key, (title, _found) in OF_A_PERIOD.items())]
        self.fields["population"].choices = choices  # type: ignore[attr-defined]  # a field with choices


class DrawForm(forms.Form):
    """How to draw a sample."""

    size = forms.IntegerField(label="How many", min_value=1, max_value=10_000, initial=25)
    seed = forms.CharField(
        label="Your own seed",
        required=False,
        max_length=200,
        help_text="Empty: the root of the newest signed checkpoint of the ledger, which nobody chose.",
    )


class MarkForm(forms.Form):
    """What an auditor says of one thing of a sample."""

    item = forms.CharField(max_length=100, widget=forms.HiddenInput)
    mark = forms.ChoiceField(label="Mark", choices=Mark.choices)
    note = forms.CharField(label="Note", required=False, max_length=1000)
