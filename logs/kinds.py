"""The vocabulary of access logs: what kinds there are, and the one shape every parser gives back.

The meaning is OCSF 1.8.0 (https://schema.ocsf.io/1.8.0): `class_uid`, `activity_id`, `status_id`, `severity_id`,
`logon_type_id` and `auth_protocol_id` hold its integers. Nothing here imports models, so parsers and the generator
stay pure.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec
from django.db import models

OCSF_VERSION = "1.8.0"
"""The OCSF release whose numbers a `Draft` holds; stored with each event, because 1.9 renumbers account changes."""

MAX_LINE_BYTES = 262_144
"""Longest record that a parser reads, in bytes; a longer one is quarantined whole. CloudTrail's limit is 256 KB, the
largest of those known, and at it the slowest hostile record costs under 10 ms (bench/hostile.py)."""

MAX_FIELD_CHARS = 4096
"""Longest text that a field of a `Draft` keeps; a longer one is cut there and ends in an ellipsis. `raw` keeps all."""

MAX_EXTRA_BYTES = 8192
"""Cap on the JSON of `Draft.extra`, in bytes; what does not fit is only in the raw record."""


class LogType(models.IntegerChoices):
    """The seven kinds of access log that a client may ask for."""

    SYSTEM_LOGIN = 1, "System log-in"
    APPLICATION = 2, "Application access"
    DATABASE = 3, "Database access"
    REMOTE = 4, "VPN and remote access"
    ADMIN = 5, "Admin privilege"
    FAILED_LOGIN = 6, "Failed log-in"
    SESSION = 7, "Session activity"


class Format(models.TextChoices):
    """The dialects that have a parser; the value is what `LogSource.format` stores."""

    SSHD_SYSLOG = "sshd_syslog", "Linux log-ins (sshd, PAM, sudo, su; syslog)"
    POSTGRES_JSONLOG = "postgres_jsonlog", "PostgreSQL jsonlog"
    CLOUDTRAIL = "cloudtrail", "AWS CloudTrail JSON"
    OKTA = "okta", "Okta System Log JSON"
    ENTRA = "entra", "Microsoft Entra sign-in and audit logs"
    GOOGLE_WORKSPACE = "google_workspace", "Google Workspace activity"
    GCP_AUDIT = "gcp_audit", "Google Cloud audit logs"
    AZURE_ACTIVITY = "azure_activity", "Azure activity and resource logs"
    KEYCLOAK = "keycloak", "Keycloak events and admin events"
    AUTH0 = "auth0", "Auth0 tenant logs"
    ONELOGIN = "onelogin", "OneLogin events"
    DUO = "duo", "Duo authentication and administrator logs"
    SALESFORCE = "salesforce", "Salesforce event files, log-in history, real-time events"
    ZENDESK = "zendesk", "Zendesk audit logs"
    GITHUB_AUDIT = "github_audit", "GitHub audit log"
    SLACK_AUDIT = "slack_audit", "Slack audit logs"
    ATLASSIAN = "atlassian", "Atlassian organisation audit log"
    ASANA = "asana", "Asana audit log"
    BOX = "box", "Box enterprise events"
    ZOOM = "zoom", "Zoom operation and sign-in logs"
    ONEPASSWORD = "onepassword", "1Password events"
    SNOWFLAKE = "snowflake", "Snowflake log-in and query history"
    DATABRICKS = "databricks", "Databricks audit logs"
    MONGODB_ATLAS = "mongodb_atlas", "MongoDB Atlas events"
    TELEPORT = "teleport", "Teleport audit events"
    CSV = "csv", "CSV with a saved mapping"
    JSON = "json", "JSON or NDJSON with a saved mapping"
    PORTAL = "portal", "Countersign's own log"
    AUDITD = "auditd", "Linux audit log (auditd)"
    MYSQL_AUDIT = "mysql_audit", "MariaDB and MySQL audit log (server_audit)"
    WINDOWS = "windows", "Windows Security events (EVTX, XML, JSON)"
    CISCO_ASA = "cisco_asa", "Cisco ASA and FTD, AnyConnect"
    OPENVPN = "openvpn", "OpenVPN server log"
    FREERADIUS = "freeradius", "FreeRADIUS accounting and log-ins"
    GLOBALPROTECT = "globalprotect", "Palo Alto GlobalProtect"
    FORTINET = "fortinet", "Fortinet FortiGate events and VPN"
    CEF = "cef", "CEF (ArcSight Common Event Format)"
    LEEF = "leef", "LEEF 1.0 and 2.0 (QRadar)"
    ECS = "ecs", "Elastic Common Schema JSON"
    OCSF = "ocsf", "OCSF JSON"


class StatusDetail(models.TextChoices):
    """Why an access was refused: the closed list that every vendor's code is mapped to."""

    BAD_PASSWORD = "bad_password", "Wrong password"
    UNKNOWN_USER = "unknown_user", "No such user"
    LOCKED = "locked", "Account locked"
    DISABLED = "disabled", "Account disabled"
    EXPIRED_ACCOUNT = "expired_account", "Account expired"
    EXPIRED_PASSWORD = "expired_password", "Password expired"
    OUTSIDE_HOURS = "outside_hours", "Outside allowed hours"
    WORKSTATION_RESTRICTION = "workstation_restriction", "Not allowed from this workstation"
    MFA_FAILED = "mfa_failed", "Second factor failed"
    MFA_FATIGUE_DENIED = "mfa_fatigue_denied", "Second factor denied by the user"
    POLICY_DENIED = "policy_denied", "Denied by policy"
    CERT_INVALID = "cert_invalid", "Certificate not valid"
    CLOCK_SKEW = "clock_skew", "Clock differs too much"
    OTHER = "other", "Other reason"


