"""Deeds on logs: recording what sources deliver, and managing the sources themselves."""

from logs.actions.record import CHANNEL, Envelope, KeyReusedError, record_events
from logs.actions.sources import (
    SourcePlan,
    add_source,
    change_source,
    issue_source_token,
    revoke_source_token,
    switch_source,
)

__all__ = [
    "CHANNEL",
    "Envelope",
    "KeyReusedError",
    "SourcePlan",
    "add_source",
    "change_source",
    "issue_source_token",
    "record_events",
    "revoke_source_token",
    "switch_source",
]
