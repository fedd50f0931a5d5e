"""The many shapes that collectors give a Windows event, flattened to one.

Read are the event's XML (`wevtutil`, Windows Event Forwarding), its JSON as `evtx` renders files, Winlogbeat, NXLog,
Fluent Bit, the Windows receiver of OpenTelemetry, OpenWEC, and each of them wrapped once more by a shipper.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from xml.etree import ElementTree as ET

import msgspec

from logs.parsers.text import decode
from logs.parsers.windows_codes import INSERTS

Tree = dict[str, object]


class WindowsEvent(msgspec.Struct, gc=False):
    """One event, whatever its shape: names and values as Windows wrote them.

    `succeeded` is what the audit says about the outcome, None where it says nothing. `data` are the values of EventData
    or UserData by name.
    """

    event_id: int
    channel: str
    computer: str
    provider: str
    record_id: str
    time: str
    data: dict[str, str]
    succeeded: bool | None = None


_decoder = msgspec.json.Decoder(Tree)
_NO_EVENT = "It has no event id."
_MAX_DEPTH = 3
"""How many wrappers of shippers are opened, one inside another."""

_WRAPPERS = ("body", "Body", "message", "Message", "log", "event", "data", "_raw", "stringValue", "event.original")
_LONGEST_KEYWORDS = 400
_FAILURE, _SUCCESS = 0x10000000000000, 0x20000000000000
"""Bits of the keywords: Audit Failure, Audit Success."""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict) and "#text" in value:
        return _text(value["#text"])
    return str(value) if isinstance(value, int) else msgspec.json.encode(value).decode()


def _tree(value: object) -> Tree:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    """Read an event id, also `{"#text": 4624}` and `{"id": 4624}`. Raises ValueError."""
    if isinstance(value, dict):
        value = value.get("#text", value.get("id", value.get("Value")))
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        return int(value)
    raise ValueError(_NO_EVENT)


def _outcome(keywords: object) -> bool | None:
    """Read the keywords as a number, as hexadecimal or as words; None where they tell no outcome."""
    if isinstance(keywords, dict):
        keywords = keywords.get("Value", keywords.get("#text"))
    if isinstance(keywords, list):
        keywords = " ".join(map(_text, keywords))
    text = _text(keywords)
    return _outcome_of(text) if len(text) <= _LONGEST_KEYWORDS else None


@lru_cache(maxsize=512)
def _outcome_of(text: str) -> bool | None:
    upper = text.upper()
    if "FAILURE" in upper or "SUCCESS" in upper:
        return "FAILURE" not in upper
    try:
        bits = int(upper, 16) if upper.startswith("0X") else int(upper)
    except ValueError:
        return None
    return False if bits & _FAILURE else True if bits & _SUCCESS else None


def _values(data: object) -> dict[str, str]:
    """Give the values of EventData by name: an object, or lists of named, single or nameless values."""
    if not isinstance(data, dict):
        return _listed(data)
    inner = data.get("Data", data.get("data"))
    if isinstance(inner, list | dict) and len(data) <= 3:
        return _listed(inner if isinstance(inner, list) else [inner])
    found = {name: value if type(value) is str else _text(value) for name, value in data.items()}
    found.pop("#attributes", None)
    return found


def _listed(data: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, item in enumerate(data if isinstance(data, list) else ()):
        if not isinstance(item, dict):
            found[str(number)] = _text(item)
            continue
        name = item.get("@Name", item.get("Name", _tree(item.get("#attributes")).get("Name")))
        if isinstance(name, str):
            found[name] = _text(item.get("#text", item.get("Value", item.get("text"))))
        else:
            found |= {key: _text(value) for key, value in item.items()}
    return found


def _attribute(value: object, name: str) -> str:
    tree = _tree(value)
    inner = _tree(tree.get("#attributes")) or tree
    found = inner.get(name, inner.get(f"@{name}"))
    return _text(found) if found is not None else value if isinstance(value, str) else ""


def _rendered(tree: Tree) -> WindowsEvent:
    """Read the event's own tree: System beside EventData or UserData."""
    system = _tree(tree.get("System"))
    data = _values(tree.get("EventData"))
    for inner in _tree(tree.get("UserData")).values():
        data |= _values(inner)
    return WindowsEvent(
        _number(system.get("EventID")),
        _text(system.get("Channel")),
        _text(system.get("Computer")),
        _attribute(system.get("Provider"), "Name"),
        _text(system.get("EventRecordID")),
        _attribute(system.get("TimeCreated"), "SystemTime"),
        data,
        _outcome(system.get("Keywords")),
    )


