"""JSON and NDJSON with a saved mapping; a column of the mapping is a dotted path such as `user.email`."""

from collections.abc import Iterable, Iterator

import msgspec

from logs.kinds import Outcome, Quarantined, SourceSettings
from logs.parsers.facts import Parser
from logs.parsers.framing import Record, json_records
from logs.parsers.mapped import Values, read_values
from logs.parsers.mapping import Plan
from logs.parsers.text import sentence

_decoder = msgspec.json.Decoder(dict[str, object])

Path = tuple[str, tuple[str, ...], str]
"""The whole name, its parts, and the field it is mapped to."""


def _look(row: dict[str, object], whole: str, parts: tuple[str, ...]) -> object:
    """Give the value at a path; a member with the dots in its own name wins. List items are named by number."""
    if whole in row:
        return row[whole]
    value: object = row
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and len(part) < 6 and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _read(record: Record, plain: list[tuple[str, str]], paths: list[Path], plan: Plan) -> Outcome:
    try:
        row = _decoder.decode(record.raw)
    except (ValueError, RecursionError) as error:
        return Quarantined(
            record.raw, f"The record is no JSON object that can be read. {sentence(error)}", record.position
        )
    values: Values = {field: row.get(column) for column, field in plain}
    for whole, parts, field in paths:
        values[field] = _look(row, whole, parts)
    return read_values(record, values, plan)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of JSON; raises ParseError for a mapping that cannot be used, before anything is read."""
    plan = Plan(settings)
    plain = [(column, field) for column, field in plan.columns.items() if "." not in column]
    paths: list[Path] = [
        (column, tuple(column.split(".")), field) for column, field in plan.columns.items() if "." in column
    ]
    for record in json_records(body):
        yield _read(record, plain, paths, plan) if isinstance(record, Record) else record


PARSER = Parser("json", "1", "JSON or NDJSON with a saved mapping", parse)
