"""Shapes what people type about systems, people and snapshots."""

from collections.abc import Mapping
from typing import Any

from django import forms

from identities.actions import SystemFacts
from identities.csvtable import MAX_BYTES
from identities.kinds import Criticality, DataClass, ListFormat, SnapshotUpload
from identities.models import System
from identities.personfield import PersonField
from identities.privileged import problem
from identities.queries import people


def _short_enough(file: Any) -> None:
    """Refuses a file that is too big to read, before it is read."""
    if file.size > MAX_BYTES:
        raise forms.ValidationError(f"The file has {file.size:,} bytes; at most {MAX_BYTES:,} are read.")


class SystemForm(forms.Form):
    """Asks for what is written about a system."""

    name = forms.CharField(max_length=120, label="Name of the system")
    key = forms.SlugField(max_length=60, label="Short key", help_text="Lower-case letters, digits and hyphens.")
    owner = PersonField(
        people=people,
        required=False,
        label="Owner",
        help_text="Reviews access where a campaign says so. Type a part of the name and choose from the list.",
    )
    criticality = forms.ChoiceField(choices=Criticality.choices, initial=Criticality.STANDARD)
    data_class = forms.ChoiceField(choices=DataClass.choices, initial=DataClass.PERSONAL, label="Most sensitive data")
    privileged_rule = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        label="Which entitlements are privileged",
        help_text="One pattern a line, such as admin* or *_dba. Write 'none: ' and a reason where none is.",
    )

    def __init__(self, *args: Any, people_url: str, system: System | None = None, **kwargs: Any) -> None:
        if system is not None:
            names = ("name", "key", "owner", "criticality", "data_class", "privileged_rule")
            kwargs["initial"] = {name: getattr(system, name) for name in names}
        super().__init__(*args, **kwargs)
        self.system = system
        self.fields["owner"].searched_at(people_url)  # type: ignore[attr-defined]  # a field of people

    def clean_privileged_rule(self) -> str:
        """Refuses a rule that says nothing."""
        rule: str = self.cleaned_data["privileged_rule"]
        if sentence := problem(rule):
            raise forms.ValidationError(sentence)
        return rule

    def clean(self) -> dict[str, Any]:
        """Refuses a name or key that another system of the tenant has."""
        cleaned = super().clean() or self.cleaned_data
        others = System.objects.exclude(pk=0 if self.system is None else int(self.system.pk or 0))
        for name in ("name", "key"):
            if cleaned.get(name) and others.filter(**{name: cleaned[name]}).exists():
                self.add_error(name, f"Another system has this {name} already.")
        return cleaned

    def facts(self) -> SystemFacts:
        """Returns what was typed, for the action."""
        return SystemFacts(**self.cleaned_data)


class SnapshotForm(forms.Form):
    """Asks for a system's list of grants and for what proves that it is complete."""

    list_format = forms.ChoiceField(
        required=False,
        choices=ListFormat.choices,
        initial=ListFormat.TABLE,
        label="What the file is",
        help_text="Beside is how each kind of file is got, and what its total counts.",
    )
    file = forms.FileField(
        label="File, as the system wrote it",
        validators=[_short_enough],
    )
    source_total = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        label="Total that the system itself shows",
        help_text="The number on the system's own screen or report.",
    )
    captured_at = forms.DateTimeField(
        label="When the system produced the list",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )
    delivered_by = forms.CharField(max_length=200, label="Who took the list from the system")
    query = forms.CharField(
        required=False, max_length=4000, label="Report or query used", widget=forms.Textarea(attrs={"rows": 2})
    )
    filters = forms.CharField(
        required=False, max_length=4000, label="Filters that were set", help_text="Leave empty for none."
    )

    def __init__(self, *args: Any, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mapping = mapping
        if mapping is not None:
            self.fields["list_format"].initial = ListFormat.MAPPED

    def clean_list_format(self) -> str:
        """Refuses to read by a mapping where none is saved."""
        form: str = self.cleaned_data["list_format"] or ListFormat.TABLE
        if form == ListFormat.MAPPED and self.mapping is None:
            raise forms.ValidationError("No mapping is saved for this system. Say first which column is what.")
        return form

    def upload(self) -> SnapshotUpload:
        """Returns the delivery, for the action."""
        data = self.cleaned_data
        return SnapshotUpload(
            body=data["file"].read(),
            captured_at=data["captured_at"],
            source_total=data["source_total"],
            file_name=data["file"].name or "",
            filters=data["filters"],
            query=data["query"],
            delivered_by=data["delivered_by"],
            form=data["list_format"],
            mapping=self.mapping if data["list_format"] == ListFormat.MAPPED else None,
        )


class PeopleForm(forms.Form):
    """Asks for the list of people; the saved mapping reads it where its columns are its own."""

    list_format = forms.ChoiceField(
        required=False,
        choices=[(ListFormat.TABLE, ListFormat.TABLE.label), (ListFormat.MAPPED, ListFormat.MAPPED.label)],
        initial=ListFormat.TABLE,
        label="What the file is",
    )
    file = forms.FileField(
        label="List of people (CSV or Excel)",
        help_text="One person a line, as the system of record exports it or with our columns.",
        validators=[_short_enough],
    )
    source_total = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        label="How many people the system of record shows",
        help_text="A list with another number is refused. Empty: not compared.",
    )

    def __init__(self, *args: Any, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held = mapping
        if mapping is not None:
            self.fields["list_format"].initial = ListFormat.MAPPED

    def clean_list_format(self) -> str:
        """Refuses to read by a mapping where none is saved."""
        form: str = self.cleaned_data["list_format"] or ListFormat.TABLE
        if form == ListFormat.MAPPED and self.held is None:
            raise forms.ValidationError("No mapping of people is saved. Say first which column is what.")
        return form

    @property
    def mapping(self) -> Mapping[str, Any] | None:
        """The mapping by which the file is read, None for our own columns."""
        return self.held if self.cleaned_data["list_format"] == ListFormat.MAPPED else None


class RosterForm(forms.Form):
    """Asks for a roster."""

    file = forms.FileField(
        label="Roster (CSV, UTF-8)",
        help_text="Columns 'external_id', 'since' and 'until', one shift a line.",
        validators=[_short_enough],
    )
