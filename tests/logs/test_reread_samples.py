"""Real logs that were stored and are read again by the same parsers give the same events: none is superseded."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from logs.kinds import Draft, Format, SourceSettings
from logs.parsers import PARSERS, guess_format
from logs.rereading import COMPARED, Kept, body_of, changes, settled, taken

DATA = Path(__file__).parents[3] / "shared" / "data"
SETTINGS = SourceSettings(received_at=datetime(2026, 11, 27, tzinfo=UTC))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the logs of others are not part of the project")


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give the samples as a source would deliver them."""
    for path in sorted((DATA / "saas").glob("*.jsonl")):
        lines = [
            bytes(msgspec.json.decode(line, type=dict[str, msgspec.Raw])["log"])
            for line in path.read_bytes().splitlines()
        ]
        yield path.name, b"\n".join(lines) + b"\n"
    yield "Linux_2k.log", (DATA / "linux" / "Linux_2k.log").read_bytes()
    for path in sorted((DATA / "windows").glob("*.evtx"))[:3]:
        yield path.name, path.read_bytes()


def test_reading_the_samples_again_changes_nothing() -> None:
    told: Counter[str] = Counter()
    for name, body in bodies():
        form = guess_format(body.splitlines()[:50]) or (Format.WINDOWS if name.endswith(".evtx") else None)
        if form is None or form in {Format.CSV, Format.JSON}:
            continue
        drafts = [one for one in PARSERS[form].parse([body], SETTINGS) if isinstance(one, Draft)]
        readings = {draft.position: {field: getattr(draft, field) for field in COMPARED} for draft in drafts}
        assert len(readings) == len(drafts), "a position names one event of a delivery"
        kept = [Kept(one.position, one.raw, one.position, None, readings[one.position]) for one in drafts]
        waiting: dict[bytes, list[Kept]] = {}
        for outcome in PARSERS[form].parse(body_of(sorted(kept, key=lambda one: one.position), b"", waiting), SETTINGS):
            before = taken(waiting, outcome.raw)
            assert isinstance(outcome, Draft), (name, outcome)
            assert before is not None, name
            assert before.reading is not None
            assert changes(settled(outcome, before.reading, form), before.reading) == [], name
            told[form] += 1
        assert waiting == {}, name
    assert len(told) >= 15
    assert told.total() >= 900
