"""Registers the room with Django."""

from django.apps import AppConfig


class LogsConfig(AppConfig):
    """The logs room."""

    name = "logs"
    default_auto_field = "django.db.models.BigAutoField"
