"""Answers who holds what: the register's pages, matching of log names to accounts, and the evidence about snapshots."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from identities.grantlist import digest
from identities.listmodels import ListMapping
from identities.models import (
    Account,
    Grant,
    Identity,
    PeopleFeed,
    RosterFeed,
    RosterShift,
    Snapshot,
    SnapshotRow,
    System,
)
from identities.scim.models import DirectoryPerson


def match_accounts(system_id: int, names: Collection[str]) -> dict[str, int]:
    """Returns the account id for each name as it stands in a log line; names that match none are left out."""
    keys = {name.strip().lower() for name in names}
    found = dict(Account.objects.filter(system_id=system_id, name_key__in=keys).values_list("name_key", "id"))
    return {name: found[key] for name in names if (key := name.strip().lower()) in found}


def identity_of_user(user_id: int | None) -> Identity | None:
    """Returns the watched identity of a portal user in this tenant, or None when they are not watched here."""
    return None if user_id is None else Identity.objects.filter(user_id=user_id).first()


@dataclass(frozen=True, slots=True)
class SystemLine:
    """Holds one line of the register: a system with its newest snapshot and its counts."""

    system: System
    snapshot: Snapshot | None
    accounts: int
    grants: int
    privileged: int
    ownerless: int


def systems_register() -> list[SystemLine]:
    """Returns every system with its newest snapshot and counts, in three queries whatever the number of systems."""
    newest = Snapshot.objects.filter(system=OuterRef("pk")).order_by("-captured_at", "-id").values("id")[:1]
    systems = list(System.objects.select_related("owner").annotate(newest_id=Subquery(newest)).order_by("name"))
    snapshots = Snapshot.objects.in_bulk([pk for system in systems if (pk := getattr(system, "newest_id", None))])
    accounts: dict[int, dict[str, int]] = {
        row["system_id"]: {"n": row["n"], "ownerless": row["ownerless"]}
        for row in Account.objects.values("system_id").annotate(
            n=Count("id"), ownerless=Count("id", filter=Q(identity__isnull=True, enabled=True))
        )
    }
    grants: dict[int, dict[str, int]] = {
        row["entitlement__system_id"]: {"n": row["n"], "privileged": row["privileged"]}
        for row in Grant.objects.filter(until__isnull=True)
        .values("entitlement__system_id")
        .annotate(n=Count("id"), privileged=Count("id", filter=Q(entitlement__privileged=True)))
    }
    return [
        SystemLine(
            system=system,
            snapshot=snapshots.get(getattr(system, "newest_id", None) or 0),
            accounts=accounts.get(system.pk, {}).get("n", 0),
            grants=grants.get(system.pk, {}).get("n", 0),
            privileged=grants.get(system.pk, {}).get("privileged", 0),
            ownerless=accounts.get(system.pk, {}).get("ownerless", 0),
        )
        for system in systems
    ]


def grants_of_system(system: System, *, privileged_only: bool = False, text: str = "") -> QuerySet[Grant]:
    """Returns the grants held now on a system with account, person and entitlement, privileged first."""
    grants = Grant.objects.filter(entitlement__system=system, until__isnull=True).select_related(
        "account__identity", "entitlement"
    )
    if privileged_only:
        grants = grants.filter(entitlement__privileged=True)
    if text:
        grants = grants.filter(
            Q(account__name_key__contains=text.lower())
            | Q(account__identity__name__icontains=text)
            | Q(entitlement__key__icontains=text)
        )
    return grants.order_by("-entitlement__privileged", "account__name_key", "entitlement__key")


def snapshots_of(system: System) -> QuerySet[Snapshot]:
    """Returns a system's snapshots, newest first."""
    return Snapshot.objects.filter(system=system).order_by("-captured_at", "-id")


def list_mapping(system: System | None) -> ListMapping | None:
    """Returns the saved mapping of a system's own export, of the list of people where no system is named."""
    return ListMapping.objects.filter(system=system).first()


def latest_complete_snapshots(system_ids: Collection[int]) -> dict[int, Snapshot]:
    """Returns the newest complete snapshot of each system that has one."""
    rows = (
        Snapshot.objects.filter(system_id__in=system_ids, complete=True)
        .order_by("system_id", "-captured_at", "-id")
        .distinct("system_id")
    )
    return {snapshot.system_id: snapshot for snapshot in rows}


