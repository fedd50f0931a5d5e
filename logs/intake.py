"""One delivery while it is read: drafts become rows, leaves and counts. Nothing here touches the database."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import compress, islice
from operator import not_
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import astuple

from ledger.entries import MAX_CORE_BYTES, salts, seal_many
from ledger.kinds import LeafKind
from logs.answers import ERRORS_SHOWN
from logs.bodies import BodyError
from logs.copyrows import Columns, Rows, Who, copy_rows_of, misfit
from logs.devices import device_of
from logs.hours import Hours, HoursMemo
from logs.kinds import ClockQuality, Draft, Ignored, Outcome, Quarantined
from logs.places import place_of
from logs.sealing import Place, cores_of, extra_text, rfc3339, rfc3339_all, subjects_of
from logs.sequences import Seen

CHUNK: Final = 5000
MAX_RECORDS: Final = 1_000_000
"""Most records of one delivery: 64 MB of empty-handed lines would hold 32 million, each a row and some memory."""

KEPT_BYTES: Final = 64 * 1024
"""Bytes of a quarantined record that are kept; of a longer one also its length and SHA-256."""

SKEW: Final = timedelta(seconds=120)
FUTURE_LIMIT: Final = timedelta(hours=24)
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_REPLACED: Final = str.maketrans({"\0": "\ufffd"} | {chr(code): "\ufffd" for code in range(0xD800, 0xE000)})

COLUMN_NAMES: Final = "column names"
"""The reason of a table's first line: it is no record, and without it none of the others can be read again."""
COLUMNS_KEPT: Final = 16 * 1024
"""Longest line of column names that a manifest keeps, in bytes: an entry of the ledger holds 64 KiB."""

_NUL: Final = b"\\u0000"

QuarantineRow = tuple[int, str, bytes, int, bytes]
"""Position, reason, kept bytes, whole length, SHA-256 of the whole."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An actor as the register knows them, with the hours that a success is expected in (None: not judged)."""

    who: Who
    hours: Hours | None


