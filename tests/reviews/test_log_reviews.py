"""Log reviews (45 CFR 164.308(a)(1)(ii)(D)): from events to the signature, and periods without a gap."""

import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.queries import root_at
from logs.models import LogSource
from reviews.actions import (
    change_log_reviewers,
    close_follow_up,
    dispose,
    end_log_schedule,
    open_log_review,
)
from reviews.jobs import open_log_reviews
from reviews.kinds import Disposed, LogItemKind, Looked
from reviews.manifest import manifest_digest
from reviews.models import Disposition, FollowUp, LogItem, LogReview, LogSchedule
from reviews.queries.logpopulation import event_keys
from reviews.queries.logreviews import unopened
from reviews.sampling import draw
from reviews.states import LogReviewState
from tenants.kinds import Refused, Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Printed
from tests import make
from tests.alerts import world
from tests.reviews import periods
from tests.reviews.conftest import Cast, person
from tests.reviews.periods import BENIGN, at, dispose_all, kinds, opened, sign
from tests.reviews.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(bpo: Tenant, carla: User, remy: User, rosa: User) -> Cast:
    """The officer, two reviewers, and the CRM; no scope is open."""
    return periods.stage(bpo, carla, remy, rosa)


@pytest.fixture
def source(bpo: Tenant, cast: Cast) -> LogSource:
    """The CRM's log after an eventful day, judged."""
    with tenant_scope(bpo):
        made = periods.log_source(cast)
    periods.an_eventful_day(made)
    world.look(bpo)
    return made


@pytest.fixture
def plan(source: LogSource, cast: Cast, in_bpo: Tenant) -> LogSchedule:
    """Daily reviews from that day on, in an open scope."""
    return periods.schedule(cast)


def test_a_period_holds_every_alert_every_gap_and_samples_that_anybody_draws_again(
    plan: LogSchedule, cast: Cast, in_bpo: Tenant
) -> None:
    review = opened(cast, plan)
    assert kinds(review) | {"out_of_hours": 2} == {"alert": 2, "gap": 1, "privileged": 3, "out_of_hours": 2}
    gap = LogItem.objects.get(review=review, kind="gap")
    assert (gap.since, gap.until, gap.subject) == (at(3, 9), at(3, 10), person("M2"))
    assert review.population["privileged"] == {"events": 12, "drawn": 3}
    keys = event_keys(LogItemKind.PRIVILEGED, review, None, in_bpo.uuid)
    seed = root_at(in_bpo.uuid, review.tree_size)
    assert seed.hex() == review.seed
    drawn = set(LogItem.objects.filter(review=review, kind="privileged").values_list("event_key", flat=True))
    assert drawn == set(draw(keys, seed=seed, size=3))


def test_periods_are_chained_opened_late_and_never_skipped(bpo: Tenant, source: LogSource, cast: Cast) -> None:
    with tenant_scope(bpo):
        plan = periods.schedule(cast)
        assert unopened(plan, timezone.now())[0] == (at(3, 0), at(2, 0))
        first = opened(cast, plan)
    burst = [world.line(at(3, 15) + timedelta(seconds=n), "bob", ok=False) for n in range(12)]
    world.deliver(source, [*burst, world.line(at(3, 16), "bob", kind="admin")])
    world.look(bpo)
    answer = open_log_reviews(Printed(io.StringIO()), bpo)
    with tenant_scope(bpo):
        second = LogReview.objects.get(begins_at=first.ends_at)
        assert (second.begins_at, second.follows_end, second.ends_at) == (first.ends_at, first.ends_at, at(1, 0))
        late = LogItem.objects.get(review=second, kind="alert", alert__account_name="bob")
        assert late.late
        assert second.population["privileged"] == {"events": 1, "drawn": 1}, "the late one, and none a second time"
        assert LogItem.objects.get(review=second, kind="privileged").late
        chain = list(LogReview.objects.order_by("begins_at"))
        assert len(chain) == 1 + answer["opened"]
        assert [one.begins_at for one in chain[1:]] == [one.ends_at for one in chain[:-1]]


def test_nothing_is_signed_while_an_item_is_open_and_the_last_signature_closes(plan: LogSchedule, cast: Cast) -> None:
    review = opened(cast, plan)
    gap = LogItem.objects.select_related("review").get(review=review, kind="gap")
    with pytest.raises(Refused, match="wait for a disposition"):
        sign(review, cast.remy, "M1")
    with pytest.raises(Refused, match="This is about yourself"):
        dispose(item=gap, looked=BENIGN, by=cast.rosa)
    with pytest.raises(Refused, match="why records are missing"):
        dispose(item=gap, looked=Looked(Disposed.BENIGN), by=cast.remy)
    with pytest.raises(Refused, match="Write the ticket"):
        dispose(item=gap, looked=Looked(Disposed.INCIDENT, "The disk of the log server is full."), by=cast.remy)
    dispose(item=gap, looked=Looked(Disposed.INCIDENT, "The disk of the log server is full.", "INC-7"), by=cast.remy)
    dispose_all(review, cast)
    shown = sign(review, cast.remy, "M1")
    assert (shown.count, shown.digest) == (review.item_count, manifest_digest(shown.manifest))
    review.refresh_from_db()
    assert (review.state, review.closed_at) == (LogReviewState.CLOSED, shown.signed_at)
    found = FollowUp.objects.get(review=review)
    assert (found.disposition.ticket, found.due_at) == ("INC-7", shown.signed_at + timedelta(days=14))
    close_follow_up(follow_up=found, resolution="The disk was replaced on Friday.", by=cast.officer)
    with pytest.raises(Refused, match="closed already"):
        close_follow_up(follow_up=found, resolution="The disk was replaced again.", by=cast.officer)


