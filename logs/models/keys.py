"""Names of events in addresses."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_key(received_at: datetime, number: int) -> str:
    """Return an event's name in addresses: microseconds of its receipt (UTC) and its number."""
    return f"{(received_at - _EPOCH) // timedelta(microseconds=1)}-{number}"


def read_event_key(key: str) -> tuple[datetime, int] | None:
    """Return the receipt and number that an address names, or None when it names no event."""
    micros, dash, number = key.partition("-")
    if not (dash and micros.isdecimal() and number.isdecimal() and len(micros) < 18 and len(number) < 19):
        return None
    return _EPOCH + timedelta(microseconds=int(micros)), int(number)
