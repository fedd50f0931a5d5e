"""Registers the room with Django."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """The evidence room."""

    name = "evidence"
    default_auto_field = "django.db.models.BigAutoField"
