"""Addresses of the logs pages, under ``/t/<slug>/``."""

from django.urls import path

from logs.views import (
    again,
    attendance,
    coverage,
    events,
    mappings,
    retention,
    routing,
    searches,
    sources,
    timelines,
    unmatched,
)

app_name = "logs"
urlpatterns = [
    path("search/", events.search, name="search"),
    path("search/export.csv", events.export, {"form_name": "csv"}, name="export_csv"),
    path("search/export.ndjson", events.export, {"form_name": "ndjson"}, name="export_ndjson"),
    path("search/export.ocsf.ndjson", events.export, {"form_name": "ocsf"}, name="export_ocsf"),
    path("search/exports/", searches.export_list, name="exports"),
    path("search/exports/<uuid:export_id>/manifest.json", searches.export_manifest, name="export_manifest"),
    path("search/views/", searches.search_save, name="search_save"),
    path("search/views/<int:search_id>/remove/", searches.search_remove, name="search_remove"),
    path("events/<str:key>/", events.event, name="event"),
    path("attendance/", attendance.attendance, name="attendance"),
    path("attendance/export.csv", attendance.attendance_export, name="attendance_export"),
    path("people/<path:key>/", timelines.timeline, name="timeline"),
    path("things/<slug:kind>/<path:value>/", timelines.thing, name="thing"),
    path("coverage/", coverage.coverage, name="coverage"),
    path("sources/", sources.sources, name="sources"),
    path("sources/new/", sources.source_add, name="source_add"),
    path("sources/<int:source_id>/", sources.source, name="source"),
    path("sources/<int:source_id>/change/", sources.source_change, name="source_change"),
    path("sources/<int:source_id>/routing/", routing.routing, name="routing"),
    path("sources/<int:source_id>/mapping/", mappings.mapping, name="mapping"),
    path("sources/<int:source_id>/mapping/take-up/", mappings.mapping_take_up, name="mapping_take_up"),
    path("sources/<int:source_id>/again/", again.read_again, name="read_again"),
    path("sources/<int:source_id>/switch/", sources.switch, name="source_switch"),
    path("sources/<int:source_id>/tokens/", sources.token_issue, name="token_issue"),
    path("sources/<int:source_id>/tokens/<int:token_id>/revoke/", sources.token_revoke, name="token_revoke"),
    path("register/unmatched/", unmatched.unmatched, name="unmatched"),
    path("register/unmatched/claim/", unmatched.claim, name="claim"),
    path("retention/", retention.retention, name="retention"),
    path("retention/terms/", retention.term_set, name="term_set"),
    path("retention/holds/", retention.hold_set, name="hold_set"),
    path("retention/holds/<int:hold_id>/lift/", retention.hold_lift, name="hold_lift"),
    path("quarantine/", sources.quarantined, name="quarantine"),
]
