"""Registers the room with Django."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """The reviews room."""

    name = "reviews"
    default_auto_field = "django.db.models.BigAutoField"
