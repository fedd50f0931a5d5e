"""Races over real connections: two tabs, a signature against a change of mind, two schedulers; each has one end."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from identities.actions import SystemFacts, save_system, upsert_identities
from identities.models import Identity
from reviews.actions import create_campaign, decide, open_campaign, sign_off
from reviews.kinds import Authentication, Level, Strategy
from reviews.manifest import manifest_digest
from reviews.models import Campaign, CampaignPlan, Decision, ReviewItem, SignOff
from reviews.queries.standing import statement
from tenants.kinds import Refused, Role
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.database import FreshDatabase
from tests.reviews.conftest import KEEP, PEOPLE, REVOKE, Cast, deliver, person, plan
from tests.reviews.test_postpone import later, move

ROUNDS = 60
THREADS = 50


@pytest.fixture
def stage(fresh_database: FreshDatabase) -> tuple[Tenant, Cast]:
    """A committed BPO with its register, its officer and two reviewers."""
    bpo = make.tenant("northwind", "Northwind Services")
    people = {name: make.user(name) for name in ("carla", "remy", "rosa")}
    for name, user in people.items():
        make.member(user, bpo, Role.OFFICER if name == "carla" else Role.REVIEWER)
    actors = {name: make.actor(user, bpo) for name, user in people.items()}
    with tenant_scope(bpo):
        upsert_identities(body=PEOPLE, by=actors["carla"])
        facts = SystemFacts("CRM", "crm", "admin*", owner=Identity.objects.get(external_id="M2"))
        cast = Cast(actors["carla"], actors["remy"], actors["rosa"], save_system(facts=facts, by=actors["carla"]))
        deliver(cast)
    return bpo, cast


def _campaign(bpo: Tenant, cast: Cast, name: str) -> Campaign:
    with tenant_scope(bpo):
        made = create_campaign(plan=plan(cast, name), occurrence_at=timezone.now(), by=cast.officer)
        return open_campaign(campaign=made, by=cast.officer)


def _items(campaign: Campaign, who: str) -> list[ReviewItem]:
    mine = ReviewItem.objects.filter(campaign=campaign, assignments__reviewer=person(who))
    return list(mine.select_related("campaign").order_by("n"))


def _at_once(bpo: Tenant, *deeds: Callable[[], object]) -> list[str]:
    """Run the deeds at the same moment, each on a connection of its own; returns "done" or the refusal of each."""
    gate = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> str:
        try:
            with tenant_scope(bpo):
                gate.wait(timeout=60)
                deed()
        except Refused as refusal:
            return refusal.verdict.reason
        except (DatabaseError, threading.BrokenBarrierError) as error:
            gate.abort()
            return str(error) or "Another could not begin."
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_two_tabs_leave_one_decision(stage: tuple[Tenant, Cast]) -> None:
    bpo, cast = stage
    campaign = _campaign(bpo, cast, "Two tabs")
    with tenant_scope(bpo):
        items = _items(campaign, "M1")
    for item in items:
        answers = _at_once(
            bpo,
            lambda item=item: decide(item=item, choice=KEEP, by=cast.remy, seen=None),
            lambda item=item: decide(item=item, choice=REVOKE, by=cast.remy, seen=None),
        )
        assert sorted(answer == "done" for answer in answers) == [False, True]
        assert any("in another window" in answer for answer in answers)
    with tenant_scope(bpo):
        assert Decision.objects.filter(campaign=campaign).count() == len(items)


def test_two_campaigns_postpone_one_grant_once(stage: tuple[Tenant, Cast]) -> None:
    bpo, cast = stage
    campaigns = [_campaign(bpo, cast, name) for name in ("One", "Other")]
    with tenant_scope(bpo):
        pairs = list(zip(*(_items(campaign, "M1") for campaign in campaigns), strict=True))
        move(cast)
    with crew(bpo, 2) as at_once:
        for pair in pairs:
            answers = at_once(*(partial(decide, item=item, choice=later(9), by=cast.remy) for item in pair))
            assert sorted(answer == "done" for answer in answers) == [False, True], answers
            assert any("postponed before and not decided since" in answer for answer in answers)


ONE = b"account,entitlement,person,kind\nana,agent,E1,human\n"
Answers = Callable[..., list[str]]


@contextmanager
def crew(bpo: Tenant, size: int) -> Iterator[Answers]:
    """Keep connections open over many rounds; gives what runs deeds at once and returns "done" or each refusal."""
    gate = threading.Barrier(size)

    def run(deed: Callable[[], object]) -> str:
        gate.wait(timeout=60)
        try:
            with tenant_scope(bpo):
                deed()
        except Refused as refusal:
            return refusal.verdict.reason
        return "done"

    def leave(_number: int) -> None:
        gate.wait(timeout=60)
        connections.close_all()

    with ThreadPoolExecutor(size) as pool:
        yield lambda *deeds: list(pool.map(run, deeds))
        list(pool.map(leave, range(size)))


def test_sixty_races_leave_no_signature_over_other_decisions(stage: tuple[Tenant, Cast]) -> None:
    """A change of mind, the signature, and two schedulers of the next campaign, on a connection each."""
    bpo, cast = stage
    with tenant_scope(bpo):
        deliver(cast, ONE, days_ago=0)
        weekly, start = plan(cast, "Weekly", strategy=Strategy.NAMED, named=person("M1")), timezone.now()
        campaign = create_campaign(plan=weekly, occurrence_at=start, by=cast.officer)
    won: Counter[str] = Counter()
    with crew(bpo, 4) as at_once:
        for number in range(1, ROUNDS + 1):
            later = start + timedelta(weeks=number)
            answers = at_once(*_round(bpo, cast, campaign, weekly, later))
            with tenant_scope(bpo):
                _agrees(campaign, answers[1::-1])
                assert sorted(answer == "done" for answer in answers[2:]) == [False, True], answers
                campaign = Campaign.objects.get(plan=weekly, occurrence_at=later)
            won["changed" if answers[0] == "done" else "signed"] += 1
    assert sum(won.values()) == ROUNDS, won
    with tenant_scope(bpo):
        assert SignOff.objects.count() == won["signed"] == ROUNDS - Decision.objects.exclude(supersedes=None).count()


def _round(
    bpo: Tenant, cast: Cast, campaign: Campaign, weekly: CampaignPlan, later: datetime
) -> list[Callable[[], object]]:
    """Open and decide a campaign; returns the four deeds that are to meet."""
    with tenant_scope(bpo):
        open_campaign(campaign=campaign, by=cast.officer)
        (item,) = _items(campaign, "M1")
        decide(item=item, choice=KEEP, by=cast.remy)
        shown = statement(Campaign.objects.get(pk=campaign.pk), person("M1"))[1]
    proof = Authentication(Level.CODE, ("password", "code"), timezone.now())
    sign = {"campaign": campaign, "by": cast.remy, "printed_name": "Remy", "shown_digest": shown, "proof": proof}
    schedule = {"plan": weekly, "occurrence_at": later, "by": cast.officer}
    return [
        lambda: decide(item=item, choice=REVOKE, by=cast.remy),
        lambda: sign_off(**sign),
        *[lambda: create_campaign(**schedule)] * 2,
    ]


def _agrees(campaign: Campaign, answers: list[str]) -> None:
    """Check that a signature, if there is one, is over what counts now."""
    signature = SignOff.objects.filter(campaign=campaign).first()
    assert (signature is not None) == (answers[0] == "done"), answers
    assert "done" in answers
    if signature is not None:
        assert signature.digest == manifest_digest(signature.manifest)
        assert signature.digest == statement(campaign, person("M1"))[1]


def test_fifty_schedulers_make_one_campaign(stage: tuple[Tenant, Cast]) -> None:
    bpo, cast = stage
    with tenant_scope(bpo):
        made, at = plan(cast, "Weekly"), timezone.now()
    answers = _at_once(bpo, *[lambda: create_campaign(plan=made, occurrence_at=at, by=cast.officer)] * THREADS)
    assert Counter(answers) == {"done": 1, "This period of the plan has its campaign already.": THREADS - 1}
    with tenant_scope(bpo):
        assert Campaign.objects.filter(plan=made).count() == 1
    assert connection.settings_dict["NAME"].startswith("fresh_")


OPENS = (
    "UPDATE reviews_campaign SET state = 'open', opened_at = now(), opened_by = 'x', due_at = now() + interval '1 day'"
    " WHERE id = %(campaign)s"
)
EXCLUDES = (
    "INSERT INTO reviews_exclusion (tenant_id, campaign_id, row_id, reason, approved_by) SELECT r.tenant_id,"
    " %(campaign)s, r.id, 'Left to another review.', 'x' FROM identities_snapshotrow r WHERE r.snapshot_id = "
)
WIDENS = "UPDATE reviews_scopeline SET snapshot_id = snapshot_id WHERE campaign_id = %(campaign)s"
GETS_READY = "UPDATE reviews_campaign SET state = 'ready' WHERE id = %(campaign)s"


def test_nothing_slips_in_while_its_campaign_moves_on(
    stage: tuple[Tenant, Cast], fresh_database: FreshDatabase
) -> None:
    """Who adds to a scope or population and who moves the campaign on wait for each other, on a connection each."""
    bpo, cast = stage
    with tenant_scope(bpo):
        old, new = deliver(cast, days_ago=0.5).pk, deliver(cast, days_ago=0).pk
        told = {"campaign": create_campaign(plan=plan(cast), occurrence_at=timezone.now(), by=cast.officer).pk}
        Campaign.objects.update(state="collecting")
    with _session(fresh_database, bpo) as adding, _session(fresh_database, bpo) as moving:
        for adds, moves, adds_late, words in (
            (WIDENS, GETS_READY, WIDENS, "scope of the campaign is frozen"),
            (f"{EXCLUDES}{new}", OPENS, f"{EXCLUDES}{old}", "population of the campaign is frozen"),
        ):
            with adding.transaction():
                adding.execute(adds, told)
                _waits(moving, moves, told)
            with moving.transaction():
                moving.execute(moves, told)
                _waits(adding, adds_late, told)
            with pytest.raises(psycopg.Error, match=words), adding.transaction():
                adding.execute(adds_late, told)


@contextmanager
def _session(database: FreshDatabase, bpo: Tenant) -> Iterator["psycopg.Connection[Any]"]:
    """Open a connection of the app role in the tenant, which waits a moment for a lock."""
    with database.connect() as session:
        session.execute(f"SET app.tenant = '{bpo.pk}'; SET lock_timeout = '50ms'")  # type: ignore[call-overload]  # our own number
        yield session


def _waits(session: "psycopg.Connection[Any]", statement: str, told: dict[str, int]) -> None:
    """Check that a statement waits for the other connection."""
    with pytest.raises(psycopg.errors.LockNotAvailable), session.transaction():
        session.execute(statement, told)
