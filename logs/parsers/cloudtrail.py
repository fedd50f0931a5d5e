# ruff: noqa: N815 -- the vendor's names
"""AWS CloudTrail records: console log-ins, assumed roles, changes of IAM, and calls of the API.

Reads the delivered files ({"Records": [...]}), arrays and NDJSON, also with the names in lower case, as tables of
Athena and Glue give them. Source of the fields: AWS CloudTrail user guide, "CloudTrail record contents".
"""

from collections.abc import Iterable, Iterator

import msgspec

from logs.kinds import ActorType, LogType, OcsfClass, Outcome, Quarantined, Severity, SourceSettings, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.facts import SWITCH, Facts, Parser, bounded, deed, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, json_records
from logs.parsers.saas.values import lowered
from logs.parsers.text import address, clean, record_id, said, sentence
from logs.parsers.times import iso_time

_Object = dict[str, object]


class _Issuer(msgspec.Struct, gc=False):
    userName: str | None = None
    arn: str | None = None


class _Session(msgspec.Struct, gc=False):
    sessionIssuer: _Issuer | None = None
    attributes: dict[str, object] | None = None


class _Identity(msgspec.Struct, gc=False):
    type: str | None = None
    userName: str | None = None
    arn: str | None = None
    principalId: str | None = None
    accountId: str | None = None
    accessKeyId: str | None = None
    invokedBy: str | None = None
    sessionContext: _Session | None = None


class _Event(msgspec.Struct, gc=False):
    """The fields of a record that are read."""

    eventTime: str
    eventName: str
    eventSource: str = ""
    userIdentity: _Identity | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    errorCode: str | None = None
    errorMessage: str | None = None
    requestParameters: object = None
    responseElements: object = None
    additionalEventData: object = None
    eventID: str | None = None
    readOnly: bool | str | None = None
    eventType: str | None = None
    eventCategory: str | None = None
    awsRegion: str | None = None
    recipientAccountId: str | None = None
    resources: object = None


_decoder = msgspec.json.Decoder(_Event)
_any = msgspec.json.Decoder(_Object)

