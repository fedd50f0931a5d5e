"""Addresses of the collectors' own protocols, under the root and under ``/api/v1/t/<slug>/``.

The protocols prescribe what stands behind the base address. Under the root the token names the tenant.
"""

from django.urls import path

from logs.doors import elastic, hec, journal, otlp

_HEC = "services/collector"
urlpatterns = [
    *(path(f"{_HEC}{kin}", hec.events, name="hec") for kin in ("", "/event", "/event/1.0")),
    *(path(f"{_HEC}{kin}", hec.raw, name="hec_raw") for kin in ("/raw", "/raw/1.0")),
    path(f"{_HEC}/ack", hec.ack, name="hec_ack"),
    *(path(f"{_HEC}{kin}", hec.health, name="hec_health") for kin in ("/health", "/health/1.0")),
    path("v1/logs", otlp.logs, name="otlp_logs"),
    *(path(base, elastic.root, name="elastic_root") for base in ("elastic", "elastic/")),
    path("elastic/_license", elastic.licence, name="elastic_licence"),
    path("elastic/_bulk", elastic.bulk, name="elastic_bulk"),
    path("elastic/<str:index>/_bulk", elastic.bulk, name="elastic_bulk_index"),
    path("journal/upload", journal.upload, name="journal_upload"),
]
