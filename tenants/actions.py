"""Deeds on tenants, people, roles and tokens."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from ledger.actions import open_epoch, open_log
from ledger.kinds import EpochStart, LeafKind
from ledger.queries import newest_at
from tenants.audit import audit
from tenants.kinds import Actor, EndedAccess, Permission, Role, TenantKind, Verdict, denied, enforce
from tenants.models import SLUG_RULE, ApiToken, Membership, PurposeList, Tenant, User
from tenants.policies import (
    can_end_access,
    can_end_role,
    can_grant_role,
    can_issue_token,
    can_keep_ledger,
    can_open_tenant,
    can_revoke_token,
    can_set_purposes,
)
from tenants.scope import current_scope, tenant_scope
from tenants.tokens import make_token
from tenants.zones import known_zones

MOST_PURPOSES: Final = 12
LONGEST_TOKEN: Final = timedelta(days=365)
SILENT_AFTER: Final = timedelta(minutes=45)
"""The schedule looks every ten minutes: a heartbeat therefore follows the last entry within an hour."""


@transaction.atomic
def open_tenant(
    *, slug: str, name: str, kind: TenantKind, time_zone: str, parent: Tenant | None = None, by: Actor | None = None
) -> Tenant:
    """Create a tenant and its ledger; the first one is created by the installation itself (``by`` is None).

    Raises:
        ValidationError: the short name, the time zone or another field is wrong.
    """
    enforce(can_open_tenant(by))
    SLUG_RULE(slug)
    if time_zone not in known_zones():
        message = f"There is no time zone named {time_zone!r}: use an IANA name such as Europe/Madrid."
        raise ValidationError(message)
    tenant = Tenant(slug=slug, name=name, kind=kind, time_zone=time_zone, parent=parent)
    tenant.full_clean()
    tenant.save(force_insert=True)
    actor = by or Actor.system("installation", tenant.pk)
    with tenant_scope(tenant):
        open_log(log_id=tenant.uuid, origin=f"countersign/t/{tenant.uuid}/1")
        audit("tenant.open", by=actor, target=name, detail={"slug": slug, "kind": kind, "time_zone": time_zone})
    return tenant


@transaction.atomic
def add_person(*, tenant: Tenant, email: str, name: str, by: Actor) -> User:
    """Find a person by e-mail address or add them, without a password: they set one by the reset mail."""
    enforce(can_grant_role(by, Role.REVIEWER))
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        user = User(email=email.strip().lower(), name=name.strip())
        user.set_unusable_password()
        user.full_clean(exclude=["password"])
        user.save(force_insert=True)
        audit("person.add", by=by, target=user.email, detail={"name": user.name, "tenant": tenant.slug})
    return user


@transaction.atomic
def grant_role(*, tenant: Tenant, user: User, role: Role, by: Actor, ends_at: datetime | None = None) -> Membership:
    """Give a person a role in the tenant, or set the term of the one they have."""
    enforce(can_grant_role(by, role))
    enforce(_has_term(role, ends_at))
    membership, _new = Membership.objects.update_or_create(
        tenant=tenant, user=user, role=role, defaults={"ends_at": ends_at}
    )
    audit("role.grant", by=by, target=user.email, detail={"role": role, "until": ends_at})
    return membership


def _has_term(role: Role, ends_at: datetime | None) -> Verdict:
    if role == Role.AUDITOR:
        return denied("An external auditor is invited to an engagement with a scope and an end: see Auditors.")
    if ends_at is not None and ends_at <= timezone.now():
        return denied("The end of the role must lie in the future.")
    return Verdict(allowed=True)


@transaction.atomic
def end_role(*, membership: Membership, by: Actor) -> None:
    """End a person's role now; the next request is refused."""
    enforce(can_end_role(by, membership))
    membership.ends_at = max(timezone.now(), membership.starts_at + timedelta(microseconds=1))
    membership.save(update_fields=["ends_at"])
    audit("role.end", by=by, target=membership.user.email, detail={"role": membership.role})


@transaction.atomic
def end_access(*, tenant: Tenant, user: User, reason: str, by: Actor) -> EndedAccess:
    """End at once what a person has in the tenant: roles, API tokens, and with the roles their portal sessions.

    A session belongs to no tenant: whoever has a role elsewhere logs in again. Sessions of somebody who has no role
    here are left alone, so that no tenant can log other tenants' people out. Without anything to end it writes nothing.
    """
    enforce(can_end_access(by))
    now = timezone.now()
    rows = Membership.objects.select_for_update().filter(tenant=tenant, user=user)
    roles = [row for row in rows if row.ends_at is None or row.ends_at > now]
    for row in roles:
        row.ends_at = max(now, row.starts_at + timedelta(microseconds=1))
        row.save(update_fields=["ends_at"])
    tokens = ApiToken.objects.filter(created_by=user, revoked_at=None, expires_at__gt=now)
    prefixes = tuple(tokens.order_by("id").values_list("prefix", flat=True))
    tokens.update(revoked_at=now)
    sessions = _end_sessions(user) if roles else 0
    ended = EndedAccess(tuple(row.role for row in roles), prefixes, sessions)
    if ended:
        detail = {"reason": reason, "roles": ended.roles, "tokens": ended.tokens, "sessions": sessions}
        audit("access.end", by=by, target=user.email, detail=detail)
    return ended


