"""Registers the room with Django."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """The alerts room."""

    name = "alerts"
    default_auto_field = "django.db.models.BigAutoField"
