"""Addresses of the portal's own pages."""

from django.urls import path

from portal import views

app_name = "portal"
urlpatterns = [
    path("", views.entrance, name="entrance"),
    path("preferences/", views.preferences, name="preferences"),
    path("t/<slug:slug>/", views.home, name="home"),
]
