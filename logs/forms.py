"""Shapes of what people type on the pages of logs: the search, and the views of it that they keep."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from logs.kinds import LogType
from logs.models import LogSource
from logs.qualifiers import TYPES
from logs.queries import Filters, condition
from logs.querylang import (
    MOST_CHARS,
    SPANS,
    Query,
    QueryError,
    add,
    address,
    only,
    parse,
    span,
    term,
    without,
    words_of,
    written,
)

WINDOWS: Final = (
    ("1", "Last 24 hours"),
    ("7", "Last 7 days"),
    ("30", "Last 30 days"),
    ("90", "Last 90 days"),
    ("days", "Days chosen below"),
)
USUAL_DAYS: Final = 7
DAYS: Final = (
    MinValueValidator(date(1990, 1, 1), "Choose a day from 1990 on."),
    MaxValueValidator(date(2199, 12, 31), "Choose a day before 2200."),
)
FIELDS: Final = {
    "text": "",
    "actor": "user",
    "address": "ip",
    "action": "action",
    "app": "app",
    "session": "session",
    "log_type": "type",
    "outcome": "outcome",
    "who": "who",
    "hours": "hours",
    "source": "source",
}
"""Fields that write a qualifier into the query; `not_` in front of a field writes it with a minus."""

MINUS: Final = ("actor", "address", "action", "app")
_WORDS: Final = {int(kind): word for word, kind in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the query: its words, and the page's address without it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: the query, the part of the address that holds the window, and the filters.

    A query that cannot be read has a ``fault``; its filters match nothing.
    """

    query: Query
    window: str
    filters: Filters
    fault: str = ""

    @property
    def text(self) -> str:
        """The query as text."""
        return written(self.query)

    def url(self, query: Query) -> str:
        """Return the address of the same page with another query."""
        return address(written(query), self.window)

    @property
    def chips(self) -> list[Chip]:
        """The parts of the query, each with the address without it."""
        return [Chip(words_of(one), self.url(without(self.query, one))) for one in self.query.terms]

    def facts(self) -> dict[str, Any]:
        """Return what the audit trail says was asked for."""
        return {"q": self.text, "since": self.filters.since, "until": self.filters.until}


class SearchForm(forms.Form):
    """What events are looked for: one query, a window, and fields that write into the query."""

    q = forms.CharField(
        label="Query",
        required=False,
        max_length=MOST_CHARS,
        help_text='For example: user:ana outcome:denied -ip:10.0.0.0/8 "data export"',
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}),
    )
    window = forms.ChoiceField(label="Time", required=False, choices=WINDOWS)
    first_day = forms.DateField(
        label="From day", required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=DAYS
    )
    last_day = forms.DateField(
        label="To day", required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=DAYS
    )
    log_type = forms.TypedChoiceField(
        label="Kind", required=False, coerce=int, empty_value=None, choices=(("", "Every kind"), *LogType.choices)
    )
    outcome = forms.ChoiceField(
        label="Outcome",
        required=False,
        choices=(("", "Allowed and denied"), ("allowed", "Allowed"), ("denied", "Denied")),
    )
    source: "forms.ModelChoiceField[LogSource]" = forms.ModelChoiceField(
        label="Source", required=False, queryset=None, empty_label="Every source"
    )
    who = forms.ChoiceField(
        label="Who",
        required=False,
        choices=(("", "People and services"), ("people", "People"), ("machines", "Services")),
    )
    hours = forms.ChoiceField(label="Hours", required=False, choices=(("", "All hours"), ("out", "Out of hours only")))

    def __init__(self, data: Mapping[str, Any], *, zone: ZoneInfo, source_ids: Collection[int] | None) -> None:
        super().__init__({"window": str(USUAL_DAYS), **{name: data[name] for name in data}})
        self.zone, self.source_ids = zone, source_ids
        self.own_window = bool({"window", "first_day", "last_day"} & set(data))
        sources = LogSource.objects.order_by("name")
        visible = sources if source_ids is None else sources.filter(pk__in=list(source_ids))
        self.fields["source"].queryset = visible  # type: ignore[attr-defined]  # a field with choices

    def asked(self, *, newest_at: datetime | None) -> Asked:
        """Return what to look for; without a window of the person's own it ends at the newest event."""
        self.is_valid()
        window = self.cleaned_data.get("window") or str(USUAL_DAYS)
        shown = window if self.own_window else ""
        now = timezone.now()
        try:
            query = self._query(now)
            days = timedelta(days=int(window) if window in SPANS else USUAL_DAYS)
            until = now + timedelta(minutes=2)
            since, until = span(query, zone=self.zone, now=until, usual=days) or self._window(days, now, newest_at)
            filters = Filters(since, until, where=condition(query, self.source_ids), source_ids=self.source_ids)
        except QueryError as wrong:
            nothing = Filters(now - timedelta(days=USUAL_DAYS), now, source_ids=())
            return Asked(Query(), shown, nothing, wrong.sentence)
        self.data = {**self.data, "q": written(query), **dict.fromkeys((*FIELDS, "first_day", "last_day"), "")}
        return Asked(query, shown, filters)

    def _window(self, days: timedelta, now: datetime, newest_at: datetime | None) -> tuple[datetime, datetime]:
        if not self.own_window and newest_at is not None and newest_at < now - days:
            end = newest_at + timedelta(seconds=1)
            return end - days, end
        return now - days, now + timedelta(minutes=2)

    def _query(self, now: datetime) -> Query:
        """Return the typed query with what the other fields write into it.

        Raises:
            QueryError: the query, or a value of another field, cannot be read.
        """
        if self.errors.get("q"):
            raise QueryError(str(self.errors["q"][0]), 1)
        query = parse(self.cleaned_data.get("q") or "")
        for word in str(self.data.get("text", "")).split():
            query = add(query, term("", word))
        for name, qualifier in FIELDS.items():
            if qualifier and (value := self._value(name)):
                query = only(query, term(qualifier, value))
        for name in MINUS:
            if value := str(self.data.get(f"not_{name}", "")).strip():
                query = add(query, term(FIELDS[name], value, negated=True))
        return self._with_days(query, now)

    def _value(self, name: str) -> str:
        """Return what a field writes; fields that only old addresses hold are read as they are."""
        if name not in self.fields:
            return str(self.data.get(name, "")).strip()
        value = self.cleaned_data.get(name)
        if isinstance(value, LogSource):
            return value.key
        return _WORDS[value] if name == "log_type" and value else str(value or "")

    def _with_days(self, query: Query, now: datetime) -> Query:
        asked = self.cleaned_data
        first, last = asked.get("first_day"), asked.get("last_day")
        if not (first or last or asked.get("window") == "days") or any(map(query.of, ("on", "after", "before"))):
            return query
        begin: date = first or last or now.astimezone(self.zone).date()
        end: date = max(begin, last or begin) + timedelta(days=1)
        return add(add(query, term("after", str(begin))), term("before", str(end)))


class SaveForm(forms.Form):
    """A search to keep: its name, and whether colleagues see it."""

    name = forms.CharField(label="Name of the view", max_length=80)
    shared = forms.BooleanField(label="Show it to everybody here who may read events", required=False)
    q = forms.CharField(required=False, max_length=MOST_CHARS, widget=forms.HiddenInput)
    window = forms.ChoiceField(required=False, choices=(("", ""), *WINDOWS[:4]), widget=forms.HiddenInput)

    def clean_q(self) -> str:
        """Refuse a query that cannot be read."""
        try:
            return written(parse(self.cleaned_data["q"]))
        except QueryError as wrong:
            raise forms.ValidationError(wrong.sentence) from wrong
