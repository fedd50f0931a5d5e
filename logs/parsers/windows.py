"""Windows Security events: EVTX files, forwarded XML, and the JSON that collectors make of them."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from logs.kinds import Draft, Ignored, Outcome, Quarantined, SourceSettings
from logs.parsers.facts import LOGOFF, Facts, Parser, make_draft
from logs.parsers.text import sentence
from logs.parsers.times import Moment, iso_time
from logs.parsers.windows_events import facts_of
from logs.parsers.windows_framing import Piece, pieces
from logs.parsers.windows_shapes import from_bytes, from_json

_KEPT_SESSIONS = 65536
_TWIN = timedelta(seconds=5)
_MAX_HELD = 4096
_PROOF = 4776
_PAIR = frozenset({_PROOF, 4624, 4625})


def _moment(text: str, zone: str) -> Moment:
    """Read the event's time; Fluent Bit puts a space before the offset. Raises ValueError."""
    value = text.strip()
    if len(value) > 6 and value[-6:-4] in {" +", " -"}:
        value = value[:-6] + value[-5:]
    return iso_time(value, zone)


class _Reader:
    """Reads the events of one body in order.

    Remembers when sessions began, for their duration. NTLM's 4776 and the 4624 or 4625 of the same log-in on the same
    computer are one attempt: 4776 waits five seconds of log time for the other, which says more.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._zone = settings.time_zone
        self._begun: OrderedDict[str, datetime] = OrderedDict()
        self._held: OrderedDict[tuple[str, str], Draft] = OrderedDict()

    def read(self, piece: Piece) -> Iterator[Outcome]:
        """Read one event; give what has become certain by it."""
        try:
            xml = piece.event[:1] == b"<"
            event = from_bytes(piece.event) if xml else from_json(piece.event)
            moment = _moment(event.time, self._zone)
        except (ValueError, RecursionError) as error:
            why = f"The record is no Windows event that can be read. {sentence(error)}"
            yield Quarantined(piece.raw, why, piece.position)
            return
        facts = facts_of(event)
        if isinstance(facts, str):
            yield Ignored(piece.raw, facts, piece.position)
            return
        self._measure(facts, moment[0], event.event_id)
        yield from self._in_turn(make_draft(moment, piece.raw, piece.position, facts), event.event_id)

    def finish(self) -> Iterator[Outcome]:
        """Give the proofs that no log-in followed."""
        yield from self._held.values()
        self._held.clear()

    def _measure(self, facts: Facts, when: datetime, event_id: int) -> None:
        """Keep when a session began; write how long it lasted at its end."""
        session = facts.get("session_uid", "")
        if event_id == 4624 and session:
            self._begun[session] = when
            if len(self._begun) > _KEPT_SESSIONS:
                self._begun.popitem(last=False)
        elif facts["activity_id"] == LOGOFF and session in self._begun:
            lasted = when - self._begun[session]
            facts["duration_ms"] = max(0, lasted // timedelta(milliseconds=1))

    def _in_turn(self, draft: Draft, event_id: int) -> Iterator[Outcome]:
        while self._held and draft.occurred_at - next(iter(self._held.values())).occurred_at > _TWIN:
            yield self._held.popitem(last=False)[1]
        key = (draft.dst_host, draft.actor_name.lower())
        before = self._held.pop(key, None) if event_id in _PAIR else None
        if before is not None:
            twin = event_id != _PROOF and before.status_id == draft.status_id
            yield Ignored(before.raw, "part of a log-in that is counted", before.position) if twin else before
        if event_id != _PROOF:
            yield draft
            return
        self._held[key] = draft
        if len(self._held) > _MAX_HELD:
            yield self._held.popitem(last=False)[1]


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of Windows events; every event gives one draft, one quarantined or one ignored record."""
    reader = _Reader(settings)
    for piece in pieces(body):
        if isinstance(piece, Piece):
            yield from reader.read(piece)
        else:
            yield piece
    yield from reader.finish()


PARSER = Parser("windows", "1", "Windows Security events", parse)
