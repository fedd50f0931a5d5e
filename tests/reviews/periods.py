"""A schedule of daily log reviews over three days ago and the day after, and what happened in them."""

from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

from identities.actions import SystemFacts, save_system, upsert_identities
from identities.models import Identity
from logs.models import LogSource
from reviews.actions import LogScheduleFacts, create_log_schedule, dispose, open_log_review, sign_log_review
from reviews.kinds import Disposed, LogItemKind, Looked
from reviews.models import LogItem, LogReview, LogSchedule, LogSignature
from reviews.queries.logreviews import log_lines, log_statement
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.reviews.conftest import PEOPLE, Cast, deliver, person
from tests.reviews.test_sign import proof

BENIGN = Looked(Disposed.BENIGN, "Planned work, change 4711.")


def schedule(cast: Cast, **changes: object) -> LogSchedule:
    """Plan daily reviews from three days ago on: Remy reviews, and Rosa what is about Remy."""
    facts: dict[str, object] = {
        "name": "CRM logs",
        "rule": "FREQ=DAILY",
        "starts_on": timezone.localdate() - timedelta(days=3),
        "time_zone": "UTC",
        "reviewer": person("M1"),
        "second": person("M2"),
        "sample_privileged": 3,
        "sample_out_of_hours": 2,
        "due_days": 7,
        **changes,
    }
    return create_log_schedule(facts=LogScheduleFacts(**facts), by=cast.officer)


def at(days_ago: int, hour: int, minute: int = 0) -> datetime:
    """Return an hour (UTC) of some days ago."""
    return datetime.combine(timezone.localdate() - timedelta(days=days_ago), time(hour, minute), UTC)


def stage(bpo: Tenant, *users: User) -> Cast:
    """Fill the register of the BPO; the scope is closed again, since the ledger holds what is committed."""
    officer, remy, rosa = (make.actor(user, bpo) for user in users)
    with tenant_scope(bpo):
        upsert_identities(body=PEOPLE, by=officer)
        facts = SystemFacts("CRM", "crm", "admin*", owner=Identity.objects.get(external_id="M2"))
        return Cast(officer, remy, rosa, save_system(facts=facts, by=officer))


def log_source(cast: Cast) -> LogSource:
    """Deliver the CRM's accounts; people have day shifts; its log is to give something at 8 and at 9 each day."""
    deliver(cast)
    Identity.objects.filter(external_id__in=["E1", "E2", "M1"]).update(shift_start=time(7), shift_end=time(20))
    return LogSource.objects.create(
        name="CRM log",
        key="crm-log",
        system=cast.crm,
        format="json",
        mapping=world.MAPPING,
        expected={"every_minutes": 60, "hours": [8, 9]},
    )


def an_eventful_day(source: LogSource) -> None:
    """Three days ago: nothing at 9, a burst of failures at 8, ten deeds of an administrator, two people at night."""
    burst = [world.line(at(3, 8) + timedelta(seconds=n), "ana", ok=False) for n in range(12)]
    admin = [world.line(at(3, 11, n), "bob", kind="admin") for n in range(10)]
    night = [world.line(at(3, 2), "ana"), world.line(at(3, 3), "ana", kind="admin")]
    night.append(world.line(at(3, 3), "ghost", kind="admin"))
    world.deliver(source, [*burst, *admin, *night, world.line(at(2, 8), "ana"), world.line(at(2, 9), "ana")])


def opened(cast: Cast, plan: LogSchedule) -> LogReview:
    """Open the next period, which must be over."""
    review = open_log_review(schedule=plan, by=cast.officer)
    assert review is not None
    return review


def kinds(review: LogReview) -> dict[str, int]:
    """Return how many items of each kind a period holds."""
    found = list(LogItem.objects.filter(review=review).values_list("kind", flat=True))
    return {kind: found.count(kind) for kind in LogItemKind.values}


def dispose_all(review: LogReview, cast: Cast, looked: Looked = BENIGN) -> None:
    """Dispose of everything: Remy of all that is not about him."""
    for item in LogItem.objects.filter(review=review, dispositions=None).select_related("review"):
        dispose(item=item, looked=looked, by=cast.rosa if item.subject_key == person("M1").pk else cast.remy)


def sign(review: LogReview, by: Actor, who: str, **changes: object) -> LogSignature:
    """Sign what a reviewer disposed of."""
    _text, digest = log_statement(review, person(who), log_lines(review, person(who)))
    facts: dict[str, object] = {"printed_name": who, "shown_digest": digest, "proof": proof(), **changes}
    return sign_log_review(review=review, by=by, **facts)
