"""The vocabulary of the registers: kinds of document, what a response says, causes of gaps, what tools report."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import TextChoices


class DocumentKind(TextChoices):
    """The kinds of document that rows of the catalogue ask for, and any other."""

    ACCESS = "access", "Access authorisation policy"
    EMERGENCY = "emergency", "Emergency access procedure"
    INCIDENT = "incident", "Incident response plan"
    LOG_REVIEW = "log_review", "Log review procedure"
    OTHER = "other", "Another document"


REQUIRED: Final = (DocumentKind.ACCESS, DocumentKind.EMERGENCY, DocumentKind.INCIDENT, DocumentKind.LOG_REVIEW)
"""What has to be on file: 45 CFR 164.308(a)(4)(ii)(B), 164.312(a)(2)(ii), 164.308(a)(6)(ii), 164.308(a)(1)(ii)(D)."""


class Stand(TextChoices):
    """What management says to a deviation."""

    CORRECT = "correct", "It will be corrected"
    ACCEPT = "accept", "The risk is accepted until the date"
    END = "end", "Ended: retested, or no longer needed"


class GapCause(TextChoices):
    """Why a source gave nothing."""

    OUTAGE = "outage", "The source or the system was down"
    NETWORK = "network", "The way to the portal was broken"
    CHANGE = "change", "A planned change"
    SETTING = "setting", "A wrong setting, key or certificate"
    NOTHING = "nothing", "Nothing happened that could be logged"


class Operation(TextChoices):
    """What an operating tool reports."""

    BACKUP = "backup", "Backup"
    RESTORE = "restore", "Restore test"


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What is filed: a file of its own, or a reference to where the document is kept."""

    kind: DocumentKind
    title: str
    version: str
    approved_by: str
    approved_on: date
    valid_until: date
    reference: str = ""
    file_name: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class ProcessingFacts:
    """The fields of Art. 30(2) GDPR; an empty one makes the record incomplete and is kept as it is."""

    processor: str = ""
    controllers: str = ""
    officer: str = ""
    categories: str = ""
    transfers: str = ""
    security: str = ""
    subprocessors: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What management says to a row that did not pass: who owns it, what is done, and until when."""

    control: str
    stand: Stand
    owner: str
    said: str
    due_on: date
