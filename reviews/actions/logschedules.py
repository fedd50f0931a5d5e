"""Plans the reviews of logs, and opens each period once it is over: sealed, with its items, put to its reviewers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from ledger.queries import head
from reviews.kinds import OWNERLESS, REASON_MIN, LogItemKind
from reviews.logpolicies import can_plan_log_reviews
from reviews.models import LogItem, LogReview, LogSchedule
from reviews.policies import can_manage_campaigns
from reviews.queries.logpopulation import alerts_of, drawn_events, event_keys, gaps_of
from reviews.queries.logreviews import MIDNIGHT, SETTLES, boundaries, newest, period_after
from reviews.queries.reviewers import eligible_reviewers
from reviews.recurrence import check_rule, openings
from reviews.refusals import as_refusal
from reviews.sampling import draw
from reviews.states import LogReviewState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce
from tenants.models import Tenant
from tenants.scope import current_tenant_id

CHUNK: Final = 500
LONGEST_BACK: Final = timedelta(days=366)
"""How long ago a schedule may begin: what it opens late is disposed of item by item."""


@dataclass(frozen=True, slots=True)
class LogScheduleFacts:
    """Holds what a person decides about the reviews of logs; sizes of samples are events for each period."""

    name: str
    rule: str
    starts_on: date
    time_zone: str
    reviewer: Identity
    second: Identity
    due_days: int = 7
    follow_up_days: int = 14
    sample_privileged: int = 15
    sample_out_of_hours: int = 10


@transaction.atomic
def create_log_schedule(*, facts: LogScheduleFacts, by: Actor) -> LogSchedule:
    """Stores a schedule; its periods open by themselves, each when it is over, from the first day on.

    Raises:
        BadRule: when the recurrence is not understood or would skip periods.
        Refused: when the reviewers are one person or may not review, or the name is taken.
    """
    enforce(can_plan_log_reviews(by, reviewer=facts.reviewer, second=facts.second, eligible=eligible_reviewers()))
    if not facts.rule:
        raise Refused(denied("Choose how long a period is."))
    check_rule(facts.rule, facts.starts_on)
    begins_at = next(openings(facts.rule, facts.starts_on, MIDNIGHT, ZoneInfo(facts.time_zone)), None)
    if begins_at is None or begins_at < timezone.now() - LONGEST_BACK:
        raise Refused(denied("Choose a first day of the last twelve months or later."))
    schedule = LogSchedule(
        name=facts.name,
        rule=facts.rule,
        starts_on=facts.starts_on,
        time_zone=facts.time_zone,
        begins_at=begins_at,
        reviewer=facts.reviewer,
        second=facts.second,
        due_days=facts.due_days,
        follow_up_days=facts.follow_up_days,
        sample_privileged=facts.sample_privileged,
        sample_out_of_hours=facts.sample_out_of_hours,
        created_by=by.name,
    )
    with as_refusal():
        schedule.save(force_insert=True)
    detail = {"rule": facts.rule, "begins_at": begins_at, "due_days": facts.due_days}
    detail |= {"reviewer": facts.reviewer.external_id, "second": facts.second.external_id}
    detail |= {"sample_privileged": facts.sample_privileged, "sample_out_of_hours": facts.sample_out_of_hours}
    audit("log_schedule.create", by=by, target=f"schedule {schedule.name}", detail=detail)
    return schedule


@transaction.atomic
def change_log_reviewers(
    *, schedule: LogSchedule, reviewer: Identity, second: Identity, reason: str, by: Actor
) -> LogSchedule:
    """Names other reviewers for a schedule and for its periods that are open; what was signed stays."""
    enforce(can_plan_log_reviews(by, reviewer=reviewer, second=second, eligible=eligible_reviewers()))
    _check_reason(reason, "the reviewers change")
    schedule = LogSchedule.objects.select_for_update().get(pk=schedule.pk)
    schedule.reviewer, schedule.second = reviewer, second
    with as_refusal():
        schedule.save(update_fields=["reviewer", "second"])
        open_ones = LogReview.objects.filter(schedule=schedule, state=LogReviewState.OPEN)
        moved = open_ones.update(reviewer=reviewer, second=second)
    detail = {"reviewer": reviewer.external_id, "second": second.external_id, "why": reason, "periods": moved}
    audit("log_schedule.change", by=by, target=f"schedule {schedule.name}", detail=detail)
    return schedule


@transaction.atomic
def end_log_schedule(*, schedule: LogSchedule, reason: str, by: Actor) -> LogSchedule:
    """Ends a schedule with the period that runs now: that one is still reviewed."""
    enforce(can_manage_campaigns(by))
    _check_reason(reason, "the reviews of logs end")
    schedule = LogSchedule.objects.select_for_update().get(pk=schedule.pk)
    if schedule.ends_at is not None:
        raise Refused(denied("This schedule has its end already."))
    now = timezone.now()
    schedule.ends_at = next(at for at in boundaries(schedule) if at > max(now, schedule.begins_at))
    with as_refusal():
        schedule.save(update_fields=["ends_at"])
    detail = {"ends_at": schedule.ends_at, "why": reason}
    audit("log_schedule.end", by=by, target=f"schedule {schedule.name}", detail=detail)
    return schedule


def _check_reason(reason: str, what: str) -> None:
    """Refuses a reason that is too short to mean anything."""
    if len(reason.strip()) < REASON_MIN:
        raise Refused(denied(f"Write in at least {REASON_MIN} characters why {what}."))


@transaction.atomic
def open_log_review(*, schedule: LogSchedule, by: Actor) -> LogReview | None:
    """Opens the next period of a schedule that is over, where none is missing before it; returns None for none.

    Every alert and every coverage gap becomes an item, and a sample of the privileged and of the out-of-hours events:
    ranked by SHA-256(seed NUL key), the seed being the root of the ledger that holds all of them.
    """
    enforce(can_manage_campaigns(by))
    schedule = LogSchedule.objects.select_for_update().get(pk=schedule.pk)
    before, now = newest(schedule), timezone.now()
    period = period_after(schedule, before.ends_at if before else None)
    if period is None or period[1] + SETTLES > now:
        return None
    review = _begin(schedule, before, period)
    tenant = Tenant.objects.get(pk=current_tenant_id())
    ledger = head(tenant.uuid)
    review.seed, review.tree_epoch, review.tree_size = ledger.root.hex(), ledger.epoch, ledger.size
    items = [*_alerts(review), *_gaps(review), *_sampled(review, before, tenant, ledger.root)]
    for n, item in enumerate(items, start=1):
        item.n = n
    review.state, review.item_count, review.opened_at, review.opened_by = LogReviewState.OPEN, len(items), now, by.name
    with as_refusal():
        LogItem.objects.bulk_create(items, batch_size=CHUNK)
        review.save()
    counts = {kind.value: sum(item.kind == kind for item in items) for kind in LogItemKind}
    detail = {"review": review.pk, "items": counts, "population": review.population, "seed": review.seed}
    detail |= {"tree_epoch": review.tree_epoch, "tree_size": review.tree_size, "due_at": review.due_at}
    audit("log_review.open", by=by, target=f"log review {review.name}", detail=detail)
    return review


def _begin(schedule: LogSchedule, before: LogReview | None, period: tuple[datetime, datetime]) -> LogReview:
    """Stores the period that follows the one before."""
    zone = ZoneInfo(schedule.time_zone)
    first, last = period[0].astimezone(zone), period[1].astimezone(zone) - timedelta(seconds=1)
    days = f"{first:%-d %B %Y}" if first.date() == last.date() else f"{first:%-d %B} to {last:%-d %B %Y}"
    review = LogReview(
        schedule=schedule,
        name=f"{schedule.name}, {days}",
        begins_at=period[0],
        ends_at=period[1],
        follows_end=before.ends_at if before else None,
        reviewer_id=schedule.reviewer_id,
        second_id=schedule.second_id,
        due_at=period[1] + timedelta(days=schedule.due_days),
        follow_up_days=schedule.follow_up_days,
    )
    with as_refusal():
        review.save(force_insert=True)
    return review


def _item(review: LogReview, kind: LogItemKind, since: datetime, until: datetime, **more: object) -> LogItem:
    """Returns an item of a period that is not stored yet."""
    item = LogItem(review=review, schedule_id=review.schedule_id, kind=kind, since=since, until=until, **more)
    item.subject_key = item.subject_id or OWNERLESS
    item.late = until <= review.begins_at
    return item


def _alerts(review: LogReview) -> list[LogItem]:
    """Returns an item for every alert that began before the period's end and that no earlier period holds."""
    return [
        _item(
            review,
            LogItemKind.ALERT,
            alert.first_at,
            alert.last_at,
            alert=alert,
            severity=alert.severity,
            title=alert.get_rule_display(),
            subject_id=alert.identity_id,
            facts={"events": alert.event_count, "attempts": alert.attempts, "state": alert.state},
        )
        for alert in alerts_of(review.schedule, review.ends_at)
    ]


