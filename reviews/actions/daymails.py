"""Writes the one mail a person and day about log reviews and second looks, and hands over those of absent people."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reviews.actions.notices import NO_ADDRESS, attempted, finished
from reviews.models import DayMail, Disposition, LogReview, SecondLook
from reviews.policies import can_manage_campaigns
from reviews.queries.daymails import Waiting, still_there, to_tell
from reviews.queries.reviewers import deputies, eligible_reviewers
from reviews.refusals import as_refusal
from reviews.reminding import MORNING
from reviews.states import WORKING, LogReviewState, NoticeState
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Tenant
from tenants.scope import current_tenant_id


@transaction.atomic
def write_day_mails(*, by: Actor, at: datetime | None = None) -> int:
    """Writes the mails of the day about log reviews and second looks; returns how many are new.

    From six in the morning of the tenant's clock on, one to each address. Safe to run any time: what somebody was told
    is not told again, and whoever has today's mail is told tomorrow. What could not be sent the day before is dropped,
    and said again in today's.
    """
    enforce(can_manage_campaigns(by))
    tenant, now = Tenant.objects.get(pk=current_tenant_id()), at or timezone.now()
    local = now.astimezone(tenant.zone)
    if local.hour < MORNING:
        return 0
    unsent = DayMail.objects.filter(state__in=(NoticeState.WAITING, NoticeState.FAILED), day__lt=local.date())
    unsent.update(state=NoticeState.DROPPED)
    today = DayMail.objects.filter(day=local.date()).values_list("address", "person_id")
    known = {(address.lower(), None if address else person) for address, person in today}
    rows, written = [], timezone.now()
    for key, told in to_tell(now, tenant.zone).items():
        if key not in known:
            address, person = told[0].address, next((one.to for one in told if one.to is not None), None)
            row = DayMail(day=local.date(), person=person, address=address, next_try_at=written, created_at=now)
            row.covers = [one.cover() for one in told]
            if not address:
                row.state, row.last_error = NoticeState.GIVEN_UP, NO_ADDRESS
            rows.append(row)
    made = len(DayMail.objects.bulk_create(rows, ignore_conflicts=True))
    if made:
        audit("day_mail.write", by=by, target=f"mails of {local.date()}", detail={"mails": made})
    return made


@transaction.atomic
def claim_day_mail(*, by: Actor) -> tuple[DayMail, list[Waiting]] | None:
    """Claims the mail that is due first, with what of it still waits; None when nothing is due.

    What nothing waits of any more is dropped. The attempt is counted before it is made (as for `claim_notice`).
    """
    enforce(can_manage_campaigns(by))
    while True:
        now = timezone.now()
        due = DayMail.objects.filter(state__in=(NoticeState.WAITING, NoticeState.FAILED), next_try_at__lte=now)
        mail = due.select_for_update(of=("self",), skip_locked=True).order_by("next_try_at", "id").first()
        if mail is None:
            return None
        waiting = still_there(mail, now)
        attempted(mail, waits=bool(waiting))
        if waiting:
            return mail, waiting
        audit("day_mail.drop", by=by, target=str(mail), detail={"mail": mail.pk})


@transaction.atomic
def finish_day_mail(*, mail: DayMail, error: str, by: Actor) -> DayMail:
    """Records how an attempt to send ended; `error` is empty when the mail server took it."""
    enforce(can_manage_campaigns(by))
    finished(mail, error)
    if mail.attempts == 1 or mail.is_over:
        detail = {"mail": mail.pk, "attempts": mail.attempts, "error": mail.last_error, "lines": len(mail.covers)}
        audit("day_mail.send", by=by, target=str(mail), detail=detail)
    return mail


@transaction.atomic
def stand_in(*, by: Actor) -> int:
    """Puts open log reviews and second looks of absent people to their deputies; returns how many. Safe to run again.

    A reviewer who disposed of something in a period keeps it, since they have to sign it; the other reviewer stands in.
    A deputy who is away, may not review, is the other reviewer, decided first, or whose own access it is, takes none.
    """
    enforce(can_manage_campaigns(by))
    away, able = deputies(), eligible_reviewers()
    ready = {person: deputy for person, deputy in away.items() if deputy in able and deputy not in away}
    moved: list[dict[str, object]] = []
    periods = LogReview.objects.filter(Q(reviewer__in=ready) | Q(second__in=ready), state=LogReviewState.OPEN)
    told = Disposition.objects.filter(review__in=periods).order_by().values_list("review_id", "reviewer_id").distinct()
    began = set(told)
    for review in periods.select_for_update(of=("self",)).order_by("id"):
        for role, other in (("reviewer_id", "second_id"), ("second_id", "reviewer_id")):
            whose = getattr(review, role)
            deputy = ready.get(whose)
            if deputy is not None and (review.pk, whose) not in began and deputy != getattr(review, other):
                setattr(review, role, deputy)
                review.save(update_fields=[role.removesuffix("_id")])
                moved.append({"log_review": review.pk, "from": whose, "to": deputy})
    looks = SecondLook.objects.select_for_update().filter(outcome="", second__in=ready, campaign__state__in=WORKING)
    for look in looks.order_by("id"):
        whose, deputy = look.second_id, ready[look.second_id]
        if deputy not in {look.subject_key, look.first_id}:
            look.second_id = deputy
            with as_refusal():
                look.save(update_fields=["second"])
            moved.append({"second_look": look.pk, "from": whose, "to": deputy})
    if moved:
        audit("desk.stand_in", by=by, target="log reviews and second looks", detail={"moved": moved})
    return len(moved)
