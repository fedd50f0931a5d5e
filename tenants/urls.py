"""Addresses of the tenant's own pages, under ``/t/<slug>/``."""

from django.urls import path

from tenants import views

app_name = "tenants"
urlpatterns = [
    path("people-and-roles/", views.people, name="people"),
    path("people-and-roles/add/", views.person_add, name="person_add"),
    path("people-and-roles/<int:membership_id>/end/", views.role_end, name="role_end"),
    path("audit/", views.trail, name="audit"),
    path("purpose/", views.purpose, name="purpose"),
    path("purpose/list/", views.purposes_set, name="purposes_set"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", views.token_revoke, name="token_revoke"),
    path("work/<int:work_id>/", views.work, name="work"),
    path("work/<int:work_id>/cancel/", views.work_cancel, name="work_cancel"),
]
