"""Approving places for remote access: what names a place, who may, what is kept, and that nothing of it changes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from logs.approval import read_place
from logs.models import ApprovedPlace
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make

pytestmark = pytest.mark.django_db
PAGE = "/t/northwind/places/"
WRONG = {
    "Atlantis": "is no country",
    "203.0.113.7/24": "is no network",
    "0.0.0.0/0": "holds every address",
    "::/0": "holds every address",
    "AA": "is no country",
}


def test_a_place_is_a_network_an_address_or_a_country() -> None:
    assert read_place(" 203.0.113.0/24 ") == ("203.0.113.0/24", "")
    assert (read_place("203.0.113.7"), read_place("2001:DB8::/32")) == (("203.0.113.7/32", ""), ("2001:db8::/32", ""))
    assert read_place("spain") == read_place("es") == ("", "ES")
    for text, why in WRONG.items():
        with pytest.raises(ValueError, match=why):
            read_place(text)


def sent(place: str, days_ago: int = 1, **also: str) -> dict[str, str]:
    day = timezone.localdate() - timedelta(days=days_ago)
    told = {"approved_by": "Ines Coll, CISO", "approved_on": day.isoformat(), "reason": "Home office, policy 4.2."}
    return {"place": place, **told, **also}


def test_an_officer_approves_a_place_and_ends_it(bpo: Tenant, carla: User, ana: User) -> None:
    officer, analyst = make.login(carla), make.login(ana)
    assert "No place is approved" in analyst.get(PAGE).content.decode()
    assert analyst.post(f"{PAGE}approve/", sent("ES")).status_code == 403
    assert officer.post(f"{PAGE}approve/", sent("ES")).status_code == 302
    for wrong in (
        sent("ES"),
        sent("FR", days_ago=-2),
        sent("FR", reason=" "),
        sent("Atlantis"),
        sent("FR", system="9"),
    ):
        assert officer.post(f"{PAGE}approve/", wrong).status_code == 422
    with tenant_scope(bpo):
        place = ApprovedPlace.objects.get()
    midnight = datetime.combine(timezone.localdate() - timedelta(days=1), datetime.min.time(), bpo.zone)
    assert (place.country, place.approved_at, place.set_by) == ("ES", midnight.astimezone(UTC), "carla@example.org")
    end = f"{PAGE}{place.pk}/end/"
    assert analyst.post(end, {"reason": "Over."}).status_code == 403
    for reason in ("", "The office is closed.", "Again."):
        assert officer.post(end, {"reason": reason}).status_code == 302
    said = officer.get(PAGE).content.decode()
    assert "Spain (ES)" in said
    assert "Ended: The office is closed." in said
    assert "later than it was approved" in said
    with tenant_scope(bpo):
        deeds = list(AuditEntry.objects.filter(verb__startswith="place.").order_by("at").values_list("verb", "target"))
    assert deeds == [("place.approve", "ES for every system"), ("place.end", "ES for every system")]


CHANGES = (
    "UPDATE logs_approvedplace SET reason = 'x'",
    "UPDATE logs_approvedplace SET ended_at = now() - interval '1 day', ended_by = 'x', end_reason = 'x'",
    "DELETE FROM logs_approvedplace",
    "INSERT INTO logs_approvedplace (tenant_id, network, country, approved_by, approved_at, reason, set_by, set_at, "
    "ended_by, end_reason) SELECT tenant_id, '', 'FR', 'x', approved_at, 'x', 'x', set_at - interval '1 hour', '', '' "
    "FROM logs_approvedplace",
)


def test_the_database_lets_nobody_change_an_approval_or_choose_its_time(in_bpo: Tenant) -> None:
    told = {"approved_by": "x", "approved_at": timezone.now() - timedelta(days=9), "reason": "x", "set_by": "x"}
    ApprovedPlace.objects.create(country="ES", **told)
    for change in CHANGES:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
