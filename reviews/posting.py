"""Sends the mails of campaigns, outside of any transaction: each is claimed, handed over and recorded."""

import logging
import smtplib

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from reviews.actions import claim_notice, finish_notice
from reviews.kinds import NoticeKind
from reviews.letters import LetterFacts, review_letter
from reviews.models import ReviewNotice
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
    try:
        EmailMessage(letter.subject, letter.body, settings.DEFAULT_FROM_EMAIL, [notice.address]).send()
    except (OSError, smtplib.SMTPException) as fault:
        _log.warning("Mail about a campaign of %s could not be sent: %s", tenant.slug, fault)
        return f"{type(fault).__name__}: {fault}"
    return ""
