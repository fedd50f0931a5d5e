"""Shapes what people type about a system's own export: which column is what, tried on a sample of 20 lines."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django import forms

from identities.csvtable import BadFile
from identities.grantlist import COLUMNS, REQUIRED
from identities.kinds import GrantRow, PersonRow
from identities.peoplelist import COLUMNS as PERSON_COLUMNS
from identities.peoplelist import REQUIRED as PERSON_NEEDS
from identities.peoplelist import read_people
from identities.readers.mapped import SHOWN, mapped_of, read_mapped
from identities.sheets import is_sheet
from identities.tables import table_lines

MOST_COLUMNS: Final = 100
MOST_BYTES: Final = 5_000_000
SAMPLE_BYTES: Final = 200_000
WORDS: Final = {
    "account": ("Account", "user name, username, user, login, user id, userid, account name, sign-in name"),
    "entitlement": (
        "Entitlement",
        "role, role name, roles, role(s), groups, permissions, group, group name, permission, profile, access",
    ),
    "person": ("Person's id", "employee id, employee number, emp no, emp id, personnel number, staff id, person id"),
    "kind": ("Kind of account", "account type, type"),
    "enabled": ("Enabled (yes or no)", "active, status, account enabled, is active"),
    "privileged": ("Privileged (yes or no)", "admin, is admin, administrator"),
    "title": ("Entitlement in words", "role title, role label"),
    "meaning": ("What it allows", "description, role description"),
    "granted_by": ("Granted by", "assigned by"),
    "granted_at": ("Granted at", "assigned at, assigned on, granted on, created"),
    "approved_by": ("Approved by", "approver, authorised by, authorized by"),
    "approved_at": ("Approved at", "approved on, approval date, date approved, authorised on, authorized on"),
    "origin": ("Ticket or request", "ticket, request, request id"),
    "inherited_via": ("Held through", "through, via, parent group, inherited from"),
}
"""For each field of a grant its label, and names under which systems export it."""
PERSON_WORDS: Final = {
    "external_id": (
        "Person's id",
        "employee id, employee number, emp no, emp id, personnel number, staff id, worker id",
    ),
    "name": ("Name", "full name, employee name, display name, worker"),
    "email": ("E-mail address", "e-mail, mail, work email, email address, business email"),
    "kind": ("Kind of person", "worker type, employment type, type"),
    "manager": ("Manager's id", "manager id, supervisor id, reports to, manager employee id, supervisor"),
    "site": ("Site", "location, office, work location"),
    "programme": ("Programme", "program, account, client, lob, line of business, campaign"),
    "shift_start": ("Shift begins", "shift from, start time"),
    "shift_end": ("Shift ends", "shift to, end time"),
    "time_zone": ("Time zone", "timezone, tz"),
    "employed_from": ("Employed from", "hire date, start date, date of joining, joining date"),
    "employed_until": ("Employed until", "termination date, end date, last day, last working day, contract end"),
    "department": ("Department", "dept, org unit, cost center, team"),
}
"""For each field of a person its label, and names under which systems of record export it."""


@dataclass(frozen=True, slots=True)
class ListPreview:
    """Holds what the sample becomes: rows, or the sentence that says why not."""

    rows: tuple[GrantRow, ...] | tuple[PersonRow, ...] = ()
    records: int = 0
    problem: str = ""


class ListMappingForm(forms.Form):
    """Asks which column of a system's export is what; the columns are those of the sample and of the saved mapping."""

    file = forms.FileField(
        required=False,
        label="A file that the system exported (CSV or Excel)",
        help_text=f"Its first {SHOWN} lines become the sample; nothing is stored.",
    )
    sheet = forms.CharField(
        required=False, max_length=100, label="Sheet", help_text="Of a workbook with several; else empty."
    )
    sample = forms.CharField(
        required=False,
        max_length=SAMPLE_BYTES,
        strip=False,
        label="Sample",
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text="The line of column names and some lines below it.",
    )
    separator = forms.ChoiceField(
        required=False,
        label="Several entitlements in one cell",
        choices=(
            ("", "No: a line is one grant"),
            (";", "Separated by ;"),
            (",", "Separated by ,"),
            ("|", "Separated by |"),
            ("/", "Separated by /"),
            ("\n", "One on each line of the cell"),
        ),
    )

    data: Any
    words: ClassVar[Mapping[str, tuple[str, str]]] = WORDS
    needed: ClassVar[Collection[str]] = REQUIRED

    def __init__(self, data: Any = None, files: Any = None, *, held: Mapping[str, Any] | None = None) -> None:
        held = held or {}
        initial = {name: held.get(name, "") for name in ("sheet", "separator")}
        super().__init__(data, files, initial=None if data is not None else initial)
        self.problem = ""
        if data is not None:
            self._take_file()
        self.columns = self._columns(held)
        for field in self.words:
            label, _names = self.words[field]
            choices = [("", "Not in the export"), *((name, name) for name in self.columns)]
            chosen = forms.ChoiceField(label=label, required=field in self.needed, choices=choices)
            chosen.initial = held.get("columns", {}).get(field) or self._guess(field)
            self.fields[field] = chosen
            if data is not None and field not in data:
                self.data[field] = chosen.initial

    def _take_file(self) -> None:
        """Puts the first lines of an uploaded file in the place of the sample."""
        self.data = self.data.copy()
        file = self.files.get("file") if self.files else None
        if file is None:
            return
        try:
            self.data["sample"] = sample_of(file, str(self.data.get("sheet", "")))
        except BadFile as bad:
            self.problem = bad.sentence
        for field in self.words:
            if not self.data.get(field):
                self.data.pop(field, None)

    def _columns(self, held: Mapping[str, Any]) -> list[str]:
        """Returns the columns of the sample, then those of the saved mapping that it lacks."""
        sample = str(self.data.get("sample", ""))
        found: list[str] = []
        if sample.strip() and not self.problem:
            try:
                found = [cell.strip().lower() for cell in table_lines(sample.encode())[0][1]]
            except BadFile as bad:
                self.problem = bad.sentence
        return [name for name in dict.fromkeys([*found, *held.get("columns", {}).values()]) if name][:MOST_COLUMNS]

    def _guess(self, field: str) -> str:
        """Returns the column that is usually this field, an empty text where none is."""
        names = [field, field.replace("_", " "), *self.words[field][1].split(", ")]
        return next((name for name in names if name in self.columns), "")

    @property
    def chosen(self) -> Iterator[forms.BoundField]:
        """The fields that name a column each."""
        return (self[field] for field in self.words)

    def mapping(self) -> dict[str, Any]:
        """Returns what was typed as a mapping."""
        columns = {field: str(self.data.get(field, "")) for field in self.words if self.data.get(field)}
        return {
            "columns": columns,
            "separator": self.data.get("separator", "").replace("\r", ""),
            "sheet": self.data.get("sheet", ""),
        }

    def clean(self) -> dict[str, Any]:
        """Refuses a mapping without what is needed, and one that does not fit the sample."""
        cleaned = super().clean() or self.cleaned_data
        if self.problem:
            self.add_error("file", self.problem)
            return cleaned
        try:
            mapped_of(self.mapping(), required=self.needed, known=self.words)
        except BadFile as bad:
            self.add_error(None, bad.sentence)
            return cleaned
        if problem := self.preview().problem:
            self.add_error(None, problem)
        return cleaned

    def preview(self) -> ListPreview:
        """Returns what the lines of the sample become with what was typed."""
        sample = str(self.data.get("sample", ""))
        if self.problem or not sample.strip():
            return ListPreview(problem=self.problem)
        try:
            return self.read(sample.encode(), {**self.mapping(), "sheet": ""})
        except BadFile as bad:
            return ListPreview(problem=bad.sentence)

    def read(self, sample: bytes, mapping: Mapping[str, Any]) -> ListPreview:
        """Returns what a mapping makes of a sample; raises BadFile."""
        read = read_mapped(sample, mapping)
        return ListPreview(read.rows[: 5 * SHOWN], read.records)


