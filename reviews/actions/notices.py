"""Writes the mails of campaigns, each once, and records how sending them went."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from reviews.actions.moves import locked
from reviews.kinds import NoticeKind
from reviews.models import Campaign, Message, ReviewNotice
from reviews.policies import can_manage_campaigns
from reviews.queries.notices import due_since, still_waiting, unanswered, undecided, unrevoked, unsigned
from reviews.queries.notices import newest_put as put_before
from reviews.reminding import TO_MANAGER, TO_OWNER, step_after, step_before
from reviews.states import CampaignState, NoticeState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce
from tenants.work import enqueue

MAX_SENDS: Final = 12
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=2)
NO_ADDRESS: Final = "The person has no e-mail address in the register."
SENDING: Final = "reviews.notices"

Due = dict[tuple[NoticeKind, str, int, int], list[int]]
"""What is to be written: kind, step, the person it is about, the recipient; and the ids that it covers."""


@transaction.atomic
def write_notices(*, campaign: Campaign, by: Actor, at: datetime | None = None) -> int:
    """Writes the mails of a campaign that are due at a moment, now by default; returns how many are new.

    Safe to run any time: each mail is written once.
    """
    enforce(can_manage_campaigns(by))
    campaign, now = locked(campaign), at or timezone.now()
    due: Due = defaultdict(list)
    if campaign.state == CampaignState.OPEN:
        _before(campaign, now, due)
    elif campaign.is_working:
        _after(campaign, now, due)
    written = _store(campaign, due, timezone.now())
    if written:
        audit("campaign.notify", by=by, target=f"campaign {campaign.name}", detail={"mails": written})
    return written


def _before(campaign: Campaign, now: datetime, due: Due) -> None:
    """Collects what is put to reviewers since they were told last, and the step of the reminders."""
    assert campaign.due_at is not None  # noqa: S101 -- an open campaign has one, by a constraint
    step = step_before(campaign.due_at, since=due_since(campaign), now=now)
    rows, told = undecided(campaign), put_before(campaign)
    newest: dict[int, datetime] = {}
    for row in rows:
        newest[row.reviewer_id] = max(row.since, newest.get(row.reviewer_id, row.since))
    managers = dict(Identity.objects.filter(pk__in=newest).values_list("pk", "manager_id"))
    for row in rows:
        who, manager = row.reviewer_id, managers.get(row.reviewer_id)
        if who not in told or row.since > told[who]:
            due[NoticeKind.PUT, newest[who].isoformat(), who, who].append(row.pk)
        if step is None or row.since > step.at:
            continue
        due[NoticeKind.REMINDER, step.name, who, who].append(row.pk)
        if step.name == TO_MANAGER and manager is not None:
            due[NoticeKind.MANAGER, step.name, who, manager].append(row.pk)
        if step.name == TO_OWNER and row.owner_id is not None and row.owner_id != who:
            due[NoticeKind.OWNER, step.name, row.owner_id, row.owner_id].append(row.pk)


def _after(campaign: Campaign, now: datetime, due: Due) -> None:
    """Collects what is overdue: signatures, answers of owners, and revocations; each daily."""
    step = step_after(campaign.due_at, now=now) if campaign.due_at else None
    if step is None:
        step_name = "T+0"  # everybody decided early, and only revocations are left
    else:
        step_name = step.name
        for who, covers in unsigned(campaign).items():
            due[NoticeKind.SIGN, step_name, who, who] += covers
    for who, covers in unanswered(campaign).items():
        due[NoticeKind.ANSWER, step_name, who, who] += covers
    for who, covers in unrevoked(campaign, now).items():
        due[NoticeKind.REVOKE, f"{now:%Y-%m-%d}", who, who] += covers


def _store(campaign: Campaign, due: Mapping[tuple[NoticeKind, str, int, int], list[int]], now: datetime) -> int:
    """Stores the mails that are not written yet; returns how many."""
    if not due or campaign.due_at is None:
        return 0
    known = set(
        ReviewNotice.objects.filter(campaign=campaign, due_at=campaign.due_at).values_list(
            "kind", "step", "about_id", "recipient_id"
        )
    )
    fresh = {key: covers for key, covers in due.items() if (str(key[0]), *key[1:]) not in known}
    addresses = _addresses({key[3] for key in fresh})
    rows = [
        ReviewNotice(
            campaign=campaign,
            kind=kind,
            step=step,
            due_at=campaign.due_at,
            about_id=about,
            recipient_id=recipient,
            address=addresses.get(recipient, ""),
            covers=covers,
            state=NoticeState.WAITING if addresses.get(recipient) else NoticeState.GIVEN_UP,
            last_error="" if addresses.get(recipient) else NO_ADDRESS,
            next_try_at=now,
            created_at=now,
        )
        for (kind, step, about, recipient), covers in fresh.items()
    ]
    return len(ReviewNotice.objects.bulk_create(rows))


def tell(campaign: Campaign, kind: NoticeKind, *, step: str, about: int, to: int, covers: list[int]) -> None:
    """Writes one mail to one person of the register, as part of a deed that was allowed."""
    _store(campaign, {(kind, step, about, to): covers}, timezone.now())


def _addresses(people: Iterable[int]) -> dict[int, str]:
    """Returns the address of each person: of their user, else of the register."""
    rows = Identity.objects.filter(pk__in=list(people)).select_related("user")
    return {row.pk: (row.user.email if row.user else row.email) for row in rows}


@transaction.atomic
def remind_reviewers(*, campaign: Campaign, by: Actor) -> int:
    """Writes a mail to every reviewer who has undecided items and has them sent; returns how many."""
    enforce(can_manage_campaigns(by))
    campaign, now = locked(campaign), timezone.now()
    if campaign.state != CampaignState.OPEN or campaign.due_at is None:
        raise Refused(denied("Reviewers are reminded only while the campaign is open."))
    due: Due = defaultdict(list)
    for row in undecided(campaign):
        due[NoticeKind.REMINDER, f"asked for {now:%Y-%m-%d %H:%M}", row.reviewer_id, row.reviewer_id].append(row.pk)
    written = _store(campaign, due, now)
    enqueue(SENDING, "reviews.jobs.send_notices", title=f"Reminders of {campaign.name}", by=by)
    detail = {"campaign": campaign.pk, "reviewers": written, "items": sum(map(len, due.values()))}
    audit("campaign.remind", by=by, target=f"campaign {campaign.name}", detail=detail)
    return written


def attempted(mail: Message, *, waits: bool) -> None:
    """Counts an attempt and says when the next is due; what waits no more is dropped instead."""
    mail.attempts += 1
    mail.next_try_at = timezone.now() + min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(mail.attempts - 1, 10)))
    mail.state = mail.state if waits else NoticeState.DROPPED
    mail.save(update_fields=["attempts", "next_try_at", "state"])


def finished(mail: Message, error: str) -> None:
    """Stores how an attempt ended; the last one in vain gives the mail up."""
    if not error:
        mail.state, mail.sent_at, mail.last_error = NoticeState.SENT, timezone.now(), ""
    else:
        mail.state = NoticeState.GIVEN_UP if mail.attempts >= MAX_SENDS else NoticeState.FAILED
        mail.last_error = error[:500]
    mail.save(update_fields=["state", "sent_at", "last_error"])


@transaction.atomic
def claim_notice(*, by: Actor) -> tuple[ReviewNotice, int] | None:
    """Claims the mail that is due first, with how many of its grants still wait; None when nothing is due.

    What waits no more is dropped, so that nobody is mailed about items that went to somebody else. The attempt is
    counted before it is made: a process that dies while sending loses only this attempt.
    """
    enforce(can_manage_campaigns(by))
    while True:
        due = ReviewNotice.objects.filter(
            state__in=(NoticeState.WAITING, NoticeState.FAILED), next_try_at__lte=timezone.now()
        ).select_related("campaign__plan", "about")
        notice = due.select_for_update(of=("self",), skip_locked=True).order_by("next_try_at", "id").first()
        if notice is None:
            return None
        count = still_waiting(notice, timezone.now())
        attempted(notice, waits=bool(count))
        if count:
            return notice, count
        audit("campaign.drop_mail", by=by, target=str(notice), detail={"notice": notice.pk})


@transaction.atomic
def finish_notice(*, notice: ReviewNotice, error: str, by: Actor) -> ReviewNotice:
    """Records how an attempt to send ended; `error` is empty when the mail server took it."""
    enforce(can_manage_campaigns(by))
    finished(notice, error)
    if notice.attempts == 1 or notice.is_over:
        detail = {"notice": notice.pk, "kind": notice.kind, "attempts": notice.attempts, "error": notice.last_error}
        audit("campaign.mail", by=by, target=str(notice), detail=detail)
    return notice