def _gaps(review: LogReview) -> list[LogItem]:
    """Returns an item for every coverage gap; whoever owns the silent system is not the one to explain it away."""
    return [
        _item(
            review,
            LogItemKind.GAP,
            gap.since,
            gap.until,
            source_id=gap.source_id,
            title=f"No records of {gap.source}",
            subject_id=gap.owner,
            facts={"hours": gap.hours},
        )
        for gap in gaps_of(review.begins_at, review.ends_at)
    ]


def _sampled(review: LogReview, before: LogReview | None, tenant: Tenant, seed: bytes) -> list[LogItem]:
    """Returns an item for every drawn event, once, and notes of how many events each sample was drawn."""
    sizes = {
        LogItemKind.PRIVILEGED: review.schedule.sample_privileged,
        LogItemKind.OUT_OF_HOURS: review.schedule.sample_out_of_hours,
    }
    items: list[LogItem] = []
    for kind, size in sizes.items():
        keys = event_keys(kind, review, before, tenant.uuid)
        drawn = draw(keys, seed=seed, size=size)
        review.population[kind.value] = {"events": len(keys), "drawn": len(drawn)}
        items += _drawn(review, kind, drawn, known={item.event_key for item in items})
    return items


def _drawn(review: LogReview, kind: LogItemKind, keys: Sequence[str], known: set[str]) -> list[LogItem]:
    """Returns the items of the drawn events of one kind."""
    return [
        _item(
            review,
            kind,
            event.occurred_at,
            event.occurred_at,
            event_key=event.key,
            title=event.title,
            subject_id=event.subject_id,
        )
        for event in drawn_events([key for key in keys if key not in known])
    ]
