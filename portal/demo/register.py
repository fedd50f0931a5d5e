"""Brings people, systems and grants of the made-up BPO into the register, as an officer would: by upload."""

from typing import Final

from django.db import transaction

from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity, System
from logs.simulate import Scenario
from logs.simulate.sources import SimSystem
from tenants.kinds import Actor

_CRITICALITY: Final = {"high": "high", "medium": "standard", "low": "low"}
_DATA: Final = {"customer data": "personal", "staff": "personal", "operations": "internal"}


@transaction.atomic
def bring_people(scenario: Scenario, tenant_key: str, by: Actor) -> int:
    """Upload the HR list of one tenant; returns how many people it holds."""
    return upsert_identities(body=scenario.people_csv(tenant_key), by=by).rows


@transaction.atomic
def bring_system(scenario: Scenario, sim: SimSystem, by: Actor) -> System:
    """Register one system and upload its list of grants with the system's own total."""
    facts = SystemFacts(
        name=sim.name,
        key=sim.key,
        privileged_rule=sim.privileged_rule.removeprefix("entitlement is "),
        criticality=_CRITICALITY[sim.criticality],
        data_class=_DATA[sim.data_class],
        owner=Identity.objects.filter(external_id=sim.owner).first(),
    )
    system = save_system(facts=facts, by=by)
    sheet = scenario.grants(sim.key)
    upload = SnapshotUpload(
        body=sheet.csv,
        captured_at=sheet.captured_at,
        source_total=sheet.total,
        file_name=f"{sim.key}-grants.csv",
        filters="none",
        query=f"Every grant of {sim.name}, exported by its administrator",
        delivered_by=by.name,
    )
    import_snapshot(system=system, upload=upload, by=by)
    return system
