"""Address of the intake door, under ``/api/v1/t/<slug>/``."""

from django.urls import path

from logs import door

app_name = "logs-api"
urlpatterns = [path("ingest/<slug:source_key>", door.ingest, name="ingest")]
