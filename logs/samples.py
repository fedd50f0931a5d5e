"""Reads files of logs without storing anything, and says of each what became of its lines."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import msgspec

from logs.kinds import Draft, Format, Ignored, ParseError, SourceSettings
from logs.parsers import PARSERS, guess_format
from logs.parsers.framing import lines
from logs.parsers.windows_evtx import MAGIC

_LOOKED_AT = 50
_CASE = re.compile(rb"log \d+ (?:pass|fail) = (.*)")
"""A log line in a rule test of Wazuh."""
_MAPPED = frozenset({Format.CSV, Format.JSON})
_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class Sample:
    """What one file became: its format, the lines that were given in, and the outcome of each record."""

    path: Path
    format: Format | None = None
    trouble: str = ""
    lines: int = 0
    records: int = 0
    events: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)


def files(path: Path) -> Iterator[Path]:
    """Give the file, or the files of a folder and of the folders inside it, in order; hidden ones are left out."""
    if not path.is_dir():
        yield path
        return
    yield from (found for found in sorted(path.rglob("*")) if found.is_file() and not found.name.startswith("."))


def read_sample(path: Path, settings: SourceSettings, *, wanted: Format | None = None, member: str = "") -> Sample:
    """Read one file. Where `member` is given, each line is a JSON object whose member of that name is the record."""
    sample = Sample(path)
    with path.open("rb") as file:
        body = iter(_records(file, path, member))
        first = list(islice(body, _LOOKED_AT))
        sample.format = wanted or guess_format(first)
        if sample.format is None or (sample.format in _MAPPED and not settings.mapping):
            sample.trouble = "its format is not known" if sample.format is None else "its format needs a saved mapping"
            return sample
        try:
            for outcome in PARSERS[sample.format].parse(_counted(chain(first, body), sample), settings):
                _add(sample, outcome)
        except ParseError as error:
            sample.trouble = error.reason
    return sample


def _add(sample: Sample, outcome: object) -> None:
    sample.records += 1
    if isinstance(outcome, Draft):
        sample.events += 1
    elif isinstance(outcome, Ignored):
        sample.ignored[outcome.reason] += 1
    else:
        sample.quarantined[outcome.reason] += 1  # type: ignore[attr-defined]  # the third and last outcome


def _counted(body: Iterable[bytes], sample: Sample) -> Iterator[bytes]:
    """Give the body again, and count its lines that are not blank; an EVTX file has none."""
    binary = False
    for item in body:
        binary = binary or item.startswith(MAGIC)
        sample.lines += 0 if binary else sum(1 for _ in lines([item]))
        yield item


def _records(file: Iterable[bytes], path: Path, member: str) -> Iterable[bytes]:
    """Give the lines of a file, or what stands in them: a member of an object, the log line of a rule test."""
    if path.suffix == ".ini":
        return (found[1] for line in file if (found := _CASE.match(line)))
    return (_member(line, member) for line in file) if member else file


def _member(line: bytes, member: str) -> bytes:
    """Give the member's bytes, or the whole line where it has none."""
    try:
        return bytes(_decoder.decode(line)[member])
    except (KeyError, ValueError, RecursionError):
        return line
