"""Ways to read a body in a test, and the real data beside the project."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from logs.kinds import Draft, Format, Ignored, Outcome, Quarantined, SourceSettings
from logs.parsers import PARSERS

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"

RECEIVED = datetime(2026, 8, 5, 12, 0, tzinfo=UTC)


def shared(name: str) -> Path:
    """Give a file of the real data in place, or skip the test."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is absent: the real data is not beside the project")
    return path


def read(form: Format, *body: str | bytes, settings: SourceSettings | None = None) -> list[Outcome]:
    """Read lines, given as text or bytes, one item each."""
    items = [item.encode() if isinstance(item, str) else item for item in body]
    return list(PARSERS[form].parse(items, settings or SourceSettings(year=2026)))


def drafts(outcomes: Iterable[Outcome]) -> list[Draft]:
    """Give the drafts among the outcomes."""
    return [outcome for outcome in outcomes if isinstance(outcome, Draft)]


def one(form: Format, *body: str | bytes, settings: SourceSettings | None = None) -> Draft:
    """Read lines that hold exactly one event."""
    found = drafts(read(form, *body, settings=settings))
    assert len(found) == 1, found
    return found[0]


def reason(form: Format, *body: str | bytes, settings: SourceSettings | None = None) -> str:
    """Read one line that is quarantined and give the sentence."""
    (outcome,) = read(form, *body, settings=settings)
    assert isinstance(outcome, Quarantined), outcome
    return outcome.reason


def counted(outcomes: Iterable[Outcome]) -> tuple[int, int, int]:
    """Give the numbers of drafts, quarantined and ignored records."""
    found = list(outcomes)
    kinds = (Draft, Quarantined, Ignored)
    return tuple(sum(isinstance(outcome, kind) for outcome in found) for kind in kinds)  # type: ignore[return-value]  # one for each kind
