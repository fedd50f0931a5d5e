"""Finds who logs in by what the identity provider says of them, and ties the two accounts at the first time."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from tenants.models import ProviderLink, User
from tenants.openid import OpenIDError, Provider


@transaction.atomic
def person_told(*, asked: Provider, claims: Mapping[str, Any]) -> User:
    """Return the person whom a verified token is about; the first time ties their account there to the one here.

    Nobody is made by it: an officer adds people. What is tied stays tied (the app role cannot change it), so that
    neither a new account under an old address nor a changed address opens somebody else's.

    Raises:
        OpenIDError: the address is not verified, is nobody's here, or belongs to another account there.
    """
    email, subject = str(claims.get("email", "")).lower(), str(claims["sub"])
    if not email or claims.get("email_verified") is not True:
        raise OpenIDError(
            f"{asked.name} does not say that it verified your e-mail address. Log in with your password.", email
        )
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None:
        sentence = f"Nobody here has the address that {asked.name} gives. Accounts are made by the compliance officer."
        raise OpenIDError(sentence, email)
    links = ProviderLink.objects.filter(Q(user=user) | Q(subject=subject), issuer=asked.issuer)
    tied = list(links.values_list("user_id", "subject"))
    if tied and tied != [(user.pk, subject)]:
        raise OpenIDError(
            f"This is not the account at {asked.name} that is tied to yours. Tell whoever runs the portal.", email
        )
    if not tied:
        _tie(asked, user, subject)
    return user


def _tie(asked: Provider, user: User, subject: str) -> None:
    """Store who the person is at the provider; raises OpenIDError where another log-in was faster."""
    try:
        with transaction.atomic():
            ProviderLink.objects.create(user=user, issuer=asked.issuer, subject=subject)
    except IntegrityError as fault:
        raise OpenIDError("Two log-ins came at once. Begin again.", user.email) from fault
