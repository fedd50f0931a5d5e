"""Reads the JSON that directories' APIs answer: lists of objects, also several pages one after the other. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from identities.csvtable import BadFile, read_text

NEXT: Final = "@odata.nextLink"
Object = Mapping[str, object]


def is_json(body: bytes) -> bool:
    """Returns whether a file begins as a JSON document does."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}


def records(body: bytes) -> list[Object]:
    """Returns the objects of a file that holds one or more JSON documents: arrays, or objects with a member `value`.

    Pages that a script appended one after the other are one list. The last page must not point to a next one.

    Raises:
        BadFile: with one sentence where it is not JSON, not objects, or a page is missing.
    """
    text = read_text(body).strip()
    decoder = json.JSONDecoder()
    found: list[Object] = []
    at, more = 0, False
    while at < len(text):
        try:
            page, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise BadFile(
                f"The file is not valid JSON from character {at:,} on. It may be cut off: export it again."
            ) from error
        more = isinstance(page, dict) and bool(page.get(NEXT))
        found.extend(_objects(page, len(found)))
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    if more:
        raise BadFile(f"The last page names a next one ('{NEXT}'), so the list is cut off. Fetch all pages.")
    return found


def _objects(page: object, before: int) -> Iterator[Object]:
    """Yields the objects of one page."""
    if isinstance(page, dict) and isinstance(page.get("error") or page.get("errorCode"), dict | str):
        raise BadFile("The file holds an error that the system answered instead of the list. Ask the system again.")
    items = page.get("value", [page]) if isinstance(page, dict) else page
    if not isinstance(items, list):
        raise BadFile("The file holds JSON, but no list of objects. Save the whole answer of the system.")
    for number, item in enumerate(items, start=before + 1):
        if not isinstance(item, dict):
            raise BadFile(f"Record {number} of the file is no JSON object. Save the whole answer of the system.")
        yield item


def text_at(record: Object, *path: str) -> str:
    """Returns the text at a path of members, an empty one where there is none."""
    here: object = record
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    return here.strip() if isinstance(here, str) else ""
