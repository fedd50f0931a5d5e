"""Addresses of the register's pages."""

from django.urls import path

from identities import views

app_name = "identities"
urlpatterns = [
    path("register/", views.register, name="register"),
    path("register/systems/new/", views.system_edit, name="system_new"),
    path("register/systems/<slug:key>/", views.system_page, name="system"),
    path("register/systems/<slug:key>/difference/", views.difference, name="difference"),
    path("register/systems/<slug:key>/edit/", views.system_edit, name="system_edit"),
    path("register/systems/<slug:key>/columns/", views.columns, name="columns"),
    path("register/systems/<slug:key>/upload/", views.upload, name="upload"),
    path("register/snapshots/<int:snapshot_id>/", views.snapshot_page, name="snapshot"),
    path("register/people/", views.people_page, name="people"),
    path("register/people/choices/", views.people_choices, name="people_choices"),
    path("register/people/changes/", views.people_changes, name="people_changes"),
    path("register/people/upload/", views.people_upload, name="people_upload"),
    path("register/people/columns/", views.people_columns, name="people_columns"),
    path("register/rosters/upload/", views.roster_upload, name="roster_upload"),
]
