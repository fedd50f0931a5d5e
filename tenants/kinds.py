"""Roles, permissions, verdicts and actors: who may do what, as code."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from django.db.models import TextChoices


class TenantKind(TextChoices):
    """What a tenant is: the BPO itself or one of its clients."""

    BPO = "bpo", "BPO"
    CLIENT = "client", "Client"


class Role(TextChoices):
    """The short role keys that the database stores."""

    OPERATOR = "operator", "Platform operator"
    OFFICER = "officer", "Compliance officer"
    ANALYST = "analyst", "Analyst"
    REVIEWER = "reviewer", "Reviewer"
    AUDITOR = "auditor", "External auditor"
    CLIENT = "client", "Client"


class Permission(StrEnum):
    """What a role allows, as NOUN_VERB."""

    TENANT_MANAGE = "tenant.manage"
    SHARE_MANAGE = "share.manage"
    TOKEN_MANAGE = "token.manage"  # noqa: S105 -- a permission, not a password
    AUDIT_VIEW = "audit.view"
    SOURCE_VIEW = "source.view"
    SOURCE_MANAGE = "source.manage"
    EVENT_VIEW = "event.view"
    EVENT_EXPORT = "event.export"
    RETENTION_MANAGE = "retention.manage"
    PLACE_APPROVE = "place.approve"
    REGISTER_VIEW = "register.view"
    REGISTER_MANAGE = "register.manage"
    PEOPLE_PROVISION = "people.provision"
    CAMPAIGN_VIEW = "campaign.view"
    CAMPAIGN_MANAGE = "campaign.manage"
    ITEM_REVIEW = "item.review"
    ITEM_COSIGN = "item.cosign"
    REMEDIATION_MANAGE = "remediation.manage"
    ALERT_VIEW = "alert.view"
    ALERT_HANDLE = "alert.handle"
    ALERT_CONFIGURE = "alert.configure"
    CONTROL_VIEW = "control.view"
    CONTROL_COMPUTE = "control.compute"
    PACK_VIEW = "pack.view"
    PACK_BUILD = "pack.build"
    LEDGER_VIEW = "ledger.view"
    ROOM_VIEW = "room.view"
    CLIENT_VIEW = "client.view"


_P = Permission
COSIGNER: Final = frozenset({_P.ITEM_COSIGN})
"""What a client's own people may in the tenant of its BPO, by no role there (docs/adr/0408)."""

ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.OPERATOR: frozenset(
        {
            *(_P.TENANT_MANAGE, _P.SHARE_MANAGE, _P.TOKEN_MANAGE, _P.AUDIT_VIEW, _P.SOURCE_VIEW, _P.SOURCE_MANAGE),
            *(_P.REGISTER_VIEW, _P.LEDGER_VIEW, _P.ALERT_VIEW, _P.ALERT_CONFIGURE, _P.PEOPLE_PROVISION),
        }
    ),
    Role.OFFICER: frozenset(
        {
            *(_P.SHARE_MANAGE, _P.TOKEN_MANAGE, _P.AUDIT_VIEW, _P.SOURCE_VIEW, _P.SOURCE_MANAGE, _P.EVENT_VIEW),
            *(_P.EVENT_EXPORT, _P.REGISTER_VIEW, _P.REGISTER_MANAGE, _P.CAMPAIGN_VIEW, _P.CAMPAIGN_MANAGE),
            *(_P.REMEDIATION_MANAGE, _P.ALERT_VIEW, _P.ALERT_HANDLE, _P.ALERT_CONFIGURE, _P.CONTROL_VIEW),
            *(_P.CONTROL_COMPUTE, _P.PACK_VIEW, _P.PACK_BUILD, _P.LEDGER_VIEW, _P.TENANT_MANAGE),
            *(_P.RETENTION_MANAGE, _P.PLACE_APPROVE, _P.PEOPLE_PROVISION),
        }
    ),
    Role.ANALYST: frozenset(
        {
            *(_P.SOURCE_VIEW, _P.EVENT_VIEW, _P.EVENT_EXPORT, _P.REGISTER_VIEW, _P.ALERT_VIEW, _P.ALERT_HANDLE),
            _P.LEDGER_VIEW,
        }
    ),
    Role.REVIEWER: frozenset({_P.ITEM_REVIEW}),
    Role.AUDITOR: frozenset({_P.ROOM_VIEW, _P.PACK_VIEW, _P.LEDGER_VIEW}),
    Role.CLIENT: frozenset({_P.CLIENT_VIEW, _P.SOURCE_VIEW, _P.ALERT_VIEW, _P.PACK_VIEW, _P.LEDGER_VIEW}),
}

