"""Addresses of the portal's own pages."""

from django.urls import path

from portal import invitation, openid, views

app_name = "portal"
urlpatterns = [
    path("", views.entrance, name="entrance"),
    path("invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("openid/", openid.openid_begin, name="openid_begin"),
    path("openid/again/", openid.openid_again, name="openid_again"),
    path("openid/return/", openid.openid_return, name="openid_return"),
    path("preferences/", views.preferences, name="preferences"),
    path("t/<slug:slug>/", views.home, name="home"),
    path("t/<slug:slug>/overview/", views.overview, name="overview"),
    path("t/<slug:slug>/overview/due/", views.overview_due, name="overview_due"),
    path("t/<slug:slug>/client/", views.client, name="client"),
    path("t/<slug:slug>/client/feed/", views.client_feed, name="client_feed"),
    path("t/<slug:slug>/room/", views.room, name="room"),
    path("t/<slug:slug>/room/campaigns/<int:campaign_id>/", views.room_campaign_page, name="room_campaign"),
]
