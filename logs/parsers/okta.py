# ruff: noqa: N815 -- the vendor's names
"""Okta System Log events (LogEvent of the System Log API): log-ins, single sign-on, factors, life cycle, privileges."""

from collections.abc import Iterable, Iterator

import msgspec

from logs.kinds import ActorType, Ignored, LogType, OcsfClass, Outcome, Quarantined, SourceSettings, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import LOGON, OTHER_ACTIVITY, SWITCH, Facts, Parser, bounded, deed, make_draft, put_source
from logs.parsers.framing import Record, json_records
from logs.parsers.text import address, clean, record_id, said, sentence
from logs.parsers.times import iso_time


class _Actor(msgspec.Struct, gc=False):
    id: str | None = None
    type: str | None = None
    alternateId: str | None = None
    displayName: str | None = None


class _Agent(msgspec.Struct, gc=False):
    rawUserAgent: str | None = None


class _Place(msgspec.Struct, gc=False):
    city: str | None = None
    country: str | None = None


class _Client(msgspec.Struct, gc=False):
    ipAddress: str | None = None
    userAgent: _Agent | None = None
    device: str | None = None
    geographicalContext: _Place | None = None


class _Result(msgspec.Struct, gc=False):
    result: str | None = None
    reason: str | None = None


class _Context(msgspec.Struct, gc=False):
    externalSessionId: str | None = None
    credentialType: str | None = None


class _Event(msgspec.Struct, gc=False):
    """The fields of an event that are read."""

    published: str
    eventType: str
    uuid: str | None = None
    severity: str | None = None
    displayMessage: str | None = None
    actor: _Actor | None = None
    client: _Client | None = None
    outcome: _Result | None = None
    target: list[_Actor] | None = None
    authenticationContext: _Context | None = None


_decoder = msgspec.json.Decoder(_Event)

_LOWERED = {
    "eventtype": "eventType",
    "authenticationcontext": "authenticationContext",
    "displaymessage": "displayMessage",
}
"""Names that some exporters write in lower case."""

_AUTH, _CHANGE, _ACCESS = OcsfClass.AUTHENTICATION, OcsfClass.ACCOUNT_CHANGE, OcsfClass.USER_ACCESS
_GROUP, _ENTITY = OcsfClass.GROUP_MANAGEMENT, OcsfClass.ENTITY_MANAGEMENT
_SYSTEM, _APP, _ADMIN, _SESSION = LogType.SYSTEM_LOGIN, LogType.APPLICATION, LogType.ADMIN, LogType.SESSION

