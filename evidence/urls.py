"""Addresses of the evidence pages, under ``/t/<slug>/``."""

from django.urls import URLPattern

app_name = "evidence"
urlpatterns: list[URLPattern] = []
