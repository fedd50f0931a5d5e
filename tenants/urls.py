"""Addresses of the tenants pages, under ``/t/<slug>/``."""

from django.urls import URLPattern

app_name = "tenants"
urlpatterns: list[URLPattern] = []
