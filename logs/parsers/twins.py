# ruff: noqa: S101 -- a counted sign always has facts
"""Count one attempt once, and one session once, where Linux writes two to five lines about it.

A refused password gives PAM's `authentication failure` and then sshd's `Failed password`; a log-in gives `Accepted` and
then `session opened`. The program's own line is counted and its twins are ignored. Where the program wrote none, the
twin is the record and is counted. So traces wait until their attempt is settled, a later line shows that it is over, or
the body ends; drafts therefore come in the order of certainty, not always of position.

A sender on the wire cuts bodies anywhere, also between the lines of one attempt. What the end of a body had to count is
therefore remembered for the next one: the line that comes after it is then the twin, and nothing is counted twice.
PAM may run in another process than the program: its lines are also remembered, and found, by address.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

from logs.kinds import Draft, Ignored, Outcome, Status, StatusDetail
from logs.parsers.facts import Facts, make_draft
from logs.parsers.signs import Kind, Sign
from logs.parsers.syslog import Line

_MAX_KEYS = 8192
_MAX_TRACES = 64
_MAX_SOURCES = 65536
_MAX_REMEMBERED = 128
"""Addresses of one body that are remembered for the next, so that they leave room for the processes."""

PATIENCE = timedelta(minutes=10)
"""How long a trace waits for the line that counts its attempt; sshd itself gives up after two minutes."""
_OF_ANOTHER = timedelta(minutes=2)
"""How long a line of another process and body may be a twin: as long as an attempt lasts, so that none is lost."""

_TWIN = "twin of a line that is counted"
_PART = "part of an attempt that is counted"
_CORRECTED = frozenset({StatusDetail.OTHER.value, StatusDetail.UNKNOWN_USER.value, StatusDetail.POLICY_DENIED.value})

_ANSWERED, _EARLY, _NAMED = "answered", "early", "named"
_OWN_RANK = 2
"""Of the lines in which sshd itself says whom it does not let in, before PAM is asked."""

Key = tuple[str, ...]
"""Host, program and process, or address; where it matters, and the name that PAM would give."""


class _Story:
    """What is known of one process (or of one person's sudo): open traces, failures counted, session opened."""

    __slots__ = ("accepted", "counted", "early", "hint", "last", "opened", "opening", "rank", "traces")

    def __init__(self, at: datetime) -> None:
        self.last = at
        self.traces: list[tuple[Line, Sign]] = []
        self.counted = 0
        self.early = self.rank = 0
        self.accepted = 0
        self.hint = ""
        self.opened = False
        self.opening: tuple[datetime, Facts] | None = None

    def recall(self, remembered: list[float]) -> None:
        """Take in what the body before left open: traces it counted and their rank, counted lines, log-ins."""
        self.early, self.rank, self.counted, self.accepted, opened = map(int, remembered[1:])
        self.opened = bool(opened)

    def left_open(self, early: int, counted: int) -> list[float]:
        """Return what the next body has to know, with the time of the last line in seconds since 1970."""
        lately = self.opening is not None and self.last - self.opening[0] <= PATIENCE
        opened = self.opened or lately
        return [self.last.timestamp(), early, self.rank, counted, self.accepted if opened else 0, int(opened)]


def draft(line: Line, facts: Facts) -> Draft:
    """Join the line's time and bytes with what it says."""
    if line.repeat != 1:
        facts["repeat_count"] = line.repeat * facts.get("repeat_count", 1)
    if line.native_id:
        facts["native_id"] = line.native_id
    return make_draft((line.at, line.quality), line.raw, line.position, facts)


def _ignored(line: Line, reason: str) -> Ignored:
    return Ignored(line.raw, reason, line.position)


class Twins:
    """Holds the open stories of one body; feed it every line in order, then finish.

    `memory` is what earlier bodies left open (`logs.leftopen`): what a line uses is taken out, what is left is put in.
    """

    def __init__(self, memory: dict[str, list[float]]) -> None:
        self._memory = memory
        self._stories: OrderedDict[Key, _Story] = OrderedDict()
        self._answered: dict[Key, datetime] = {}
        self._unanswered: dict[Key, list[float]] = {}
        self._named: dict[Key, list[float]] = {}
        self._handlers = {
            Kind.COUNTED: self._counted,
            Kind.ACCEPTED: self._accepted,
            Kind.OPENED: self._opened,
            Kind.CLOSED: self._closed,
            Kind.TRACE: self._trace,
            Kind.MORE: self._more,
            Kind.LAST: self._last,
            Kind.SETTLED: self._settled,
            Kind.HINT: self._hint,
        }

    def feed(self, line: Line, program: str, sign: Sign) -> Iterator[Outcome]:
        """Take one line and its reading; give what has become certain by it."""
        if sign.kind is Kind.DULL:
            yield _ignored(line, sign.word)
            return
        yield from self._overdue(line.at)
        key = (line.host, program, sign.key or line.pid)
        story = self._stories.get(key)
        if story is None:
            story = self._stories[key] = _Story(line.at)
            remembered = self._memory.pop(_hashed(key), None) if self._memory and key[2] else None
            if remembered and _is_lately(line, remembered):
                story.recall(remembered)
        else:
            self._stories.move_to_end(key)
            if line.at - story.last > PATIENCE:
                yield from self._resolve(story)
            story.last = line.at
        yield from self._handlers[sign.kind](line, sign, story)
        if sign.kind is Kind.CLOSED:
            del self._stories[key]

    def finish(self) -> Iterator[Outcome]:
        """Settle every trace that is still open at the end of the body, and remember what the next one has to know."""
        told = list(self._answered.items())[-_MAX_REMEMBERED:]
        self._memory.update({_hashed((*place, _ANSWERED)): [at.timestamp()] for place, at in told})
        for key, story in self._stories.items():
            early, counted = story.early, story.counted
            for outcome in self._resolve(story):
                early += type(outcome) is Draft
                yield outcome
            facts = story.left_open(early, counted)
            if key[2] and any(facts[i] for i in (1, 3, 4, 5)):
                self._memory[_hashed(key)] = facts
        self._stories.clear()
        for place, facts in list(self._unanswered.items())[-_MAX_REMEMBERED:]:
            self._memory.setdefault(_hashed((*place, _EARLY)), facts)
        for place, facts in list(self._named.items())[-_MAX_REMEMBERED:]:
            self._memory[_hashed((*place, _NAMED))] = facts

    def _overdue(self, now: datetime) -> Iterator[Outcome]:
        """Settle the oldest story when its patience is over, or when there are too many."""
        while self._stories:
            key, oldest = next(iter(self._stories.items()))
            full = len(self._stories) > _MAX_KEYS
            if not full and now - oldest.last <= PATIENCE:
                return
            yield from self._resolve(oldest)
            if oldest.opening is None or full:
                del self._stories[key]
            else:
                oldest.last = now
                self._stories.move_to_end(key)

    def _resolve(self, story: _Story) -> Iterator[Outcome]:
        """Decide over the open traces of an attempt that no counted line has followed."""
        traces, story.traces = story.traces, []
        story_counted, story.counted = story.counted, 0
        early, story.early = story.early, 0
        if not traces:
            return
        best = story.rank if early else min(sign.rank for _, sign in traces)
        story.rank = best
        names = [sign.facts["actor_name"] for _, sign in traces if sign.facts and sign.facts.get("actor_name")]
        for line, sign in traces:
            facts = sign.facts
            pam = facts if sign.rank == 0 else None
            twin = (
                (pam and self._is_named(line, pam))
                or sign.rank > best
                or (early and sign.rank < best)
                or story_counted
                or (pam and self._is_answered(line, pam))
            )
            if facts is None or twin:
                yield _ignored(line, _TWIN)
                continue
            if names and not facts.get("actor_name"):
                facts["actor_name"] = names[0]
            _correct(facts, story.hint)
            self._remember(line, sign.rank, facts)
            yield draft(line, facts)

    def _remember(self, line: Line, rank: int, facts: Facts) -> None:
        """Note by its address what is counted without the line that it may be a twin of, in any process."""
        place = _place(line, facts)
        if place[2] and rank in {0, _OWN_RANK}:
            counted, key = (self._named, _person(line, facts)) if rank else (self._unanswered, place)
            counted.setdefault(key, [line.at.timestamp(), 0])[1] += facts.get("repeat_count", 1)

    def _is_named(self, line: Line, facts: Facts) -> bool:
        """Tell whether sshd's own line about this attempt was counted, of any process, and use that up."""
        key = _person(line, facts)
        told = self._named.pop(key, None)
        if told is None and self._memory and key[2]:
            told = self._memory.pop(_hashed((*key, _NAMED)), None)
        if told is None or not _is_lately(line, told, _OF_ANOTHER):
            return False
        if told[1] > 1:
            self._named[key] = [told[0], told[1] - 1]
        return True

    def _is_answered(self, line: Line, facts: Facts) -> bool:
        """Tell whether sshd on this host wrote its own failures for this address (PAM may run in another process)."""
        place = _place(line, facts)
        if place in self._answered:
            return True
        remembered = self._memory.get(_hashed((*place, _ANSWERED))) if self._memory and place[2] else None
        return remembered is not None and _is_lately(line, remembered, _OF_ANOTHER)

    def _counted_before(self, line: Line, facts: Facts, story: _Story, place: Key) -> int:
        """Settle and return how many of a line's attempts earlier bodies counted by PAM's lines, of any process."""
        name = _hashed((*place, _EARLY)) if self._memory and place[2] else ""
        remembered = self._memory.pop(name, None)
        elsewhere = int(remembered[1]) if remembered and _is_lately(line, remembered, _OF_ANOTHER) else 0
        if not (story.early or elsewhere):
            return 0
        before = min(max(story.early, elsewhere), line.repeat * facts.get("repeat_count", 1))
        story.early -= min(story.early, before)
        if remembered and elsewhere > before:
            self._memory[name] = [remembered[0], elsewhere - before]
        return before

    def _counted(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        facts = sign.facts
        assert facts is not None
        yield from self._twins(story)
        if facts.get("status_id") == Status.FAILURE:
            place = _place(line, facts)
            story.counted += 1
            _correct(facts, story.hint)
            if len(self._answered) > _MAX_SOURCES:
                self._answered.clear()
            if place[2]:
                self._answered[place] = line.at
            if before := self._counted_before(line, facts, story, place):
                told = line.repeat * facts.get("repeat_count", 1)
                if before == told:
                    yield _ignored(line, _TWIN)
                    return
                line, facts["repeat_count"] = line._replace(repeat=1), told - before
        yield draft(line, facts)

    def _twins(self, story: _Story) -> Iterator[Outcome]:
        for trace, _ in story.traces:
            yield _ignored(trace, _TWIN)
        story.traces = []

    def _accepted(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        assert sign.facts is not None
        yield from self._twins(story)
        if (story.opening or story.opened) and sign.facts.get("app") == "login":
            yield _ignored(line, _TWIN)
            return
        story.accepted += 1
        story.opening = (line.at, sign.facts)
        yield draft(line, sign.facts)

    def _opened(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        assert sign.facts is not None
        if story.accepted:
            story.accepted -= 1
            yield _ignored(line, _TWIN)
            return
        story.opening = (line.at, sign.facts)
        yield draft(line, sign.facts)

    def _closed(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        facts = sign.facts
        assert facts is not None
        yield from self._resolve(story)
        if story.opening:
            began, opening = story.opening
            facts["duration_ms"] = max(0, (line.at - began) // timedelta(milliseconds=1))
            for name in ("actor_name", "actor_type", "target_name", "target_kind", "src_ip", "src_host"):
                if name in opening:
                    facts[name] = opening[name]
        yield draft(line, facts)

    def _trace(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        story.hint = sign.word or story.hint
        if len(story.traces) >= _MAX_TRACES:
            yield from self._resolve(story)
        story.traces.append((line, sign))

    def _more(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        if story.counted:
            yield _ignored(line, _TWIN)
        else:
            yield from self._trace(line, sign, story)

    def _last(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        assert sign.facts is not None
        if story.counted or story.traces or story.early:
            yield _ignored(line, _PART)
        else:
            yield draft(line, sign.facts)

    def _settled(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        if story.traces:
            trace, _ = story.traces.pop()
            yield _ignored(trace, "one of several PAM modules, and another accepted")
        story.early = max(0, story.early - 1)
        yield _ignored(line, sign.word)

    def _hint(self, line: Line, sign: Sign, story: _Story) -> Iterator[Outcome]:
        story.hint = sign.word
        yield _ignored(line, _PART)


def _place(line: Line, facts: Facts) -> Key:
    """Name an address at a program of a host; the address is "" where the line names none."""
    return line.host, facts.get("app", ""), facts.get("src_ip") or facts.get("src_host", "")


def _person(line: Line, facts: Facts) -> Key:
    """Name whom an attempt from an address is about as PAM does, which gives no name of a user who is unknown."""
    unknown = facts.get("status_detail") == StatusDetail.UNKNOWN_USER
    return (*_place(line, facts), "" if unknown else facts.get("actor_name", ""))


def _is_lately(line: Line, remembered: list[float], patience: timedelta = PATIENCE) -> bool:
    """Tell whether what is remembered is of about the line's time."""
    return abs(line.at.timestamp() - remembered[0]) <= patience.total_seconds()


def _hashed(key: tuple[str, ...]) -> str:
    """Return a short name of a story, or of what is remembered of an address, that says nothing about it."""
    return hashlib.sha256("\n".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _correct(facts: Facts, hint: str) -> None:
    """Put the reason that an earlier line gave, where the line itself gives a vaguer one."""
    detail = facts.get("status_detail", "")
    if hint and detail in _CORRECTED and not (hint == StatusDetail.UNKNOWN_USER and detail != StatusDetail.OTHER):
        facts["status_detail"] = hint
