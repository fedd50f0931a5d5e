"""Names who signs a pack and what each signature means, and holds the limits of a sign-off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_noop as noop

PEOPLE: Final = 2
"""People who sign a pack off where the tenant did not say that one is enough."""
RETENTION_YEARS: Final = 6
"""How long a pack is kept after its last signature (45 CFR 164.316(b)(2)(i): six years from its creation)."""


class SignRole(TextChoices):
    """Says in which role a person signs a pack."""

    PREPARER = "preparer", "Preparer"
    APPROVER = "approver", "Approver"


MEANINGS: Final[dict[str, str]] = {
    SignRole.PREPARER: (
        noop(
            "I prepared this evidence pack, or had it prepared. I read its report and what it leaves out, and it says "
            "what the records of the portal say."
        )
    ),
    SignRole.APPROVER: (
        noop(
            "I read the report of this evidence pack, its deviations and what it leaves out, independently of the "
            "person who prepared it, and approve its issue to the recipient named in it."
        )
    ),
}
"""What each signature means, as it is shown, signed and printed (21 CFR 11.50)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """One person's signature as the issued pack carries it."""

    role: str
    printed_name: str
    account: str
    capacity: str
    meaning: str
    level: str
    methods: tuple[str, ...]
    authenticated_at: datetime
    signed_at: datetime
    statement: bytes
    digest: str
    assertion: bytes | None
    assertion_sha256: str


def kept_until(at: datetime) -> datetime:
    """Returns the earliest moment at which a pack signed then may be removed: six years later, or a day more."""
    return at + timedelta(days=365 * RETENTION_YEARS + 2)
