"""Addresses of the identities pages, under ``/t/<slug>/``."""

from django.urls import URLPattern

app_name = "identities"
urlpatterns: list[URLPattern] = []
