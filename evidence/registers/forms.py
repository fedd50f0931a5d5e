"""Shapes of the registers' forms."""

from datetime import date, timedelta
from pathlib import PurePath
from typing import Any

from django import forms
from django.utils import timezone

from evidence.registers.kinds import DocumentFacts, DocumentKind, GapCause, ProcessingFacts, ResponseFacts, Stand

LARGEST = 10 * 1024 * 1024
"""Bytes of one document: a policy of a hundred pages is far below."""


def _words(label: str, help_text: str = "", rows: int = 2) -> forms.CharField:
    """Return a text of a few lines that may be empty."""
    area = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, max_length=4000, required=False, widget=area, help_text=help_text)


def _day(label: str) -> forms.DateField:
    """Return a day."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}))


class DocumentForm(forms.Form):
    """One version of a document."""

    kind = forms.ChoiceField(label="Kind", choices=DocumentKind.choices)
    title = forms.CharField(label="Title", max_length=200)
    version = forms.CharField(label="Version", max_length=40)
    approved_by = forms.CharField(label="Approved by", max_length=200, help_text="Name and role of who approved it.")
    approved_on = _day("Approved on")
    valid_until = _day("To be looked through again by")
    file = forms.FileField(label="File", required=False, help_text="At most 10 MiB. Its SHA-256 goes into the ledger.")
    reference = forms.CharField(
        label="Or where it is kept", max_length=500, required=False, help_text="An address or a number of your archive."
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a file or a place, and for days in their order."""
        told = super().clean() or {}
        file, approved, until = told.get("file"), told.get("approved_on"), told.get("valid_until")
        if not file and not told.get("reference") and "file" not in self.errors:
            self.add_error("file", "Choose a file, or say where the document is kept.")
        if file and file.size > LARGEST:
            self.add_error("file", "This file is larger than 10 MiB. Say where it is kept instead.")
        if approved and approved > timezone.localdate():
            self.add_error("approved_on", "This day lies ahead: file the document when it is approved.")
        if approved and until and until <= approved:
            self.add_error("valid_until", "This day must lie after the approval.")
        return told

    def facts(self) -> DocumentFacts:
        """Return what was entered, with the file's bytes."""
        told = dict(self.cleaned_data)
        file = told.pop("file")
        name = PurePath(file.name).name[:200] if file else ""
        return DocumentFacts(**told, file_name=name, data=file.read() if file else b"")


class ProcessingForm(forms.Form):
    """The record of processing, Art. 30(2) GDPR."""

    processor = _words("Processor", "Name and contact of the processor, Art. 30(2)(a).")
    controllers = _words("Controllers", "On whose behalf data is processed, with contact, Art. 30(2)(a).")
    officer = _words("Data protection officer", "Or the sentence that none is needed, Art. 30(2)(a).")
    categories = _words("Categories of processing", "For each controller, Art. 30(2)(b).", rows=3)
    transfers = _words("Transfers to third countries", "With their safeguards, or that there are none, Art. 30(2)(c).")
    security = _words("Security measures", "A general description, Art. 30(2)(d) and 32(1).", rows=3)
    subprocessors = _words("Sub-processors", "With what each does, or that there are none, Art. 28(2).")
    sources = forms.MultipleChoiceField(
        label="Log sources that this record covers", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, sources: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sources"].choices = sources  # type: ignore[attr-defined]  # a field with choices

    def facts(self) -> ProcessingFacts:
        """Return what was entered."""
        told = dict(self.cleaned_data)
        return ProcessingFacts(**{**told, "sources": tuple(told["sources"])})


class AnswerForm(forms.Form):
    """What management says to a row that did not pass."""

    stand = forms.ChoiceField(label="What is done", choices=Stand.choices)
    said = forms.CharField(
        label="Response",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What is wrong, what is done about it, and how it is retested. Every evidence pack prints it.",
    )
    owner = forms.ChoiceField(label="Owner")
    due_on = _day("Until")

    def __init__(self, *args: Any, owners: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = owners  # type: ignore[attr-defined]  # a field with choices
        self.fields["due_on"].initial = timezone.localdate() + timedelta(days=30)

    def clean(self) -> dict[str, Any]:
        """Refuse a day that has passed, unless the matter ends."""
        told = super().clean() or {}
        due: date | None = told.get("due_on")
        if due and due < timezone.localdate() and told.get("stand") != Stand.END:
            self.add_error("due_on", "This day has passed.")
        return told

    def facts(self, control: str) -> ResponseFacts:
        """Return what was entered about a row."""
        told = self.cleaned_data
        return ResponseFacts(control, Stand(told["stand"]), told["owner"], told["said"].strip(), told["due_on"])


class GapForm(forms.Form):
    """Why a source was silent."""

    cause = forms.ChoiceField(label="Cause", choices=GapCause.choices)
    said = forms.CharField(
        label="What you found out",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Whether records are lost, and what was changed.",
    )