OF_ROLES: Final = frozenset().union(*ROLE_PERMISSIONS.values())
"""What somebody may by a role: whoever holds any of it is a member of the tenant."""

SEES_ALL_SHAREABLE: Final = frozenset({Role.OPERATOR, Role.OFFICER, Role.ANALYST})
"""Roles that see every log source, campaign and pack of their tenant; the others see what is shared with them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Says whether a deed is allowed, and if not, the sentence to show."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED: Final = Verdict(allowed=True)


def denied(reason: str) -> Verdict:
    """Return a refusal with the sentence that tells the user why, and what to do."""
    return Verdict(allowed=False, reason=reason)


@dataclass(frozen=True, slots=True)
class EndedAccess:
    """What a person had in a tenant until it was ended: role keys, starts of API tokens, number of portal sessions."""

    roles: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    sessions: int = 0

    def __bool__(self) -> bool:
        return bool(self.roles or self.tokens or self.sessions)


class Refused(Exception):  # noqa: N818 -- the word the pages use
    """A policy refused the deed; ``verdict.reason`` is the sentence to show."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def enforce(verdict: Verdict) -> None:
    """Raise `Refused` unless the verdict allows the deed."""
    if not verdict.allowed:
        raise Refused(verdict)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What somebody looks at logs for: one of the tenant's purposes, and a free reference such as a ticket."""

    name: str
    reference: str = ""


class PurposeMissing(Exception):  # noqa: N818 -- the word the pages use
    """Somebody would look at logs for a purpose that they have not stated; nothing was shown to them."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in which tenant, with which rights: a person, a token or the system itself.

    ``purpose`` is what they look at logs for; ``asked`` whether a page can ask them for it.
    """

    name: str
    user_id: int | None
    tenant_id: int
    roles: frozenset[Role] = field(default_factory=frozenset)
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    purpose: Purpose | None = None
    asked: bool = False

    @classmethod
    def system(cls, name: str, tenant_id: int) -> Self:
        """Return the actor of a job or process: named ``system:<name>``, with every permission of the tenant."""
        return cls(f"system:{name}", None, tenant_id, frozenset(), frozenset(Permission))

    @property
    def is_system(self) -> bool:
        """Whether no person but a process of the portal acts."""
        return self.user_id is None and self.name.startswith("system:")

    @property
    def sees_all_shareable(self) -> bool:
        """Whether the actor needs no sharing to see log sources, campaigns and packs of the tenant."""
        return self.is_system or bool(self.roles & SEES_ALL_SHAREABLE)

    def may(self, permission: Permission) -> bool:
        """Whether the actor holds the permission in this tenant."""
        return permission in self.permissions


def permit(by: Actor, permission: Permission, *, to: str) -> Verdict:
    """Return whether the actor holds the permission; the refusal names the deed (``to`` completes a sentence)."""
    if by.may(permission):
        return ALLOWED
    return denied(f"Your role does not allow you to {to}. Ask a compliance officer of this tenant.")


class WorkState(TextChoices):
    """The states of a piece of long work."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Cancelled(Exception):  # noqa: N818 -- what happened, not a fault
    """The person who asked for the work has cancelled it."""


class Columns(TextChoices):
    """How much of people a room shows."""

    FULL = "full", "Full: names and addresses as they are"
    CONTROLLED = "controlled", "Controlled: pseudonyms for people, addresses cut"


@dataclass(frozen=True, slots=True)
class EngagementScope:
    """What an external auditor is engaged for: period [start, end) in UTC, framework keys, columns, and the term."""

    period_start: datetime
    period_end: datetime
    frameworks: tuple[str, ...]
    columns: Columns
    starts_at: datetime
    ends_at: datetime
