"""What the database refuses by itself in log reviews, as the app role and around the actions; and who opens a period.

one chain of periods, no gap, fork or overlap           test_a_period_begins_where_the_one_before_ended
opened when over, first where the schedule begins       the same; test_a_schedule_is_not_moved_or_ended_in_the_past
every alert an item, population frozen                  test_a_period_opens_whole_and_is_frozen
every gap and every drawn event an item                 test_a_period_without_a_gap_or_a_drawn_event_does_not_open
nobody about themselves, reasons, tickets, one line     test_a_disposition_obeys
signature: nothing open, of these dispositions, proved  test_a_signature_covers_exactly_the_dispositions
closed when all is signed and followed up, then final   test_a_period_closes_signed_and_stays
two that open the same period                           test_fifty_open_the_same_period_once
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from reviews.actions import dispose, open_log_review
from reviews.kinds import Disposed, LogItemKind, Looked
from reviews.manifest import manifest_digest
from reviews.models import Disposition, FollowUp, LogItem, LogReview, LogSchedule, LogSignature
from reviews.queries.logpopulation import event_keys
from tenants.kinds import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.database import FreshDatabase
from tests.reviews import periods
from tests.reviews.conftest import Cast, person
from tests.reviews.periods import BENIGN, at, dispose_all, opened, sign
from tests.reviews.test_database_holds import refused

THREADS = 50
Answer = TypeVar("Answer")


@pytest.fixture
def cast(bpo: Tenant, carla: User, remy: User, rosa: User) -> Cast:
    return periods.stage(bpo, carla, remy, rosa)


@pytest.fixture
def plan(bpo: Tenant, cast: Cast) -> Iterator[LogSchedule]:
    """A schedule whose first period had an eventful day; the scope is open."""
    with tenant_scope(bpo):
        source = periods.log_source(cast)
    periods.an_eventful_day(source)
    world.look(bpo)
    with tenant_scope(bpo):
        yield periods.schedule(cast)


def _after(review: LogReview, **changes: Any) -> LogReview:
    """Return the period after a period, as it would be stored, with changes."""
    return _period(review.schedule, **{"begins_at": review.ends_at, "follows_end": review.ends_at, **changes})


def _period(schedule: LogSchedule, *, begins_at: datetime, **changes: Any) -> LogReview:
    """Return a period of a day that is not stored yet, with changes."""
    facts: dict[str, Any] = {"begins_at": begins_at, "ends_at": begins_at + timedelta(days=1), **changes}
    facts = {"due_at": facts["ends_at"] + timedelta(days=7), **facts}
    people = {"reviewer_id": schedule.reviewer_id, "second_id": schedule.second_id}
    return LogReview(schedule=schedule, name="Forged", follow_up_days=14, **people, **facts)


@pytest.mark.django_db
def test_a_period_begins_where_the_one_before_ended(plan: LogSchedule, cast: Cast) -> None:
    first, hour = opened(cast, plan), timedelta(hours=1)
    begin, end = first.begins_at, first.ends_at
    for changes, words in (
        ({"begins_at": end + hour}, "log_review_begins_where_the_one_before_ended"),
        ({"begins_at": end + hour, "follows_end": end + hour}, "log_review_follows_the_one_before"),
        ({"begins_at": end - hour, "follows_end": end - hour}, "log_review_follows_the_one_before"),
        ({"follows_end": None}, "first period begins where its schedule does"),
        ({"begins_at": begin, "follows_end": None}, "log_review_begins_once|one_beginning"),
        ({"begins_at": begin, "follows_end": None, "ends_at": begin + hour}, "log_review_begins_once|one_beginning"),
        ({"ends_at": end}, "log_review_ends_after_it_begins|log_review_ends_once"),
        ({"ends_at": timezone.now() - hour}, "is over and its records have settled"),
        ({"due_at": end + timedelta(days=90)}, "due its days after its end"),
        ({"state": "open"}, "begins with collecting"),
        ({"tenant_id": (plan.tenant_id or 0) + 1}, "row-level security|settled|violates"),
    ):
        refused(words, lambda changes=changes: _after(first, **changes).save(force_insert=True))
    moved = {"ends_at": end + hour, "begins_at": begin - hour, "due_at": end + timedelta(days=60)}
    for name, value in moved.items():
        change = {name: value}
        refused("stays as it was", lambda change=change: LogReview.objects.filter(pk=first.pk).update(**change))


@pytest.mark.django_db
def test_a_schedule_is_not_moved_or_ended_in_the_past(plan: LogSchedule) -> None:
    rows = LogSchedule.objects.filter(pk=plan.pk)
    for change, words in (
        ({"begins_at": timezone.now()}, "periods of a schedule are fixed"),
        ({"rule": "FREQ=WEEKLY"}, "periods of a schedule are fixed"),
        ({"ends_at": timezone.now() - timedelta(seconds=1)}, "never in the past"),
        ({"second_id": plan.reviewer_id}, "log_schedule_has_two_reviewers"),
    ):
        refused(words, lambda change=change: rows.update(**change))
    with connection.cursor() as cursor:
        refused("permission denied", lambda: cursor.execute("DELETE FROM reviews_logschedule"))
        refused("permission denied", lambda: cursor.execute("DELETE FROM reviews_logreview"))


@pytest.mark.django_db
def test_a_period_opens_whole_and_is_frozen(plan: LogSchedule, cast: Cast) -> None:
    first = opened(cast, plan)
    extra = LogItem.objects.filter(review=first, kind="privileged")[0]
    extra.pk, extra.n, extra.event_key = None, 99, "1-1"
    refused("What a period holds is frozen", lambda: extra.save(force_insert=True))
    forged: list[dict[str, Any]] = [{"seed": "0" * 64}, {"item_count": 1}, {"population": {}}, {"tree_size": 1}]
    for change in forged:
        refused("frozen", lambda change=change: LogReview.objects.filter(pk=first.pk).update(**change))
    with connection.cursor() as cursor:
        for deed in ("DELETE FROM", "TRUNCATE", "UPDATE"):
            tail = " SET late = true" if deed == "UPDATE" else ""
            refused("permission denied", lambda deed=deed, tail=tail: cursor.execute(f"{deed} reviews_logitem{tail}"))
    second = _after(first)
    second.save(force_insert=True)
    world.alert(first_at=at(2, 8), last_at=at(2, 9))
    opening = {"state": "open", "opened_at": timezone.now(), "opened_by": "remy", "seed": "0" * 64}
    rows = LogReview.objects.filter(pk=second.pk)
    refused("holds 0 items, not 4", lambda: rows.update(item_count=4, **opening))
    refused("An alert of the period is no item of it", lambda: rows.update(**opening))


@pytest.mark.django_db
def test_a_period_without_a_gap_or_a_drawn_event_does_not_open(plan: LogSchedule, cast: Cast, bpo: Tenant) -> None:
    LogSchedule.objects.filter(pk=plan.pk).update(sample_out_of_hours=30)
    with transaction.atomic():
        real = opened(cast, plan)
        items = list(LogItem.objects.filter(review=real).order_by("n"))
        transaction.set_rollback(True)
    fewer = {**real.population, "privileged": {"events": 3, "drawn": 3}}
    for left_out, changes, words in (
        ("gap", {}, "A coverage gap of the period is no item of it"),
        ("privileged", {}, "3 events that the seed draws are no items"),
        ("out_of_hours", {}, "events that the seed draws are no items"),
        ("", {"population": fewer}, "not drawn of as many events as it says"),
        ("", {"tree_size": 0}, "not drawn of as many events as it says"),
    ):
        refused(words, lambda left_out=left_out, changes=changes: _forged(real, items, left_out, **changes))
    first = next(item for item in items if item.kind == "privileged")
    taken, drawn = {item.event_key for item in items}, first.event_key
    first.event_key = next(k for k in event_keys(LogItemKind.PRIVILEGED, real, None, bpo.uuid) if k not in taken)
    refused("1 events that the seed draws are no items", lambda: _forged(real, items, ""))
    first.event_key = drawn
    assert _forged(real, items, "").state == "open"


def _forged(real: LogReview, items: list[LogItem], left_out: str, **changes: object) -> LogReview:
    """Write a period and its items as the app role could, past every action, and open it."""
    forged = _period(real.schedule, begins_at=real.begins_at)
    forged.save(force_insert=True)
    kept = [item for item in items if item.kind != left_out]
    for item in kept:
        item.pk, item.review = None, forged
    LogItem.objects.bulk_create(kept)
    told = {name: getattr(real, name) for name in ("seed", "population", "tree_epoch", "tree_size", "opened_by")}
    facts = {**told, "opened_at": timezone.now(), "item_count": len(kept), "state": "open", **changes}
    LogReview.objects.filter(pk=forged.pk).update(**facts)
    return LogReview.objects.get(pk=forged.pk)


def _row(item: LogItem, who: str = "M1", **changes: object) -> Disposition:
    """Return a disposition as a client could write it, past every action."""
    copied = {"subject_key": item.subject_key, "kind": item.kind, "severity": item.severity}
    facts = {"outcome": "explained", "reason": BENIGN.reason, "disposed_at": timezone.now(), **copied, **changes}
    return Disposition(review_id=item.review_id, item=item, reviewer=person(who), disposed_by=who, **facts)


@pytest.mark.django_db
def test_a_disposition_obeys(plan: LogSchedule, cast: Cast) -> None:
    review = opened(cast, plan)
    gap = LogItem.objects.get(review=review, kind="gap")
    event = LogItem.objects.filter(review=review, kind="privileged")[0]
    day = timedelta(days=1)
    for row, words in (
        (_row(gap, "M2"), "nobody_disposes_of_their_own_events"),
        (_row(gap, "M2", subject_key=0), "disposition_copies_its_item"),
        (_row(gap, kind="alert", outcome="false_positive"), "disposition_copies_its_item"),
        (_row(gap, outcome="benign", reason=""), "disposition_gives_a_reason"),
        (_row(event, outcome="violation", reason="bad"), "disposition_gives_a_reason"),
        (_row(event, outcome="incident"), "incident_names_where_it_is_handled"),
        (_row(event, outcome="false_positive"), "only_an_alert_is_a_false_positive"),
        (_row(event, outcome="whatever"), "disposition_is_one_of_the_list"),
        (_row(event, "E1"), "Only the reviewers of the period"),
        (_row(event, disposed_at=timezone.now() - day), "bears the time at which it is taken"),
    ):
        refused(words, lambda row=row: row.save(force_insert=True))
    head = dispose(item=LogItem.objects.select_related("review").get(pk=event.pk), looked=BENIGN, by=cast.remy)
    refused("disposition_history_has_one_root", lambda: _row(event).save(force_insert=True))
    refused("supersedes_one_of_its_item", lambda: _row(gap, supersedes=head).save(force_insert=True))
    refused("permission denied", lambda: Disposition.objects.filter(pk=head.pk).update(outcome="benign"))


@pytest.mark.django_db
def test_a_signature_covers_exactly_the_dispositions(plan: LogSchedule, cast: Cast) -> None:
    review = opened(cast, plan)
    items = LogItem.objects.filter(review=review).select_related("review")
    for item in items:
        dispose(item=item, looked=Looked(Disposed.EXPLAINED, BENIGN.reason), by=cast.remy)
    with transaction.atomic():
        real = sign(review, cast.remy, "M1")
        transaction.set_rollback(True)
    for change, words in (
        ({"manifest": real.manifest.replace("4711", "4712")}, "not over exactly"),
        ({"manifest": real.manifest.replace('"explained"', '"benign"', 1)}, "not over exactly"),
        ({"manifest": real.manifest.replace(review.seed, "0" * 64)}, "not over exactly"),
        ({"count": real.count - 1}, "not over exactly"),
        ({"digest": "0" * 64}, "not that of the statement"),
        ({"level": "session"}, "stronger proof"),
        ({"methods": ["password"]}, "rests_on_two_components"),
        ({"signed_at": real.signed_at - timedelta(days=1)}, "bears the time"),
        ({"authenticated_at": real.signed_at - timedelta(seconds=301)}, "log_signature_follows_its_authentication"),
    ):
        refused(words, lambda change=change: _signature(real, **change).save(force_insert=True))
    _signature(real).save(force_insert=True)
    refused("log_reviewer_signs_once", lambda: _signature(real).save(force_insert=True))


def _signature(real: LogSignature, **changes: object) -> LogSignature:
    """Return a signature with changes, its digest that of its statement unless told."""
    names = [one.attname for one in LogSignature._meta.concrete_fields if one.attname not in {"id", "tenant_id"}]
    facts = {name: getattr(real, name) for name in names} | changes
    return LogSignature(**{"digest": manifest_digest(str(facts["manifest"]))} | facts | _digest(facts, changes))


def _digest(facts: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    return {} if "digest" in changes else {"digest": manifest_digest(str(facts["manifest"]))}


@pytest.mark.django_db
def test_a_period_closes_signed_and_stays(plan: LogSchedule, cast: Cast) -> None:
    review = opened(cast, plan)
    rows = LogReview.objects.filter(pk=review.pk)
    close = {"state": "closed", "closed_at": timezone.now()}
    refused("Not every item is disposed of and signed", lambda: rows.update(**close))
    dispose_all(review, cast, Looked(Disposed.VIOLATION, "Nobody had asked for it."))
    refused("Not every item is disposed of and signed", lambda: rows.update(**close))
    with transaction.atomic():
        real = sign(review, cast.remy, "M1")
        found = FollowUp.objects.filter(review=review)
        refused("permission denied", lambda: found.update(due_at=timezone.now() + timedelta(days=900)))
        refused("follow_up_ends_with_a_reason", lambda: found.update(closed_at=timezone.now(), closed_by="remy"))
        refused("that is final", lambda: rows.update(state="open", closed_at=None))
        refused("only while the period is open", lambda: _row(_any(review)).save(force_insert=True))
        transaction.set_rollback(True)
    _signature(real).save(force_insert=True)
    refused("is not followed up", lambda: rows.update(**close))
    refused("What is signed stays", lambda: _row(_any(review), supersedes=_head(review)).save(force_insert=True))


def _any(review: LogReview) -> LogItem:
    return LogItem.objects.filter(review=review).earliest("n")


def _head(review: LogReview) -> Disposition:
    return Disposition.objects.get(item=_any(review))


def test_fifty_open_the_same_period_once(fresh_database: FreshDatabase) -> None:
    """Fifty schedulers at the same moment: one opens the first period, none skips to a later one before it."""
    bpo, users = make.tenant("northwind", "Northwind"), [make.user(name) for name in ("carla", "remy", "rosa")]
    for user, role in zip(users, (Role.OFFICER, Role.REVIEWER, Role.REVIEWER), strict=True):
        make.member(user, bpo, role)
    cast = periods.stage(bpo, *users)
    with tenant_scope(bpo):
        periods.log_source(cast)
        plan = periods.schedule(cast, starts_on=timezone.localdate() - timedelta(days=2))
        other = periods.schedule(cast, name="Other", starts_on=timezone.localdate() - timedelta(days=2))

    def forge(number: int) -> bool:
        ends_at = at(2, number % 20 + 1)
        return (
            _alone(bpo, lambda: LogReview.objects.bulk_create([_period(plan, begins_at=at(2, 0), ends_at=ends_at)]))
            is not None
        )

    def open_it(_number: int) -> LogReview | None:
        return _alone(bpo, lambda: open_log_review(schedule=other, by=cast.officer))

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(forge, range(THREADS))) == 1
        begins = [one.begins_at for one in pool.map(open_it, range(THREADS)) if one]
    assert len(begins) == len(set(begins))
    assert min(begins) == at(2, 0)
    with tenant_scope(bpo):
        chain = list(LogReview.objects.filter(schedule=other).order_by("begins_at"))
        assert [one.follows_end for one in chain] == [None, *(one.ends_at for one in chain[:-1])]
        assert len(chain) == len(begins)


def _alone(bpo: Tenant, deed: Callable[[], Answer]) -> Answer | None:
    """Do a deed on a connection of its own; returns its answer, None where the database refused."""
    try:
        with tenant_scope(bpo):
            answer = deed()
    except DatabaseError:
        return None
    finally:
        connections.close_all()
    return answer
