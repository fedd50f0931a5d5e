"""Compares two sealed snapshots of a system: what was granted, what is gone, what changed. Reads only.

Accounts and entitlements keep their identity between snapshots, so the pair of both is what is compared; the unique
index `snapshot_lists_a_grant_once` finds it. Six queries for a page, whatever the size of the snapshots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from identities.models import Snapshot, SnapshotRow, System

GRANTED: Final = "granted"
GONE: Final = "gone"
CHANGED: Final = "changed"
SHOWN: Final = (GRANTED, GONE, CHANGED)
COMPARED: Final = ("privileged", "account_kind", "enabled", "inherited_via")


@dataclass(frozen=True, slots=True)
class Part:
    """Holds one value of a grant that changed, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Count:
    """Holds how many grants differ in one way, with the address that shows them."""

    label: str
    number: int
    url: str
    note: str


WORDS: Final = {
    GRANTED: ("Granted", "Only in the later list."),
    GONE: ("Gone", "Only in the earlier list."),
    CHANGED: ("Changed", "In both lists, with other values."),
}


def counts_of(earlier: Snapshot, later: Snapshot) -> list[Count]:
    """Returns how many grants were granted, are gone and changed; three queries."""
    return [
        Count(
            WORDS[one][0],
            rows_that(one, earlier, later).count(),
            f"?from={earlier.pk}&to={later.pk}&show={one}",
            WORDS[one][1],
        )
        for one in SHOWN
    ]


def snapshots_to_compare(system: System, asked: Mapping[str, str]) -> tuple[Snapshot | None, Snapshot | None]:
    """Returns the earlier and the later snapshot: those that are asked for, else the two newest complete ones."""
    own = Snapshot.objects.filter(system=system).order_by("-captured_at", "-id")
    wanted = [int(text) for name in ("from", "to") if (text := asked.get(name, "")).isdecimal() and len(text) < 18]
    found = list(own.filter(pk__in=wanted)) if wanted else list(own.filter(complete=True)[:2])
    if len(found) == 1 and wanted:
        other = own.filter(complete=True, captured_at__lt=found[0].captured_at).first()
        found = [found[0], other] if other else found
    later, earlier = (*found, None, None)[:2]
    return earlier, later


def rows_that(shown: str, earlier: Snapshot, later: Snapshot) -> QuerySet[SnapshotRow]:
    """Returns the rows that were granted or changed (of the later snapshot), or are gone (of the earlier one)."""
    here, there = (earlier, later) if shown == GONE else (later, earlier)
    same = SnapshotRow.objects.filter(
        snapshot=there, account_id=OuterRef("account_id"), entitlement_id=OuterRef("entitlement_id")
    )
    rows = SnapshotRow.objects.filter(snapshot=here)
    rows = (
        rows.filter(Exists(same.alias(owner=Coalesce("identity_id", 0)).filter(_differs())))
        if shown == CHANGED
        else rows.filter(~Exists(same))
    )
    return rows.select_related("account", "entitlement", "identity").order_by("-privileged", "n")


def _differs() -> Q:
    """Returns the condition that a row says something else than the outer one."""
    found = ~Q(owner=Coalesce(OuterRef("identity_id"), 0))
    for name in COMPARED:
        found |= ~Q(**{name: OuterRef(name)})
    return found


def parts_of(rows: Sequence[SnapshotRow], earlier: Snapshot) -> dict[int, list[Part]]:
    """Returns what changed of each row of a page, by the row's id; one query."""
    pairs = {(row.account_id, row.entitlement_id): row for row in rows}
    olds = SnapshotRow.objects.filter(
        snapshot=earlier,
        account_id__in={account for account, _right in pairs},
        entitlement_id__in={right for _account, right in pairs},
    ).select_related("identity")
    return {
        row.pk: _parts(old, row) for old in olds if (row := pairs.get((old.account_id, old.entitlement_id))) is not None
    }


def _parts(old: SnapshotRow, new: SnapshotRow) -> list[Part]:
    """Returns what differs between two rows of one grant."""
    words = [
        ("Privileged", _yes(told=old.privileged), _yes(told=new.privileged)),
        ("Kind of account", old.get_account_kind_display(), new.get_account_kind_display()),
        ("Enabled", _yes(told=old.enabled), _yes(told=new.enabled)),
        ("Held through", old.inherited_via or "directly", new.inherited_via or "directly"),
        ("Person", old.identity.name if old.identity else "nobody", new.identity.name if new.identity else "nobody"),
    ]
    return [Part(name, before, after) for name, before, after in words if before != after]


def _yes(*, told: bool) -> str:
    """Returns yes or no."""
    return "yes" if told else "no"