@dataclass(slots=True)
class Tally:
    """The counts of one delivery, and what its answer and manifest say."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    first_record: str = ""
    last_record: str = ""
    columns: bytes = b""
    errors: list[dict[str, object]] = field(default_factory=list)
    rejects: "hashlib._Hash" = field(default_factory=hashlib.sha256)


@dataclass(slots=True)
class Chunk:
    """Up to `CHUNK` records of a delivery: drafts to store, and records that could not be read."""

    drafts: list[Draft] = field(default_factory=list)
    stated: dict[int, str] = field(default_factory=dict)
    rejected: list[QuarantineRow] = field(default_factory=list)


class Mark(NamedTuple):
    """The counts before a try to store a chunk."""

    stored: int
    quarantined: int
    errors: int
    rejected: int
    rejects: "hashlib._Hash"


@dataclass(slots=True)
class Reading:
    """The state of one delivery: who delivers, when, and what was counted so far.

    The first ``skip`` records were stored by an earlier delivery, which was the beginning of this one.
    """

    place: Place
    received_at: datetime
    skip: int = 0
    tally: Tally = field(default_factory=Tally)
    leaves: list[bytes] = field(default_factory=list)
    memo: HoursMemo = field(default_factory=HoursMemo)
    numbers: Seen = field(default_factory=Seen)

    def chunks(self, outcomes: Iterable[Outcome]) -> Iterator[Chunk]:
        """Sort the outcomes of a parser into chunks."""
        source = iter(outcomes)
        while part := list(islice(source, CHUNK)):
            chunk = Chunk()
            for outcome in part:
                self._sort(outcome, chunk)
            yield chunk

    def _sort(self, outcome: Outcome, chunk: Chunk) -> None:
        self.tally.received += 1
        if self.tally.received > MAX_RECORDS:
            raise BodyError(
                413, "too_many", f"The body has more than {MAX_RECORDS:,} records: send it in smaller parts."
            )
        if self.numbers.place_of:
            self.numbers.add(outcome.raw)
        if outcome.position < self.skip:
            self.tally.duplicates += 1
        elif type(outcome) is Ignored:
            self.tally.ignored[outcome.reason[:100]] += 1
            if outcome.reason == COLUMN_NAMES and len(outcome.raw) <= COLUMNS_KEPT:
                self.tally.columns = outcome.raw
        elif type(outcome) is Quarantined:
            self.reject(chunk, outcome.raw, outcome.reason, outcome.position)
        elif isinstance(outcome, Draft):
            self._admit(outcome, chunk)

    def _admit(self, draft: Draft, chunk: Chunk) -> None:
        """Take a draft whose time and numbers can be held; clamp a time that is somewhat ahead of its receipt."""
        ahead = draft.occurred_at - self.received_at
        reason = misfit(draft)
        if ahead > FUTURE_LIMIT:
            reason = "The record's time lies more than 24 hours after its receipt."
        elif draft.occurred_at < EARLIEST:
            reason = "The record's time lies before 1990."
        if reason:
            self.reject(chunk, draft.raw, reason, draft.position)
            return
        if ahead > SKEW:
            chunk.stated[draft.position] = rfc3339(draft.occurred_at)
            draft = msgspec.structs.replace(
                draft, occurred_at=self.received_at, clock_quality=ClockQuality.FUTURE_CLAMPED.value
            )
        chunk.drafts.append(draft)

    def reject(self, chunk: Chunk, raw: bytes, reason: str, position: int) -> None:
        """Put a record into quarantine; a long one is cut, which its reason says."""
        digest = hashlib.sha256(raw).digest()
        if len(raw) > KEPT_BYTES:
            reason = (
                f"{reason} Only the first {KEPT_BYTES:,} of its {len(raw):,} bytes are kept, with the SHA-256 of all."
            )
        self.keep_reject(chunk, (position, reason.translate(_REPLACED), raw[:KEPT_BYTES], len(raw), digest))

    def keep_reject(self, chunk: Chunk, row: QuarantineRow) -> None:
        """Count a quarantined record, which may have been refused in the reading of another tenant's part."""
        position, reason, _kept, _size, digest = row
        chunk.rejected.append(row)
        self.tally.quarantined += 1
        self.tally.rejects.update(digest)
        if len(self.tally.errors) < ERRORS_SHOWN:
            self.tally.errors.append({"index": position, "code": "quarantined", "detail": reason[:300]})

    def rows(self, chunk: Chunk, find: Callable[[Draft], Watched]) -> Rows:
        """Return the COPY rows of a chunk's drafts and keep their leaves; ordinals go on from the chunk before."""
        drafts, columns, cores, subjects = self._sealed(chunk)
        if not drafts:
            return Rows((), b"", ())
        watched = [find(draft) for draft in drafts]
        outside = self.memo.outside
        own, raws = salts(len(drafts)), columns["raw"]
        self.leaves += seal_many(LeafKind.EVENT, zip(cores, subjects, raws, strict=True), own)
        first, self.tally.stored = self.tally.stored, self.tally.stored + len(drafts)
        self.tally.first_record = self.tally.first_record or _name(drafts[0])
        self.tally.last_record = _name(drafts[-1])
        whos = [one.who for one in watched]
        times = zip(watched, columns["occurred_at"], strict=True)
        places = [place_of(address or "") for address in columns["src_ip"]]
        columns |= {
            "src_country": [place.country for place in places],
            "src_asn": [place.asn for place in places],
            "client": [device_of(agent) for agent in columns["user_agent"]],
            "out_of_hours": [outside(one.hours, at) if one.hours else None for one, at in times],
            "ord": range(first, self.tally.stored),
            "actor_key": [who.key for who in whos],
            "account_id": [who.account_id for who in whos],
            "identity_id": [who.identity_id for who in whos],
            "table_name": columns["table"],
        }
        return copy_rows_of(columns | {"core": cores, "subj": subjects, "salts": own})

    def _sealed(self, chunk: Chunk) -> tuple[Sequence[Draft], Columns, list[bytes], list[bytes]]:
        """Return the drafts as they are stored, their columns, and their sealed cores and subjects.

        Texts that UTF-8 or PostgreSQL refuse are replaced where a record of the chunk holds one, and a record whose
        core is too long for the ledger is quarantined: both are rare, and then the chunk is sealed once more.
        """
        drafts: Sequence[Draft] = chunk.drafts
        while drafts:
            try:
                columns = columns_of(drafts)
                cores, subjects = self._cores(drafts, columns, chunk), subjects_of(columns)
            except UnicodeEncodeError:
                drafts = [sound(draft) for draft in drafts]
                continue
            bad = [_NUL in core or _NUL in subject for core, subject in zip(cores, subjects, strict=True)]
            if any(bad) and drafts is chunk.drafts:
                drafts = [sound(draft) if nul else draft for draft, nul in zip(drafts, bad, strict=True)]
                continue
            fits = [len(core) <= MAX_CORE_BYTES for core in cores]
            if all(fits):
                return drafts, columns, cores, subjects
            for draft in compress(drafts, map(not_, fits)):
                self.reject(chunk, draft.raw, "The fields of the record are too long to be sealed.", draft.position)
            drafts = list(compress(drafts, fits))
        return (), {}, [], []

    def _cores(self, drafts: Sequence[Draft], columns: Columns, chunk: Chunk) -> list[bytes]:  # noqa: ARG002 -- for who seals more
        """Return the sealed cores of the drafts, whose columns these are."""
        return cores_of(columns, self.place, self.tally.stored, chunk.stated)

    def mark(self, chunk: Chunk) -> Mark:
        """Return what `undo` goes back to."""
        tally = self.tally
        return Mark(tally.stored, tally.quarantined, len(tally.errors), len(chunk.rejected), tally.rejects.copy())

    def undo(self, before: Mark, chunk: Chunk) -> None:
        """Forget the leaves, ordinals and rejections since the mark: the rows were refused."""
        tally = self.tally
        del self.leaves[before.stored :], tally.errors[before.errors :], chunk.rejected[before.rejected :]
        tally.stored, tally.quarantined, tally.rejects = before.stored, before.quarantined, before.rejects


