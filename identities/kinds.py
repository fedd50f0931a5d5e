"""Names the kinds of things the register holds, and the shapes that go in and out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db.models import TextChoices


class IdentityKind(TextChoices):
    """Says what sort of actor is watched."""

    HUMAN = "human", "Person"
    CONTRACTOR = "contractor", "Contractor"
    SERVICE = "service", "Service"
    VENDOR = "vendor", "Vendor"
    CLIENT = "client", "Client's person"


class AccountKind(TextChoices):
    """Says how an account is used."""

    HUMAN = "human", "One person"
    SHARED = "shared", "Shared"
    SERVICE = "service", "Service"
    BREAK_GLASS = "break_glass", "Emergency (break-glass)"


class ListFormat(TextChoices):
    """Says what wrote a delivered list of grants."""

    TABLE = "table", "A table in our columns (CSV or Excel)"
    MAPPED = "mapped", "A table in its own columns, by the saved mapping"
    POSTGRES = "postgres", "PostgreSQL: roles and rights"
    LINUX = "linux", "Linux: passwd, group and sudoers"
    AWS_IAM = "aws_iam", "AWS IAM: credential report"
    OKTA = "okta", "Okta: assignments or users"
    ENTRA = "entra", "Microsoft Entra ID or Azure: users or roles"
    LDAP = "ldap", "LDAP or Active Directory: LDIF"


class PersonChangeKind(TextChoices):
    """Says what a list of people told about a person that the one before it did not."""

    JOINED = "joined", "Joined"
    MOVED = "moved", "Moved"
    LEFT = "left", "Leaves or left"
    MISSING = "missing", "Not in the list any more"
    RETURNED = "returned", "Back in the list"


class Criticality(TextChoices):
    """Says how much harm wrong access to a system can do."""

    HIGH = "high", "High"
    STANDARD = "standard", "Standard"
    LOW = "low", "Low"


class DataClass(TextChoices):
    """Says what the most sensitive data of a system is."""

    HEALTH = "health", "Health data (ePHI)"
    CARDHOLDER = "cardholder", "Cardholder data"
    PERSONAL = "personal", "Personal data"
    INTERNAL = "internal", "Internal"


@dataclass(frozen=True, slots=True)
class GrantRow:
    """Holds one line of a system's list: this account holds this entitlement."""

    line: int
    account: str
    entitlement: str
    person: str = ""
    kind: AccountKind = AccountKind.HUMAN
    enabled: bool = True
    privileged: bool = False
    title: str = ""
    meaning: str = ""
    granted_by: str = ""
    granted_at: datetime | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    origin: str = ""
    inherited_via: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Returns what makes the line unique in a system: the account in lower case and the entitlement."""
        return self.account.lower(), self.entitlement


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Holds one line of the list of people: who they are, whom they report to, and when they are employed."""

    line: int
    external_id: str
    name: str
    email: str = ""
    kind: IdentityKind = IdentityKind.HUMAN
    manager: str = ""
    site: str = ""
    programme: str = ""
    shift_start: time | None = None
    shift_end: time | None = None
    time_zone: str = ""
    employed_from: date | None = None
    employed_until: date | None = None
    department: str = ""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """Holds one planned shift; its times are aware, or both without a zone: then in the person's own."""

    line: int
    external_id: str
    since: datetime
    until: datetime
    site: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotUpload:
    """Holds one delivered list of grants with what its deliverer says about it.

    `captured_at` is aware: the moment at which the system produced the list. `source_total` is the number that the
    system itself shows for the same filters: of grants, or of what the reader of `form` counts (accounts, users).
    `mapping` says which column is what where the form is a table in columns of its own (`identities.readers.mapped`).
    """

    body: bytes
    captured_at: datetime
    source_total: int
    file_name: str = ""
    filters: str = ""
    query: str = ""
    delivered_by: str = ""
    form: str = ListFormat.TABLE
    mapping: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PeopleAnswer:
    """Counts what an import of people changed."""

    rows: int
    created: int
    updated: int
    unchanged: int
    feed_id: int = 0
    joined: int = 0
    moved: int = 0
    left: int = 0
    missing: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Holds the cells of a CSV file that passed the checks of shape: column names, and lines with their numbers."""

    columns: tuple[str, ...]
    lines: tuple[tuple[int, dict[str, str]], ...] = field(default=())
