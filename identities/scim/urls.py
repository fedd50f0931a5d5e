"""Addresses of the SCIM service, under ``/api/v1/t/<slug>/scim/v2/``; SCIM's own names, without a slash at the end."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tenants.kinds import Permission

app_name = "scim"
VIEWS = "identities.scim.views"


def view(name: str, **words: str) -> Callable[..., HttpResponseBase]:
    """Return a view that is imported by its first call: SCIM's models take a second of each web server's start."""

    @cache
    def made() -> Callable[..., HttpResponseBase]:
        found: Any = getattr(import_module(VIEWS), name)
        return found.as_view(**words)  # type: ignore[no-any-return]  # a view by its name

    @csrf_exempt
    def answer(request: HttpRequest, **address: Any) -> HttpResponseBase:
        return made()(request, **address)

    answer.__module__, answer.__qualname__ = VIEWS, name
    answer.permissions = (Permission.PEOPLE_PROVISION,)  # type: ignore[attr-defined]  # the walk over all addresses reads it
    return answer


urlpatterns = [
    path("ServiceProviderConfig", view("Config"), name="config"),
    path("ResourceTypes", view("Described", kind="types"), name="types"),
    path("ResourceTypes/<str:name>", view("Described", kind="types"), name="type"),
    path("Schemas", view("Described", kind="schemas"), name="schemas"),
    path("Schemas/<str:name>", view("Described", kind="schemas"), name="schema"),
    path("Users", view("People"), name="users"),
    path("Users/.search", view("PeopleSearch"), name="users_search"),
    path("Users/<uuid:uid>", view("OnePerson"), name="user"),
    path("Groups", view("Groups"), name="groups"),
    path("Groups/.search", view("GroupSearch"), name="groups_search"),
    path("Groups/<uuid:uid>", view("OneGroup"), name="group"),
    path(".search", view("Search"), name="search"),
    path("Bulk", view("Bulk"), name="bulk"),
    path("<path:rest>", view("Nothing"), name="nothing"),
]
