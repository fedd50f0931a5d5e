"""Every address of the portal: each room's pages stand under ``/t/<slug>/``."""

from django.urls import include, path

ROOMS = ("tenants", "identities", "logs", "alerts", "reviews", "evidence")

handler400 = "portal.api.problems.bad_request"
handler403 = "portal.api.problems.forbidden"
handler404 = "portal.api.problems.not_found"
handler500 = "portal.api.problems.server_error"

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("portal.page_urls")),
    path("api/v1/", include("portal.api.urls")),
    path("api/v1/t/<slug:slug>/", include("logs.api_urls")),
    path("api/v1/t/<slug:slug>/", include("logs.door_urls")),
    path("api/v1/t/<slug:slug>/scim/v2/", include("identities.scim.urls")),
    path("", include("logs.door_urls")),
    *(path("t/<slug:slug>/", include(f"{room}.urls")) for room in ROOMS),
]
