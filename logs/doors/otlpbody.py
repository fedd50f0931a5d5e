# ruff: noqa: N815 -- the names of OTLP/JSON
"""The body of OTLP/HTTP logs, protobuf or JSON: the log records inside, each as the lines that the format reads.

Source: OTLP 1.9 (opentelemetry.io/docs/specs/otlp), "OTLP/HTTP" and "JSON Protobuf Encoding": 64-bit integers may be
strings, bytes are base64, unknown members are ignored.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from logs.doors.unwrap import lines_of, unwrap
from logs.kinds import Format

UID: Final = "log.record.uid"
ORIGINAL: Final = "log.record.original"
WRAPPING: Final = frozenset({"body", "attributes", "resource", "time_unix_nano", "severity_text", "event_name"})
"""A mapping with a column `attributes.user` or `body` reads the whole log record as one object."""

Record = dict[str, Any]
"""One log record: `time_unix_nano`, `severity_text`, `event_name`, `body`, `attributes`, `resource`."""


class OtlpError(Exception):
    """A body that is no request for logs at all: it will never be one, so that sending it again is of no use."""


class _List(msgspec.Struct, gc=False):
    values: list["_Any"] | None = None


class _Pairs(msgspec.Struct, gc=False):
    values: list["_Pair"] | None = None


class _Any(msgspec.Struct, gc=False):
    """AnyValue: one member is set at most."""

    stringValue: str | None = None
    boolValue: bool | None = None
    intValue: int | None = None
    doubleValue: float | None = None
    bytesValue: bytes | None = None
    arrayValue: _List | None = None
    kvlistValue: _Pairs | None = None


class _Pair(msgspec.Struct, gc=False):
    key: str = ""
    value: _Any | None = None


class _Log(msgspec.Struct, gc=False):
    timeUnixNano: int | None = None
    observedTimeUnixNano: int | None = None
    severityText: str | None = None
    eventName: str | None = None
    body: _Any | None = None
    attributes: list[_Pair] | None = None


class _Scope(msgspec.Struct, gc=False):
    logRecords: list[_Log] | None = None


class _Resource(msgspec.Struct, gc=False):
    attributes: list[_Pair] | None = None


class _Logs(msgspec.Struct, gc=False):
    resource: _Resource | None = None
    scopeLogs: list[_Scope] | None = None


class _Request(msgspec.Struct, gc=False):
    resourceLogs: list[_Logs] | None = None


_decoder: Final = msgspec.json.Decoder(_Request, strict=False)


def records_of_json(body: bytes) -> Iterator[Record]:
    """Give the log records of a JSON body; raises `OtlpError` before the first where it is none."""
    try:
        request = _decoder.decode(body)
    except (ValueError, RecursionError) as error:
        message = f"The body is no ExportLogsServiceRequest in JSON: {str(error)[:200]}."
        raise OtlpError(message) from error
    for logs in request.resourceLogs or ():
        resource = _json_pairs(logs.resource.attributes if logs.resource else None)
        for scope in logs.scopeLogs or ():
            for log in scope.logRecords or ():
                time = log.timeUnixNano or log.observedTimeUnixNano or 0
                body_, attributes = _json_value(log.body), _json_pairs(log.attributes)
                yield _record(time, (log.severityText or "", log.eventName or ""), body_, attributes, resource)


def _json_pairs(pairs: list[_Pair] | None) -> dict[str, Any]:
    return {pair.key: _json_value(pair.value) for pair in pairs or ()}


def _json_value(value: _Any | None) -> Any:
    if value is None:
        return None
    if value.kvlistValue is not None:
        return _json_pairs(value.kvlistValue.values)
    if value.arrayValue is not None:
        return [_json_value(one) for one in value.arrayValue.values or ()]
    plain = (value.stringValue, value.boolValue, value.intValue, value.doubleValue, value.bytesValue)
    return next((one for one in plain if one is not None), None)


def records_of_protobuf(body: bytes) -> Iterator[Record]:
    """Give the log records of a protobuf body; raises `OtlpError` before the first where it is none."""
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        message = "The body is no ExportLogsServiceRequest in protobuf."
        raise OtlpError(message) from error
    for logs in request.resource_logs:
        resource = _pairs(logs.resource.attributes)
        for scope in logs.scope_logs:
            for log in scope.log_records:
                time = log.time_unix_nano or log.observed_time_unix_nano
                words = (log.severity_text, log.event_name)
                yield _record(time, words, _value(log.body), _pairs(log.attributes), resource)


def _pairs(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "kvlist_value":
        return _pairs(value.kvlist_value.values)
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


def _record(time: int, words: tuple[str, str], body: Any, attributes: Record, resource: Record) -> Record:
    return {
        "time_unix_nano": time,
        "severity_text": words[0],
        "event_name": words[1],
        "body": body,
        "attributes": attributes,
        "resource": resource,
    }


def uid_of(record: Record) -> str:
    """Return the record's own id, "" where it has none."""
    uid = record["attributes"].get(UID)
    return uid if isinstance(uid, str) else ""


def lines_of_record(form: Format, record: Record, *, whole: bool) -> list[bytes]:
    """Return the lines that the source's format reads; a record without any is given whole, to be quarantined."""
    body, original = record["body"], record["attributes"].get(ORIGINAL)
    if whole:
        return [_json(record)]
    if isinstance(original, str) and original.strip():
        found = lines_of(original.encode(errors="replace"))
    elif isinstance(body, bytes):
        found = lines_of(body)
    elif body in (None, "", {}, []):
        found = unwrap(form, _json(_without_uid(record["attributes"]))) if record["attributes"] else []
    else:
        found = unwrap(form, _json(body))
    plain = form == Format.JSON and not all(line[:1] == b"{" for line in found)
    return [_json(record)] if plain or not found else found


def _without_uid(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name != UID}


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