def columns_of(drafts: Sequence[Draft]) -> Columns:
    """Return the fields of drafts column by column; beside them ``when``, the time as text; ``extra`` is JSON text.

    Raises:
        UnicodeEncodeError: a field that is kept beside holds a lone surrogate.
    """
    columns: Columns = dict(zip(Draft.__struct_fields__, zip(*map(astuple, drafts), strict=True), strict=True))
    columns["when"] = rfc3339_all(columns["occurred_at"])
    columns["extra"] = [extra_text(extra) if extra else "" for extra in columns["extra"]]
    return columns


def _name(draft: Draft) -> str:
    return draft.native_id or f"record {draft.position}"


def sound(draft: Draft) -> Draft:
    """Return the draft with NUL and lone surrogates replaced in every text, which PostgreSQL and UTF-8 refuse."""
    changed: dict[str, object] = {}
    for name in draft.__struct_fields__:
        value = getattr(draft, name)
        if isinstance(value, str) and value != (clean := value.translate(_REPLACED)):
            changed[name] = clean
    if any(text != text.translate(_REPLACED) for text in draft.privileges):
        changed["privileges"] = tuple(text.translate(_REPLACED) for text in draft.privileges)
    changed["extra"] = _sound_json(draft.extra)
    return msgspec.structs.replace(draft, **changed)


def _sound_json(value: object) -> object:
    if isinstance(value, str):
        return value.translate(_REPLACED)
    if isinstance(value, Mapping):
        return {str(_sound_json(str(key))): _sound_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sound_json(item) for item in value]
    return value


def native_key(source_id: int, native_id: str) -> bytes:
    """Return the key under which a record with an id of its own is stored once."""
    return hashlib.blake2b(f"id\0{source_id}\0{native_id}".encode("utf-8", "replace"), digest_size=16).digest()


class ContentKeys:
    """Keys of records without an id: their bytes, and the how manieth equal record of the file they are."""

    def __init__(self, source_id: int) -> None:
        self._prefix = f"raw\0{source_id}\0".encode()
        self._seen: Counter[bytes] = Counter()

    def key(self, raw: bytes) -> bytes:
        """Return the key of the next record with these bytes."""
        digest = hashlib.blake2b(self._prefix + raw, digest_size=16).digest()
        number = self._seen[digest]
        self._seen[digest] += 1
        return digest if not number else hashlib.blake2b(digest + number.to_bytes(8), digest_size=16).digest()


class GivenIds:
    """Ids that a sender gave to its records outside of them (Elastic `_id`, `log.record.uid`, journald's cursor).

    They are kept by the record's bytes and not by its position, which a parser may shift; of equal records, which are
    interchangeable, each takes the next id. A record with an id of its own keeps that.
    """

    def __init__(self) -> None:
        self._ids: dict[bytes, deque[str]] = {}

    def give(self, raw: bytes, name: str) -> None:
        """Note the id of a record with these bytes."""
        self._ids.setdefault(_short_hash(raw), deque()).append(name)

    def named(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Give the outcomes, drafts without an id of their own with the one that was given to them."""
        for outcome in outcomes:
            given = self._ids.get(_short_hash(outcome.raw)) if self._ids else None
            name = given.popleft() if given else ""
            if name and isinstance(outcome, Draft) and not outcome.native_id:
                outcome = msgspec.structs.replace(outcome, native_id=name)  # noqa: PLW2901 -- the same outcome, named
            yield outcome


def kept_unread(outcomes: Iterable[Outcome], spoilt: Mapping[bytes, str]) -> Iterator[Outcome]:
    """Give the outcomes, records with these bytes as quarantined: "for bob" cut off at "for bo" would name another."""
    for outcome in outcomes:
        reason = spoilt.get(outcome.raw)
        yield Quarantined(outcome.raw, reason, outcome.position) if reason else outcome


def _short_hash(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()
