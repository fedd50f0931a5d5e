"""Answers what a campaign over a scope would hold, while its form is filled."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils import timezone

from identities.models import SnapshotRow, System
from identities.queries import latest_complete_snapshots
from reviews.assigning import Around, Terms, choose_reviewer
from reviews.queries.reviewers import client_reviewers
from reviews.queries.scope import scope_rules


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


def preview(*, system_ids: Collection[int], told: Mapping[str, Any], terms_of: Terms) -> Preview:
    """Returns the live counts of the creation page; `told` names the rules of the scope as a definition does.

    The number of queries does not grow with the grants.
    """
    systems = {system.pk: system for system in System.objects.filter(pk__in=system_ids)}
    newest = latest_complete_snapshots(list(systems))
    rows = SnapshotRow.objects.filter(snapshot__in=[snapshot.pk for snapshot in newest.values()])
    for condition, _words in scope_rules(told, rows, timezone.now()):
        rows = rows.filter(condition)
    clients = client_reviewers()
    shares: Counter[int] = Counter()
    fallback = missing = privileged = 0
    by: tuple[str, ...] = (
        "snapshot__system_id",
        "identity_id",
        "identity__manager_id",
        "identity__programme",
        "privileged",
    )
    by = (*by, "account_id") if terms_of.group else by
    groups = rows.values(*by).annotate(n=Count("id"))
    for group in groups:
        privileged += group["n"] if group["privileged"] else 0
        chosen = choose_reviewer(
            terms_of,
            subject=group["identity_id"] or 0,
            manager=group["identity__manager_id"],
            owner=systems[group["snapshot__system_id"]].owner_id,
            around=Around(clients.get(group["identity__programme"]), account=group.get("account_id", 0)),
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
