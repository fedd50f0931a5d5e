"""Whole files of Windows events: XML of many, EVTX, and EVTX that is damaged on purpose."""

import struct
from collections import Counter
from io import BytesIO

import pytest

from logs.kinds import Draft, Format, Ignored, Outcome, Quarantined, SourceSettings
from logs.parsers import PARSERS
from logs.parsers.windows_evtx import CHUNK, FILE_HEADER, MAGIC, _unread, split
from tests.logs.parsers.reading import SHARED, counted, read, shared
from tests.logs.parsers.test_drafts_are_ocsf import check
from tests.logs.parsers.windows_made import LOGON, evtx_json, xml

WIN = Format.WINDOWS
EVENTS = [xml(4624, LOGON, record=number) for number in range(3)]


@pytest.mark.parametrize(
    ("body", "ignored"),
    [
        ("".join(EVENTS), 0),
        ("\n".join(EVENTS), 0),
        ("<?xml version='1.0'?>\n<Events>\n" + "\n".join(EVENTS) + "\n</Events>\n", 3),
        ("\r\n".join(EVENTS).replace("<System>", "\r\n <System>\n\n"), 0),
        ("\ufeff" + "\n\n".join(EVENTS), 0),
        ("\n".join([EVENTS[0], evtx_json(4624, LOGON), EVENTS[1]]), 0),
    ],
)
def test_it_reads_many_events_of_xml(body: str, ignored: int) -> None:
    assert counted(read(WIN, *body.encode().splitlines(keepends=True))) == (3, 0, ignored)
    assert counted(read(WIN, body)) == (3, 0, ignored)


def test_what_stands_between_events_is_kept_apart_and_the_events_are_read() -> None:
    outcomes = read(WIN, f"{EVENTS[0]}\n<Event><cut\ngarbage\n{EVENTS[1]}\n<Event>never ends")
    kept = b"\n".join(outcome.raw for outcome in sorted(outcomes, key=lambda outcome: outcome.position))
    assert counted(outcomes)[:2] == (1, 2)
    assert kept.replace(b"\n", b"") == (EVENTS[0] + "<Event><cutgarbage" + EVENTS[1] + "<Event>never ends").encode()


def file_of(records: bytes, *, magic: bytes = b"ElfChnk\0", size: int = CHUNK) -> bytes:
    """Make an EVTX file of one chunk whose free space begins after the records."""
    chunk = magic + bytes(40) + struct.pack("<I", 512 + len(records)) + bytes(512 - 52) + records
    return MAGIC + bytes(FILE_HEADER - len(MAGIC)) + chunk.ljust(size, b"\0")[:size]


def record(number: int, size: int = 64) -> bytes:
    return struct.pack("<4sIQQ", b"**\0\0", size, number, 0).ljust(size, b"\x01")


@pytest.mark.parametrize(
    ("body", "quarantined"),
    [
        (MAGIC, 1),
        (MAGIC + b"x" * 100, 1),
        (file_of(b""), 0),
        (file_of(record(1) + record(2) + record(3)), 3),
        (file_of(record(1) + record(2, 10)), 2),
        (file_of(record(1) + b"**\0\0\xff\xff\xff\xff" + bytes(20)), 2),
        (file_of(record(1), magic=b"Broken!\0"), 1),
        (file_of(record(1), size=4000), 1),
        (file_of(record(1) * 900), 900),
    ],
)
def test_a_damaged_file_ends_in_the_quarantine(body: bytes, quarantined: int) -> None:
    outcomes = read(WIN, *body.splitlines(keepends=True))
    assert counted(outcomes) == (0, quarantined, 0)
    assert all(outcome.reason.endswith(".") for outcome in outcomes if not isinstance(outcome, Draft))


def real() -> list[str]:
    return sorted(path.name for path in SHARED.glob("windows/*.evtx"))


def whole(name: str) -> list[Outcome]:
    with shared(f"windows/{name}").open("rb") as file:
        return list(PARSERS[WIN].parse(file, SourceSettings()))


def test_no_record_of_the_real_files_is_dropped() -> None:
    shared("windows")
    outcomes = [outcome for name in real() for outcome in whole(name)]
    assert counted(outcomes) == (122, 0, 510)  # 632 records, as the manifest of the data says
    for outcome in outcomes:
        if isinstance(outcome, Draft):
            check(outcome)
    reasons = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Ignored))
    assert reasons["Windows event that is no access"] == 442  # 632 less the 190 of our ids
    assert Counter(outcome.status_id for outcome in outcomes if isinstance(outcome, Draft))[2] == 10


def test_a_real_file_that_is_cut_or_overwritten_loses_nothing_silently() -> None:
    data = bytearray(shared("windows/LM_WMI_4624_4688_TargetHost.evtx").read_bytes())
    before = len(whole("LM_WMI_4624_4688_TargetHost.evtx"))
    at = data.index(b"**\0\0", data.index(b"**\0\0", FILE_HEADER) + 4)
    data[at + 24 : at + 120] = b"\xff" * 96
    outcomes = read(WIN, bytes(data))
    assert len(outcomes) == before
    assert sum(isinstance(outcome, Quarantined) for outcome in outcomes) >= 1
    cut = read(WIN, bytes(data[: len(data) - 5000]))
    assert sum(isinstance(outcome, Quarantined) for outcome in cut) >= 1


def test_a_file_that_is_cut_into_parts_gives_the_same_records() -> None:
    data = shared("windows/DE_1102_security_log_cleared.evtx").read_bytes()
    kept = [outcome.raw for outcome in read(WIN, data)]
    parts = [*split(data[:10], BytesIO(data[10:]), 5 * CHUNK)]
    assert len(parts) > 2
    assert [outcome.raw for part in parts for outcome in read(WIN, part)] == kept


def test_a_number_that_comes_twice_and_was_read_once_is_missing_once() -> None:
    chunk = file_of(record(1) + record(1))[FILE_HEADER:]
    assert [found.raw for found in _unread(chunk, Counter({1: 1}))] == [record(1)]
