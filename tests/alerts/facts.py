"""Plain factories of facts for the rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.rules.facts import EventKey, Fact

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""


def fact(minutes: float = 0, *, account: str = "ana", at: datetime = NOON, **fields: Any) -> Fact:
    """Return a fact so many minutes after ``at``; every fact has its own key unless one is given."""
    moment = at + timedelta(minutes=minutes)
    number = int((moment - NOON).total_seconds() * 10) + hash((account, str(fields))) % 1_000_003 * 10**9
    return Fact(key=EventKey(moment, number), occurred_at=moment, account=account, **fields)
