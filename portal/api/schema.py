"""The API's description: OpenAPI 3.1 from the views, with the problems and the two ways to sign in."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

PROBLEM: Final = {
    "type": "object",
    "description": "What is wrong, as RFC 9457 describes it.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what to do."},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
PROBLEMS: Final = {
    "400": "A parameter or the body is wrong; its member errors says which and why.",
    "401": "No token, or one that was revoked or has expired.",
    "403": "The token or the role has not the scope that is needed, or a rule refuses the deed.",
    "404": "There is no such thing in this tenant, or the caller is a stranger to the tenant.",
    "410": "The event was removed when its term had passed, or erased: the ledger says by which entry.",
    "500": "The portal failed. It was logged.",
}
"""The statuses that every operation may answer with, and what they mean."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped base
    """Describes API tokens."""

    target_class = "tenants.apiauth.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 -- its signature
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "An API token of the tenant (`csn_api_...`)."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped base
    """Describes the browser's session."""

    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 -- its signature
        """Return the scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of somebody who is signed in; writes also need the header `X-CSRFToken`.",
        }


class TenantSchema(AutoSchema):
    """Adds what every tenant view has: its scope in words, its tag, and its problems."""

    def get_description(self) -> str:  # type: ignore[override]  # never None here
        """Return the words of the view's class and the scope that it needs."""
        words = " ".join((type(self.view).__doc__ or "").split())
        scopes = " or ".join(f"`{permission}`" for permission in getattr(self.view, "permissions", ()))
        return f"{words}\n\nScope: {scopes}." if scopes else words

    def get_tags(self) -> list[str]:
        """Return the first word of the address after the tenant."""
        words = self.path.split("{slug}/", 1)
        return [words[1].split("/")[0]] if len(words) == 2 else ["api"]


INGEST: Final[dict[str, Any]] = {
    "operationId": "ingest",
    "tags": ["ingest"],
    "summary": "Deliver log records",
    "description": (
        "Takes a body of log records in the source's format; gzip and chunked bodies too. The answer comes after the "
        "commit: what it counts is stored, sealed and in the tenant's ledger. Sending the same body again changes "
        "nothing. A full server answers 503 with Retry-After: send again then."
        "\n\nScope: `a token of the source` (csn_src_...), which opens nothing else."
    ),
    "parameters": [
        {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}, "description": "The tenant."},
        {
            "name": "source_key",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": "The key of the source.",
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": {"type": "string", "maxLength": 200},
            "description": "The sender's own name for this body; the same key with another body is refused.",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "description": "Log records as the source writes them."}}
            for kind in ("application/x-ndjson", "application/json", "text/plain", "text/csv")
        },
    },
    "security": [{"token": []}],
    "responses": {
        "200": {
            "description": "What became of the body.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "batch": {"type": "string", "format": "uuid", "description": "The batch of the ledger."},
                            "received": {"type": "integer", "description": "Records in the body."},
                            "stored": {"type": "integer"},
                            "duplicates": {"type": "integer"},
                            "ignored": {"type": "integer", "description": "Known records that are no access events."},
                            "rejected": {"type": "integer", "description": "Records in quarantine."},
                            "routed": {
                                "type": "object",
                                "additionalProperties": {"type": "integer"},
                                "description": "Of the stored events, how many went to which client (its slug). Only "
                                "where the source has routing rules; what is named nowhere stayed with its owner.",
                            },
                            "replayed": {"type": "boolean", "description": "Whether the body was here before."},
                            "errors": {
                                "type": "array",
                                "items": {"type": "object"},
                                "description": "The first 100 records in quarantine, each with its reason.",
                            },
                        },
                        "required": ["batch", "received", "stored", "duplicates", "ignored", "rejected", "replayed"],
                    }
                }
            },
        }
    },
}
"""The intake door, which is no view of DRF: it reads bodies of any size as a stream."""


def add_problems(result: dict[str, Any], generator: SchemaGenerator, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001, FBT001 -- drf-spectacular's hook
    """Describe the intake door, and give every operation its problems."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    result["paths"]["/api/v1/t/{slug}/ingest/{source_key}"] = {"post": {**INGEST, "responses": {**INGEST["responses"]}}}
    for path in result["paths"].values():
        for operation in path.values():
            for status, words in PROBLEMS.items():
                operation["responses"].setdefault(status, {"description": words, "content": content})
    return result


def api_schema() -> dict[str, Any]:
    """Return the description of the API."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # untyped
    return schema
