"""Addresses of the API, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver, include, path

from portal.api import views
from tenants import api as tenants

app_name = "api"

of_tenant: list[URLPattern | URLResolver] = [
    path("audit-trail/", tenants.AuditTrail.as_view(), name="audit_trail"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.reference, name="reference"),
    path("schema", views.schema, name="schema"),
    path("t/<slug:slug>/", include(of_tenant)),
]
