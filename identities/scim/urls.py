"""Addresses of the SCIM service, under ``/api/v1/t/<slug>/scim/v2/``; SCIM's own names, without a slash at the end."""

from django.urls import path

from identities.scim import views

app_name = "scim"
urlpatterns = [
    path("ServiceProviderConfig", views.Config.as_view(), name="config"),
    path("ResourceTypes", views.Described.as_view(kind="types"), name="types"),
    path("ResourceTypes/<str:name>", views.Described.as_view(kind="types"), name="type"),
    path("Schemas", views.Described.as_view(kind="schemas"), name="schemas"),
    path("Schemas/<str:name>", views.Described.as_view(kind="schemas"), name="schema"),
    path("Users", views.People.as_view(), name="users"),
    path("Users/.search", views.PeopleSearch.as_view(), name="users_search"),
    path("Users/<uuid:uid>", views.OnePerson.as_view(), name="user"),
    path("Groups", views.Groups.as_view(), name="groups"),
    path("Groups/.search", views.GroupSearch.as_view(), name="groups_search"),
    path("Groups/<uuid:uid>", views.OneGroup.as_view(), name="group"),
    path(".search", views.Search.as_view(), name="search"),
    path("Bulk", views.Bulk.as_view(), name="bulk"),
    path("<path:rest>", views.Nothing.as_view(), name="nothing"),
]
