"""What the pages of the auditor's room put together: choices of their forms, and files as answers."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.text import get_valid_filename

from evidence.kinds import Cell
from evidence.room import queries
from evidence.room.actions import Attached
from evidence.room.models import AuditRequest
from evidence.room.policies import can_take_turn
from evidence.room.populations import OF_A_PERIOD, Found, campaigns_within, items_of
from evidence.states import Turn
from evidence.tables import csv_bytes, from_rows
from tenants.kinds import Actor
from tenants.models import Engagement


def turns_of(request: AuditRequest, by: Actor) -> list[Turn]:
    """Return the turns that the actor may take now, given words and something attached."""
    turns = [turn for turn in Turn if turn != Turn.ASK]
    return [turn for turn in turns if can_take_turn(by, request, turn, "why", attached=turn == Turn.PROVIDE)]


def attachable_to(engagement: Engagement) -> list[tuple[str, str]]:
    """Return what an officer can attach in a room."""
    packs = [(f"pack:{one.pk}", f"Pack: {one.title}") for one in queries.packs_within(engagement)[:50]]
    found = [(f"population:{one.pk}", f"Population: {one.title}") for one in queries.populations(engagement)[:50]]
    drawn = [(f"sample:{one.pk}", f"Sample: {one}") for one in queries.samples(engagement)[:50]]
    return [*packs, *found, *drawn]


def attached_of(engagement: Engagement, chosen: str, document: UploadedFile[bytes] | None) -> Attached:
    """Return what was chosen, of this room alone; a document goes alone too."""
    kind, _, key = chosen.partition(":")
    if kind == "pack":
        return Attached(pack=get_object_or_404(queries.packs_within(engagement), pk=int(key)))
    if kind == "population":
        return Attached(population=get_object_or_404(queries.populations(engagement), pk=int(key)))
    if kind == "sample":
        return Attached(sample=get_object_or_404(queries.samples(engagement), pk=int(key)))
    if document is None:
        return Attached()
    return Attached(document_name=get_valid_filename(document.name or "document")[:200], document=document.read())


def freezable(engagement: Engagement) -> list[tuple[str, str]]:
    """Return the campaigns whose items can be frozen for a room."""
    return [(str(one.pk), f"Items of {one.name}") for one in campaigns_within(engagement)[:100]]


def found_of(engagement: Engagement, chosen: str) -> Found:
    """Return the chosen population as it is now.

    Raises:
        Http404: no such campaign lies in the room's period.
    """
    if chosen in OF_A_PERIOD:
        return OF_A_PERIOD[chosen][1](engagement)
    campaign = campaigns_within(engagement).filter(pk=int(chosen)).first()
    if campaign is None:
        raise Http404
    return items_of(campaign)


def csv_file(lines: Sequence[Sequence[Cell]]) -> bytes:
    """Return lines as CSV that cannot run, the column names first."""
    head, *rows = lines
    return csv_bytes(from_rows("sheet", "Attribute sheet", [str(name) for name in head], rows))


def file_answer(data: bytes, name: str, kind: str) -> HttpResponse:
    """Answer with a file under an ASCII name that needs no quoting; browsers store nothing of it."""
    answer = HttpResponse(data, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
