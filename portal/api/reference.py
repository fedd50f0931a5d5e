"""What the reference page shows, read from the API's description."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from portal.api.schema import api_schema


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a member of a body: name, type in words, what it means, and whether it must be there."""

    name: str
    kind: str
    words: str
    required: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One address with its method."""

    anchor: str
    method: str
    path: str
    title: str
    words: list[str]
    parameters: list[Field]
    sent: list[Field]
    answered: list[Field]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations on one kind of thing."""

    name: str
    operations: list[Operation]


@cache
def reference() -> list[Group]:
    """Return the operations by group, in the order of their addresses; computed once, since code does not change."""
    schema = api_schema()
    found = [
        (operation["tags"][0], _operation(path, method, operation, schema))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    found.sort(key=lambda pair: (pair[0], pair[1].path, pair[1].method))
    return [Group(name, [one for _tag, one in pairs]) for name, pairs in groupby(found, key=lambda pair: pair[0])]


def _operation(path: str, method: str, operation: Mapping[str, Any], schema: Mapping[str, Any]) -> Operation:
    good: Mapping[str, Any] = next(
        (answer for status, answer in operation["responses"].items() if status.startswith("2")), {}
    )
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        title=operation.get("summary", operation["operationId"]),
        words=[_plain(line) for line in operation.get("description", "").split("\n\n") if line],
        parameters=[_parameter(one, schema) for one in operation.get("parameters", [])],
        sent=_members(operation.get("requestBody", {}), schema),
        answered=_members(good, schema),
    )


def _parameter(one: Mapping[str, Any], schema: Mapping[str, Any]) -> Field:
    kind = _kind(one.get("schema", {}), schema)
    return Field(one["name"], kind, _plain(one.get("description", "")), bool(one.get("required")), one["in"])


def _members(holder: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Field]:
    """Return the members of a body; of a page of rows those of a row."""
    for content in holder.get("content", {}).values():
        shape = _resolved(content.get("schema", {}), schema)
        items = shape.get("properties", {}).get("items")
        if items is not None:
            shape = _resolved(items.get("items", {}), schema)
        needed = set(shape.get("required", ()))
        return [
            Field(name, _kind(member, schema), _words(member), name in needed)
            for name, member in shape.get("properties", {}).items()
        ]
    return []


def _resolved(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a shape with its reference followed."""
    inner = shape.get("allOf", [shape])[0]
    name = inner.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["schemas"][name] if name else inner
    return found


def _plain(words: str) -> str:
    """Return the words without the marks that only Markdown readers need."""
    return " ".join(words.replace("`", "").split())


def _words(member: Mapping[str, Any]) -> str:
    return _plain(str(member.get("description", "")))


def _kind(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a type in words: ``list of string``, ``date-time or null``, or the choices."""
    inner = _resolved(shape, schema)
    choices = inner.get("oneOf") or inner.get("anyOf")
    if choices:
        return " or ".join(dict.fromkeys(_kind(choice, schema) for choice in choices))
    if "enum" in inner:
        return ", ".join("null" if value is None else str(value) for value in inner["enum"])
    kinds = inner.get("type", "any")
    names = list(kinds) if isinstance(kinds, list) else [kinds]
    if names[0] == "array":
        names[0] = f"list of {_kind(inner.get('items', {}), schema)}"
    elif "format" in inner:
        names[0] = inner["format"]
    return " or ".join(names)
