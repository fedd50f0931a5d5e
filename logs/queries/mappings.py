"""A source's mapping: its versions, how two of them differ, and records to try one on."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from logs.models import AccessEvent, Delivery, LogSource, MappingVersion, QuarantinedLine
from logs.queries.again import columns_of

ROWS: Final = 20
_DELIVERIES: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """One setting of a mapping in two versions, in words; "" where a version does not have it."""

    name: str
    before: str
    after: str


def versions_of(source: LogSource) -> list[MappingVersion]:
    """Return the versions of a source's mapping, newest first."""
    return list(MappingVersion.objects.filter(source=source).order_by("-version"))


def version_of(source: LogSource, number: str) -> MappingVersion | None:
    """Return one version by its number as text, None when there is no such."""
    if not (number.isdecimal() and len(number) < 10):
        return None
    return MappingVersion.objects.filter(source=source, version=int(number)).first()


def parts_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Part]:
    """Return the settings in which two mappings differ: one line for each column and each value of a map."""
    old, new = _flat(before), _flat(after)
    names = [*old, *(name for name in new if name not in old)]
    return [
        Part(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")
    ]


def _flat(mapping: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            found |= {f"{name}: {key}": _words(inner) for key, inner in value.items()}
        elif value not in ("", [], None):
            found[name] = _words(value)
    return found


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def newest_records(source: LogSource) -> str:
    """Return the newest stored records of a source as text to try a mapping on, with their column names."""
    batches = Delivery.objects.filter(source=source, stored__gt=0).exclude(door="again").order_by("-received_at", "-id")
    for batch in batches[:_DELIVERIES]:
        events = AccessEvent.sealed.filter(received_at=batch.received_at, batch_id=batch.pk, raw__isnull=False)
        raws = [bytes(raw) for raw in events.order_by("-position").values_list("raw", flat=True)[:ROWS] if raw]
        if raws:
            return _text(columns_of(batch, source), raws)
    return ""


def quarantined_records(source: LogSource) -> str:
    """Return the newest quarantined records of a source that are open, as text to try a mapping on."""
    lines = QuarantinedLine.objects.filter(source=source, resolved=None).select_related("delivery")
    rows = list(islice(lines.order_by("-received_at", "-id"), ROWS))
    if not rows:
        return ""
    return _text(columns_of(rows[0].delivery, source), [bytes(row.raw) for row in rows])


def _text(columns: bytes, raws: list[bytes]) -> str:
    return b"\n".join([*([columns] if columns else []), *raws]).decode("utf-8", "backslashreplace")
