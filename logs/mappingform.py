"""Shape of what people type about a mapping: which column is what, what values mean, and how times are written."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from django import forms
from django.utils import timezone

from logs.actions.mappings import WHY
from logs.kinds import Format, LogType, SourceSettings
from logs.models import LogSource
from logs.parsers import check_mapping
from logs.parsers.framing import Record, json_records
from logs.parsers.mapped import as_text
from logs.parsers.mapping import FIELDS
from logs.rereading import FIELD_WORDS
from logs.sourceforms import SAMPLE_CHARS, Preview, columns_of, delimiter_of, guess, preview
from tenants.zones import known_zones

MOST_COLUMNS: Final = 100
SEEN_ROWS: Final = 200
_object: Final = msgspec.json.Decoder(dict[str, object])
BESIDE: Final = "extra"
_FIELDS: Final = (
    ("", "Not used"),
    *(
        (name, FIELD_WORDS.get(name, name))
        for name in sorted(FIELDS, key=lambda name: [*FIELD_WORDS, name].index(name))
    ),
    (BESIDE, "Keep beside, as it is"),
)
_TIMES: Final = (
    ("iso", "ISO 8601, such as 2026-11-20T10:00:00Z"),
    ("epoch", "Seconds since 1970"),
    ("epoch_ms", "Milliseconds since 1970"),
    ("epoch_us", "Microseconds since 1970"),
    ("epoch_ns", "Nanoseconds since 1970"),
    ("pattern", "The pattern below"),
)
_PAIRS: Final = {"rows": 4, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}


class MappingForm(forms.Form):
    """Asks for a mapping; the columns are those of the sample and of the mapping that holds."""

    sample = forms.CharField(
        label="Sample",
        required=False,
        max_length=SAMPLE_CHARS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text="Records as the source sends them, a table with its line of column names. 20 are shown.",
    )
    file = forms.FileField(
        label="Or a file", required=False, help_text="Its beginning takes the place of the sample; nothing is stored."
    )
    time_format = forms.ChoiceField(label="Times are written as", choices=_TIMES)
    pattern = forms.CharField(
        label="Pattern of times", required=False, max_length=60, help_text="Such as %d/%m/%Y %H:%M:%S; %z is an offset."
    )
    time_zone = forms.CharField(
        label="Zone of times without one", max_length=64, help_text="IANA name, such as Europe/Madrid."
    )
    log_type = forms.ChoiceField(
        label="Kind of log of a record",
        required=False,
        choices=(("", "A column tells it"), *((str(kind), label) for kind, label in LogType.choices)),
    )
    log_types = forms.CharField(
        label="Values of the column for the kind",
        required=False,
        widget=forms.Textarea(attrs=_PAIRS),
        help_text="One on a line: value = kind; 1 to 7, or system_login, application, database, remote, admin, ...",
    )
    outcomes = forms.CharField(
        label="Values of the column for the outcome",
        required=False,
        widget=forms.Textarea(attrs=_PAIRS),
        help_text="One on a line: value = success, failure, unknown or a reason such as bad_password.",
    )
    outcome = forms.CharField(
        label="Outcome where a record says none", required=False, max_length=40, help_text="Empty: not stated."
    )
    activities = forms.CharField(
        label="Values of the column for the action",
        required=False,
        widget=forms.Textarea(attrs=_PAIRS),
        help_text="One on a line: value = OCSF class/activity, such as export = 6001/7. Others follow from the kind.",
    )
    app = forms.CharField(label="Application of every record", required=False, max_length=200)
    delimiter = forms.CharField(
        label="Delimiter", required=False, max_length=3, help_text="Of a table: one character; tab for a tab."
    )
    header = forms.CharField(
        label="Column names",
        required=False,
        max_length=4000,
        help_text="Of a table that has no first line with them, separated by commas; else empty.",
    )
    why = forms.CharField(
        label="Why it changes",
        max_length=400,
        help_text="Whoever audits the mapping reads this.",
        error_messages={"required": WHY},
    )

    def __init__(self, data: Any = None, files: Any = None, *, source: LogSource, taken: str = "") -> None:
        super().__init__(data, files, initial=None if data is not None else _initial(source))
        self.source = source
        if data is not None and (fresh := taken or _beginning(files)):
            filled = data.copy()
            filled["sample"] = fresh
            self.data = filled
        self.columns = self._columns()
        for number, column in enumerate(self.columns):
            field = forms.ChoiceField(label=column, required=False, choices=_FIELDS)
            field.initial = self._guessed(column)
            self.fields[f"column_{number}"] = field
        if source.format != Format.CSV:
            del self.fields["delimiter"], self.fields["header"]

    def _columns(self) -> list[str]:
        """Return the columns: those that were shown before, then those of the sample and of the mapping that holds."""
        sample = str(self.data.get("sample", ""))
        shown = [self.data[f"name_{n}"] for n in range(MOST_COLUMNS) if f"name_{n}" in self.data]
        header = [name.strip() for name in str(self.data.get("header", "")).split(",") if name.strip()]
        found = header or sample_columns(self.source.format, sample)
        held = (self.source.mapping or {}).get("columns", {})
        return list(dict.fromkeys([*shown, *found, *([] if shown else held)]))[:MOST_COLUMNS]

    def _guessed(self, column: str) -> str:
        held: Mapping[str, str] = (self.source.mapping or {}).get("columns", {})
        field = held.get(column, "" if held else guess(column))
        return BESIDE if field.startswith("extra.") else field

    @property
    def mapped(self) -> Iterator[tuple[int, str, forms.BoundField, str]]:
        """The columns: number, name, field, and the values that the sample holds in words."""
        seen = seen_values(self.source.format, str(self.data.get("sample", "")))
        for number, column in enumerate(self.columns):
            words = ", ".join(value for value, _count in seen.get(column, Counter[str]()).most_common(6))
            yield number, column, self[f"column_{number}"], words[:160]

    def clean_time_zone(self) -> str:
        """Refuse a zone that is not known."""
        name: str = self.cleaned_data["time_zone"]
        if name not in known_zones():
            raise forms.ValidationError("This is no IANA time zone. Write it like Europe/Madrid.")
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse a mapping that leaves time or account unmapped, or that cannot be read."""
        cleaned = super().clean() or self.cleaned_data
        if "save" not in self.data:
            self.errors.pop("why", None)
        cleaned["mapping"] = mapping = self._mapping(cleaned)
        for problem in check_mapping(mapping):
            self.add_error(None, problem)
        return cleaned

    def _mapping(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        chosen = {name: cleaned.get(f"column_{n}") or "" for n, name in enumerate(self.columns)}
        form = cleaned.get("time_format") or "iso"
        mapping: dict[str, Any] = {
            "columns": {
                name: self._beside(name) if field == BESIDE else field for name, field in chosen.items() if field
            },
            "time_format": cleaned.get("pattern") or "" if form == "pattern" else form,
            "time_zone": cleaned.get("time_zone") or "",
            "log_type": int(cleaned["log_type"]) if cleaned.get("log_type") else "",
            "log_types": dict(self._pairs("log_types")),
            "outcome": cleaned.get("outcome") or "",
            "outcomes": dict(self._pairs("outcomes")),
            "activities": dict(self._activities()),
            "app": cleaned.get("app") or "",
        }
        if self.source.format == Format.CSV:
            typed = cleaned.get("delimiter") or delimiter_of(cleaned.get("sample") or "")
            mapping["delimiter"] = "\t" if typed.strip().lower() == "tab" else typed
            mapping["header"] = [name.strip() for name in (cleaned.get("header") or "").split(",") if name.strip()]
        return {name: value for name, value in mapping.items() if value not in ("", {}, [])}

    def _beside(self, name: str) -> str:
        held: str = (self.source.mapping or {}).get("columns", {}).get(name, "")
        return held if held.startswith("extra.") else f"extra.{name.replace('.', '_')}"[:64]

    def _pairs(self, name: str) -> Iterator[tuple[str, str]]:
        """Give the pairs of a map of values; a line without a sign of equality is refused."""
        for line in (self.cleaned_data.get(name) or "").splitlines():
            value, equals, meaning = line.rpartition("=")
            if equals and value.strip():
                yield value.strip(), meaning.strip()
            elif line.strip():
                self.add_error(name, f"The line {line.strip()[:60]!r} is no pair: write value = meaning.")

    def _activities(self) -> Iterator[tuple[str, list[int]]]:
        for value, meaning in self._pairs("activities"):
            uid, _slash, activity = meaning.partition("/")
            if uid.strip().isdecimal() and activity.strip().isdecimal():
                yield value, [int(uid), int(activity)]
            else:
                self.add_error("activities", f"{meaning[:40]!r} is no class and activity: write it like 6001/7.")

    def preview(self) -> Preview:
        """Return what each record of the sample would become with what was typed, or why it would be quarantined."""
        cleaned = getattr(self, "cleaned_data", {})
        settings = SourceSettings(
            time_zone=self.source.time_zone,
            year=self.source.year,
            received_at=timezone.now(),
            mapping=cleaned.get("mapping"),
        )
        return preview(self.source.format, str(self.data.get("sample", "")), settings)


def sample_columns(form: str, sample: str) -> list[str]:
    """Return the columns of a sample; of JSON also where it is one document over several lines."""
    if form != Format.JSON:
        return columns_of(form, sample)
    records = json_records([sample.encode("utf-8", "replace")])
    whole = (record.raw.decode("utf-8", "replace") for record in records if isinstance(record, Record))
    return columns_of(form, "\n".join(" ".join(text.splitlines()) for text in whole))


def seen_values(form: str, sample: str) -> dict[str, Counter[str]]:
    """Return how often each column of a sample holds which value, of its first records."""
    found: dict[str, Counter[str]] = {}
    for row in islice(_rows(form, sample), SEEN_ROWS):
        for name, value in row.items():
            if value:
                found.setdefault(name, Counter())[value[:40]] += 1
    return found


def _rows(form: str, sample: str) -> Iterator[dict[str, str]]:
    """Give the values of each record by column; what cannot be read is left out."""
    if form == Format.CSV:
        rows = csv.reader(io.StringIO(sample.strip()), delimiter=delimiter_of(sample))
        names = [name.strip() for name in next(rows, [])]
        yield from (dict(zip(names, row, strict=False)) for row in rows)
        return
    for record in json_records([sample.encode("utf-8", "replace")]):
        if isinstance(record, Record):
            try:
                yield dict(_flat(_object.decode(record.raw)))
            except (msgspec.DecodeError, RecursionError):
                continue


def _flat(value: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", as_text(inner)


def _beginning(files: Any) -> str:
    """Return the beginning of an uploaded file as text, "" where there is none; it ends at the end of a line."""
    file: Any = files.get("file") if files else None
    if file is None:
        return ""
    data: bytes = file.read(SAMPLE_CHARS)
    whole = data if len(data) < SAMPLE_CHARS else data[: data.rfind(b"\n") + 1]
    return whole.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _initial(source: LogSource) -> dict[str, Any]:
    held: Mapping[str, Any] = source.mapping or {}
    form = str(held.get("time_format", "iso"))
    known = form in dict(_TIMES)
    return {
        "time_format": form if known else "pattern",
        "pattern": "" if known else form,
        "time_zone": held.get("time_zone") or source.time_zone,
        "log_type": _kind(held.get("log_type", "")),
        "log_types": _lines(held.get("log_types", {})),
        "outcome": held.get("outcome", ""),
        "outcomes": _lines(held.get("outcomes", {})),
        "activities": "\n".join(f"{key} = {uid}/{number}" for key, (uid, number) in held.get("activities", {}).items()),
        "app": held.get("app", ""),
        "delimiter": "tab" if held.get("delimiter") == "\t" else held.get("delimiter", ""),
        "header": ", ".join(held.get("header", [])),
    }


def _kind(value: object) -> str:
    """Return the number of a kind that a mapping names by number or by word, as text."""
    words = {kind.name.lower(): str(int(kind)) for kind in LogType}
    text = str(value).lower()
    return words.get(text, text)


def _lines(pairs: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {value}" for key, value in pairs.items())