def _winlogbeat(tree: Tree) -> WindowsEvent:
    """Read Winlogbeat 7 and later (under "winlog") and 6 (at the top)."""
    log = _tree(tree.get("winlog")) or tree
    data = _values(log.get("event_data"))
    data |= _values(log.get("user_data"))
    outcome = _outcome(_tree(tree.get("event")).get("outcome"))
    return WindowsEvent(
        _number(log.get("event_id")),
        _text(log.get("channel") or log.get("log_name")),
        _text(log.get("computer_name")),
        _text(log.get("provider_name") or log.get("source_name")),
        _text(log.get("record_id") or log.get("record_number")),
        _text(log.get("time_created") or tree.get("@timestamp")),
        data,
        _outcome(log.get("keywords")) if outcome is None else outcome,
    )


def _otel(tree: Tree) -> WindowsEvent:
    """Read the body of OpenTelemetry's Windows receiver."""
    return WindowsEvent(
        _number(tree.get("event_id")),
        _text(tree.get("channel")),
        _text(tree.get("computer")),
        _attribute(tree.get("provider"), "name"),
        _text(tree.get("record_id")),
        _text(tree.get("system_time")),
        _values(tree.get("event_data")) | _values(tree.get("user_data")),
        _outcome(tree.get("keywords")),
    )


_NOT_DATA = frozenset({"Message", "EventData", "UserData", "StringInserts"})


def _flat(tree: Tree) -> WindowsEvent:
    """Read NXLog, Fluent Bit and others that put the values beside the head, or leave their names out."""
    number = _number(tree.get("EventID", tree.get("EventId")))
    data = {name: value if type(value) is str else _text(value) for name, value in tree.items()}
    for name in _NOT_DATA & data.keys():
        del data[name]
    inserts = tree.get("StringInserts")
    if isinstance(inserts, list):
        data |= dict(zip(INSERTS.get(number, ()), map(_text, inserts), strict=False))
    inner = tree.get("EventData") or tree.get("UserData")
    data |= _xml_values(inner) if isinstance(inner, str) else _values(inner)
    outcome = _outcome(tree.get("EventType"))
    return WindowsEvent(
        number,
        _first(tree, "Channel", "LogName"),
        _first(tree, "Computer", "Hostname", "ComputerName", "MachineName"),
        _first(tree, "ProviderName", "SourceName", "Provider", "EventSourceName"),
        _first(tree, "EventRecordID", "RecordNumber", "EventRecordId", "RecordId"),
        _first(tree, "TimeCreated", "EventTime", "TimeGenerated", "@timestamp"),
        data,
        _outcome(tree.get("Keywords")) if outcome is None else outcome,
    )


def _first(tree: Tree, *names: str) -> str:
    for name in names:
        if value := tree.get(name):
            return _text(value)
    return ""


def _shape(tree: Tree) -> Callable[[Tree], WindowsEvent] | None:
    if isinstance(tree.get("System"), dict):
        return _rendered
    if "winlog" in tree:
        return _winlogbeat
    if "event_id" in tree:
        return _winlogbeat if "computer_name" in tree else _otel
    return _flat if "EventID" in tree or "EventId" in tree else None


def from_tree(tree: Tree, depth: int = 0) -> WindowsEvent:
    """Flatten an event that was JSON. Raises ValueError with a sentence when it is none."""
    inner = tree.get("Event")
    if isinstance(inner, dict):
        return _rendered(inner)
    read = _shape(tree)
    if read:
        return read(tree)
    if depth < _MAX_DEPTH:
        for name in ("Event", *_WRAPPERS):
            value = tree.get(name)
            if isinstance(value, str) and value.lstrip()[:1] in {"<", "{"}:
                return from_text(value, depth + 1)
            if isinstance(value, dict):
                return from_tree(value, depth + 1)
    raise ValueError(_NO_EVENT)


def from_text(text: str, depth: int = 0) -> WindowsEvent:
    """Flatten an event that is XML or JSON in a text. Raises ValueError."""
    if text.lstrip().startswith("<"):
        return from_xml(text)
    return from_tree(_decoder.decode(text.encode("utf-8", "surrogatepass")), depth)


