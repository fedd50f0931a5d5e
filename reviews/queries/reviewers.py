"""Answers who may review, and who would review what in a scope."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, QuerySet
from django.utils import timezone

from identities.models import Identity, SnapshotRow, System
from identities.queries import latest_complete_snapshots, people
from reviews.assigning import Terms, choose_reviewer
from reviews.kinds import Strategy
from reviews.models import Absence
from tenants.kinds import ROLE_PERMISSIONS, Permission, Role
from tenants.models import Membership
from tenants.scope import current_tenant_id


def eligible_reviewers() -> frozenset[int]:
    """Returns the identities whose user holds a role in this tenant that may review, and who have not left."""
    roles = [role for role in Role if Permission.ITEM_REVIEW in ROLE_PERMISSIONS[role]]
    now = timezone.now()
    members = Membership.objects.filter(tenant_id=current_tenant_id(), role__in=roles, user__is_active=True)
    users = [member.user_id for member in members if member.is_current(now)]
    people_here = Identity.objects.filter(user_id__in=users).exclude(employed_until__lt=timezone.localdate())
    return frozenset(people_here.values_list("id", flat=True))


def deputies(day: date | None = None) -> dict[int, int]:
    """Returns who reviews in place of whom on a day, today by default; the latest word counts."""
    day = day or timezone.localdate()
    away = Absence.objects.filter(ended_at__isnull=True, first_on__lte=day, last_on__gte=day)
    return dict(away.order_by("id").values_list("reviewer_id", "deputy_id"))


def absences() -> QuerySet[Absence]:
    """Returns who is or will be away, soonest first."""
    rows = Absence.objects.filter(ended_at__isnull=True, last_on__gte=timezone.localdate())
    return rows.select_related("reviewer", "deputy").order_by("first_on", "id")


def reviewers(text: str = "") -> QuerySet[Identity]:
    """Returns the people who may review and whose name, id or e-mail address holds a text, by name."""
    return people(text).filter(pk__in=eligible_reviewers())


def terms(strategy: str, named: Identity | int | None, fallback: Identity | int) -> Terms:
    """Returns the parts of a plan or campaign that decide about reviewers."""
    fallback_id = fallback.pk if isinstance(fallback, Identity) else fallback
    manager = Identity.objects.filter(pk=fallback_id).values_list("manager_id", flat=True).first()
    return Terms(
        strategy=Strategy(strategy),
        named=named.pk if isinstance(named, Identity) else named,
        fallback=fallback_id,
        fallback_manager=manager,
        eligible=eligible_reviewers(),
        deputies=deputies(),
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts what a campaign over a scope would hold, before it is made."""

    grants: int
    systems: int
    reviewers: int
    fallback: int
    without_reviewer: int
    without_snapshot: tuple[str, ...]
    largest_share: int
    privileged: int


def preview(*, system_ids: Collection[int], privileged_only: bool, terms_of: Terms) -> Preview:
    """Returns the live counts of the creation page; five queries whatever the number of grants."""
    systems = {system.pk: system for system in System.objects.filter(pk__in=system_ids)}
    newest = latest_complete_snapshots(list(systems))
    rows = SnapshotRow.objects.filter(snapshot__in=[snapshot.pk for snapshot in newest.values()])
    if privileged_only:
        rows = rows.filter(privileged=True)
    shares: Counter[int] = Counter()
    fallback = missing = privileged = 0
    groups = rows.values("snapshot__system_id", "identity_id", "identity__manager_id", "privileged").annotate(
        n=Count("id")
    )
    for group in groups:
        privileged += group["n"] if group["privileged"] else 0
        chosen = choose_reviewer(
            terms_of,
            subject=group["identity_id"] or 0,
            manager=group["identity__manager_id"],
            owner=systems[group["snapshot__system_id"]].owner_id,
        )
        if chosen is None:
            missing += group["n"]
            continue
        shares[chosen[0]] += group["n"]
        fallback += group["n"] if chosen[1] == "fallback" else 0
    return Preview(
        grants=sum(shares.values()) + missing,
        systems=len(systems),
        reviewers=len(shares),
        fallback=fallback,
        without_reviewer=missing,
        without_snapshot=tuple(system.name for pk, system in sorted(systems.items()) if pk not in newest),
        largest_share=max(shares.values(), default=0),
        privileged=privileged,
    )
