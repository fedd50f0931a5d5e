"""Reads of logs: search, timelines, use of accounts, coverage, and what verification needs."""

from logs.queries.conditions import condition
from logs.queries.coverage import coverage, coverage_days, system_coverage
from logs.queries.people import Person, person_counts, person_of, person_timeline
from logs.queries.sealed import event_facts, events_after, place_of, sealed_entries
from logs.queries.search import Filters, SearchPage, event_by_key, newest_event_at, search_events, window
from logs.queries.sources import (
    SourceLine,
    acknowledged,
    quarantine,
    source_by_certificate,
    source_by_token,
    source_lines,
    source_week,
    visible_source_ids,
)
from logs.queries.things import Thing, event_counts, thing_of
from logs.queries.use import use_of_accounts

__all__ = [
    "Filters",
    "Person",
    "SearchPage",
    "SourceLine",
    "Thing",
    "acknowledged",
    "condition",
    "coverage",
    "coverage_days",
    "event_by_key",
    "event_counts",
    "event_facts",
    "events_after",
    "newest_event_at",
    "person_counts",
    "person_of",
    "person_timeline",
    "place_of",
    "quarantine",
    "sealed_entries",
    "search_events",
    "source_by_certificate",
    "source_by_token",
    "source_lines",
    "source_week",
    "system_coverage",
    "thing_of",
    "use_of_accounts",
    "visible_source_ids",
    "window",
]
