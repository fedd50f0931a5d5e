"""Write records the way each vendor writes them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from logs.simulate.world import HOME_ZONE

_ZONE = ZoneInfo(HOME_ZONE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


def compact(value: object) -> bytes:
    """Give JSON on one line."""
    return json.dumps(value, separators=(",", ":")).encode()


def syslog(at: float, host: str, tag: str, message: str) -> bytes:
    """Give an RFC 3164 line in the zone of the head office, without a year, as rsyslog writes auth.log."""
    when = datetime.fromtimestamp(at, _ZONE)
    stamp = f"{_MONTHS[when.month - 1]} {when.day:2d} {when:%H:%M:%S}"
    return f"{stamp} {host} {tag}: {message}".encode()


def iso(at: float) -> str:
    """Give UTC with milliseconds and Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@dataclass(frozen=True, slots=True)
class Connection:
    """One database session: who, to which database, from where, its id."""

    user: str
    database: str
    address: str
    session: str
    port: int
    application: str = "psql"


def jsonlog(at: float, link: Connection, line: int, message: str, **more: object) -> bytes:
    """Give a line of PostgreSQL's jsonlog with log_timezone UTC."""
    when = datetime.fromtimestamp(at, UTC)
    row: dict[str, object] = {
        "timestamp": f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d} UTC",
        "user": link.user,
        "dbname": link.database,
        "pid": int(link.session.rpartition(".")[2], 16),
        "remote_host": link.address,
        "remote_port": link.port,
        "session_id": link.session,
        "line_num": line,
        "ps": "idle",
        "error_severity": "LOG",
        "message": message,
        "application_name": link.application,
        "backend_type": "client backend",
    }
    return compact(row | more)


def okta(at: float, uid: str, kind: str, person: tuple[str, str], **more: object) -> bytes:
    """Give an Okta System Log event; `person` is log-in name and id."""
    address = more.pop("address", None)
    session = more.pop("session", "")
    event: dict[str, object] = {
        "uuid": uid,
        "published": iso(at),
        "eventType": kind,
        "version": "0",
        "severity": "INFO",
        "actor": {
            "id": person[1],
            "type": "User",
            "alternateId": person[0],
            "displayName": person[0].partition("@")[0],
        },
        "client": {
            "userAgent": {"rawUserAgent": _AGENT, "os": "Windows 10", "browser": "CHROME"},
            "device": "Computer",
            "ipAddress": address,
        },
        "outcome": {"result": "SUCCESS"},
        "authenticationContext": {"externalSessionId": session},
        "target": [],
    }
    return compact(event | more)


def cloudtrail(at: float, uid: str, name: str, login: str, **more: object) -> bytes:
    """Give a CloudTrail record of an IAM user of the made-up account 111122223333."""
    record: dict[str, object] = {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": f"AIDA{login.upper().replace('.', '')[:12]}",
            "arn": f"arn:aws:iam::111122223333:user/{login}",
            "accountId": "111122223333",
            "userName": login,
        },
        "eventTime": iso(at)[:19] + "Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "ap-southeast-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.17.0",
        "requestParameters": None,
        "responseElements": None,
        "eventID": uid,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }
    return compact(record | more)
