"""The API's description: as a document for machines and as a page for people."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.api.reference import reference as operations
from portal.api.schema import PROBLEMS, api_schema


@require_safe
def schema(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """Answer with the OpenAPI 3.1 document."""
    return JsonResponse(api_schema(), content_type="application/vnd.oai.openapi+json")


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show every address of the API, from the same description."""
    return render(request, "portal/api/reference.html", {"groups": operations(), "problems": PROBLEMS.items()})
