"""Names the types of evidence packs: which of the report's sections each has, and which evidence it rests on. Pure."""

from __future__ import annotations

from django.db.models import TextChoices


class PackKind(TextChoices):
    """What a pack is about."""

    CONTROLS = "controls", "Control matrix of a period"
    ACCESS_REVIEW = "access_review", "Access review"
    LOG_REVIEW = "log_review", "Log review"
    CLIENT = "client", "Client report"
    INCIDENT = "incident", "Incident"


class Language(TextChoices):
    """In which language the report's own words are printed; data stays as it is."""

    ENGLISH = "en", "English"
    GERMAN = "de", "German"
