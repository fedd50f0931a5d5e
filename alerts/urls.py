"""Addresses of the alerts pages, under ``/t/<slug>/``."""

from django.urls import path

from alerts import views
from alerts.incidents import views as incidents

app_name = "alerts"
urlpatterns = [
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/<int:alert_id>/", views.alert_page, name="alert"),
    path("alerts/<int:alert_id>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("alerts/<int:alert_id>/close/", views.close, name="close"),
    path("alerts/incidents/", incidents.incidents, name="incidents"),
    path("alerts/incidents/new/", incidents.incident_new, name="incident_new"),
    path("alerts/incidents/<int:incident_id>/", incidents.incident_page, name="incident"),
    path("alerts/settings/", views.settings_page, name="settings"),
    path("alerts/settings/preview/", views.settings_preview, name="settings_preview"),
    path("alerts/mail/<int:notice_id>/retry/", views.retry_mail, name="retry_mail"),
]
