"""Address of the intake door, under ``/api/v1/t/<slug>/``."""

from django.urls import path

from logs.doors import native

app_name = "logs-api"
urlpatterns = [path("ingest/<slug:source_key>", native.ingest, name="ingest")]
