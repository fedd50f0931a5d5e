"""Says sentences, numbers and dates of a report in the language that its pack was asked for. Pure.

What the portal measures is worded in English where it arises: so it is stored, and so the tables hold it. `said` keeps
beside those words how they are told in another language; `told` does that in the one that is spoken now. A plain text
is data (a name, a typed reason) and is told as it is. The messages are Django's (evidence/locale); how to keep them
stands in docs/packs.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import get_language, gettext, override


class Language(TextChoices):
    """The languages that a report is written in, named in the pages' English."""

    ENGLISH = "en", "English"
    GERMAN = "de", "German (Deutsch)"


@dataclass(frozen=True, slots=True)
class _Style:
    """How a language writes numbers and times."""

    marks: dict[int, int]
    percent: str
    day: str
    minute: str
    month: str


_STYLES: Final = {
    Language.ENGLISH: _Style({}, "{}%", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m"),
    # DIN 5008 and DIN 1333: decimal comma, groups by a point, a space before the percent sign; dates day first.
    Language.GERMAN: _Style(str.maketrans(",.", ".,"), "{}\u00a0%", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m.%Y"),
}


def spoken(language: str) -> AbstractContextManager[None]:
    """Speak a language until the context ends."""
    return override(Language(language))


def _style() -> _Style:
    """Return the style of the language that is spoken; any other than German is written as English is."""
    return _STYLES[Language.GERMAN if get_language() == Language.GERMAN else Language.ENGLISH]


class Said(str):
    """English words that can be told in the language that is spoken; everything else takes them for a text.

    `way` names how they are told, `parts` what from: plain values, so that the words can be written down and read again
    (`evidence.measured`).
    """

    __slots__ = ("parts", "way")
    way: str
    parts: tuple[str, ...]

    def __new__(cls, words: str, way: str, parts: Iterable[str]) -> Self:
        """Keep the words, and how to tell them."""
        made = super().__new__(cls, words)
        made.way, made.parts = way, tuple(parts)
        return made


Value = str | int


def said(form: str, /, **values: Value) -> Said:
    """Return a sentence in English; `form` is its message, a value is told too where it is one of ours, or a number."""
    parts = {name: value if isinstance(value, str) else whole(value) for name, value in values.items()}
    words = form.format(**parts) if parts else form
    return Said(words, "sentence", (form, *(part for pair in parts.items() for part in pair)))


def told(text: str) -> str:
    """Tell a text in the language that is spoken; data stays as it is."""
    return _WAYS[text.way](*text.parts) if isinstance(text, Said) else text


def joined(separator: str, texts: Iterable[str]) -> Said:
    """Return texts in a row, as one that can be told."""
    parts = tuple(texts)
    return Said(separator.join(parts), "row", (separator, *parts))


def figure(digits: str) -> Said:
    """Return a number that is spelled in English (12,345.6) as one that can be told."""
    return Said(digits, "figure", (digits,))


def whole(value: int) -> Said:
    """Return a whole number, with its thousands apart."""
    return figure(f"{value:,}")


def percent(value: float, places: int = 1) -> Said:
    """Return a share as percent."""
    digits = f"{value * 100:,.{places}f}"
    return Said(f"{digits}%", "percent", (digits,))


def day(at: datetime) -> Said:
    """Return a moment's day, in the zone that the moment has."""
    return Said(at.strftime(_STYLES[Language.ENGLISH].day), "day", (at.isoformat(),))


def minute(at: datetime) -> Said:
    """Return a moment to the minute, in the zone that the moment has."""
    return Said(at.strftime(_STYLES[Language.ENGLISH].minute), "minute", (at.isoformat(),))


def _sentence(form: str, *values: str) -> str:
    """Tell a sentence; after its message come the names of its values, each before the value."""
    parts = {name: told(part) for name, part in zip(values[::2], values[1::2], strict=True)}
    return gettext(form).format(**parts) if parts else gettext(form)


_WAYS: Final[dict[str, Callable[..., str]]] = {
    "sentence": _sentence,
    "row": lambda separator, *parts: separator.join(map(told, parts)),
    "figure": lambda digits: digits.translate(_style().marks),
    "percent": lambda digits: _style().percent.format(digits.translate(_style().marks)),
    "day": lambda at: datetime.fromisoformat(at).strftime(_style().day),
    "minute": lambda at: datetime.fromisoformat(at).strftime(_style().minute),
}


def zoned(at: datetime, zone: str) -> str:
    """Tell a moment to the second in a zone, with its offset: 2026-03-31 23:59:00 +02:00."""
    local = at.astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{told(minute(local))}:{local:%S} {offset[:3]}:{offset[3:5]}"


def iso_day(text: str) -> str:
    """Tell a day or month that a table spells as 2026-03-31 or 2026-03; anything else stays as it is."""
    for form, kind in (("%Y-%m-%d", "day"), ("%Y-%m", "month")):
        try:
            return datetime.strptime(text, form).strftime(getattr(_style(), kind))  # noqa: DTZ007 -- a day's name only
        except ValueError:
            continue
    return text
