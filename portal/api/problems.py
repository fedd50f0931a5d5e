"""Every error of the API is a problem (RFC 9457): what is wrong, and what the caller can do."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from tenants.apiview import NOT_HERE
from tenants.kinds import Refused

MEDIA_TYPE: Final = "application/problem+json"
PREFIX: Final = "/api/"


def problem(status: int, detail: str, path: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Return the members of a problem; ``type`` is the address of its explanation on the reference page."""
    phrase = HTTPStatus(status).phrase
    members: dict[str, Any] = {
        "type": f"/api/v1/#problem-{status}",
        "title": phrase,
        "status": status,
        "detail": detail,
        "instance": path,
    }
    if errors:
        members["errors"] = errors
    return members


def problem_handler(fault: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer a fault of a view with a problem; None for what is not foreseen, which Django logs and answers 500."""
    known = _known(fault)
    response = exception_handler(known, dict(context))
    if response is None:
        return None
    path = context["request"].path
    errors = list(_errors(known.detail)) if isinstance(known, ValidationError) else None
    detail = "Some values are wrong: see errors." if errors else str(getattr(known, "detail", known))
    answer = Response(problem(response.status_code, detail, path, errors), status=response.status_code)
    for name in ("WWW-Authenticate", "Allow", "Retry-After"):
        if name in response.headers:
            answer[name] = response.headers[name]
    answer.content_type = MEDIA_TYPE
    return answer


def _known(fault: Exception) -> Exception:
    """Return the fault in DRF's terms."""
    if isinstance(fault, Refused):
        return PermissionDenied(fault.verdict.reason)
    if isinstance(fault, Http404):
        return NotFound(NOT_HERE)
    if isinstance(fault, DjangoValidationError):
        return ValidationError(fault.message_dict if hasattr(fault, "error_dict") else {"": fault.messages})
    return fault


def _errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield what is wrong, one sentence each, with a JSON pointer to the value (RFC 6901)."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name in {"", "non_field_errors"} else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from _errors(inner, path + step)
    elif isinstance(detail, list | tuple):
        for place, inner in enumerate(detail):
            deeper = f"{path}/{place}" if isinstance(inner, Mapping) else path
            yield from _errors(inner, deeper)
    else:
        yield {"pointer": f"#{path}", "detail": str(detail)}


def _plain(request: HttpRequest, status: int, detail: str) -> JsonResponse:
    return JsonResponse(problem(status, detail, request.path), status=status, content_type=MEDIA_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404: a problem under ``/api/``, else the page."""
    if request.path.startswith(PREFIX):
        return _plain(request, 404, NOT_HERE)
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: a problem under ``/api/``, else the page."""
    if request.path.startswith(PREFIX):
        return _plain(request, 400, "The request could not be read.")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403: a problem under ``/api/``, else the page."""
    if request.path.startswith(PREFIX):
        return _plain(request, 403, "This is not allowed.")
    return defaults.permission_denied(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: a problem under ``/api/``, else the page; neither says more than that the portal failed."""
    if request.path.startswith(PREFIX):
        return _plain(request, 500, "The portal failed. It was logged; try again later.")
    return defaults.server_error(request)
