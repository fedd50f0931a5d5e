"""Registers the room with Django."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The portal room."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"
