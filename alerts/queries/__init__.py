"""Reads of the alerts room: the pages, the events to judge, and the facts for evidence."""

from alerts.queries.evidence import AlertFacts, alert_facts
from alerts.queries.incidents import IncidentLine, incident, incident_entries, incident_lines, incidents_of
from alerts.queries.pages import (
    AlertFilters,
    alert,
    alert_counts,
    alert_events,
    alerts_page,
    current_settings,
    failing_notices,
    notice,
    settings_history,
    watch_state,
)

__all__ = [
    "AlertFacts",
    "AlertFilters",
    "IncidentLine",
    "alert",
    "alert_counts",
    "alert_events",
    "alert_facts",
    "alerts_page",
    "current_settings",
    "failing_notices",
    "incident",
    "incident_entries",
    "incident_lines",
    "incidents_of",
    "notice",
    "settings_history",
    "watch_state",
]
