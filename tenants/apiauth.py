"""Reads API tokens from requests; stands apart from the views, because DRF's settings import it first."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants.deedlog import write_deed
from tenants.tokens import well_formed


def note_refused(text: str, tenant: str) -> None:
    """Write a refused token to the portal's own log, as a failed log-in: by the start that pages show, never whole."""
    write_deed("login", actor=f"token {text[:14]}".strip(), actor_id=None, tenant=tenant, outcome="failure")


class BearerAuthentication(BaseAuthentication):
    """Reads ``Authorization: Bearer csn_api_...``; whose token it is, is looked up in the address's tenant."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        """Return the token's text, or None when the request carries none.

        Raises:
            AuthenticationFailed: the header or the token is not well formed.
        """
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        text = words[1].decode("latin-1") if len(words) == 2 else ""
        if not well_formed(text, "api"):
            note_refused("", "")
            message = "This is not an API token of this portal. Check that it was copied whole."
            raise AuthenticationFailed(message)
        return AnonymousUser(), text

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 -- DRF's signature
        """Return the challenge of a 401 answer."""
        return 'Bearer realm="Countersign API"'
