"""Deeds on external auditors' engagements: invite, mail the invitation, accept it, end it at once (docs/adr/0506)."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenants.audit import audit
from tenants.kinds import Actor, EngagementScope, Role, enforce
from tenants.models import Engagement, Membership, Tenant, User
from tenants.policies import (
    can_accept_invitation,
    can_end_engagement,
    can_hold_engagement,
    can_invite_auditor,
    can_post_invitation,
)
from tenants.queries import actor_for
from tenants.scope import tenant_scope
from tenants.tokens import INVITATION, make_token
from tenants.work import enqueue

OPEN_DAYS: Final = 7
"""How long an invitation may be used."""

BODY: Final = """\
{inviter} invites you to audit {tenant}.

The room covers {first} to {last} (UTC) and is open until {end} UTC.
Open it with this address ({email}) within {days} days; the link works once:

{link}

You will be asked for a second factor before you see anything. Every look of yours is recorded, and the
client can read that record.
"""


@transaction.atomic
def invite_auditor(*, email: str, firm: str, scope: EngagementScope, by: Actor, post: bool = True) -> Engagement:
    """Engage an external auditor and mail the invitation (`post` is off where the person accepts at once).

    What an ended room or a lapsed invitation left open for the address is closed.
    """
    now, address = timezone.now(), email.strip().lower()
    enforce(can_invite_auditor(by, scope, now, invited=False))
    lapsed = Q(ends_at__lte=now) | Q(accepted_at=None, open_until__lte=now)
    earlier = Engagement.objects.filter(email=address, ended_at=None)
    earlier.filter(lapsed).update(ended_at=now, ended_by=by.name)
    enforce(can_invite_auditor(by, scope, now, invited=earlier.exists()))
    engagement = Engagement(
        email=address,
        firm=firm.strip(),
        period_start=scope.period_start,
        period_end=scope.period_end,
        frameworks=list(scope.frameworks),
        columns=scope.columns,
        starts_at=scope.starts_at,
        ends_at=scope.ends_at,
        invited_at=now,
        invited_by=by.name,
        open_until=min(now + timedelta(days=OPEN_DAYS), scope.ends_at),
    )
    engagement.save(force_insert=True)
    if post:
        title = f"Invitation of {address}"
        enqueue("tenants.invitation", "tenants.jobs.post_invitation", engagement.pk, title=title, by=by)
    detail = {"frameworks": scope.frameworks, "columns": scope.columns, "until": scope.ends_at}
    detail |= {"from": scope.period_start, "to": scope.period_end}
    audit("auditor.invite", by=by, target=str(engagement), detail=detail)
    return engagement


@transaction.atomic
def renew_invitation(*, engagement: Engagement, by: Actor) -> str:
    """Make the invitation's token anew and return its text, which is mailed and never stored."""
    enforce(can_post_invitation(by, engagement, timezone.now()))
    token = make_token(INVITATION, engagement.tenant.uuid)
    engagement.digest = token.digest
    engagement.save(update_fields=["digest"])
    audit("auditor.mail", by=by, target=str(engagement), detail={"token": token.prefix})
    return token.text


def post_invitation(tenant: Tenant, engagement_id: int) -> str:
    """Mail an invitation; returns the address. An earlier mail's link stops working.

    Raises:
        OSError, smtplib.SMTPException: the mail server did not take it; the work fails visibly and is tried again.
    """
    by = Actor.system("invitations", tenant.pk)
    with tenant_scope(tenant):
        engagement = Engagement.objects.select_related("tenant").get(pk=engagement_id)
        text = renew_invitation(engagement=engagement, by=by)
    body = BODY.format(
        inviter=engagement.invited_by,
        tenant=tenant.name,
        first=f"{engagement.period_start:%-d %B %Y}",
        last=f"{engagement.period_end - timedelta(microseconds=1):%-d %B %Y}",
        end=f"{engagement.ends_at:%-d %B %Y, %H:%M}",
        email=engagement.email,
        days=(engagement.open_until - engagement.invited_at).days,
        link=f"{settings.PORTAL_URL}/invitation/{text}/",
    )
    subject = " ".join(f"[Countersign] You are invited to audit {tenant.name}".split())
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [engagement.email]).send()
    return engagement.email


@transaction.atomic
def accept_invitation(*, engagement: Engagement, by: User) -> Engagement:
    """Use an invitation, once: the person becomes the external auditor of the room, until its end."""
    held = Engagement.objects.select_for_update().get(pk=engagement.pk)
    enforce(can_accept_invitation(by.email, held, timezone.now()))
    known = actor_for(by, held.tenant)
    enforce(can_hold_engagement(known.roles if known else frozenset()))
    held.user, held.accepted_at = by, timezone.now()
    held.save(update_fields=["user", "accepted_at"])
    term = {"starts_at": held.starts_at, "ends_at": held.ends_at}
    Membership.objects.update_or_create(tenant=held.tenant, user=by, role=Role.AUDITOR, defaults=term)
    actor = Actor(by.email, by.pk, held.tenant.pk, frozenset({Role.AUDITOR}))
    audit("auditor.accept", by=actor, target=str(held), detail={"until": held.ends_at})
    return held


@transaction.atomic
def join_by_invitation(*, engagement: Engagement, name: str, password: str) -> User:
    """Make an account from an invitation, for its address alone, and use the invitation.

    Raises:
        ValidationError: the password is too weak; nothing is kept.
    """
    enforce(can_accept_invitation(engagement.email, engagement, timezone.now()))
    user = User(email=engagement.email, name=name.strip())
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save(force_insert=True)
    accept_invitation(engagement=engagement, by=user)
    return user


@transaction.atomic
def end_engagement(*, engagement: Engagement, by: Actor) -> None:
    """End an engagement, or take back its invitation, now: the next request answers 404, for everything."""
    enforce(can_end_engagement(by, engagement))
    now = timezone.now()
    Engagement.objects.filter(pk=engagement.pk).update(ended_at=now, ended_by=by.name)
    for row in Membership.objects.filter(user=engagement.user, tenant=engagement.tenant, role=Role.AUDITOR):
        row.ends_at = max(now, row.starts_at + timedelta(microseconds=1))
        row.save(update_fields=["ends_at"])
    audit("auditor.end", by=by, target=str(engagement), detail={"until": engagement.ends_at})
