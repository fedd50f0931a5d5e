"""Deeds of the alerts room."""

from alerts.actions.handling import acknowledge_alert, close_alert, look_at_alert
from alerts.actions.incidents import open_incident, record_step
from alerts.actions.notices import claim_notice, finish_notice, retry_notice
from alerts.actions.raising import raise_alerts
from alerts.actions.settings import save_settings
from alerts.actions.watching import LOOK, look_for_alerts

__all__ = [
    "LOOK",
    "acknowledge_alert",
    "claim_notice",
    "close_alert",
    "finish_notice",
    "look_at_alert",
    "look_for_alerts",
    "open_incident",
    "raise_alerts",
    "record_step",
    "retry_notice",
    "save_settings",
]
