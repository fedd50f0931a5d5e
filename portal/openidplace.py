"""Says at which one OpenID Connect provider people may log in: none unless it is named (docs/operating.md)."""

from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal.environment import env_text
from portal.packplace import HERE

NAME: Final = "COUNTERSIGN_OIDC"
PARTS: Final = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "NAME")


def openid_provider() -> dict[str, str]:
    """Return the provider by the names of its parts, or nothing; a half-named one stops the start."""
    told = {part: env_text(f"{NAME}_{part}") for part in PARTS}
    if not any(told.values()):
        return {}
    missing = [f"{NAME}_{part}" for part, value in told.items() if not value]
    if missing:
        message = f"{missing[0]} is not set: log-in by an identity provider needs all of {NAME}_{{{', '.join(PARTS)}}}."
        raise ImproperlyConfigured(message)
    address = urlsplit(told["ISSUER"])
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in HERE):
        message = f"{NAME}_ISSUER is {told['ISSUER']!r}; it must begin with https:// (http:// for this machine only)."
        raise ImproperlyConfigured(message)
    return told
