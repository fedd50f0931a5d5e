"""The door of the SCIM service: an API token opens it and nothing else; requests and answers in SCIM's own shape."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import IntegrityError
from django.http import Http404
from pydantic import ValidationError
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from scim2_models import (
    ConflictException,
    Error,
    InvalidSyntaxException,
    NotFoundException,
    PayloadTooLargeException,
    SCIMException,
    UniquenessException,
)

from identities.scim.actions import NOT_HERE
from tenants.apiauth import BearerAuthentication
from tenants.apiview import TenantView
from tenants.kinds import Permission

LONGEST_BODY: Final = 1_048_576
"""Bytes of a body; Entra's and Okta's are some kilobytes, a group with 10,000 members is 600 KB."""

SCIM_JSON: Final = "application/scim+json"


class ScimParser(BaseParser):
    """Reads a body of at most 1 MiB whose texts PostgreSQL can hold: without NUL and half characters."""

    media_type = SCIM_JSON

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:  # noqa: ARG002 -- DRF's signature
        """Return the body's value.

        Raises:
            PayloadTooLargeException: the body is longer.
            InvalidSyntaxException: it is no JSON, or holds what cannot be stored.
        """
        body = stream.read(LONGEST_BODY + 1)
        if len(body) > LONGEST_BODY:
            raise PayloadTooLargeException(detail=f"A request has at most {LONGEST_BODY:,} bytes. Send it in parts.")
        try:
            found = json.loads(body)
            sayable = "\\u0000" not in json.dumps(found, ensure_ascii=False).encode().decode()
        except (ValueError, RecursionError) as error:
            raise InvalidSyntaxException(detail="The body is no JSON in UTF-8.") from error
        if not sayable:
            raise InvalidSyntaxException(detail="A text holds the character NUL. Take it out.")
        return found


class PlainJsonParser(ScimParser):
    """Reads the same where the sender calls it plain JSON, as RFC 7644 8.1 allows."""

    media_type = "application/json"


class ScimRenderer(JSONRenderer):
    """Writes answers as SCIM."""

    media_type = SCIM_JSON
    format = "scim"


class ScimView(TenantView):
    """A view of the SCIM service of one tenant; only a token with the scope opens it, no browser's session does."""

    schema = None  # the API's own description leaves SCIM out: it describes itself, at /Schemas
    authentication_classes = (BearerAuthentication,)
    permissions = (Permission.PEOPLE_PROVISION,)
    parser_classes = (ScimParser, PlainJsonParser)
    renderer_classes = (ScimRenderer, JSONRenderer)

    @property
    def base(self) -> str:
        """The address of the service as the caller knows it."""
        return self.request.build_absolute_uri(f"/api/v1/t/{self.tenant.slug}/scim/v2")

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response | None]:
        """Return what turns faults into answers."""
        return scim_error


def scim_error(fault: Exception, context: Mapping[str, Any]) -> Response | None:  # noqa: ARG001 -- DRF's signature
    """Answer a fault as a SCIM error (RFC 7644 3.12); None for what is not foreseen: logged, and answered 500."""
    error = _error_of(fault)
    if error is None:
        return None
    status = int(error.status or 400)
    answer = Response(error.model_dump(), status=status)
    challenge = getattr(fault, "auth_header", None)
    if challenge:
        answer["WWW-Authenticate"] = challenge
    return answer


_UNIQUE: Final = {
    "directory_user_name_is_unique": "There is a user of this name already.",
    "directory_says_an_identity_once": "The person has another user in this directory already.",
    "directory_member_is_in_a_group_once": "The group was changed at the same time. Send the change again.",
}
"""What a request can run into that only the database knows for sure, by the constraint that stops it."""


def _error_of(fault: Exception) -> Error | None:
    found: Error | None = None
    if isinstance(fault, ValidationError):
        found = Error.from_validation_errors(fault)[0]
    elif isinstance(fault, SCIMException):
        found = fault.to_error()
        found.detail = _sentence(found.detail or "")
    elif isinstance(fault, Http404):
        found = NotFoundException(detail=NOT_HERE).to_error()
    elif isinstance(fault, APIException):
        found = Error(status=fault.status_code, detail=str(fault.detail))
    elif isinstance(fault, IntegrityError):
        found = _collision(fault)
    return found


def _sentence(detail: str) -> str:
    """Return pydantic's several lines (what failed, the attribute, why, a link) as one."""
    lines = [line.strip() for line in detail.splitlines()]
    return f"{lines[1]}: {lines[2].split(' [type=')[0]}." if len(lines) > 2 else detail


def _collision(fault: IntegrityError) -> Error | None:
    name = getattr(getattr(fault.__cause__, "diag", None), "constraint_name", None) or ""
    kind = ConflictException if name == "directory_member_is_in_a_group_once" else UniquenessException
    return kind(detail=_UNIQUE[name]).to_error() if name in _UNIQUE else None