OKTA_EVENTS: dict[str, tuple[LogType, int, int]] = {
    "user.session.start": (_SYSTEM, _AUTH, LOGON),
    "user.session.end": (_SESSION, _AUTH, 2),
    "user.session.expire": (_SESSION, _AUTH, 2),
    "user.session.clear": (_SESSION, _AUTH, 2),
    "user.authentication.sso": (_APP, _AUTH, LOGON),
    "user.authentication.authenticate": (_SYSTEM, _AUTH, LOGON),
    "user.authentication.verify": (_SYSTEM, _AUTH, OTHER_ACTIVITY),
    "user.authentication.auth_via_mfa": (_SYSTEM, _AUTH, OTHER_ACTIVITY),
    "user.authentication.auth_via_radius": (LogType.REMOTE, _AUTH, LOGON),
    "user.authentication.auth_via_ad_agent": (_SYSTEM, _AUTH, LOGON),
    "user.authentication.auth_via_LDAP_agent": (_SYSTEM, _AUTH, LOGON),
    "policy.evaluate_sign_on": (_SYSTEM, _AUTH, OTHER_ACTIVITY),
    "user.mfa.okta_verify.deny_push": (_SYSTEM, _AUTH, OTHER_ACTIVITY),
    "user.session.impersonation.initiate": (_ADMIN, _AUTH, SWITCH),
    "user.session.impersonation.grant": (_ADMIN, _ACCESS, 1),
    "user.session.impersonation.revoke": (_ADMIN, _ACCESS, 2),
    "user.session.access_admin_app": (_ADMIN, _AUTH, LOGON),
    "user.account.lock": (_ADMIN, _CHANGE, 9),
    "user.account.unlock": (_ADMIN, _CHANGE, 12),
    "user.account.unlock_by_admin": (_ADMIN, _CHANGE, 12),
    "user.account.update_password": (_ADMIN, _CHANGE, 3),
    "user.account.reset_password": (_ADMIN, _CHANGE, 4),
    "user.account.privilege.grant": (_ADMIN, _ACCESS, 1),
    "user.account.privilege.revoke": (_ADMIN, _ACCESS, 2),
    "user.lifecycle.create": (_ADMIN, _CHANGE, 1),
    "user.lifecycle.activate": (_ADMIN, _CHANGE, 2),
    "user.lifecycle.reactivate": (_ADMIN, _CHANGE, 2),
    "user.lifecycle.unsuspend": (_ADMIN, _CHANGE, 2),
    "user.lifecycle.suspend": (_ADMIN, _CHANGE, 5),
    "user.lifecycle.deactivate": (_ADMIN, _CHANGE, 5),
    "user.lifecycle.delete.initiated": (_ADMIN, _CHANGE, 6),
    "user.lifecycle.delete.completed": (_ADMIN, _CHANGE, 6),
    "user.mfa.factor.activate": (_ADMIN, _CHANGE, 10),
    "user.mfa.factor.deactivate": (_ADMIN, _CHANGE, 11),
    "user.mfa.factor.reset_all": (_ADMIN, _CHANGE, 11),
    "group.user_membership.add": (_ADMIN, _GROUP, 3),
    "group.user_membership.remove": (_ADMIN, _GROUP, 4),
    "group.privilege.grant": (_ADMIN, _GROUP, 1),
    "group.privilege.revoke": (_ADMIN, _GROUP, 2),
    "group.lifecycle.create": (_ADMIN, _GROUP, 6),
    "group.lifecycle.delete": (_ADMIN, _GROUP, 5),
    "application.user_membership.add": (_ADMIN, _ACCESS, 1),
    "application.user_membership.remove": (_ADMIN, _ACCESS, 2),
    "system.api_token.create": (_ADMIN, _ENTITY, 1),
    "system.api_token.revoke": (_ADMIN, _ENTITY, 4),
    "system.mfa.factor.activate": (_ADMIN, _ENTITY, 8),
    "system.mfa.factor.deactivate": (_ADMIN, _ENTITY, 9),
}
_ADMIN_PREFIXES = (
    "policy.",
    "application.lifecycle.",
    "application.policy.",
    "zone.",
    "system.idp.",
    "iam.",
    "app.oauth2.as.",
)
_LAST_WORDS = {"create": 1, "update": 3, "delete": 4, "activate": 10, "deactivate": 11, "add": 1, "remove": 4}

_RESULTS = {"SUCCESS": Status.SUCCESS, "ALLOW": Status.SUCCESS, "FAILURE": Status.FAILURE, "DENY": Status.FAILURE}
_REASONS: tuple[tuple[str, Why], ...] = (
    ("INVALID_CREDENTIALS", Why.BAD_PASSWORD),
    ("VERIFICATION_ERROR", Why.BAD_PASSWORD),
    ("LOCKED_OUT", Why.LOCKED),
    ("PASSWORD_EXPIRED", Why.EXPIRED_PASSWORD),
    ("EXPIRED", Why.EXPIRED_PASSWORD),
    ("UNKNOWN_USER", Why.UNKNOWN_USER),
    ("NOT_SPECIFIED", Why.OTHER),
    ("SUSPENDED", Why.DISABLED),
    ("DEPROVISIONED", Why.DISABLED),
    ("REJECTED", Why.MFA_FATIGUE_DENIED),
    ("DECLINED", Why.MFA_FATIGUE_DENIED),
    ("ZONE", Why.POLICY_DENIED),
    ("POLICY", Why.POLICY_DENIED),
    ("DENY", Why.POLICY_DENIED),
    ("SPRAY", Why.POLICY_DENIED),
    ("CERTIFICATE", Why.CERT_INVALID),
)


def _meaning(event_type: str) -> tuple[LogType, int, int] | None:
    """Give log type, class and activity; None for events that are no access of anybody."""
    known = OKTA_EVENTS.get(event_type)
    if known:
        return known
    if event_type.startswith(_ADMIN_PREFIXES):
        return _ADMIN, _ENTITY, _LAST_WORDS.get(event_type.rpartition(".")[2], 99)
    if event_type.startswith("system."):
        return None
    return _APP, OcsfClass.API, 99


def _why(event: _Event) -> Why:
    reason = (event.outcome.reason or "") if event.outcome else ""
    upper = reason.upper()
    why = next((detail for word, detail in _REASONS if word in upper), Why.OTHER)
    if event.eventType == "user.mfa.okta_verify.deny_push":
        return Why.MFA_FATIGUE_DENIED
    second_factor = "mfa" in event.eventType or event.eventType.endswith(".verify")
    return Why.MFA_FAILED if second_factor and why in {Why.BAD_PASSWORD, Why.OTHER} else why


