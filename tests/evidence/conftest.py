"""What the evidence tests share: a period of real records, and signer files in a directory of the test's own."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from evidence.actions import PackRequest, request_pack
from evidence.kinds import Period
from evidence.models import EvidencePack
from logs.actions import record_events
from reviews.actions import decide, decide_in_bulk, open_campaign, undo_bulk
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.logs.sources import SSHD_BAD, SSHD_OK, failures, lines, source
from tests.reviews import conftest as reviewing


@pytest.fixture(autouse=True)
def signer_folder(settings: Settings, tmp_path: Path) -> Path:
    """Keep the signer's key and state beside the test."""
    folder = tmp_path / "signer"
    settings.COUNTERSIGN_SIGNER = str(folder)
    return folder


@pytest.fixture
def period() -> Period:
    """The last ninety days, up to an hour from now."""
    now = timezone.now()
    return Period(now - timedelta(days=90), now + timedelta(hours=1), "Europe/Madrid")


@pytest.fixture
def officer(bpo: Tenant, carla: User) -> Actor:
    """The compliance officer."""
    return make.actor(carla, bpo)


@pytest.fixture
def reviewed(bpo: Tenant, officer: Actor, remy: User, rosa: User) -> Campaign:
    """A campaign over six grants with two decisions, and some log lines."""
    with tenant_scope(bpo):
        logs = source(expected={"every_minutes": 60})
        body = lines(SSHD_OK, SSHD_BAD, *failures(15))
        record_events(source=logs, body=body, door="tests", by=Actor.system("tests", bpo.pk))
    with tenant_scope(bpo):
        cast = reviewing.cast.__wrapped__(bpo, *_people(bpo))
        reviewing.deliver(cast)
        campaign = open_campaign(campaign=reviewing.ready(cast), by=cast.officer)
    with tenant_scope(bpo):
        decide(item=reviewing.item(campaign, "bob"), choice=reviewing.KEEP, by=cast.remy)
        choice = Choice(Outcome.REVOKE, "=2+5 left the Acme desk in March.", seen_seconds=9)
        decide(item=reviewing.item(campaign, "bob", "admin_all"), choice=choice, by=cast.remy)
    return campaign


@pytest.fixture
def undone(bpo: Tenant, reviewed: Campaign, rosa: User) -> Campaign:
    """The campaign with a bulk of three that its reviewer took back, one of them having been revoked before."""
    by = make.actor(rosa, bpo)
    with tenant_scope(bpo):
        items = [reviewing.item(reviewed, name) for name in ("remy", "cem", "backup")]
        bulk = decide_in_bulk(items=items, choice=Choice(Outcome.CERTIFY), by=by)[0].bulk
        decide(item=items[1], choice=reviewing.REVOKE, by=by)
        assert len(undo_bulk(campaign=reviewed, bulk=bulk, by=by)) == 2
    return reviewed


def _people(bpo: Tenant) -> tuple[User, ...]:
    """Return the people that the reviews' cast takes."""
    return tuple(User.objects.get(email=f"{name}@example.org") for name in ("carla", "remy", "rosa"))


@pytest.fixture
def pack(bpo: Tenant, officer: Actor, period: Period) -> Callable[..., EvidencePack]:
    """Ask for a pack over the period."""

    def ask(frameworks: tuple[str, ...] = ("soc2",), *, parquet: bool = False, volumes: bool = False) -> EvidencePack:
        with tenant_scope(bpo):
            chosen = {"parquet": parquet, "volumes": volumes}
            asked = PackRequest(period, frameworks, "Axel Brandt, Brandt Assurance", **chosen)
            return request_pack(tenant=bpo, asked=asked, by=officer, queue=False)

    return ask
