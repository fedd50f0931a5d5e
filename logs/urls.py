"""Addresses of the logs pages, under ``/t/<slug>/``."""

from django.urls import URLPattern

app_name = "logs"
urlpatterns: list[URLPattern] = []
