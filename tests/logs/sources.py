"""Sources and lines that the tests of this room deliver."""

import json
from collections.abc import Sequence

from logs.kinds import Format
from logs.models import LogSource

SSHD_OK = b"Nov 20 09:15:01 web1 sshd[4242]: Accepted password for alice from 203.0.113.7 port 50022 ssh2"
SSHD_BAD = b"Nov 20 09:16:02 web1 sshd[4243]: Failed password for invalid user root from 198.51.100.9 port 41000 ssh2"


def source(name: str = "Bastion", format_: Format = Format.SSHD_SYSLOG, **fields: object) -> LogSource:
    """Make a source of the open tenant."""
    return LogSource.objects.create(
        name=name, key=name.lower().replace(" ", "-"), format=format_, year=2026, log_types=[1, 6], **fields
    )


def lines(*records: bytes) -> bytes:
    """Return a body of lines."""
    return b"\n".join(records) + b"\n"


def failures(count: int, start: int = 0) -> Sequence[bytes]:
    """Return distinct failed log-ins."""
    return [
        b"Nov 20 10:%02d:%02d web1 sshd[%d]: Failed password for bob from 198.51.100.9 port %d ssh2"
        % (number // 60 % 60, number % 60, 5000 + number, 20000 + number)
        for number in range(start, start + count)
    ]


def okta(number: int, **fields: object) -> bytes:
    """Return one Okta event with an id of its own."""
    event: dict[str, object] = {
        "uuid": f"event-{number}",
        "published": f"2026-11-20T10:00:{number % 60:02d}.000Z",
        "eventType": "user.session.start",
        "displayMessage": "User login to Okta",
        "severity": "INFO",
        "actor": {
            "id": f"00u{number}",
            "type": "User",
            "alternateId": f"agent{number}@example.org",
            "displayName": "A",
        },
        "client": {"ipAddress": "203.0.113.9", "userAgent": {"rawUserAgent": "Mozilla/5.0"}},
        "outcome": {"result": "SUCCESS"},
        "target": [],
        **fields,
    }
    return json.dumps(event).encode()
