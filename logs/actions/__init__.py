"""Deeds on logs: recording what sources deliver, and managing the sources themselves."""

from logs.actions.acks import give_ack
from logs.actions.again import read_batch_again, request_reading_again
from logs.actions.approvals import PlaceFacts, approve_place, end_approved_place
from logs.actions.certificates import register_certificate, revoke_certificate
from logs.actions.looks import export_events, look_at_events, look_at_quarantine
from logs.actions.mappings import save_mapping, take_up_mapping
from logs.actions.record import Envelope, KeyReusedError, RulesChangedError, record_events
from logs.actions.retention import (
    HoldFacts,
    announce_prune,
    lift_legal_hold,
    set_legal_hold,
    set_retention_term,
)
from logs.actions.routing import RoutingPlan, route_source
from logs.actions.searches import ExportFacts, finish_export, remove_search, save_search
from logs.actions.sources import (
    SourcePlan,
    add_source,
    change_source,
    issue_source_token,
    revoke_source_token,
    switch_source,
)
from logs.actions.stage import CHANNEL

__all__ = [
    "CHANNEL",
    "Envelope",
    "ExportFacts",
    "HoldFacts",
    "KeyReusedError",
    "PlaceFacts",
    "RoutingPlan",
    "RulesChangedError",
    "SourcePlan",
    "add_source",
    "announce_prune",
    "approve_place",
    "change_source",
    "end_approved_place",
    "export_events",
    "finish_export",
    "give_ack",
    "issue_source_token",
    "lift_legal_hold",
    "look_at_events",
    "look_at_quarantine",
    "read_batch_again",
    "record_events",
    "register_certificate",
    "remove_search",
    "request_reading_again",
    "revoke_certificate",
    "revoke_source_token",
    "route_source",
    "save_mapping",
    "save_search",
    "set_legal_hold",
    "set_retention_term",
    "switch_source",
    "take_up_mapping",
]
