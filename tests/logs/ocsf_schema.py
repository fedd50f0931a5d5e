"""Holds an OCSF object against the schema 1.8.0, read in place: attributes, types, enums, what is required.

Attributes of a profile are required only where ``metadata.profiles`` names it.
"""

import json
from functools import lru_cache
from typing import Any

from tests.logs.parsers.reading import shared

TEXTS = {
    *("string_t", "username_t", "hostname_t", "ip_t", "email_t", "url_t", "uuid_t", "mac_t", "file_hash_t"),
    *("resource_uid_t", "datetime_t", "file_name_t", "file_path_t", "subnet_t", "process_name_t"),
}
NUMBERS = {"integer_t", "long_t", "timestamp_t", "port_t"}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Give the schema, or skip the test where it is absent."""
    found: dict[str, Any] = json.loads(shared("ocsf/slim-schema-1.8.0.json").read_text("utf-8"))
    return found


@lru_cache(maxsize=1)
def classes() -> dict[int, dict[str, Any]]:
    """Give class number -> attributes."""
    return {int(known["uid"]): known["attributes"] for known in schema()["classes"].values()}


def faults(event: dict[str, Any]) -> list[str]:
    """Give everything that is wrong with an event, each with its path."""
    profiles = set(event.get("metadata", {}).get("profiles", []))
    attributes = classes()[event["class_uid"]]
    found = _object(event, attributes, profiles, "$")
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("$.type_uid is not class_uid * 100 + activity_id")
    if not 10**12 <= event["time"] < 10**13:
        found.append("$.time is not milliseconds of our years")
    return found


def _object(value: dict[str, Any], attributes: dict[str, Any], profiles: set[str], path: str) -> list[str]:
    found = [f"{path}.{name} is no attribute" for name in value if name not in attributes]
    for name, definition in attributes.items():
        profile = definition.get("profile")
        if name in value:
            found += _attribute(value[name], definition, profiles, f"{path}.{name}")
        elif definition["requirement"] == "required" and (profile is None or profile in profiles):
            found.append(f"{path}.{name} is missing")
    return found


def _attribute(value: Any, definition: dict[str, Any], profiles: set[str], path: str) -> list[str]:
    if definition.get("is_array"):
        if not isinstance(value, list) or not value:
            return [f"{path} is no list with something in it"]
        single = {**definition, "is_array": False}
        return [fault for item in value for fault in _attribute(item, single, profiles, f"{path}[]")]
    known = schema()["objects"].get(definition["type"])
    if known is not None:
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        return _object(value, known, profiles, path) if known else []
    return _plain(value, definition, path)


def _plain(value: Any, definition: dict[str, Any], path: str) -> list[str]:
    kind = definition["type"]
    if kind in TEXTS and not (isinstance(value, str) and value):
        return [f"{path} is no text"]
    if kind in NUMBERS and type(value) is not int:
        return [f"{path} is no whole number"]
    if kind == "boolean_t" and type(value) is not bool:
        return [f"{path} is neither true nor false"]
    if definition.get("enum") and str(value) not in definition["enum"]:
        return [f"{path} is {value!r}, which the schema does not know"]
    return []
