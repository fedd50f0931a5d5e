"""Answers what a campaign's snapshots list: each row with what decides about its review, as plain values."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from identities.models import SnapshotRow


class ListedGrant(NamedTuple):
    """One row of a snapshot: who holds what, with the person behind it. A hundred thousand of them take 60 MB."""

    row_id: int
    snapshot_id: int
    account_id: int
    entitlement_id: int
    system_id: int
    identity_id: int | None
    privileged: bool
    account_kind: str
    enabled: bool
    origin: str
    inherited_via: str
    manager_id: int | None
    programme: str | None
    employed_until: date | None


_COLUMNS = (
    *("pk", "snapshot_id", "account_id", "entitlement_id", "entitlement__system_id", "identity_id", "privileged"),
    *("account_kind", "enabled", "origin", "inherited_via"),
    *("identity__manager_id", "identity__programme", "identity__employed_until"),
)


def listed_grants(snapshot_ids: Collection[int]) -> list[ListedGrant]:
    """Returns the rows of the snapshots: by the name of the system, then in sealed order."""
    rows = SnapshotRow.objects.filter(snapshot_id__in=snapshot_ids)
    rows = rows.order_by("entitlement__system__name", "snapshot_id", "n")
    return [ListedGrant(*row) for row in rows.values_list(*_COLUMNS)]