def _end_sessions(user: User) -> int:
    """Delete the person's sessions; allauth keeps whose a session is, as Django's table does not."""
    kept = UserSession.objects.filter(user=user)
    ended, _rows = Session.objects.filter(session_key__in=list(kept.values_list("session_key", flat=True))).delete()
    kept.delete()
    return ended


@transaction.atomic
def issue_token(*, name: str, scopes: Collection[Permission], days: int, user: User, by: Actor) -> tuple[ApiToken, str]:
    """Issue an API token of the open tenant; returns it with its text, which is never seen again.

    Raises:
        ValidationError: the term is not between 1 and 365 days.
    """
    enforce(can_issue_token(by, frozenset(scopes)))
    if not 1 <= days <= LONGEST_TOKEN.days:
        message = "A token lasts between 1 and 365 days."
        raise ValidationError(message)
    new = make_token("api")
    token = ApiToken(
        name=name,
        prefix=new.prefix,
        digest=new.digest,
        scopes=sorted(scopes),
        created_by=user,
        expires_at=timezone.now() + timedelta(days=days),
    )
    token.save(force_insert=True)
    audit("token.issue", by=by, target=name, detail={"prefix": new.prefix, "scopes": sorted(scopes), "days": days})
    return token, new.text


@transaction.atomic
def revoke_token(*, token: ApiToken, by: Actor) -> None:
    """Revoke an API token now."""
    enforce(can_revoke_token(by))
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    audit("token.revoke", by=by, target=token.name, detail={"prefix": token.prefix})


@transaction.atomic
def beat_ledger(*, by: Actor) -> bool:
    """Write a heartbeat (leaf kind 03) where nothing was written for 45 minutes; says whether one was written.

    A log without entries for more than an hour is then a log that nobody kept, and not a quiet tenant.
    """
    enforce(can_keep_ledger(by))
    last = newest_at(current_scope().log_id)
    if last is not None and timezone.now() - last < SILENT_AFTER:
        return False
    audit("ledger.heartbeat", by=by, target="ledger", detail={"silent_since": last}, kind=LeafKind.HEARTBEAT)
    return True


@transaction.atomic
def announce_key(*, old: str, new: str, reason: str, by: Actor) -> None:
    """Announce in the ledger (leaf kind 04) that its key changes; the signer signs with both over this entry.

    Raises:
        ValidationError: no reason is given.
    """
    enforce(can_keep_ledger(by))
    if not reason.strip():
        message = "Say why the key is replaced: auditors read it."
        raise ValidationError(message)
    detail = {"old_key": old, "new_key": new, "reason": reason.strip()}
    audit("ledger.rotate", by=by, target="ledger key", detail=detail, kind=LeafKind.ROTATION)


@transaction.atomic
def start_epoch(*, start: EpochStart, reason: str, approved_by: str, by: Actor) -> None:
    """Close the ledger's epoch after a restore and open the next; its first leaf (kind 0C) says what was lost.

    Raises:
        ValidationError: the reason or the approver is not given.
    """
    enforce(can_keep_ledger(by))
    if not reason.strip() or not approved_by.strip():
        message = "Say why the log goes on in a new epoch, and who approved it: auditors read both."
        raise ValidationError(message)
    open_epoch(log_id=start.closed.log_id, epoch=start.epoch, origin=start.origin)
    detail = {
        "approved_by": approved_by.strip(),
        "checkpoint": start.note,
        "closed": start.closed.origin,
        "lost_leaves": max(0, start.signed_size - start.closed.size),
        "reason": reason.strip(),
        "signed_size": start.signed_size,
        "surviving_root": start.closed.root.hex(),
        "surviving_size": start.closed.size,
    }
    audit("ledger.epoch", by=by, target=start.origin, detail=detail, kind=LeafKind.EPOCH)


@transaction.atomic
def set_purposes(*, names: Sequence[str], by: Actor) -> PurposeList:
    """Set for which purposes logs are looked at; from now on whoever looks is asked for one of them.

    Raises:
        ValidationError: none is named, or too many.
    """
    enforce(can_set_purposes(by))
    kept = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not 0 < len(kept) <= MOST_PURPOSES:
        raise ValidationError(f"Name 1 to {MOST_PURPOSES} purposes, one a line.")
    last = PurposeList.objects.order_by("-version").first()
    row = PurposeList(version=last.version + 1 if last else 1, names=kept, set_by=by.name)
    row.save(force_insert=True)
    audit("purpose.set", by=by, target=f"Purposes of looks, {row}", detail={"names": kept})
    return row
