"""Addresses of the reviews pages, under ``/t/<slug>/``."""

from django.urls import URLPattern

app_name = "reviews"
urlpatterns: list[URLPattern] = []