def test_each_signs_their_own_and_a_change_of_mind_supersedes(plan: LogSchedule, cast: Cast) -> None:
    why = "Rosa takes over the logs."
    change_log_reviewers(schedule=plan, reviewer=person("M2"), second=person("M1"), reason=why, by=cast.officer)
    review = opened(cast, plan)
    for one in LogItem.objects.filter(review=review).select_related("review"):
        dispose(item=one, looked=BENIGN, by=cast.remy if one.kind == "gap" else cast.rosa)
    item = LogItem.objects.filter(review=review, kind="privileged").select_related("review")[0]
    gap = LogItem.objects.get(review=review, kind="gap")
    assert {row.reviewer for row in Disposition.objects.filter(item=gap)} == {person("M1")}
    with pytest.raises(Refused, match="in another window"):
        dispose(item=item, looked=BENIGN, by=cast.rosa, seen=None)
    dispose(item=item, looked=Looked(Disposed.EXPLAINED, "Asked the administrator."), by=cast.rosa)
    sign(review, cast.rosa, "M2")
    with pytest.raises(Refused, match="signed already"):
        dispose(item=item, looked=BENIGN, by=cast.remy)
    assert LogReview.objects.get(pk=review.pk).is_open
    sign(review, cast.remy, "M1")
    assert not LogReview.objects.get(pk=review.pk).is_open


def test_an_empty_period_is_signed_too_and_a_full_one_by_whoever_looked(cast: Cast, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        empty = opened(cast, periods.schedule(cast))
        assert (empty.item_count, empty.population["privileged"]) == (0, {"events": 0, "drawn": 0})
        assert "no alert, no gap" in sign(empty, cast.rosa, "M2").meaning
        empty.refresh_from_db()
        assert empty.state == LogReviewState.CLOSED
        with pytest.raises(Refused, match="is signed already"):
            sign(empty, cast.remy, "M1")


def test_a_schedule_ends_with_the_period_that_runs(plan: LogSchedule, cast: Cast) -> None:
    ended = end_log_schedule(schedule=plan, reason="The CRM is switched off.", by=cast.officer)
    assert ended.ends_at == at(-1, 0)
    assert [one[1] for one in unopened(ended, timezone.now() + timedelta(days=30))][-1] == ended.ends_at
    with pytest.raises(Refused, match="has its end already"):
        end_log_schedule(schedule=plan, reason="The CRM is switched off.", by=cast.officer)
    with pytest.raises(Refused, match="plan and run campaigns"):
        open_log_review(schedule=plan, by=cast.remy)


def test_the_pages_from_the_plan_to_the_signature(source: LogSource, cast: Cast, bpo: Tenant) -> None:
    carla, remy = (make.login(User.objects.get(email=f"{name}@example.org")) for name in ("carla", "remy"))
    typed = {"name": "CRM logs", "rule": "FREQ=DAILY", "starts_on": at(3, 0).date().isoformat(), "due_days": 7}
    typed |= {"sample_privileged": 30, "sample_out_of_hours": 2, "follow_up_days": 14, "reviewer": "Remy (M1)"}
    assert carla.post(page("log_schedule_new"), {**typed, "second": "Remy (M1)"}).status_code == 422
    assert carla.post(page("log_schedule_new"), {**typed, "second": "Rosa (M2)"})["Location"] == page("log_reviews")
    with tenant_scope(bpo):
        review = opened(cast, LogSchedule.objects.get())
        gap = LogItem.objects.get(review=review, kind="gap")
    assert f"Review {review.item_count} items" in remy.get(page("inbox")).content.decode()
    path = page("log_dispose", review.pk, gap.pk)
    refused = remy.post(path, {"outcome": "benign", "reason": ""}, HTTP_HX_REQUEST="true")
    assert (refused.status_code, b"why records are missing" in refused.content) == (422, True)
    answer = remy.post(path, {"outcome": "explained", "reason": BENIGN.reason}, HTTP_HX_REQUEST="true")
    assert f"Saved: Explained. {review.item_count - 1} left." in answer.content.decode()
    with tenant_scope(bpo):
        shown = list(LogItem.objects.filter(review=review).values_list("pk", flat=True))
    assert [carla.get(page("log_item", review.pk, pk)).status_code for pk in shown] == [200] * review.item_count
    assert carla.get(page("log_review", review.pk)).status_code == 200
    assert b"wait for a disposition" in remy.get(page("log_sign", review.pk)).content
    with tenant_scope(bpo):
        dispose_all(review, cast)
    assert b"Read and sign" in remy.get(page("log_review", review.pk)).content
    with tenant_scope(bpo):
        signature = sign(review, cast.remy, "M1")
    assert signature.digest in carla.get(page("log_receipt", signature.pk)).content.decode()
    one = list_costs(carla)
    with tenant_scope(bpo):
        opened(cast, LogSchedule.objects.get())
    assert list_costs(carla) == one


def list_costs(client: Client) -> int:
    """Return how many queries the list of periods takes, the first of them signed."""
    with CaptureQueriesContext(connection) as found:
        assert b"Signed" in client.get(page("log_reviews")).content
    return len(found)


def test_who_reviews_nothing_here_finds_no_period(plan: LogSchedule, cast: Cast) -> None:
    review = opened(cast, plan)
    stranger = make.user("rita")
    make.member(stranger, plan.tenant, Role.REVIEWER)
    client = make.login(stranger)
    assert client.get(page("log_review", review.pk)).status_code == 404
    assert review.name not in client.get(page("log_reviews")).content.decode()
    item = LogItem.objects.filter(review=review).select_related("review")[0]
    with pytest.raises(Refused, match="none of the two reviewers"):
        dispose(item=item, looked=BENIGN, by=make.actor(stranger, plan.tenant))
