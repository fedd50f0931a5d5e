"""Reads: who may enter which tenant, and what the tenant's pages show of people and deeds."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet
from django.utils import timezone

from tenants.kinds import COSIGNER, ROLE_PERMISSIONS, Actor, Permission, Role
from tenants.models import ApiToken, AuditEntry, Engagement, Membership, ProviderLink, PurposeList, Tenant, User, Work
from tenants.tokens import INVITATION, digest, tenant_named, well_formed


def tenant_by_slug(slug: str) -> Tenant | None:
    """Return the tenant of a slug, or None."""
    return Tenant.objects.select_related("parent").filter(slug=slug).first()


def tenant_by_uuid(uuid: UUID) -> Tenant | None:
    """Return the tenant of a UUID, or None."""
    return Tenant.objects.select_related("parent").filter(uuid=uuid).first()


def all_tenants() -> list[Tenant]:
    """Return every tenant of the installation, for processes that serve them one after the other."""
    return list(Tenant.objects.order_by("id"))


def current_memberships(user: User) -> list[Membership]:
    """Return the person's roles that hold now, with their tenants, by tenant name."""
    now = timezone.now()
    rows = Membership.objects.filter(user=user).select_related("tenant").order_by("tenant__name", "role")
    return [row for row in rows if row.is_current(now)]


def actor_for(user: User, tenant: Tenant) -> Actor | None:
    """Return the person as an actor in the tenant, or None for a stranger or an inactive person."""
    if not user.is_active:
        return None
    now = timezone.now()
    rows = Membership.objects.filter(user=user, tenant=tenant)
    roles = frozenset(Role(row.role) for row in rows if row.is_current(now))
    if not roles:
        return None
    permissions = frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
    return Actor(user.email, user.pk, tenant.pk, roles, permissions)


def cosigner_for(user: User, tenant: Tenant, known: Actor | None) -> Actor | None:
    """Return the person as one who may also co-sign in the tenant: a person of one of its clients (docs/adr/0408).

    Anybody else, and whoever reviews here by a role, is returned as they are known.
    """
    reviews = known is not None and known.may(Permission.ITEM_REVIEW)
    if reviews or not user.is_active or user.pk not in clients_people(tenant.pk, user):
        return known
    if known is None:
        return Actor(user.email, user.pk, tenant.pk, frozenset(), COSIGNER)
    return replace(known, permissions=known.permissions | COSIGNER)


def clients_people(tenant_id: int, user: User | None = None) -> frozenset[int]:
    """Return the users, or that one alone, who are now a client's person in a client's tenant of a BPO."""
    now = timezone.now()
    rows = Membership.objects.filter(tenant__parent_id=tenant_id, role=Role.CLIENT, user__is_active=True)
    rows = rows if user is None else rows.filter(user=user)
    return frozenset(row.user_id for row in rows if row.is_current(now))


def engagement_of(by: Actor) -> Engagement | None:
    """Return the engagement under which an external auditor is in the open tenant now, or None."""
    rows = Engagement.objects.filter(user__id=by.user_id or 0, ended_at=None).order_by("-id")
    return next((row for row in rows if row.is_in_force(timezone.now())), None)


def engagements() -> QuerySet[Engagement]:
    """Return every engagement of the open tenant, newest first."""
    return Engagement.objects.select_related("user").order_by("-id")


def engagement_invited(text: str) -> Engagement | None:
    """Return the engagement of the open tenant whose newest invitation is this text, or None."""
    return Engagement.objects.filter(digest=digest(text)).first()


def tenant_inviting(text: str) -> Tenant | None:
    """Return the tenant that an invitation's text names, or None for a text that is none."""
    named = tenant_named(text) if well_formed(text, INVITATION) else None
    return tenant_by_uuid(named) if named else None


def has_second_factor(user: User) -> bool:
    """Whether the person can prove by a passkey or an authenticator app that it is them."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    found: bool = Authenticator.objects.filter(user=user, type__in=kinds).exists()
    return found


def is_linked(user: User, issuer: str, subject: str | None = None) -> bool:
    """Whether the person has an account at the identity provider; with a subject, whether it is this one."""
    links = ProviderLink.objects.filter(user=user, issuer=issuer)
    return (links if subject is None else links.filter(subject=subject)).exists()


def members(tenant: Tenant) -> QuerySet[Membership]:
    """Return everybody's roles in the tenant, by name."""
    return Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__name", "role")


def members_with_role(tenant: Tenant, role: Role) -> Sequence[User]:
    """Return the active people who hold the role in the tenant now."""
    now = timezone.now()
    rows = Membership.objects.filter(tenant=tenant, role=role, user__is_active=True).select_related("user")
    return [row.user for row in rows.order_by("user__name") if row.is_current(now)]


def audit_trail(*, verb: str = "", actor: str = "") -> QuerySet[AuditEntry]:
    """Return the deeds of the open tenant, newest first, filtered by the start of the verb and a part of the name."""
    rows = AuditEntry.objects.order_by("-at", "id")
    if verb:
        rows = rows.filter(verb__startswith=verb)
    return rows.filter(actor_name__icontains=actor) if actor else rows


def api_tokens() -> QuerySet[ApiToken]:
    """Return the tenant's API tokens, newest first."""
    return ApiToken.objects.select_related("created_by").order_by("-id")


def visible_work(by: Actor) -> QuerySet[Work]:
    """Return the long work that the actor may see: all for the tenant's own roles, else what they asked for."""
    rows = Work.objects.all()
    return rows if by.sees_all_shareable else rows.filter(asked_by_user_id=by.user_id)


def purpose_list() -> PurposeList | None:
    """Return the purposes for which logs are looked at in the open tenant, or None where nobody has set any."""
    return PurposeList.objects.order_by("-version").first()
