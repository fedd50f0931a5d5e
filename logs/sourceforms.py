"""Shape of what people type about a log source, with the mapping of foreign columns and a preview of their sample."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from django import forms
from django.http import QueryDict
from django.utils import timezone

from identities.models import System
from logs.actions import SourcePlan
from logs.kinds import Draft, Format, LogType, Outcome, ParseError, SourceSettings
from logs.models import Grade, LogSource
from logs.parsers import PARSERS, check_mapping
from logs.parsers.mapping import FIELDS
from tenants.zones import known_zones

SAMPLE_ROWS: Final = 20
SAMPLE_CHARS: Final = 200_000
WEEKDAYS: Final = ((1, "Mon"), (2, "Tue"), (3, "Wed"), (4, "Thu"), (5, "Fri"), (6, "Sat"), (7, "Sun"))
INTERVALS: Final = (
    ("", "Nothing is expected: silence is no gap"),
    ("60", "Every hour"),
    ("240", "Every 4 hours"),
    ("1440", "Every day"),
)
GUESSES: Final[Mapping[str, tuple[str, ...]]] = {
    "occurred_at": ("time", "timestamp", "date", "at", "ts", "event_time", "created_at", "datetime"),
    "actor_name": ("user", "username", "user_name", "account", "login", "actor", "email", "user.email", "agent_id"),
    "src_ip": ("ip", "src_ip", "source_ip", "client_ip", "address", "ip_address", "remote_addr"),
    "outcome": ("result", "outcome", "status", "success"),
    "action": ("action", "event", "event_type", "operation", "verb"),
    "app": ("app", "application", "service"),
    "resource": ("resource", "object", "record", "path", "url"),
    "session_uid": ("session", "session_id", "sid"),
    "native_id": ("id", "event_id", "uuid", "uid"),
    "user_agent": ("user_agent", "agent", "ua"),
    "duration_s": ("duration", "duration_s"),
}
_object: Final = msgspec.json.Decoder(dict[str, object])


class SourceForm(forms.Form):
    """Asks for everything about a source on one page."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="What your people call it, such as Bastion host Madrid."
    )
    format = forms.ChoiceField(label="Format", choices=Format.choices)
    system: "forms.ModelChoiceField[System]" = forms.ModelChoiceField(
        label="System",
        queryset=None,
        required=False,
        empty_label="No system: its accounts are not matched",
        help_text="Accounts of this system are matched with the names in the log.",
    )
    log_types = forms.TypedMultipleChoiceField(
        label="Kinds of log",
        choices=LogType.choices,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    time_zone = forms.CharField(
        label="Time zone", max_length=64, help_text="Of records that state none, such as Europe/Madrid (IANA name)."
    )
    year = forms.IntegerField(
        label="Year",
        required=False,
        min_value=1990,
        max_value=2100,
        help_text="Of the first record, where records state no year, as in old syslog files.",
    )
    every_minutes = forms.ChoiceField(label="Records are expected", choices=INTERVALS, required=False)
    first_hour = forms.IntegerField(
        label="First hour", required=False, min_value=0, max_value=23, help_text="By the time zone above: 9 is 09:00."
    )
    last_hour = forms.IntegerField(
        label="Last hour", required=False, min_value=0, max_value=23, help_text="Counts whole: 17 lasts until 18:00."
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="On", choices=WEEKDAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    grade = forms.ChoiceField(label="Delivery", choices=Grade.choices, initial=Grade.CONTENT_AND_ACK)
    sample = forms.CharField(
        label="Sample",
        required=False,
        max_length=SAMPLE_CHARS,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text="Paste up to 20 records and look at the preview. CSV and JSON need it to map their columns.",
    )
    time_format = forms.CharField(
        label="Format of times",
        required=False,
        initial="iso",
        max_length=60,
        help_text="iso, epoch, epoch_ms, or a pattern such as %d/%m/%Y %H:%M:%S. For CSV and JSON.",
    )
    allowed_words = forms.CharField(
        label="Outcomes that mean allowed", required=False, initial="success, ok, true, allowed"
    )
    denied_words = forms.CharField(
        label="Outcomes that mean denied", required=False, initial="failure, failed, false, denied"
    )

    def __init__(self, *args: Any, source: LogSource | None = None, zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        self.fields["system"].queryset = System.objects.order_by("name")  # type: ignore[attr-defined]  # a field with choices
        self.fields["time_zone"].initial = zone
        self.edited_elsewhere = bool(source is not None and source.mapping)
        if self.edited_elsewhere:
            for name in ("sample", "time_format", "allowed_words", "denied_words"):
                del self.fields[name]
        bound = self.is_bound and not self.edited_elsewhere
        self.columns = columns_of(self.data.get("format", ""), self.data.get("sample", "")) if bound else []
        if self.columns and "preview" in self.data:
            filled = cast("QueryDict", self.data).copy()
            for number, column in enumerate(self.columns):
                filled.setdefault(f"column_{number}", guess(column))
            self.data = filled
        for number, column in enumerate(self.columns):
            self.fields[f"column_{number}"] = forms.ChoiceField(label=column, required=False, choices=FIELD_CHOICES)

    @property
    def mapped(self) -> Iterator[forms.BoundField]:
        """The fields that map the sample's columns."""
        return (self[f"column_{number}"] for number in range(len(self.columns)))

    def clean_time_zone(self) -> str:
        """Refuse a zone that is not known."""
        name: str = self.cleaned_data["time_zone"]
        if name not in known_zones():
            raise forms.ValidationError("This is no IANA time zone. Write it like Europe/Madrid.")
        return name

    def clean_name(self) -> str:
        """Refuse a name that another source has."""
        name: str = self.cleaned_data["name"]
        if LogSource.objects.exclude(pk=self.source.pk if self.source else 0).filter(name=name).exists():
            raise forms.ValidationError("Another source has this name already.")
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse half a span of hours, and a mapping that leaves time or account unmapped."""
        cleaned = super().clean() or self.cleaned_data
        if (cleaned.get("first_hour") is None) != (cleaned.get("last_hour") is None):
            self.add_error("last_hour", "Give both hours, or neither where every hour counts.")
        cleaned["mapping"] = self._mapping(cleaned)
        if cleaned["mapping"] is not None:
            for sentence in check_mapping(cleaned["mapping"]):
                self.add_error(None if self.edited_elsewhere else "sample", sentence)
        return cleaned

    def _mapping(self, cleaned: Mapping[str, Any]) -> dict[str, Any] | None:
        if cleaned.get("format") not in {Format.CSV, Format.JSON}:
            return None
        if not self.columns and self.source is not None and self.source.mapping:
            return dict(self.source.mapping)
        chosen = {column: cleaned.get(f"column_{n}") or "" for n, column in enumerate(self.columns)}
        words = dict.fromkeys(_words(cleaned.get("allowed_words")), "success")
        words |= dict.fromkeys(_words(cleaned.get("denied_words")), "failure")
        kinds = cleaned.get("log_types") or [int(LogType.APPLICATION)]
        mapping: dict[str, Any] = {
            "columns": {column: field for column, field in chosen.items() if field},
            "time_format": cleaned.get("time_format") or "iso",
            "time_zone": cleaned.get("time_zone") or "UTC",
            "log_type": int(kinds[0]),
            "outcomes": words,
        }
        if cleaned["format"] == Format.CSV:
            mapping["delimiter"] = delimiter_of(self.data.get("sample", ""))
        return mapping

    def plan(self) -> SourcePlan:
        """Return what was typed, for the action."""
        asked = self.cleaned_data
        return SourcePlan(
            name=asked["name"],
            format=Format(asked["format"]),
            system=asked["system"],
            log_types=tuple(asked["log_types"]),
            time_zone=asked["time_zone"],
            year=asked["year"],
            mapping=asked["mapping"],
            expected=_expected(asked),
            grade=Grade(asked["grade"]),
        )

    def preview(self) -> "Preview":
        """Return how the sample would be read with what was typed."""
        asked = self.cleaned_data
        settings = SourceSettings(
            time_zone=asked.get("time_zone") or "UTC",
            year=asked.get("year"),
            received_at=timezone.now(),
            mapping=asked.get("mapping"),
        )
        return preview(asked.get("format", ""), asked.get("sample", ""), settings)


FIELD_CHOICES: Final = (("", "Not used"), *((name, name.replace("_", " ")) for name in sorted(FIELDS)))


@dataclass(frozen=True, slots=True)
class Preview:
    """The first records of a sample as they would be read, or the sentence that says why they would not."""

    rows: Sequence[Outcome] = ()
    problem: str = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The rows in words."""
        return [_shown(row) for row in self.rows]


def preview(form: str, sample: str, settings: SourceSettings) -> Preview:
    """Read the first records of a sample."""
    if not sample.strip() or form not in Format.values:
        return Preview()
    try:
        outcomes = PARSERS[Format(form)].parse([sample.encode("utf-8", "replace")], settings)
        return Preview([row for row, _number in zip(outcomes, range(SAMPLE_ROWS), strict=False)])
    except ParseError as error:
        return Preview(problem=error.reason)


def _shown(row: Outcome) -> dict[str, Any]:
    if isinstance(row, Draft):
        return {"draft": row, "kind": str(LogType(row.log_type).label)}
    return {"reason": row.reason, "raw": row.raw[:200].decode("utf-8", "backslashreplace"), "kind": type(row).__name__}


def columns_of(form: str, sample: str) -> list[str]:
    """Return the columns or JSON paths of a sample; none for the formats that need no mapping."""
    text = sample[:SAMPLE_CHARS].strip()
    if not text:
        return []
    if form == Format.CSV:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter_of(text))
        return [name.strip() for name in next(rows, []) if name.strip()]
    if form != Format.JSON:
        return []
    paths: dict[str, None] = {}
    for line in text.splitlines()[:SAMPLE_ROWS]:
        try:
            row = _object.decode(line.strip().strip(","))
        except (msgspec.DecodeError, RecursionError):
            continue
        paths |= dict.fromkeys(_paths(row))
    return list(paths)[:60]


def _paths(value: Mapping[str, object], prefix: str = "", depth: int = 0) -> Iterator[str]:
    for name, inner in value.items():
        if isinstance(inner, dict) and depth < 3:
            yield from _paths(inner, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}"


def delimiter_of(sample: str) -> str:
    """Return the delimiter that the first line of a sample holds most often."""
    first = sample.strip().partition("\n")[0]
    return max((",", ";", "\t", "|"), key=first.count)


def guess(column: str) -> str:
    """Return the field that a column's name suggests, "" for none."""
    name = column.strip().lower().replace(" ", "_")
    return next((field for field, names in GUESSES.items() if name in names or name.rpartition(".")[2] in names), "")


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _expected(asked: Mapping[str, Any]) -> dict[str, Any]:
    if not asked.get("every_minutes"):
        return {}
    first, last = asked.get("first_hour"), asked.get("last_hour")
    expected: dict[str, Any] = {"every_minutes": int(asked["every_minutes"])}
    if first is not None and last is not None and (first, last) != (0, 23):
        span = range(first, last + 1) if first <= last else [*range(first, 24), *range(last + 1)]
        expected["hours"] = list(span)
    if asked.get("weekdays") and len(asked["weekdays"]) < 7:
        expected["weekdays"] = sorted(asked["weekdays"])
    return expected
