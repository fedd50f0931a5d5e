"""Sends the mails of reviews, outside of any transaction: each is claimed, handed over and recorded."""

import logging
import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from reviews.actions import claim_day_mail, claim_notice, finish_day_mail, finish_notice
from reviews.kinds import DayKind, NoticeKind
from reviews.letters import DayLine, Letter, LetterFacts, day_letter, review_letter
from reviews.models import DayMail, ReviewNotice
from reviews.queries.daymails import Waiting, address_of
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

_log = logging.getLogger(__name__)
PAGES = {NoticeKind.ANSWER: "reviews:unanswered"}


def send_due(tenant: Tenant) -> int:
    """Sends every mail of the tenant that is due, one after the other; returns how many the mail server took."""
    by, sent = Actor.system("notices", tenant.pk), 0
    while True:
        with tenant_scope(tenant):
            claimed = claim_notice(by=by)
        if claimed is None:
            return sent
        notice, count = claimed
        error = _send(notice, count, tenant)
        with tenant_scope(tenant):
            finish_notice(notice=notice, error=error, by=by)
        sent += not error


def _page(notice: ReviewNotice, tenant: Tenant) -> str:
    """Returns the page that a mail leads to."""
    kind = NoticeKind(notice.kind)
    if kind == NoticeKind.QUESTION:
        return reverse("reviews:question", args=[tenant.slug, notice.covers[0]])
    if kind == NoticeKind.ANSWERED:
        return reverse("reviews:review", args=[tenant.slug, notice.campaign_id])
    return reverse(PAGES.get(kind, "reviews:inbox"), args=[tenant.slug])


def _send(notice: ReviewNotice, count: int, tenant: Tenant) -> str:
    """Hands one mail to the mail server; returns what went wrong, or nothing."""
    kind, campaign = NoticeKind(notice.kind), notice.campaign
    letter = review_letter(
        LetterFacts(
            kind=kind,
            campaign=campaign.name,
            count=count,
            due_at=campaign.due_at or notice.due_at,
            time_zone=campaign.plan.time_zone,
            about=notice.about.name,
            link=f"{settings.PORTAL_URL}{_page(notice, tenant)}",
        )
    )
    return _hand_over(letter, notice.address, tenant)


def _hand_over(letter: Letter, address: str, tenant: Tenant) -> str:
    """Hands one mail to the mail server; returns what went wrong, or nothing."""
    try:
        EmailMessage(letter.subject, letter.body, settings.DEFAULT_FROM_EMAIL, [address]).send()
    except (OSError, smtplib.SMTPException) as fault:
        _log.warning("Mail about reviews of %s could not be sent: %s", tenant.slug, fault)
        return f"The mail server did not take it: {getattr(fault, 'strerror', None) or fault}."
    return ""


def send_day_mails(tenant: Tenant) -> int:
    """Sends the mails of the day about log reviews and second looks; returns how many the mail server took."""
    by, sent = Actor.system("notices", tenant.pk), 0
    while True:
        with tenant_scope(tenant):
            claimed = claim_day_mail(by=by)
        if claimed is None:
            return sent
        mail, waiting = claimed
        error = _hand_over(_day_letter(mail, waiting, tenant), mail.address, tenant)
        with tenant_scope(tenant):
            finish_day_mail(mail=mail, error=error, by=by)
        sent += not error


def _day_letter(mail: DayMail, waiting: Sequence[Waiting], tenant: Tenant) -> Letter:
    """Returns the words of the mail of a day; what is one's own leads to the inbox, what is of others to the list."""
    lines = [
        DayLine(one.what, one.name, one.count, one.due_at, "" if _is_own(mail, one) else one.person.name)
        for one in waiting
    ]
    mine = {one.what for one in waiting if _is_own(mail, one)}
    page = "reviews:inbox" if mine - {DayKind.ASKED} else "reviews:log_reviews"
    page = "reviews:questions" if mine == {DayKind.ASKED} else page
    link = f"{settings.PORTAL_URL}{reverse(page, args=[tenant.slug])}"
    return day_letter(lines, now=timezone.now(), time_zone=tenant.time_zone, link=link)


def _is_own(mail: DayMail, one: Waiting) -> bool:
    """Returns whether something waits for whom the mail is to."""
    return (
        one.what == DayKind.ASKED
        or one.person.pk == mail.person_id
        or address_of(one.person).lower() == mail.address.lower()
    )
