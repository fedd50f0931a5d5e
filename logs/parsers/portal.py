"""Countersign's own log: one JSON object a line for every log-in, failure and deed in the portal.

Members: `id`, `at` (ISO 8601 with offset), `kind` (`login`, `failure`, `logout`, `deed`, `looked`), `user` (log-in
name), and where they apply `user_id`, `role`, `tenant`, `ip`, `agent`, `session`, `verb` (`noun.verb`), `target`,
`reason` (of the closed list), `mfa`, `rows`, `duration_ms`, `ticket`, `outcome` (`success`, `failure`).
docs/formats.md shows one line of each.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from logs.kinds import (
    ActorType,
    LogType,
    OcsfClass,
    Outcome,
    Quarantined,
    Severity,
    SourceSettings,
    Status,
    StatusDetail,
)
from logs.parsers.facts import Facts, Parser, bounded, deed, logoff, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, json_records
from logs.parsers.text import address, clean, record_id, said, sentence
from logs.parsers.times import iso_time

Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class PortalRow(msgspec.Struct, gc=False, omit_defaults=True):
    """One line of the portal's own log; `msgspec.json.encode(PortalRow(...))` writes it."""

    id: str
    at: str
    kind: str
    user: str = ""
    user_id: str | int = ""
    role: str = ""
    tenant: str = ""
    ip: str | None = None
    agent: str = ""
    session: str = ""
    verb: str = ""
    target: str = ""
    reason: str = ""
    mfa: bool | None = None
    rows: Count | None = None
    duration_ms: Count | None = None
    ticket: str = ""
    outcome: str = "success"


_decoder = msgspec.json.Decoder(PortalRow)

_ADMIN_NOUNS = frozenset(
    {
        "tenant",
        "membership",
        "user",
        "person",
        "people",
        "role",
        "token",
        "share",
        "source",
        "system",
        "settings",
        "key",
    }
)
_DEEDS: dict[str, tuple[int, int]] = {
    "role.grant": (OcsfClass.USER_ACCESS, 1),
    "role.end": (OcsfClass.USER_ACCESS, 2),
    "share.grant": (OcsfClass.USER_ACCESS, 1),
    "share.revoke": (OcsfClass.USER_ACCESS, 2),
    "person.add": (OcsfClass.ACCOUNT_CHANGE, 1),
    "token.issue": (OcsfClass.ENTITY_MANAGEMENT, 1),
    "token.revoke": (OcsfClass.ENTITY_MANAGEMENT, 4),
}
"""Deeds that change who may do what; the rest are requests to the portal."""
_CREATE, _READ, _UPDATE, _DELETE, _SEARCH, _IMPORT, _EXPORT, _SHARE = range(1, 9)
_VERBS = {
    "create": _CREATE, "open": _CREATE, "build": _CREATE, "add": _CREATE, "issue": _CREATE, "start": _CREATE,
    "view": _READ, "look": _READ, "read": _READ, "list": _READ, "verify": _READ,
    "search": _SEARCH, "delete": _DELETE, "remove": _DELETE, "revoke": _DELETE, "erase": _DELETE,
    "import": _IMPORT, "upload": _IMPORT, "export": _EXPORT, "download": _EXPORT, "share": _SHARE,
}  # fmt: skip


def _facts(row: PortalRow) -> Facts:
    """Choose class and activity. Raises ValueError for a kind that the portal does not write."""
    if row.kind == "login":
        return logon(LogType.APPLICATION)
    if row.kind == "failure":
        return refused(row.reason if row.reason in StatusDetail.values else StatusDetail.OTHER, clean(row.reason)[:120])
    if row.kind == "logout":
        return logoff()
    if row.kind not in {"deed", "looked"}:
        raise ValueError(f"{row.kind[:40]!r} is no kind of line that the portal writes.")
    noun, _, verb = row.verb.partition(".")
    status = Status.SUCCESS if row.outcome == "success" else Status.FAILURE
    admin = row.kind == "deed" and (noun in _ADMIN_NOUNS or verb == "configure")
    usual = _VERBS.get(verb.rpartition("_")[2], _READ if row.kind == "looked" else _UPDATE)
    class_uid, activity = _DEEDS.get(row.verb, (OcsfClass.WEB_RESOURCES, _VERBS.get(verb, usual)))
    facts = deed(LogType.ADMIN if admin else LogType.SESSION, class_uid, activity, status)
    if status == Status.FAILURE:
        facts["status_detail"] = StatusDetail.POLICY_DENIED
    if admin:
        facts["severity_id"] = Severity.LOW
    return facts


def _read(record: Record) -> Outcome:
    raw, position = record.raw, record.position
    try:
        row = _decoder.decode(raw)
        moment = iso_time(row.at)
        facts = _facts(row)
    except (ValueError, RecursionError) as error:
        return Quarantined(raw, f"The line is not the portal's own, or is broken. {sentence(error)}", position)
    facts["actor_name"], facts["actor_uid"] = clean(row.user), clean(str(row.user_id))
    facts["actor_type"] = ActorType.ADMIN if row.role in {"operator", "officer"} else ActorType.USER
    put_source(facts, address(row.ip))
    facts["app"], facts["action"] = "countersign", clean(row.verb or row.kind)
    facts["resource"], facts["user_agent"] = clean(row.target), clean(row.agent)
    facts["session_uid"], facts["ticket_ref"] = clean(row.session), clean(row.ticket)
    facts["mfa"], facts["is_remote"] = row.mfa, True
    facts["rows_count"], facts["duration_ms"] = row.rows, row.duration_ms
    facts["native_id"] = record_id(row.id)
    facts["extra"] = bounded({"role": said(row.role), "tenant": said(row.tenant)})
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:  # noqa: ARG001 -- one shape for all
    """Read a body of the portal's log; every line gives one draft or one quarantined record."""
    for record in json_records(body):
        yield _read(record) if isinstance(record, Record) else record


PARSER = Parser("portal", "1", "Countersign's own log", parse)
