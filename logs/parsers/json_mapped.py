"""JSON and NDJSON with a saved mapping; a column of the mapping is a dotted path such as `user.email`."""

from collections.abc import Iterable, Iterator

import msgspec

from logs.kinds import Ignored, Outcome, Quarantined, SourceSettings
from logs.parsers.facts import Parser
from logs.parsers.framing import Record, json_records
from logs.parsers.mapped import Row, read_all
from logs.parsers.mapping import Plan
from logs.parsers.text import sentence

_decoder = msgspec.json.Decoder(dict[str, object])


def _look(row: dict[str, object], whole: str) -> object:
    """Give the value at a path; a member with the dots in its own name wins. List items are named by number."""
    if whole in row:
        return row[whole]
    value: object = row
    for part in whole.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and len(part) < 6 and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _rows(records: Iterable[Record | Quarantined | Ignored], columns: tuple[str, ...]) -> Iterator[Row | Outcome]:
    plain = not any("." in column for column in columns)
    for record in records:
        if not isinstance(record, Record):
            yield record
            continue
        try:
            row = _decoder.decode(record.raw)
        except (ValueError, RecursionError) as error:
            reason = f"The record is no JSON object that can be read. {sentence(error)}"
            yield Quarantined(record.raw, reason, record.position)
            continue
        values = [*map(row.get, columns)] if plain else [_look(row, column) for column in columns]
        yield Row(record.raw, record.position, values)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of JSON; raises ParseError for a mapping that cannot be used, before anything is read."""
    plan = Plan(settings)
    yield from read_all(_rows(json_records(body), tuple(plan.columns)), plan)


PARSER = Parser("json", "1", "JSON or NDJSON with a saved mapping", parse)
