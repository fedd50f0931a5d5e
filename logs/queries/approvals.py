"""Approved places: as the page lists them, and as rules compare sessions with them."""

from dataclasses import dataclass
from ipaddress import ip_network

from logs.approval import Approval
from logs.models import ApprovedPlace
from logs.places import country_names


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """One approval on the page, with the place in words."""

    place: ApprovedPlace
    title: str
    recorded_later: bool


def place_lines() -> list[PlaceLine]:
    """Return every approval: those in force first, each part newest first."""
    rows = list(ApprovedPlace.objects.select_related("system"))
    return [_line(row) for row in sorted(rows, key=lambda row: row.ended_at is not None)]


def _line(row: ApprovedPlace) -> PlaceLine:
    title = row.network or f"{country_names().get(row.country, row.country)} ({row.country})"
    return PlaceLine(row, title, (row.set_at - row.approved_at).days >= 1)


def approved_place(place_id: int) -> ApprovedPlace | None:
    """Return one approval of the open tenant."""
    return ApprovedPlace.objects.select_related("system").filter(pk=place_id).first()


def approvals() -> tuple[Approval, ...]:
    """Return what `logs.approval.approved` compares a session with: every approval, ended ones too."""
    return tuple(_approval(row) for row in ApprovedPlace.objects.all())


def _approval(row: ApprovedPlace) -> Approval:
    network = ip_network(row.network) if row.network else None
    return Approval(network, row.country, row.system_id, row.approved_at, row.ended_at)
