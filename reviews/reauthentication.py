"""Proves again who signs, moments before the signature.

A password is checked now. A passkey will sign the statement's digest as its challenge; its authentication then names
two methods, and the digest stands in `detail`, so that a signature cannot be moved to another statement (21 CFR 11.70).
"""

from django.utils import timezone

from reviews.kinds import Authentication
from tenants.models import User


def by_password(user: User, password: str) -> Authentication | None:
    """Returns the authentication when the password is the user's, else None."""
    if not password or not user.check_password(password):
        return None
    return Authentication(methods=("password",), authenticated_at=timezone.now(), detail={"level": "one component"})