class ClockQuality(models.IntegerChoices):
    """How the time of an event was read from its record, best first."""

    ZONE_KNOWN = 1, "The record states its zone"
    ZONE_ASSUMED = 2, "Zone taken from the source's settings"
    YEAR_SET = 3, "Zone and year taken from the source's settings"
    YEAR_INFERRED = 4, "Year inferred from the time of receipt"
    FUTURE_CLAMPED = 5, "The record's time lies after its receipt: the time of receipt is used"


class ActorType(models.TextChoices):
    """What kind of account acted."""

    USER = "user", "User"
    ADMIN = "admin", "Administrator"
    SERVICE = "service", "Service"
    SYSTEM = "system", "System"
    MACHINE = "machine", "Machine"
    UNKNOWN = "unknown", "Unknown"


MACHINES: Final = frozenset({ActorType.SERVICE.value, ActorType.SYSTEM.value, ActorType.MACHINE.value})
"""Actors that are no people and have no working hours."""


class OcsfClass(IntEnum):
    """The OCSF 1.8.0 event classes that access logs map to."""

    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    AUTHORIZE_SESSION = 3003
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    GROUP_MANAGEMENT = 3006
    TUNNEL = 4014
    WEB_RESOURCES = 6001
    API = 6003
    DATASTORE = 6005
    FILE_HOSTING = 6006


class Status(IntEnum):
    """OCSF `status_id`."""

    UNKNOWN = 0
    SUCCESS = 1
    FAILURE = 2


class Severity(IntEnum):
    """OCSF `severity_id`, as far as parsers use it."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a log source says about its records, beyond the records themselves.

    `time_zone` is an IANA name for records without a zone. `year` is the year of the first record where records have
    none; without it the year is inferred from `received_at` (aware UTC; the time of receipt that the delivery stores,
    so that reading the same delivery again gives the same times). `mapping` is the saved column mapping of the formats
    csv and json (`logs.parsers.mapping`). `services` are accounts that are services in the sessions of programs whose
    name begins with `programs`. `memory` is what earlier bodies left open (`logs.leftopen`), for parsers that remember.
    """

    time_zone: str = "UTC"
    year: int | None = None
    received_at: datetime | None = None
    mapping: Mapping[str, object] | None = None
    services: frozenset[str] = frozenset()
    programs: str = ""
    memory: dict[str, list[float]] = msgspec.field(default_factory=dict)


class Draft(msgspec.Struct, frozen=True, gc=False):
    """One access event in the meaning of OCSF 1.8.0, as a parser read it from one record.

    A changed copy comes from `msgspec.structs.replace`. Texts are "" and numbers are None where the record says
    nothing. `occurred_at` is aware UTC and comes from the record alone. `src_ip` is a canonical address or None.
    `duration_ms` is milliseconds. `raw` holds the record's exact bytes without the line feed that framed it;
    `position` counts records from 0 in the body. `native_id` is the source's own id of the record ("" where it has
    none). No text holds NUL or a lone surrogate. Numbers are not negative and fit 63 bits; `repeat_count` is at most
    1,000,000. `extra` holds JSON values only.
    """

    occurred_at: datetime
    clock_quality: int
    log_type: int
    class_uid: int
    activity_id: int
    raw: bytes
    position: int
    status_id: int = 0
    status_code: str = ""
    status_detail: str = ""
    severity_id: int = 1
    actor_uid: str = ""
    actor_name: str = ""
    actor_type: str = ActorType.UNKNOWN.value
    target_uid: str = ""
    target_name: str = ""
    target_kind: str = ""
    privileges: tuple[str, ...] = ()
    src_ip: str | None = None
    src_port: int | None = None
    src_host: str = ""
    device_uid: str = ""
    user_agent: str = ""
    dst_host: str = ""
    app: str = ""
    resource: str = ""
    database: str = ""
    table: str = ""
    action: str = ""
    session_uid: str = ""
    duration_ms: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    rows_count: int | None = None
    logon_type_id: int | None = None
    auth_protocol_id: int | None = None
    mfa: bool | None = None
    is_remote: bool | None = None
    repeat_count: int = 1
    ticket_ref: str = ""
    native_id: str = ""
    extra: dict[str, object] = {}

    @property
    def type_uid(self) -> int:
        """OCSF `type_uid`: class_uid * 100 + activity_id."""
        return self.class_uid * 100 + self.activity_id


class Quarantined(NamedTuple):
    """A record that could not be read.

    Holds its exact bytes, a full sentence that says why, and its position in the body (from 0).
    """

    raw: bytes
    reason: str
    position: int


class Ignored(NamedTuple):
    """A record that was understood and is no access event of its own: another program's line, a twin line, a header.

    It is counted by its short reason and not stored as an event.
    """

    raw: bytes
    reason: str
    position: int


Outcome = Draft | Quarantined | Ignored
"""What a parser gives for one record; every record of a body gives exactly one."""


class ParseError(ValueError):
    """A record or a setting that cannot be read: `position` (from 0), the sentence that says why, and the bytes."""

    def __init__(self, reason: str, *, position: int = 0, raw: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.raw = raw
