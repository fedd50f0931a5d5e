"""Offers the machine's own access log: a real source that an operator can take in with one command."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

AUTH_LOGS: Final = (Path("/var/log/auth.log"), Path("/var/log/secure"))
JOURNALS: Final = (Path("/var/log/journal"), Path("/run/log/journal"))
_INGEST: Final = (
    ".venv/bin/python manage.py ingest {source} --tenant {tenant} --source this-machine --format sshd_syslog"
)


def offers(tenant: str, *, logs: Sequence[Path] = AUTH_LOGS, journals: Sequence[Path] = JOURNALS) -> list[str]:
    """Return the commands that take this machine's own log-ins into a tenant; none where it keeps no readable log."""
    found = [_INGEST.format(source=log, tenant=tenant) for log in logs if log.is_file() and os.access(log, os.R_OK)]
    if not found and shutil.which("journalctl") and any(_holds(journal) for journal in journals):
        found.append(f"journalctl -o json -t sshd -t sudo -t su | {_INGEST.format(source='-', tenant=tenant)}")
    return found


def _holds(journal: Path) -> bool:
    return journal.is_dir() and any(journal.glob("*/*.journal"))