_CHANGE, _ACCESS, _GROUP, _ENTITY = (
    OcsfClass.ACCOUNT_CHANGE,
    OcsfClass.USER_ACCESS,
    OcsfClass.GROUP_MANAGEMENT,
    OcsfClass.ENTITY_MANAGEMENT,
)
IAM_EVENTS: dict[str, tuple[int, int]] = {
    "CreateUser": (_CHANGE, 1),
    "DeleteUser": (_CHANGE, 6),
    "CreateLoginProfile": (_CHANGE, 2),
    "UpdateLoginProfile": (_CHANGE, 4),
    "DeleteLoginProfile": (_CHANGE, 5),
    "ChangePassword": (_CHANGE, 3),
    "PasswordUpdated": (_CHANGE, 3),
    "PasswordRecoveryCompleted": (_CHANGE, 4),
    "CreateAccessKey": (_CHANGE, 99),
    "UpdateAccessKey": (_CHANGE, 99),
    "DeleteAccessKey": (_CHANGE, 99),
    "EnableMFADevice": (_CHANGE, 10),
    "CreateVirtualMFADevice": (_CHANGE, 10),
    "DeactivateMFADevice": (_CHANGE, 11),
    "DeleteVirtualMFADevice": (_CHANGE, 11),
    "AttachUserPolicy": (_CHANGE, 7),
    "PutUserPolicy": (_CHANGE, 7),
    "DetachUserPolicy": (_CHANGE, 8),
    "DeleteUserPolicy": (_CHANGE, 8),
    "PutUserPermissionsBoundary": (_CHANGE, 7),
    "DeleteUserPermissionsBoundary": (_CHANGE, 8),
    "AttachRolePolicy": (_ACCESS, 1),
    "PutRolePolicy": (_ACCESS, 1),
    "UpdateAssumeRolePolicy": (_ACCESS, 1),
    "DetachRolePolicy": (_ACCESS, 2),
    "DeleteRolePolicy": (_ACCESS, 2),
    "AttachGroupPolicy": (_GROUP, 1),
    "PutGroupPolicy": (_GROUP, 1),
    "DetachGroupPolicy": (_GROUP, 2),
    "DeleteGroupPolicy": (_GROUP, 2),
    "AddUserToGroup": (_GROUP, 3),
    "RemoveUserFromGroup": (_GROUP, 4),
    "DeleteGroup": (_GROUP, 5),
    "CreateGroup": (_GROUP, 6),
    "CreateRole": (_ENTITY, 1),
    "DeleteRole": (_ENTITY, 4),
    "UpdateRole": (_ENTITY, 3),
    "CreateAccountAssignment": (_ACCESS, 1),
    "DeleteAccountAssignment": (_ACCESS, 2),
}
_TAMPERING = frozenset({"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "DeleteEventDataStore"})
_SWITCHES = frozenset({"SwitchRole", "ExitRole", "RenewRole", "GetSessionToken", "GetFederationToken"})
_READS = ("Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Select", "Search", "Query", "Scan", "Decrypt")
_CREATES = ("Create", "Run", "Put", "Add", "Register", "Import", "Upload", "Copy", "Allocate")
_DELETES = ("Delete", "Terminate", "Remove", "Deregister", "Purge", "Revoke", "Schedule")
_TARGETS = ("userName", "roleName", "groupName", "roleArn", "policyArn", "principalId", "name")
_RESOURCES = (
    "bucketName", "secretId", "functionName", "dBInstanceIdentifier", "dBSnapshotIdentifier", "instanceId", "keyId",
    "tableName", "trailName", "logGroupName", "name", "policyArn", "roleArn",
)  # fmt: skip
_INNER = ("ConsoleLogin", "MFAUsed", "mfaAuthenticated", "policyName", "permissionSetArn")
_NAMES = {
    name.lower(): name
    for names in (
        *(kind.__struct_fields__ for kind in (_Event, _Identity, _Session, _Issuer)),
        _TARGETS,
        _RESOURCES,
        _INNER,
    )
    for name in names
}
"""Every name that is read, by its lower case."""


def _decoded(raw: bytes) -> _Event:
    """Take a record apart, whatever case its exporter gave the names. Raises ValueError or RecursionError."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        if b'"eventtime"' not in raw:
            raise
        return msgspec.convert(lowered(_any.decode(raw), _NAMES), _Event)


def _object(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def _first(values: _Object, names: tuple[str, ...]) -> str:
    for name in names:
        value = values.get(name)
        if isinstance(value, str) and value:
            return clean(value)
    return ""


def _facts(event: _Event) -> Facts:
    """Choose class and activity by the name of the event."""
    name = event.eventName
    if name.startswith("AssumeRole") or name in _SWITCHES:
        return _switch(event)
    if name not in IAM_EVENTS and (name == "ConsoleLogin" or event.eventType == "AwsConsoleSignIn"):
        return _console(event)
    refused_there = _object(event.responseElements).get(name) == "Failure"
    failed = Status.FAILURE if event.errorCode or refused_there else Status.SUCCESS
    if name in IAM_EVENTS:
        facts = deed(LogType.ADMIN, *IAM_EVENTS[name], failed)
        facts["severity_id"] = Severity.LOW
        parameters = _object(event.requestParameters)
        facts["target_name"], facts["target_kind"] = _first(parameters, _TARGETS), "account"
        policy = _first(parameters, ("policyArn", "policyName", "groupName", "permissionSetArn"))
        facts["privileges"] = (policy,) if policy else ()
        return facts
    return _call(event, failed)


def _console(event: _Event) -> Facts:
    answer = _object(event.responseElements).get(event.eventName)
    known = answer in {"Success", "Failure"} or bool(event.errorMessage) or event.eventName == "ConsoleLogin"
    failed = answer == "Failure" or (answer != "Success" and bool(event.errorMessage or event.errorCode))
    if failed:
        words = (event.errorMessage or "").lower()
        why = Why.UNKNOWN_USER if "no username" in words else Why.MFA_FAILED if "mfa" in words else Why.BAD_PASSWORD
        facts = refused(why, clean(event.errorMessage or event.errorCode or "Failure")[:120])
    else:
        facts = logon(LogType.SYSTEM_LOGIN)
        if answer is None and known and event.eventName == "ConsoleLogin":
            facts["status_id"] = Status.UNKNOWN
    if event.eventName not in {"ConsoleLogin", "UserAuthentication", "CredentialChallenge", "CredentialVerification"}:
        facts["activity_id"] = 99
    facts["logon_type_id"], facts["is_remote"] = 3, True
    used = _object(event.additionalEventData).get("MFAUsed")
    if used in {"Yes", "No"}:
        facts["mfa"] = used == "Yes"
    return facts


def _switch(event: _Event) -> Facts:
    facts = refused(Why.POLICY_DENIED, clean(event.errorCode)) if event.errorCode else logon(LogType.ADMIN)
    facts["activity_id"] = SWITCH
    facts["target_name"] = _first(_object(event.requestParameters), ("roleArn", "roleName", "name"))
    facts["target_kind"] = "role"
    if event.eventName.endswith("SAML"):
        facts["auth_protocol_id"] = 5
    return facts


def _call(event: _Event, status: int) -> Facts:
    name = event.eventName
    reads = event.readOnly in {True, "true"} or (event.readOnly is None and name.startswith(_READS))
    if name in _TAMPERING:
        facts = deed(
            LogType.ADMIN, OcsfClass.ENTITY_MANAGEMENT, 4 if name.startswith(("Delete", "Stop")) else 3, status
        )
        facts["severity_id"] = Severity.CRITICAL
    else:
        change = 1 if name.startswith(_CREATES) else 4 if name.startswith(_DELETES) else 3
        application = reads or event.eventCategory == "Data"
        kind = LogType.APPLICATION if application else LogType.ADMIN
        facts = deed(kind, OcsfClass.API, 2 if reads else change, status)
    facts["resource"] = _first(_object(event.requestParameters), _RESOURCES)
    return facts


def _put_actor(facts: Facts, who: _Identity) -> None:
    session = who.sessionContext
    issuer = session.sessionIssuer if session else None
    name = said(who.userName)
    kind = ActorType.USER
    extra: _Object = {"role": clean(issuer.userName or "")} if issuer else {}
    if who.type == "Root":
        name, kind = name or "root", ActorType.ADMIN
    elif who.type == "AssumedRole":
        name = said((who.arn or "").rpartition("/")[2]) or said((who.principalId or "").partition(":")[2])
        kind = ActorType.SERVICE if who.invokedBy else ActorType.USER
    elif who.type in {"AWSService", "AWSAccount"}:
        name, kind = said(who.invokedBy) or said(who.accountId), ActorType.SERVICE
    facts["actor_name"] = name or said(who.principalId)
    facts["actor_uid"] = said(who.arn) or said(who.principalId)
    facts["actor_type"] = kind
    if said(who.accessKeyId):
        facts["session_uid"] = said(who.accessKeyId)
    attributes = session.attributes if session else None
    if attributes and "mfa" not in facts and attributes.get("mfaAuthenticated") in {"true", "false", True, False}:
        facts["mfa"] = attributes["mfaAuthenticated"] in {"true", True}
    facts["extra"] = extra


def _read(record: Record) -> Outcome:
    raw, position = record.raw, record.position
    try:
        event = _decoded(raw)
        moment = iso_time(event.eventTime)
    except (ValueError, RecursionError) as error:
        return Quarantined(raw, f"The record is no CloudTrail event that can be read. {sentence(error)}", position)
    facts = _facts(event)
    _put_actor(facts, event.userIdentity or _Identity())
    put_source(facts, address(event.sourceIPAddress))
    facts["user_agent"] = said(event.userAgent)
    facts["action"] = clean(event.eventName)
    facts["app"] = clean(event.eventSource.removesuffix(".amazonaws.com") or "aws")
    facts["native_id"] = record_id(event.eventID)
    if event.errorCode and not facts.get("status_code"):
        facts["status_code"] = clean(event.errorCode)
        if "Denied" in event.errorCode or "Unauthorized" in event.errorCode:
            facts["status_detail"] = Why.POLICY_DENIED
    region = {"region": said(event.awsRegion), "account": said(event.recipientAccountId)}
    facts["extra"] = bounded({**facts.get("extra", {}), **region})
    return make_draft(moment, raw, position, facts)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:  # noqa: ARG001 -- one shape for all
    """Read a body of CloudTrail; every record gives one draft, one quarantined or one ignored record."""
    for record in json_records(body, wrapper="Records"):
        yield _read(record) if isinstance(record, Record) else record


PARSER = Parser("cloudtrail", "2", "AWS CloudTrail JSON", parse)
