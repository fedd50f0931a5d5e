"""Shape of what people ask for when old records are to be read again."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from logs.forms import DAYS


class AgainForm(forms.Form):
    """The days on which the records were received, in the tenant's zone; no day means no bound."""

    first_day = forms.DateField(
        label="Received from day", required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=DAYS
    )
    last_day = forms.DateField(
        label="Received to day", required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=DAYS
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a window that ends before it begins."""
        told = super().clean() or {}
        first, last = told.get("first_day"), told.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day lies before the first one.")
        return told

    def window(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """Return the half-open window as aware UTC, None for no bound."""
        first: date | None = self.cleaned_data.get("first_day")
        last: date | None = self.cleaned_data.get("last_day")
        after = last + timedelta(days=1) if last else None
        begin, end = (datetime.combine(day, time.min, zone).astimezone(UTC) if day else None for day in (first, after))
        return begin, end
