"""Registers the room with Django."""

from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class PortalConfig(AppConfig):
    """The portal room."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"


class OwnStaticFiles(StaticFilesConfig):
    """Collects the files that our pages ask for: not those that other apps bring for pages of their own."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "rest_framework", "django_htmx", "guardian"]
