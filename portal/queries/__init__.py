"""Reads of the portal's own pages: they join what the rooms below answer."""

from portal.queries.client import ClientHome, Feed, client_home, feed
from portal.queries.entrance import Entry, tenants_of
from portal.queries.overview import Overview, due_now, overview
from portal.queries.room import Room, RoomCampaign, room, room_campaign

__all__ = [
    "ClientHome",
    "Entry",
    "Feed",
    "Overview",
    "Room",
    "RoomCampaign",
    "client_home",
    "due_now",
    "feed",
    "overview",
    "room",
    "room_campaign",
    "tenants_of",
]
