"""Addresses of the portal's own pages."""

from django.urls import URLPattern

app_name = "portal"
urlpatterns: list[URLPattern] = []
