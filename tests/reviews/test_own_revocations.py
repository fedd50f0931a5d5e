"""A revocation names who has to carry it out: the owner of the system when it was signed, from then on."""

import pytest
from django.db import DatabaseError, transaction

from identities.models import System
from reviews.models import Campaign, Remediation
from tenants.models import User
from tests import make
from tests.reviews.conftest import Cast, person
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db


def revoked(campaign: Campaign, cast: Cast) -> Remediation:
    """Decide and sign; return the revocation of Bob's administration."""
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    return Remediation.objects.get()


def cell(campaign: Campaign, reader: User) -> str:
    """Return what the list of revocations says in the column of the owner."""
    told = make.login(reader).get(f"/t/northwind/campaigns/{campaign.pk}/remediations/").content.decode()
    return told.split('data-label="Owner">')[1].split("<")[0]


def test_the_owner_at_the_signing_stays_when_the_system_changes_hands(
    campaign: Campaign, cast: Cast, carla: User
) -> None:
    fix = revoked(campaign, cast)
    System.objects.update(owner=person("E1"))
    Remediation.objects.update(ticket="OPS-1")
    fix.refresh_from_db()
    assert fix.owner == person("M2")
    assert cell(campaign, carla) == "Rosa"
    with pytest.raises(DatabaseError, match="stays with who owned the system"), transaction.atomic():
        Remediation.objects.update(owner=person("E1"))
    with pytest.raises(DatabaseError, match="stays with who owned the system"), transaction.atomic():
        Remediation.objects.update(owner=None)


def test_a_system_without_an_owner_is_said(campaign: Campaign, cast: Cast, carla: User) -> None:
    System.objects.update(owner=None)
    assert revoked(campaign, cast).owner is None
    assert cell(campaign, carla) == "no owner of the system is known"
