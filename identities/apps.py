"""Registers the room with Django."""

from django.apps import AppConfig


class IdentitiesConfig(AppConfig):
    """The identities room."""

    name = "identities"
    default_auto_field = "django.db.models.BigAutoField"
