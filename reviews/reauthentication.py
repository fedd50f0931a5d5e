"""Proves again who signs, moments before the signature.

A password is checked now. A passkey will sign the statement's digest as its challenge; its authentication then names
two methods, and the digest stands in `detail`, so that a signature cannot be moved to another statement (21 CFR 11.70).
"""

from allauth.core import ratelimit
from django.utils import timezone

from reviews.kinds import Authentication
from tenants.access import TenantRequest
from tenants.deedlog import write_deed
from tenants.models import User


def by_password(user: User, password: str) -> Authentication | None:
    """Returns the authentication when the password is the user's, else None."""
    if not password or not user.check_password(password):
        return None
    return Authentication(methods=("password",), authenticated_at=timezone.now(), detail={"level": "one component"})


def is_asked_too_often(request: TenantRequest) -> bool:
    """Counts an attempt; returns whether the person made too many (allauth's limit: 10 a minute).

    A stolen session must not find the password by trying, and so sign for its owner.
    """
    return not ratelimit.consume(request, action="reauthenticate", user=request.user)


def note_refused(request: TenantRequest) -> None:
    """Writes a wrong password to the portal's own log, as a failed log-in: its rules then watch it too."""
    user = request.user
    write_deed("login", actor=user.email, actor_id=user.pk, tenant=request.tenant.slug, outcome="failure")
