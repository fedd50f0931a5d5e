"""Reviews the demo's logs: a week that went the whole way to its signature, and a week that is begun."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from identities.models import Identity
from portal.demo.campaign import actor_of, proof_of, user_of
from portal.demo.cast import SignIns
from reviews.actions import (
    LogScheduleFacts,
    create_log_schedule,
    dispose,
    open_log_review,
    sign_log_review,
)
from reviews.kinds import Disposed, LogItemKind, Looked
from reviews.models import LogItem, LogReview
from reviews.queries.logreviews import heads, log_lines, log_statement
from reviews.queries.reviewers import eligible_reviewers
from tenants.kinds import Actor
from tenants.models import Tenant

DAYS_AGO: Final = 15
"""Where the first of two weeks begins; the second ended a whole day ago."""
BEGUN: Final = 3
FOUND: Final = {
    LogItemKind.ALERT: Looked(Disposed.EXPLAINED, "Asked the person: a forgotten password, changed the same day."),
    LogItemKind.GAP: Looked(Disposed.EXPLAINED, "The collector was being updated; the records were looked for.", ""),
    LogItemKind.PRIVILEGED: Looked(Disposed.BENIGN, "", "", 12),
    LogItemKind.OUT_OF_HOURS: Looked(Disposed.BENIGN, "On call, in the roster of the team.", "", 9),
}


def review_weeks(tenant: Tenant, head: Identity, sign_ins: SignIns, by: Actor) -> list[LogReview]:
    """Plan weekly reviews, open the weeks that are over, sign all but the last, and begin that one."""
    second = Identity.objects.filter(pk__in=eligible_reviewers() - {head.pk}).earliest("pk")
    today = timezone.localdate(timezone=tenant.zone)
    facts = LogScheduleFacts(
        name="Logs of all systems, weekly",
        rule="FREQ=WEEKLY",
        starts_on=today - timedelta(days=DAYS_AGO),
        time_zone=tenant.time_zone,
        reviewer=head,
        second=second,
        due_days=14,
        sample_privileged=6,
        sample_out_of_hours=4,
    )
    plan = create_log_schedule(facts=facts, by=by)
    opened = []
    while review := open_log_review(schedule=plan, by=by):
        opened.append(review)
    for review in opened[:-1]:
        _dispose(review, tenant)
        _sign(review, tenant, sign_ins)
    for review in opened[-1:]:
        _dispose(review, tenant, most=BEGUN)
    return opened


def _dispose(review: LogReview, tenant: Tenant, most: int | None = None) -> None:
    """Let the reviewer dispose of the first items, and the second of what is about the first."""
    for item in LogItem.objects.filter(review=review).select_related("review").order_by("n")[:most]:
        who = review.second if item.subject_key == review.reviewer_id else review.reviewer
        dispose(item=item, looked=FOUND[LogItemKind(item.kind)], by=actor_of(who, tenant))


def _sign(review: LogReview, tenant: Tenant, sign_ins: SignIns) -> None:
    """Let everybody who disposed of something sign it."""
    for who in Identity.objects.filter(pk__in=heads(review).values("reviewer")).order_by("pk"):
        user = user_of(who)
        proof = proof_of(user, sign_ins.password(user.email))
        _text, digest = log_statement(review, who, log_lines(review, who))
        if proof is None:
            message = f"{user.email} could not prove who signs."
            raise LookupError(message)
        by = actor_of(who, tenant)
        sign_log_review(review=review, by=by, printed_name=user.name, shown_digest=digest, proof=proof)
