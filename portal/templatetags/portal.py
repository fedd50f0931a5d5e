"""Tags and filters that every page uses: icons, times in the tenant's zone, counted nouns, sizes and durations."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from django import template
from django.template import engines
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.vendor import ICONS

register = template.Library()

NOTHING: Final = "\u2013"
_FORMS: Final[Mapping[str, str]] = {
    "": "%-d %b %Y, %H:%M",
    "seconds": "%-d %b %Y, %H:%M:%S",
    "time": "%H:%M:%S",
    "date": "%-d %b %Y",
}
_STEPS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_IRREGULAR: Final[Mapping[str, str]] = {"person": "people", "entry": "entries", "identity": "identities", "is": "are"}

STATE_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "good": ("green", "circle-check"),
    "bad": ("red", "alert-octagon"),
    "warn": ("yellow", "alert-triangle"),
    "info": ("azure", "info-circle"),
    "busy": ("azure", "refresh"),
    "wait": ("secondary", "clock"),
    "none": ("secondary", "circle-dashed"),
    "off": ("secondary", "circle-minus"),
    "lock": ("secondary", "lock"),
}
"""The looks of a badge: colour and icon; the word is always printed beside them."""


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """Draw an icon of the sprite; with a label it is an image with that name, without one it is hidden from readers.

    Raises:
        TemplateSyntaxError: The sprite has no such icon (add it to `portal.vendor.ICONS` and run its ``update``).
    """
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"The sprite has no icon {name}: add it to ICONS in portal/vendor.py.")
    return _drawn(name, label, css)


@lru_cache(maxsize=4096)
def _drawn(name: str, label: str, css: str) -> SafeString:
    """Draw an icon; a page of events holds hundreds, most of them drawn before."""
    named = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon {}" width="24" height="24" {} focusable="false"><use href="{}#i-{}"/></svg>',
        css,
        named,
        static("portal/icons.svg"),
        name,
    )


@register.filter
def narrow(one: Any) -> SafeString:
    """Draw the two links that add a value to the search or leave it out (``words``, ``plus``, ``minus``), if any."""
    if not one:
        return mark_safe("")
    return format_html(
        '<span class="narrow"><a href="{}">{}</a> <a href="{}">{}</a></span>',
        one.plus,
        icon("plus", label=f"Only {one.words}"),
        one.minus,
        icon("minus", label=f"Without {one.words}"),
    )


@register.filter
def look_icon(look: str) -> str:
    """Return the icon of a badge's look."""
    return STATE_LOOKS[look][1]


@register.filter
def look_colour(look: str) -> str:
    """Return the colour word of a badge's look."""
    return STATE_LOOKS[look][0]


@register.filter
def zoned(moment: datetime | date | None, form: str = "") -> str:
    """Print a moment in the tenant's zone with its offset, inside ``<time datetime>``; forms: seconds, time, date."""
    if moment is None:
        return NOTHING
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), moment.strftime(_FORMS["date"]))
    local = timezone.localtime(moment)
    shown = local.strftime(_FORMS[form])
    if form == "date":
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), shown)
    offset = local.isoformat()[-6:] if local.utcoffset() else "UTC"
    return format_html(
        '<time datetime="{}" class="zoned">{} <span class="zone">{}</span></time>', moment.isoformat(), shown, offset
    )


def distance(moment: datetime | None) -> str:
    """Return in plain words how long ago a moment was, or how far ahead it is, in its largest whole unit."""
    if moment is None:
        return "never"
    gone = timezone.now() - moment
    largest = " ".join(duration(timedelta(seconds=int(abs(gone.total_seconds())))).split(" ")[:2])
    return f"{largest} ago" if gone >= timedelta(0) else f"in {largest}"


@register.filter
def ago(moment: datetime | None) -> str:
    """Print how long ago a moment was, in its largest unit, with the exact moment as the title."""
    if moment is None:
        return distance(None)
    exact = timezone.localtime(moment).isoformat(sep=" ", timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, distance(moment))


@register.filter
def duration(length: timedelta | float | None) -> str:
    """Print a length of time (timedelta or seconds) in its two largest units: ``3 d 4 h``, ``12 s``, ``0.4 s``."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if 0 < seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    parts = []
    rest = round(seconds)
    for unit, size in _STEPS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


@register.filter
def number(value: float | None) -> str:
    """Print a whole number with thin spaces between thousands; a dash when there is none."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\u202f")


@register.filter
def count(value: int | None, noun: str) -> str:
    """Print a number with its noun: ``1 grant``, ``2 grants``, ``no grants``; ``"entry,entries"`` gives both forms."""
    if value is None:
        return NOTHING
    one, _, many = noun.partition(",")
    head, _, last = one.rpartition(" ")
    many = many or f"{head} {_IRREGULAR.get(last, last + 's')}".strip()
    return f"no {many}" if value == 0 else f"{number(value)} {one if value == 1 else many}"


@register.filter
def percent(ratio: float | None, digits: int = 0) -> str:
    """Print a ratio (0 to 1) in per cent, rounded down so that 99.9 % never reads as 100 %; a dash for no data."""
    if ratio is None:
        return NOTHING
    scale = 10**digits
    return f"{int(ratio * 100 * scale + 1e-9) / scale:.{digits}f}\u202f%"


@register.filter
def bytesize(size: int | None) -> str:
    """Print a size in bytes with a binary unit: ``512 B``, ``1.4 MiB``."""
    if size is None:
        return NOTHING
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


@register.filter
def short_hash(value: bytes | str | None, length: int = 12) -> str:
    """Print the first characters of a hash in hexadecimal, marked as cut."""
    if not value:
        return NOTHING
    text = value if isinstance(value, str) else bytes(value).hex()
    return text if len(text) <= length else f"{text[:length]}…"


@register.filter
def pairs(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the keys and values of a mapping (``mapping.items`` would look for a key of that name first)."""
    return list(mapping.items())


@register.simple_tag(takes_context=True)
def url_with(context: template.Context, **changes: Any) -> str:
    """Return the page's query string with some parameters changed (empty removes one), for pagers and filters."""
    kept = [(name, values) for name, values in context["request"].GET.lists() if name not in changes]
    changed = [(name, str(value)) for name, value in changes.items() if value not in (None, "")]
    return f"?{urlencode(kept + changed, doseq=True)}"


@register.simple_block_tag(takes_context=True, end_name="endpage_header")
def page_header(context: template.Context, content: SafeString, **words: Any) -> SafeString:
    """Draw the head of a page (``title``, ``pretitle``, ``lead``) with the buttons between the tags."""
    engine = context.template.engine if context.template else engines["django"].engine  # type: ignore[attr-defined]  # Django's engine
    part = engine.get_template("components/_page_header.html")
    actions = mark_safe(content.strip())  # noqa: S308 -- the engine has rendered and escaped it
    return part.render(template.Context({**words, "actions": actions}))


@register.simple_block_tag(end_name="endscroll_table")
def scroll_table(content: SafeString, label: str, css: str = "") -> SafeString:
    """Wrap a table so that it scrolls in its own named container, reachable by keyboard, and never widens the page."""
    return format_html(
        '<div class="table-responsive" role="region" aria-label="{}" tabindex="0">'
        '<table class="table table-vcenter card-table {}">{}</table></div>',
        label,
        css,
        content,
    )