class PeopleMappingForm(ListMappingForm):
    """Asks which column of a system of record's own export of people is what."""

    words = PERSON_WORDS
    needed = PERSON_NEEDS
    separator = None  # type: ignore[assignment]  # Django's way to take a field away: a line is one person

    def read(self, sample: bytes, mapping: Mapping[str, Any]) -> ListPreview:
        """Returns the people that a mapping makes of a sample; raises BadFile."""
        people = tuple(read_people(sample, mapping))
        return ListPreview(people, len(people))


def sample_of(file: Any, sheet: str) -> str:
    """Returns the header and the first 20 lines of an uploaded table as CSV.

    Raises:
        BadFile: with one sentence where the file cannot be read.
    """
    if file.size > MOST_BYTES:
        raise BadFile(f"The file has {file.size:,} bytes. Take one of at most {MOST_BYTES:,} as a sample.")
    body: bytes = file.read()
    if not is_sheet(body) and len(body) > SAMPLE_BYTES:
        body = body[: body.rfind(b"\n", 0, SAMPLE_BYTES) + 1]
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows(cells for _n, cells in table_lines(body, sheet, SHOWN + 1))
    return held.getvalue()


assert set(PERSON_WORDS) == set(PERSON_COLUMNS)  # noqa: S101 -- each field of a person has its words
assert set(WORDS) == set(COLUMNS) >= set(REQUIRED)  # noqa: S101 -- each field of a grant has its words
