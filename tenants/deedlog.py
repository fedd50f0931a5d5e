"""The portal's own access log: log-ins, failures and deeds as NDJSON, one of the portal's own log sources.

Each line is ``{"at", "verb", "actor", "actor_id", "tenant", "address", "user_agent", "outcome", "detail"}`` and is read
by the parser named ``portal``. The file is appended to after the commit; the shipper delivers it like any other source.
"""

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from django.utils import timezone

_log = logging.getLogger("countersign.deeds")


@dataclass(frozen=True, slots=True)
class Caller:
    """From where a request came."""

    address: str = ""
    user_agent: str = ""


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


class DeedFile(WatchedFileHandler):
    """Appends to the portal's log; makes its directory on first use and follows rotation."""

    def _open(self) -> Any:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return super()._open()


def write_deed(
    verb: str, *, actor: str, actor_id: int | None, tenant: str, outcome: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Append one line to the portal's own log; ``outcome`` is ``success`` or ``failure``."""
    origin = caller.get() or Caller()
    line = {
        "at": timezone.now().isoformat(),
        "verb": verb,
        "actor": actor,
        "actor_id": actor_id,
        "tenant": tenant,
        "address": origin.address,
        "user_agent": origin.user_agent,
        "outcome": outcome,
        "detail": dict(detail or {}),
    }
    _log.info("%s", json.dumps(line, ensure_ascii=False, default=str))