def from_json(raw: bytes) -> WindowsEvent:
    """Flatten an event that is JSON. Raises ValueError (also `msgspec.DecodeError`) or RecursionError."""
    return from_tree(_decoder.decode(raw))


_MOST_TAGS = 5_000
"""Most angle brackets of an event in XML, which has some hundred: a quarter of a megabyte of tags costs 50 ms."""
_HEADER = re.compile(r"\s*<\?xml[^>]{0,200}\?>")


def _parsed(text: str) -> ET.Element:
    """Give the tree of XML that declares no document type, so that no entity is ever expanded. Raises ValueError."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("The XML declares a document type, which no event has.")
    if text.count("<") > _MOST_TAGS:
        raise ValueError(f"The XML has more than {_MOST_TAGS:,} tags, which no event has.")
    header = _HEADER.match(text)
    try:
        return ET.fromstring(text[header.end() :] if header else text)  # noqa: S314 -- without a document type
    except ET.ParseError as error:
        raise ValueError(f"The XML is damaged: {error}.") from error


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _named(parent: ET.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, item in enumerate(parent):
        name = item.get("Name")
        if name is None:
            tag = _local(item)
            name = str(number) if tag == "Data" else tag
        found[name] = item.text or ""
    return found


def _xml_values(text: str) -> dict[str, str]:
    """Read a text that holds the EventData element. Raises ValueError."""
    return _named(_parsed(text)) if text.lstrip().startswith("<") else {}


_VALUE = r"<Data Name=(?:'[^'<&]*'|\"[^\"<&]*\")(?:/>|>[^<&]*</Data>)"
_NAMED_VALUE = re.compile(r"<Data Name=['\"]([^'\"]*)['\"](?:/>|>([^<&]*))")
_CANONICAL = re.compile(
    r"<Event xmlns=(['\"])http://schemas\.microsoft\.com/win/2004/08/events/event\1><System>"
    r"<Provider Name=\1([^'\"<&]*)\1[^<>]*/><EventID(?: Qualifiers=\1\d{0,6}\1)?>(\d{1,6})</EventID>"
    r"(?:<(?:Version|Level|Task|Opcode)>\d{0,6}</(?:Version|Level|Task|Opcode)>){0,4}"
    r"<Keywords>(0x[0-9a-fA-F]{1,16})</Keywords><TimeCreated SystemTime=\1([^'\"<&]*)\1/>"
    r"<EventRecordID>(\d{1,20})</EventRecordID>(?:<Correlation[^<>]*/>)?(?:<Execution[^<>]*/>)?"
    r"<Channel>([^<&]*)</Channel><Computer>([^<&]*)</Computer>(?:<Security[^<>]*/>)?</System>"
    rf"<EventData>((?:{_VALUE})*+)</EventData></Event>\s*"
)
"""The form in which Windows itself writes an event of flat, named values: read without a tree, twice as fast.

Whatever differs from it, by a character that needs an entity or by a space, is read as XML.
"""


def from_xml(text: str) -> WindowsEvent:
    """Flatten an event that is XML. Raises ValueError with a sentence when it is none."""
    found = _CANONICAL.fullmatch(text)
    if not found:
        return _from_elements(text)
    _, provider, number, keywords, time, record, channel, computer, values = found.groups()
    data: dict[str, str] = dict(_NAMED_VALUE.findall(values))
    return WindowsEvent(int(number), channel, computer, provider, record, time, data, _outcome(keywords))


def _from_elements(text: str) -> WindowsEvent:
    data: dict[str, str] = {}
    head: dict[str, ET.Element] = {}
    for part in _parsed(text):
        name = _local(part)
        if name == "System":
            head = {_local(item): item for item in part}
        elif name == "EventData":
            data |= _named(part)
        elif name == "UserData":
            for inner in part:
                data |= _named(inner)

    def said(name: str, attribute: str = "") -> str:
        item = head.get(name)
        if item is None:
            return ""
        return item.get(attribute, "") if attribute else item.text or ""

    return WindowsEvent(
        _number(said("EventID")),
        said("Channel"),
        said("Computer"),
        said("Provider", "Name"),
        said("EventRecordID"),
        said("TimeCreated", "SystemTime"),
        data,
        _outcome(said("Keywords")),
    )


def from_bytes(raw: bytes) -> WindowsEvent:
    """Flatten an event that is XML in bytes. Raises ValueError."""
    return from_xml(decode(raw))
