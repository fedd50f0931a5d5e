"""Answers who may review, who is away, and whom the terms of a campaign name."""

from collections import Counter
from datetime import date

from django.db.models import QuerySet
from django.utils import timezone

from identities.kinds import IdentityKind
from identities.models import Grant, Identity
from identities.queries import people
from identities.scim.models import DirectoryGroup, DirectoryMember
from reviews.assigning import Terms
from reviews.kinds import Strategy
from reviews.models import Absence
from tenants.kinds import ROLE_PERMISSIONS, Permission, Role
from tenants.models import Membership
from tenants.queries import clients_people
from tenants.scope import current_tenant_id


def eligible_reviewers() -> frozenset[int]:
    """Returns the identities whose user holds a role in this tenant that may review, and who have not left."""
    roles = [role for role in Role if Permission.ITEM_REVIEW in ROLE_PERMISSIONS[role]]
    now = timezone.now()
    members = Membership.objects.filter(tenant_id=current_tenant_id(), role__in=roles, user__is_active=True)
    users = [member.user_id for member in members if member.is_current(now)]
    people_here = Identity.objects.filter(user_id__in=users).exclude(employed_until__lt=timezone.localdate())
    return frozenset(people_here.values_list("id", flat=True))


def cosigners() -> frozenset[int]:
    """Returns the clients' people of the register who co-sign from their own tenant (docs/adr/0408), and are there."""
    here = Identity.objects.filter(kind=IdentityKind.CLIENT, user_id__in=clients_people(current_tenant_id()))
    return frozenset(here.exclude(employed_until__lt=timezone.localdate()).values_list("id", flat=True))


def deputies(day: date | None = None) -> dict[int, int]:
    """Returns who reviews in place of whom on a day, today by default; the latest word counts."""
    day = day or timezone.localdate()
    away = Absence.objects.filter(ended_at__isnull=True, first_on__lte=day, last_on__gte=day)
    return dict(away.order_by("id").values_list("reviewer_id", "deputy_id"))


def absences() -> QuerySet[Absence]:
    """Returns who is or will be away, soonest first."""
    rows = Absence.objects.filter(ended_at__isnull=True, last_on__gte=timezone.localdate())
    return rows.select_related("reviewer", "deputy").order_by("first_on", "id")


def client_reviewers() -> dict[str, int]:
    """Returns the client's own reviewer of each programme: the first by id of the register who may co-sign."""
    able = eligible_reviewers() | cosigners()
    rows = Identity.objects.filter(kind=IdentityKind.CLIENT, pk__in=able).exclude(programme="")
    return dict(rows.order_by("-external_id").values_list("programme", "pk"))


def reviewers(text: str = "") -> QuerySet[Identity]:
    """Returns the people who may review and whose name, id or e-mail address holds a text, by name."""
    return people(text).filter(pk__in=eligible_reviewers())


def members_of(group: str) -> frozenset[int]:
    """Returns the active people of a group: `directory:<id>` of the directory, `right:<id>` holders of an entitlement.

    A group that is gone, or none, has nobody; the fallback reviews then.
    """
    kind, _colon, number = group.partition(":")
    if not number.isdecimal():
        return frozenset()
    if kind == "directory":
        members = DirectoryMember.objects.filter(group_id=int(number), person__active=True)
        return frozenset(members.values_list("person__identity_id", flat=True))
    held = Grant.objects.filter(entitlement_id=int(number), until=None, account__enabled=True).exclude(
        account__identity=None
    )
    return frozenset(held.values_list("account__identity_id", flat=True))


def reviewing_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns the groups that may review, by where they come from, with how many of each may: for a form's choice.

    Of the directory all groups, of the systems the entitlements that somebody holds who may review.
    """
    able = eligible_reviewers()
    rows = DirectoryMember.objects.filter(person__active=True, person__identity_id__in=able)
    counted = Counter(rows.values_list("group_id", flat=True))
    names = DirectoryGroup.objects.order_by("display_name", "pk").values_list("pk", "display_name")
    found = [("Directory", [(f"directory:{pk}", f"{name} ({counted[pk]} may review)") for pk, name in names])]
    held = Grant.objects.filter(until=None, account__enabled=True, account__identity_id__in=able).order_by(
        "entitlement__key"
    )
    rights: dict[str, dict[tuple[int, str], set[int]]] = {}
    for system, pk, key, who in held.values_list(
        "entitlement__system__name", "entitlement_id", "entitlement__key", "account__identity_id"
    ):
        rights.setdefault(system, {}).setdefault((pk, key), set()).add(who)
    for system in sorted(rights):
        lines = [(f"right:{pk}", f"{key} ({len(who)} may review)") for (pk, key), who in rights[system].items()]
        found.append((system, lines))
    return [(where, lines) for where, lines in found if lines]


def terms(strategy: str, named: Identity | int | None, fallback: Identity | int, group: str = "") -> Terms:
    """Returns the parts of a plan or campaign that decide about reviewers."""
    fallback_id = fallback.pk if isinstance(fallback, Identity) else fallback
    manager = Identity.objects.filter(pk=fallback_id).values_list("manager_id", flat=True).first()
    return Terms(
        strategy=Strategy(strategy),
        named=named.pk if isinstance(named, Identity) else named,
        fallback=fallback_id,
        fallback_manager=manager,
        eligible=eligible_reviewers() | (cosigners() if strategy == Strategy.CLIENT else frozenset()),
        deputies=deputies(),
        group=members_of(group) if strategy == Strategy.GROUP else frozenset(),
    )
