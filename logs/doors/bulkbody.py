"""The body of Elastic's `_bulk`: pairs of an action and a document, one to a line, with blank lines between."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec


class BulkError(Exception):
    """A body that is no bulk request at all, and the number of its line from 1."""

    def __init__(self, sentence: str, line: int) -> None:
        super().__init__(f"Malformed action/metadata line [{line}]: {sentence}")
        self.line = line


@dataclass(slots=True)
class Item:
    """One item of a bulk request: what is asked for, under which id, and the document as JSON.

    ``document`` is None for an action that this door does not know; such an item is answered 400.
    """

    action: str
    index: str
    given_id: str
    document: bytes | None


class _Target(msgspec.Struct, gc=False):
    id: str | int | None = msgspec.field(default=None, name="_id")
    index: str | None = msgspec.field(default=None, name="_index")


_actions: Final = msgspec.json.Decoder(dict[str, _Target])
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
STORES: Final = frozenset({"create", "index"})
_WITHOUT: Final = frozenset({"delete"})


def items(body: Iterator[bytes], index: str = "") -> Iterator[Item]:
    """Give the items of a body that is read line by line; raises `BulkError` where the pairs are broken."""
    pending: tuple[str, _Target] | None = None
    number = 0
    for number, raw in enumerate(body, 1):
        line = raw.strip()
        if not line:
            continue
        if pending is None:
            pending = _action(line, number)
            if pending[0] in _WITHOUT:
                yield _item(pending, index, None)
                pending = None
            continue
        yield _item(pending, index, _document(line, number))
        pending = None
    if pending is not None:
        raise BulkError("the last action has no document.", number)


def _action(line: bytes, number: int) -> tuple[str, _Target]:
    try:
        found = _actions.decode(line)
    except (ValueError, RecursionError) as error:
        raise BulkError("it is no action.", number) from error
    if len(found) != 1:
        raise BulkError("an action has exactly one name.", number)
    name, target = next(iter(found.items()))
    if name not in STORES | _WITHOUT | {"update"}:
        raise BulkError(f"[{name[:40]}] is no action.", number)
    return name, target


def _document(line: bytes, number: int) -> bytes:
    try:
        _object.decode(line)
    except (ValueError, RecursionError) as error:
        raise BulkError("the document is no JSON object.", number) from error
    return line


def _item(pending: tuple[str, _Target], index: str, document: bytes | None) -> Item:
    name, target = pending
    given = "" if target.id is None else str(target.id)
    return Item(name, target.index or index, given, document if name in STORES else None)
