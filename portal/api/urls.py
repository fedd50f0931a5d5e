"""Addresses of the API, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver, include, path

from evidence import api as evidence
from identities import api as identities
from logs import api as logs
from portal.api import views
from reviews import api as reviews
from tenants import api as tenants

app_name = "api"

of_tenant: list[URLPattern | URLResolver] = [
    path("audit-trail/", tenants.AuditTrail.as_view(), name="audit_trail"),
    path("sources/", logs.Sources.as_view(), name="sources"),
    path("sources/<int:source_id>/", logs.Source.as_view(), name="source"),
    path("events/", logs.Events.as_view(), name="events"),
    path("events/<slug:key>/", logs.Event.as_view(), name="event"),
    path("snapshots/", identities.Snapshots.as_view(), name="snapshots"),
    path("snapshots/<int:snapshot_id>/rows/", identities.SnapshotRows.as_view(), name="snapshot_rows"),
    path("plans/", reviews.Plans.as_view(), name="plans"),
    path("campaigns/", reviews.Campaigns.as_view(), name="campaigns"),
    path("campaigns/<int:campaign_id>/", reviews.OneCampaign.as_view(), name="campaign"),
    path("campaigns/<int:campaign_id>/items/", reviews.Items.as_view(), name="items"),
    path("campaigns/<int:campaign_id>/decisions/", reviews.Decisions.as_view(), name="decisions"),
    path("controls/", evidence.Controls.as_view(), name="controls"),
    path("packs/", evidence.Packs.as_view(), name="packs"),
    path("packs/<int:pack_id>/", evidence.Pack.as_view(), name="pack"),
    path("packs/<int:pack_id>/issue/", evidence.PackIssue.as_view(), name="pack_issue"),
    path("packs/<int:pack_id>/withdraw/", evidence.PackWithdrawal.as_view(), name="pack_withdrawal"),
    path("packs/<int:pack_id>/download/", evidence.PackDownload.as_view(), name="pack_download"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.reference, name="reference"),
    path("schema", views.schema, name="schema"),
    path("t/<slug:slug>/", include(of_tenant)),
]
