"""Brings people, systems and grants of the made-up BPO into the register, as an officer would: by upload."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

from django.db import transaction
from django.utils import timezone

from identities.actions import SystemFacts, import_roster, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Entitlement, Identity, System
from logs.simulate import Scenario
from logs.simulate.sources import SimSystem
from reviews.actions import add_conflict
from reviews.models import Remediation
from tenants.kinds import Actor
from tenants.models import Tenant


@transaction.atomic
def bring_people(scenario: Scenario, tenant_key: str, by: Actor) -> int:
    """Upload the HR list of one tenant; returns how many people it holds."""
    return upsert_identities(body=scenario.people_csv(tenant_key), by=by).rows


@transaction.atomic
def bring_roster(scenario: Scenario, tenant: Tenant, by: Actor) -> int:
    """Upload the roster of the BPO; returns how many shifts it holds."""
    return import_roster(body=b"".join(scenario.plan()), tenant=tenant, by=by).row_total


@transaction.atomic
def bring_system(scenario: Scenario, sim: SimSystem, by: Actor, first: Sequence[date] = ()) -> System:
    """Register one system and upload its lists of grants: of the `first` days, then of the end of the span."""
    facts = SystemFacts(
        name=sim.name,
        key=sim.key,
        privileged_rule=sim.privileged_rule,
        criticality=sim.criticality,
        data_class=sim.data_class,
        owner=Identity.objects.filter(external_id=sim.owner).first(),
    )
    system = save_system(facts=facts, by=by)
    for on in (*first, None):
        bring_list(scenario, system, by, on)
    return system


@transaction.atomic
def bring_list(scenario: Scenario, system: System, by: Actor, on: date | None = None) -> None:
    """Upload a system's list of grants as it was at the beginning of a day, or at the end of the span."""
    sheet = scenario.grants(system.key, on)
    upload = SnapshotUpload(
        body=sheet.csv,
        captured_at=sheet.captured_at,
        source_total=sheet.total,
        file_name=f"{system.key}-grants.csv",
        filters="none",
        query=f"Every grant of {system.name}, exported by its administrator",
        delivered_by=by.name,
    )
    import_snapshot(system=system, upload=upload, by=by)


@transaction.atomic
def bring_conflicts(scenario: Scenario, by: Actor) -> int:
    """Write down which entitlements one person must not hold together; returns how many pairs."""
    pairs = scenario.conflicts()
    for pair in pairs:
        one, other = (Entitlement.objects.get(system__key=system, key=key) for system, key in pair[:2])
        add_conflict(one=[one], other=[other], why=pair[2], by=by)
    return len(pairs)


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return rows of one shape as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@transaction.atomic
def bring_later_list(scenario: Scenario, system_key: str, revoked: Sequence[Remediation], by: Actor) -> None:
    """Upload the system's list once more, as it is after the revocations were carried out."""
    sheet = scenario.grants(system_key)
    gone = {(item.item.account.name, item.item.entitlement.key) for item in revoked}
    rows = list(csv.DictReader(io.StringIO(sheet.csv.decode())))
    left = [row for row in rows if (row["account"], row["entitlement"]) not in gone]
    upload = SnapshotUpload(
        body=as_csv(left),
        captured_at=timezone.now(),
        source_total=len(left),
        file_name=f"{system_key}-grants-later.csv",
        filters="none",
        query="Every grant, exported again after the revocations",
        delivered_by=by.name,
    )
    import_snapshot(system=System.objects.get(key=system_key), upload=upload, by=by)
