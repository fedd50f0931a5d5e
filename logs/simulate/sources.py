"""The log sources of a scenario: what a portal has to know to read what they write."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from logs.kinds import Format, LogType
from logs.simulate.floor import VPN_HEADER
from logs.simulate.world import HOME_ZONE, Client

BPO = "bpo"
"""Tenant key of the BPO itself; a client's tenant key is the client's key."""

DIRECTORY = "directory"
"""Key of the system that lists the whole workforce."""

VPN_MAPPING: dict[str, object] = {
    "columns": {
        "Time": "occurred_at",
        "User": "actor_name",
        "Event": "action",
        "Result": "outcome",
        "Client IP": "src_ip",
        "Assigned IP": "extra.assigned_ip",
        "Seconds": "duration_s",
        "Bytes in": "bytes_in",
        "Bytes out": "bytes_out",
        "Gateway": "dst_host",
        "Session": "session_uid",
    },
    "time_format": "iso",
    "log_type": "remote",
    "outcomes": {"ok": "success", "bad-password": "bad_password", "disabled": "disabled", "unknown": "unknown_user"},
    "activities": {"auth": [3002, 1], "connect": [4014, 1], "disconnect": [4014, 2], "renew": [4014, 3]},
    "app": "vpn",
    "header": VPN_HEADER.decode().split(","),
}

CRM_MAPPING: dict[str, object] = {
    "columns": {
        "time": "occurred_at",
        "request_id": "native_id",
        "app": "app",
        "kind": "kind",
        "verb": "action",
        "user.email": "actor_name",
        "user.badge": "actor_uid",
        "ip": "src_ip",
        "session": "session_uid",
        "object": "resource",
        "rows": "rows_count",
        "result": "outcome",
    },
    "time_format": "iso",
    "log_types": {"access": "application", "activity": "session"},
    "outcomes": {"ok": "success", "denied": "policy_denied"},
    "activities": {
        "login": [3002, 1],
        "logout": [3002, 2],
        "search": [6001, 5],
        "view": [6001, 2],
        "note": [6001, 1],
        "update": [6001, 3],
        "export": [6001, 7],
    },
}


@dataclass(frozen=True, slots=True)
class SimSource:
    """One source: whose it is, its format and settings, the system it watches, and the file that holds it.

    `every_minutes` is the longest usual silence: what a portal should expect of the source.
    """

    name: str
    tenant_key: str
    format: Format
    system_key: str
    log_types: tuple[int, ...]
    file_name: str
    title: str
    time_zone: str = "UTC"
    every_minutes: int = 60
    mapping: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimSystem:
    """One system whose grants are reviewed: name, owner's badge number, how critical, and its privileged grants.

    `criticality`, `privileged_rule` (one pattern a line) and `data_class` are values of `identities.models.System`.
    """

    key: str
    tenant_key: str
    name: str
    owner: str
    criticality: str
    privileged_rule: str
    data_class: str


def _types(*kinds: LogType) -> tuple[int, ...]:
    return tuple(int(kind) for kind in kinds)


def sources_of(clients: tuple[Client, ...]) -> list[SimSource]:
    """Give the sources of the BPO, then those of each client."""
    login, app, database = LogType.SYSTEM_LOGIN, LogType.APPLICATION, LogType.DATABASE
    remote, admin, failed, session = LogType.REMOTE, LogType.ADMIN, LogType.FAILED_LOGIN, LogType.SESSION
    syslog, row = Format.SSHD_SYSLOG, Format.POSTGRES_JSONLOG
    found = [
        SimSource("jump-hosts", BPO, syslog, "jump-hosts", _types(login, admin, failed, session), "jump-hosts.log",
                  "Jump hosts (Linux)", HOME_ZONE),
        SimSource("okta", BPO, Format.OKTA, "sso", _types(login, app, admin, failed, session), "okta.ndjson",
                  "Single sign-on (Okta)"),
        SimSource("vpn", BPO, Format.CSV, "vpn", _types(remote, failed), "vpn.csv", "VPN gateway", mapping=VPN_MAPPING),
        SimSource("aws", BPO, Format.CLOUDTRAIL, "aws", _types(login, app, admin), "cloudtrail.ndjson",
                  "Cloud account (AWS)", every_minutes=24 * 60),
        SimSource("warehouse-db", BPO, row, "warehouse", _types(database, failed, session), "warehouse-db.jsonlog",
                  "Data warehouse (PostgreSQL)"),
    ]  # fmt: skip
    for client in clients:
        key = client.key
        found += [
            SimSource(f"{key}-crm", key, Format.JSON, f"{key}-crm", _types(app, session), f"{key}-crm.ndjson",
                      f"CRM of {client.name}", mapping=CRM_MAPPING),
            SimSource(f"{key}-db", key, row, f"{key}-db", _types(database, failed, session), f"{key}-db.jsonlog",
                      f"Customer database of {client.name}"),
        ]  # fmt: skip
    return found


def systems_of(clients: tuple[Client, ...], owners: tuple[str, str], *, directory: bool = False) -> list[SimSystem]:
    """Give the systems; `owners` are the badge numbers of the first administrator and the first database owner.

    The directory of the whole workforce has no log source: nobody can say there what is used.
    """
    admin, dba = owners
    found = [
        SimSystem("sso", BPO, "Single sign-on (Okta)", admin, "high", "super_admin", "personal"),
        SimSystem("jump-hosts", BPO, "Jump hosts (Linux)", admin, "high", "sudo", "internal"),
        SimSystem("vpn", BPO, "VPN gateway", admin, "standard", "vpn_admin", "internal"),
        SimSystem("aws", BPO, "Cloud account (AWS)", admin, "high", "administrator*", "internal"),
        SimSystem("warehouse", BPO, "Data warehouse", dba, "high", "dba", "personal"),
    ]
    if directory:
        found.append(SimSystem(DIRECTORY, BPO, "Workplace directory", admin, "standard", "domain_*", "personal"))
    for client in clients:
        key = client.key
        crm, base = f"CRM of {client.name}", f"Customer database of {client.name}"
        found += [
            SimSystem(f"{key}-crm", key, crm, admin, "high", "*_admin", "personal"),
            SimSystem(f"{key}-db", key, base, dba, "high", "*_dba", "cardholder"),
        ]
    return found
