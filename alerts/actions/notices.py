"""The mail about alerts: claimed by one process, sent outside of any transaction, tried again until it is gone."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from alerts.kinds import MAX_SENDS, NoticeState
from alerts.models import AlertNotice
from alerts.policies import can_retry_notice, can_send_notices
from tenants.audit import audit
from tenants.kinds import Actor, enforce

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)


@transaction.atomic
def claim_notice(*, by: Actor) -> AlertNotice | None:
    """Claim the mail that is due first, by counting the attempt before it is made; None when nothing is due.

    A process that dies while sending has lost only this attempt: the mail is due again after the pause. It may then
    arrive twice, but never not at all.
    """
    enforce(can_send_notices(by))
    due = AlertNotice.objects.filter(
        state__in=(NoticeState.WAITING, NoticeState.FAILED), next_try_at__lte=timezone.now()
    )
    notice = due.select_for_update(skip_locked=True).order_by("next_try_at", "id").first()
    if notice is None:
        return None
    notice.attempts += 1
    notice.next_try_at = timezone.now() + _pause_after(notice.attempts)
    notice.save(update_fields=["attempts", "next_try_at"])
    return notice


def _pause_after(attempts: int) -> timedelta:
    """Return the pause after so many attempts: 30 s, then doubled up to an hour."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 10)))


@transaction.atomic
def finish_notice(*, notice: AlertNotice, error: str, by: Actor) -> AlertNotice:
    """Record how an attempt to send ended; ``error`` is empty when the mail server took it."""
    enforce(can_send_notices(by))
    if not error:
        notice.state, notice.sent_at, notice.last_error = NoticeState.SENT, timezone.now(), ""
    else:
        notice.state = NoticeState.GIVEN_UP if notice.attempts >= MAX_SENDS else NoticeState.FAILED
        notice.last_error = error[:500]
    notice.save(update_fields=["state", "sent_at", "last_error"])
    if notice.attempts == 1 or notice.is_over:
        detail = {"alerts": notice.alert_count, "attempts": notice.attempts, "error": notice.last_error}
        audit("alert.mail", by=by, target=str(notice), detail=detail)
    return notice


@transaction.atomic
def retry_notice(*, notice: AlertNotice, by: Actor) -> AlertNotice:
    """Make a failed mail due now, also when it was given up."""
    enforce(can_retry_notice(by, notice))
    AlertNotice.objects.filter(pk=notice.pk, sent_at=None).update(
        state=NoticeState.WAITING, next_try_at=timezone.now(), attempts=0
    )
    audit("alert.retry_mail", by=by, target=str(notice), detail={"notice": notice.pk})
    notice.refresh_from_db()
    return notice
