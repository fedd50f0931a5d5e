"""Addresses of the alerts pages, under ``/t/<slug>/``."""

from django.urls import URLPattern

app_name = "alerts"
urlpatterns: list[URLPattern] = []
