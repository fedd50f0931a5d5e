"""The portal's own access log: log-ins, failures and deeds as NDJSON, one of the portal's own log sources.

Each line has the members that the parser ``portal`` reads (``logs/parsers/portal.py``), with an id of its own. The file
is appended to after the commit; the shipper delivers it like any other source.
"""

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.utils import timezone

LOOKS: Final = frozenset({"view", "search", "look", "export", "download"})
"""Verbs of deeds that look at data and change nothing."""

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
    origin, facts = caller.get() or Caller(), dict(detail or {})
    line = {
        "id": str(uuid4()),
        "at": timezone.now().isoformat(),
        "kind": _kind(verb, outcome),
        "user": actor,
        "user_id": actor_id or "",
        "tenant": tenant,
        "ip": origin.address or None,
        "agent": origin.user_agent,
        "verb": verb if "." in verb else "",
        "target": str(facts.get("target", "")),
        "outcome": outcome,
    }
    _log.info("%s", json.dumps(line, ensure_ascii=False, default=str))


def _kind(verb: str, outcome: str) -> str:
    """Return which kind of line it is: a log-in, a failed one, a log-out, a look at data, or another deed."""
    if verb in {"login", "logout"}:
        return verb if outcome == "success" else "failure"
    return "looked" if verb.rpartition(".")[2] in LOOKS else "deed"
