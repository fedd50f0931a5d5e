"""The people who sign in to the demo: one for each kind of user, with passwords of this installation's own."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import transaction
from django.utils import timezone

from evidence.catalogue import load
from tenants.actions import add_person, grant_role
from tenants.engagements import accept_invitation, invite_auditor
from tenants.kinds import Actor, Columns, EngagementScope, Role
from tenants.models import Tenant, User

AUDITOR_DAYS: Final = 30
SIGN_INS: Final = "demo-sign-ins.json"


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody of the cast: their address, name, role and the tenant (its slug) in which they have it."""

    email: str
    name: str
    role: Role
    tenant: str
    what: str


class SignIns:
    """The demo's passwords: random for each installation, kept in a file that only the operator reads."""

    def __init__(self, data: Path) -> None:
        self.path = data / SIGN_INS
        known: Mapping[str, str] = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.passwords = dict(known)

    def password(self, email: str) -> str:
        """Return the person's password; makes one on first use."""
        if email not in self.passwords:
            self.passwords[email] = (
                "-".join(secrets.choice(_WORDS) for _ in range(4)) + f"-{secrets.randbelow(90) + 10}"
            )
            self._keep()
        return self.passwords[email]

    def _keep(self) -> None:
        temporary = self.path.with_suffix(".new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(self.passwords, file, indent=1)
        temporary.replace(self.path)


@transaction.atomic
def join(part: Part, tenant: Tenant, sign_ins: SignIns, *, until_days: int | None = None) -> User:
    """Add a person of the cast to the open tenant with their role and password."""
    by = Actor.system("demo", tenant.pk)
    user = add_person(tenant=tenant, email=part.email, name=part.name, by=by)
    user.set_password(sign_ins.password(part.email))
    user.save(update_fields=["password"])
    ends_at = timezone.now() + timedelta(days=until_days) if until_days else None
    if part.role == Role.AUDITOR and ends_at:
        _engage(user, ends_at, by)
    else:
        grant_role(tenant=tenant, user=user, role=part.role, by=by, ends_at=ends_at)
    return user


def _engage(user: User, ends_at: datetime, by: Actor) -> None:
    """Invite an auditor for the last year and accept at once; the second factor is theirs to make at first entry."""
    now = timezone.now()
    frameworks = tuple(load().frameworks)
    span = (now - timedelta(days=365), now + timedelta(days=1))
    scope = EngagementScope(*span, frameworks, Columns.FULL, now, ends_at)
    made = invite_auditor(email=user.email, firm="Nordmann Assurance", scope=scope, by=by, post=False)
    accept_invitation(engagement=made, by=user)


_WORDS: Final = """
amber anchor apple arrow autumn basil beacon birch bramble breeze bridge bronze candle canvas cedar
chalk cherry cliff clover cobalt copper coral cotton crane creek crystal delta ember fable falcon
fern fiddle flint forest garnet ginger glacier granite hazel heron hollow indigo island ivory jasper
juniper kettle lagoon lantern laurel lemon linen lotus maple marble meadow mellow mint mosaic nectar
nutmeg oasis ocean olive onyx orchid otter pebble pepper pilot plum poplar prairie quartz quill
raven reed river rocket saffron sage sail sandal sapphire shadow silver slate sparrow spruce summit
sunset thicket thistle timber topaz tulip velvet violet walnut willow winter yarrow zephyr
""".split()  # noqa: SIM905 -- a list of words reads better as words
