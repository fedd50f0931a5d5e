"""Addresses of the evidence pages, under ``/t/<slug>/``."""

from django.urls import URLPattern, path

from evidence import views
from evidence.erasures import views as erasures
from evidence.registers import views as registers
from evidence.room import views as room
from evidence.signoffs import views as signoffs

app_name = "evidence"
urlpatterns: list[URLPattern] = [
    path("controls/", views.controls, name="controls"),
    path("controls/evaluate/", views.evaluate, name="evaluate"),
    path("controls/settings/", views.settings, name="settings"),
    path("controls/responses/", registers.responses, name="responses"),
    path("controls/gaps/", registers.gaps, name="gaps"),
    path("controls/gaps/<int:source_id>/", registers.gap, name="gap"),
    path("controls/documents/", registers.documents, name="documents"),
    path("controls/documents/<int:document_id>/file/", registers.document_file, name="document_file"),
    path("controls/processing/", registers.processing, name="processing"),
    path("controls/operations/", registers.operations, name="operations"),
    path("controls/runs/<int:run_id>/<str:kind>/", views.sheet, name="sheet"),
    path("controls/<str:key>/answer/", registers.answer, name="answer"),
    path("controls/<str:key>/", views.control, name="control"),
    path("calendar/", views.calendar, name="calendar"),
    path("calendar/evidence.ics", views.calendar_file, name="calendar_file"),
    path("packs/", views.packs, name="packs"),
    path("packs/new/", views.pack_new, name="pack_new"),
    path("packs/<int:pack_id>/", views.pack, name="pack"),
    path("packs/<int:pack_id>/download/", views.download, name="download"),
    path("packs/<int:pack_id>/sign/", signoffs.sign, name="pack_sign"),
    path("packs/<int:pack_id>/issue/", signoffs.retry, name="pack_retry"),
    path("packs/<int:pack_id>/withdraw/", signoffs.withdraw, name="pack_withdraw"),
    path("packs/<int:pack_id>/share/", views.pack_share, name="pack_share"),
    path("erasures/", erasures.erasures, name="erasures"),
    path("erasures/ask/", erasures.erasure_ask, name="erasure_ask"),
    path("erasures/<uuid:erasure_id>/answer/", erasures.erasure_answer, name="erasure_answer"),
    path("ledger/", views.ledger, name="ledger"),
    path("ledger/verify/", views.verify, name="verify"),
    path("ledger/growth.txt", views.growth, name="growth"),
    path("ledger/verify.py", views.verifier, name="verifier"),
    path("ledger/verify.html", views.verifier_page, name="verifier_page"),
    path("ledger/witness.py", views.witness, name="witness"),
    path("ledger/checkpoint.txt", views.checkpoint, name="checkpoint"),
    path("auditors/", room.auditors, name="auditors"),
    path("auditors/invite/", room.auditor_invite, name="auditor_invite"),
    path("auditors/<int:engagement_id>/end/", room.auditor_end, name="auditor_end"),
    path("auditors/<int:engagement_id>/populations/", room.population_freeze, name="population_freeze"),
    path("room/requests/", room.requests, name="requests"),
    path("room/requests/new/", room.request_new, name="request_new"),
    path("room/requests/<int:request_id>/", room.request_page, name="request"),
    path("room/documents/<int:entry_id>/", room.document, name="document"),
    path("room/populations/", room.populations, name="populations"),
    path("room/populations/<int:population_id>/", room.population, name="population"),
    path("room/populations/<int:population_id>/population.csv", room.population_file, name="population_file"),
    path("room/samples/<int:sample_id>/", room.sample, name="sample"),
    path("room/samples/<int:sample_id>/sheet.csv", room.sample_file, name="sample_file"),
]
