"""Reads a file of the catalogue, and refuses what nobody would read in it: a key twice, or one that has no meaning.

The keys of a framework's file are those of catalogue/framework.schema.json, which editors can use too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

SCHEMA: Final[Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "catalogue" / "framework.schema.json").read_text(encoding="utf-8")
)


class _Loader(yaml.SafeLoader):
    """Reads plain values; a key that stands twice in one mapping is a fault, since the first one would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- as PyYAML has it
        """Return a mapping; raises ConstructorError for a key that stands twice."""
        seen: set[str] = set()
        for key in (key for key, _value in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def document(name: str, body: bytes, faults: list[str]) -> dict[str, Any]:
    """Return the mapping that a YAML file holds, empty where it holds none."""
    try:
        loaded = yaml.load(body, _Loader)  # noqa: S506 -- a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        faults.append(f"{name} cannot be read as YAML: {' '.join(str(error).split())}.")
        return {}
    if isinstance(loaded, dict):
        return loaded
    faults.append(f"{name} holds no mapping.")
    return {}


def unknown_keys(where: str, value: object, schema: Mapping[str, Any] = SCHEMA) -> Iterator[str]:
    """Yield a sentence for each key of a framework's file that has no meaning, with its file and row."""
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value, start=1):
            row = item.get("id", f"row {number}") if isinstance(item, dict) else number
            yield from unknown_keys(f"{where.removesuffix(', controls')}, {row}", item, schema["items"])
    elif isinstance(value, dict) and "properties" in schema:
        yield from strangers(where, value, schema["properties"])
        for key, part in schema["properties"].items():
            yield from unknown_keys(f"{where}, {key}", value.get(key), part)


def strangers(where: str, value: Mapping[Any, Any], known: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each key of a mapping that is none of the known ones."""
    for key in value:
        if key not in known:
            yield f"{where}: there is no key {key!r}; the keys here are {', '.join(known)}."