def _facts(event: _Event, meaning: tuple[LogType, int, int]) -> Facts:
    result = ((event.outcome.result if event.outcome else None) or "").upper()
    status = _RESULTS.get(result, Status.UNKNOWN)
    if event.eventType == "user.mfa.okta_verify.deny_push":
        status = Status.FAILURE
    if event.eventType == "user.account.lock":
        status = Status.SUCCESS  # its outcome FAILURE is the log-in that locked it; the lock itself was set
    facts = deed(*meaning, status)
    if status == Status.FAILURE:
        facts["status_detail"] = _why(event)
        facts["status_code"] = clean((event.outcome.reason if event.outcome else "") or result)[:120]
        facts["severity_id"] = 2
        if meaning[1] == _AUTH:
            facts["log_type"] = LogType.FAILED_LOGIN
    elif result not in _RESULTS:
        facts["status_code"] = clean(result)[:120]
    if event.eventType == "user.authentication.auth_via_mfa" and status == Status.SUCCESS:
        facts["mfa"] = True
    return facts


def _put_actor(facts: Facts, event: _Event) -> None:
    who = event.actor or _Actor()
    facts["actor_uid"], facts["actor_name"] = said(who.id), said(who.alternateId) or said(who.displayName)
    kinds = {"User": ActorType.USER, "SystemPrincipal": ActorType.SYSTEM, "PublicClientApp": ActorType.SERVICE}
    facts["actor_type"] = kinds.get(who.type or "", ActorType.UNKNOWN)


def _put_targets(facts: Facts, event: _Event) -> None:
    """Write whose account changed, through which application, and which privileges the event names."""
    privileges: list[str] = []
    facts["app"] = "okta"
    for target in event.target or []:
        name = said(target.alternateId) or said(target.displayName)
        kind = target.type or ""
        if kind == "User" and not facts.get("target_name"):
            facts["target_name"], facts["target_uid"], facts["target_kind"] = name, said(target.id), "account"
        elif kind == "AppInstance":
            facts["app"] = said(target.displayName) or name or "okta"
        elif kind in {"UserGroup", "ROLE", "Role", "Group"}:
            privileges.append(said(target.displayName) or name)
        elif name and not facts.get("resource"):
            facts["resource"] = name
    facts["privileges"] = tuple(privileges)


def _put_client(facts: Facts, event: _Event) -> None:
    client = event.client or _Client()
    put_source(facts, address(client.ipAddress))
    facts["user_agent"] = said(client.userAgent.rawUserAgent) if client.userAgent else ""
    place = client.geographicalContext or _Place()
    context = event.authenticationContext or _Context()
    facts["session_uid"] = said(context.externalSessionId)
    facts["extra"] = bounded(
        {
            "country": said(place.country),
            "city": said(place.city),
            "device": said(client.device),
            "credential": said(context.credentialType),
            "message": clean(event.displayMessage or "")[:300],
        }
    )


def _decode(raw: bytes) -> _Event:
    """Decode an event; exporters that lower the names at the top are understood. Raises ValueError."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        plain = msgspec.json.decode(raw)
        if not isinstance(plain, dict) or not _LOWERED.keys() & plain.keys():
            raise
        return msgspec.convert({_LOWERED.get(key, key): value for key, value in plain.items()}, _Event)


def _read(record: Record) -> Outcome:
    raw, position = record.raw, record.position
    try:
        event = _decode(raw)
        moment = iso_time(event.published)
    except (ValueError, RecursionError) as error:
        return Quarantined(raw, f"The record is no Okta System Log event that can be read. {sentence(error)}", position)
    meaning = _meaning(event.eventType)
    if meaning is None:
        return Ignored(raw, "Okta system event", position)
    facts = _facts(event, meaning)
    _put_actor(facts, event)
    _put_targets(facts, event)
    _put_client(facts, event)
    facts["action"] = clean(event.eventType)
    facts["native_id"] = record_id(event.uuid)
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:  # noqa: ARG001 -- one shape for all
    """Read a body of Okta events; every record gives one draft, one quarantined or one ignored record."""
    for record in json_records(body):
        yield _read(record) if isinstance(record, Record) else record


PARSER = Parser("okta", "1", "Okta System Log JSON", parse)
