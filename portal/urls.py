"""Every address of the portal: each room's pages stand under ``/t/<slug>/``."""

from django.urls import include, path

ROOMS = ("tenants", "identities", "logs", "alerts", "reviews", "evidence")

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("portal.page_urls")),
    *(path("t/<slug:slug>/", include(f"{room}.urls")) for room in ROOMS),
]
