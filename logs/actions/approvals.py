"""Approving places for remote access, and ending what was approved."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from identities.models import System
from logs.approval import read_place
from logs.models import ApprovedPlace
from logs.policies import can_approve_place
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """A place (a network or a country, as it was written), for one system or for all; who approved it, when and why.

    ``approved_on`` is a day in ``zone``; the approval holds from its beginning.
    """

    place: str
    system: System | None
    approved_by: str
    approved_on: date
    zone: ZoneInfo
    reason: str


@transaction.atomic
def approve_place(*, facts: PlaceFacts, by: Actor) -> ApprovedPlace:
    """Record that remote access is allowed from a place.

    Raises:
        ValidationError: the text names no place, the day lies ahead, who or why is missing, or it is approved already.
    """
    enforce(can_approve_place(by))
    try:
        network, country = read_place(facts.place)
    except ValueError as fault:
        raise ValidationError(str(fault)) from fault
    since = datetime.combine(facts.approved_on, time(), facts.zone).astimezone(UTC)
    if since > timezone.now():
        raise ValidationError("This day lies ahead: record the approval when it holds.")
    if not facts.approved_by.strip() or not facts.reason.strip():
        raise ValidationError("Say who approved the place, and why: auditors read it.")
    if ApprovedPlace.objects.filter(network=network, country=country, system=facts.system, ended_at=None).exists():
        raise ValidationError("This place is approved already. End that approval before you record another.")
    place = ApprovedPlace(network=network, country=country, system=facts.system, approved_at=since, set_by=by.name)
    place.approved_by, place.reason = facts.approved_by.strip(), facts.reason.strip()
    place.save(force_insert=True)
    audit("place.approve", by=by, target=_named(place), detail=_said(place))
    return place


@transaction.atomic
def end_approved_place(*, place: ApprovedPlace, reason: str, by: Actor) -> None:
    """End an approval: sessions from there that begin from now on come from elsewhere.

    Raises:
        ValidationError: no reason is given, or the approval has ended already.
    """
    enforce(can_approve_place(by))
    if not reason.strip():
        raise ValidationError("Say why the approval ends: auditors read it.")
    values = {"ended_at": Now(), "ended_by": by.name, "end_reason": reason.strip()}
    if not ApprovedPlace.objects.filter(pk=place.pk, ended_at=None).update(**values):
        raise ValidationError("This approval has ended already.")
    audit("place.end", by=by, target=_named(place), detail={"place": place.pk, "reason": reason.strip()})


def _named(place: ApprovedPlace) -> str:
    return f"{place} for {place.system or 'every system'}"


def _said(place: ApprovedPlace) -> dict[str, object]:
    return {
        "place": place.pk,
        "network": place.network,
        "country": place.country,
        "system": str(place.system or ""),
        "approved_by": place.approved_by,
        "approved_at": place.approved_at.isoformat(),
        "reason": place.reason,
    }
