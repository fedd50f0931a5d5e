"""Shapes of what people type on the pages of logs: the search."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone

from logs.kinds import LogType
from logs.models import LogSource
from logs.queries import Filters
from logs.queries.search import address_of

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
MINUS: Final = {
    "not_actor": ("actor_key", "Not this account"),
    "not_address": ("src_ip", "Not from"),
    "not_action": ("action", "Not this action"),
    "not_app": ("app", "Not this application"),
}
"""Parameters that leave a value out: column and words."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on: its words, and the query string without it."""

    words: str
    url: str


class SearchForm(forms.Form):
    """What events are looked for. A value that makes no sense is said and left out; a list can always be shown."""

    text = forms.CharField(label="Words", required=False, max_length=200)
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
    actor = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)
    address = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    action = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)
    app = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)
    session = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)
    not_actor = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)
    not_address = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    not_action = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)
    not_app = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, zone: ZoneInfo, source_ids: Collection[int] | None) -> None:
        super().__init__({"window": str(USUAL_DAYS), **{name: data[name] for name in data}})
        self.zone, self.source_ids = zone, source_ids
        sources = LogSource.objects.order_by("name")
        visible = sources if source_ids is None else sources.filter(pk__in=list(source_ids))
        self.fields["source"].queryset = visible  # type: ignore[attr-defined]  # a field with choices

    def clean_address(self) -> str:
        """Refuse what is no address."""
        typed: str = self.cleaned_data["address"]
        if typed and not address_of(typed):
            raise forms.ValidationError("This is no IP address.")
        return address_of(typed)

    def clean_not_address(self) -> str:
        """Refuse what is no address."""
        return address_of(self.cleaned_data["not_address"])

    def filters(self, *, newest_at: datetime | None, typed: bool) -> Filters:
        """Return what to look for; without a window of the person's own it ends at the newest event."""
        self.is_valid()
        asked = self.cleaned_data
        since, until = self._window(asked, newest_at, typed=typed)
        return Filters(
            since=since,
            until=until,
            text=asked.get("text") or "",
            actor=asked.get("actor") or "",
            address=asked.get("address") or "",
            source_id=asked["source"].pk if asked.get("source") else None,
            log_types=(asked["log_type"],) if asked.get("log_type") else (),
            outcome=asked.get("outcome") or "",
            who=asked.get("who") or "",
            out_of_hours=asked.get("hours") == "out",
            app=asked.get("app") or "",
            action=asked.get("action") or "",
            session=asked.get("session") or "",
            without=tuple((column, asked[name]) for name, (column, _words) in MINUS.items() if asked.get(name)),
            source_ids=self.source_ids,
        )

    def _window(
        self, asked: Mapping[str, Any], newest_at: datetime | None, *, typed: bool
    ) -> tuple[datetime, datetime]:
        now = timezone.now()
        if asked.get("window") == "days" or asked.get("first_day") or asked.get("last_day"):
            first: date = asked.get("first_day") or asked.get("last_day") or now.astimezone(self.zone).date()
            last: date = max(first, asked.get("last_day") or first)
            begin = datetime.combine(first, time.min, self.zone)
            return begin, datetime.combine(last + timedelta(days=1), time.min, self.zone)
        days = int(asked.get("window") or USUAL_DAYS)
        end = now
        if not typed and newest_at is not None and newest_at < now - timedelta(days=days):
            end = newest_at + timedelta(seconds=1)
        return end - timedelta(days=days), end + (timedelta(0) if end is not now else timedelta(minutes=2))

    def chips(self, query: QueryDict) -> list[Chip]:
        """Return the filters that are on, besides the window, each with the page's query without it."""
        return [Chip(words, _without(query, name)) for words, name in self._on()]

    def _on(self) -> list[tuple[str, str]]:
        asked = self.cleaned_data
        words = {
            "text": "Words: {}",
            "actor": "Account: {}",
            "address": "From: {}",
            "action": "Action: {}",
            "app": "Application: {}",
            "session": "Session: {}",
            "source": "Source: {}",
            **{name: f"{phrase}: {{}}" for name, (_column, phrase) in MINUS.items()},
        }
        chips = [(phrase.format(asked[name]), name) for name, phrase in words.items() if asked.get(name)]
        if asked.get("log_type"):
            chips.append((f"Kind: {LogType(asked['log_type']).label}", "log_type"))
        if asked.get("outcome"):
            chips.append(("Denied" if asked["outcome"] == "denied" else "Allowed", "outcome"))
        if asked.get("who"):
            chips.append(("People" if asked["who"] == "people" else "Services", "who"))
        if asked.get("hours"):
            chips.append(("Out of hours", "hours"))
        return chips

    def asked(self, filters: Filters) -> dict[str, Any]:
        """Return what the audit trail says was asked for."""
        chosen = {name: str(value) for name, value in self.cleaned_data.items() if value and name != "window"}
        return {**chosen, "since": filters.since, "until": filters.until}


def _without(query: QueryDict, name: str) -> str:
    left = query.copy()
    for gone in (name, "cursor"):
        left.pop(gone, None)
    return f"?{left.urlencode()}"