def snapshot_rows(snapshot: Snapshot) -> QuerySet[SnapshotRow]:
    """Returns the rows of a snapshot in sealed order, with what a page shows of them."""
    return (
        SnapshotRow.objects.filter(snapshot=snapshot).select_related("account", "entitlement", "identity").order_by("n")
    )


def sealed_rows(snapshot: Snapshot) -> Iterator[dict[str, object]]:
    """Yields the rows of a snapshot as they were digested: an outsider recomputes the digest from them."""
    rows = SnapshotRow.objects.filter(snapshot=snapshot).select_related("entitlement").order_by("n")
    for row in rows.iterator(chunk_size=2000):
        yield sealed_row(row, row.entitlement.key)


def sealed_row(row: SnapshotRow, entitlement_key: str) -> dict[str, object]:
    """Returns one row as the mapping that goes into the digest."""
    return {
        "n": row.n,
        "account": row.account_ref,
        "entitlement": entitlement_key,
        "account_kind": str(row.account_kind),
        "enabled": row.enabled,
        "privileged": row.privileged,
        "inherited_via": row.inherited_via,
        "origin": row.origin,
    }


def snapshot_holds(snapshot: Snapshot) -> bool:
    """Returns whether the stored rows still give the digest that was sealed."""
    return digest(sealed_rows(snapshot)) == snapshot.digest


def systems_without_snapshot(since: datetime, until: datetime) -> list[System]:
    """Returns the systems that delivered no complete snapshot in a period (aware times, end excluded)."""
    delivered = Snapshot.objects.filter(
        system=OuterRef("pk"), complete=True, captured_at__gte=since, captured_at__lt=until
    )
    return list(System.objects.filter(~Exists(delivered)).order_by("name"))


def latest_people_feed() -> PeopleFeed | None:
    """Returns the newest delivery of the list of people."""
    return PeopleFeed.objects.order_by("-delivered_at").first()


def people(text: str = "") -> QuerySet[Identity]:
    """Returns the identities whose name, id or e-mail address holds a text, in order of name."""
    rows = Identity.objects.select_related("manager")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(external_id__icontains=text) | Q(email__icontains=text))
    return rows.order_by("name", "id")


def people_with_directory(text: str = "") -> QuerySet[Identity]:
    """Returns `people` with what a directory says of them, its newest word first, and their groups: three queries more.

    Without a directory (docs/provisioning.md) nobody has an entry.
    """
    entries = DirectoryPerson.objects.order_by("-id")
    return people(text).prefetch_related(
        Prefetch("directory_entries", queryset=entries), "directory_entries__memberships__group"
    )


def newest_roster() -> RosterFeed | None:
    """Returns the newest delivered roster."""
    return RosterFeed.objects.order_by("-delivered_at").first()


def rostered(identity_ids: Collection[int], first: date, last: date) -> dict[tuple[int, date], list[RosterShift]]:
    """Returns the planned shifts of people for each day that a roster covers; an empty list is a day off.

    Of the rosters that name the person and cover the day the newest one counts. Days that none covers are left out.
    Three queries.
    """
    shifts = RosterShift.objects.filter(identity_id__in=list(identity_ids))
    reach = shifts.filter(feed__first_on__lte=last, feed__last_on__gte=first).order_by()
    named = list(reach.values_list("identity_id", "feed_id").distinct())
    feeds = RosterFeed.objects.in_bulk({feed_id for _person, feed_id in named})
    planned: dict[tuple[int, date, int], list[RosterShift]] = {}
    for shift in shifts.filter(on__gte=first, on__lte=last, feed_id__in=feeds).order_by("starts_at"):
        planned.setdefault((shift.identity_id, shift.on, shift.feed_id), []).append(shift)
    found: dict[tuple[int, date], list[RosterShift]] = {}
    for person, feed_id in sorted(named, key=lambda one: (feeds[one[1]].delivered_at, one[1])):
        day, end = max(first, feeds[feed_id].first_on), min(last, feeds[feed_id].last_on)
        while day <= end:
            found[person, day] = planned.get((person, day, feed_id), [])
            day += timedelta(days=1)
    return found
