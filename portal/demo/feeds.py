"""Adds the log sources of the made-up BPO and delivers what their systems wrote, through the door that files take."""

from collections.abc import Iterator
from typing import Final

from django.db import transaction

from identities.models import System
from logs.actions import record_events
from logs.actions.sources import SourcePlan, add_source
from logs.models import LogSource
from logs.simulate import Scenario
from logs.simulate.sources import SimSource
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress

PART_LINES: Final = 20_000
_ALWAYS_BUSY: Final = ("okta", "vpn", "-crm")
BUSY: Final = {"every_minutes": 60}
QUIET: Final = {"every_minutes": 24 * 60, "weekdays": [1, 2, 3, 4, 5]}
"""What forty people leave on servers and databases: something on each working day, not in each hour."""


@transaction.atomic
def bring_source(sim: SimSource, by: Actor) -> LogSource:
    """Add one source as its owner declares it."""
    plan = SourcePlan(
        name=sim.title,
        key=sim.name,
        format=sim.format,
        system=System.objects.get(key=sim.system_key),
        log_types=sim.log_types,
        time_zone=sim.time_zone,
        mapping=dict(sim.mapping) or None,
        expected=BUSY if sim.name.endswith(_ALWAYS_BUSY) else QUIET,
    )
    return add_source(plan=plan, by=by)


def deliver(scenario: Scenario, sim: SimSource, tenant: Tenant, by: Actor, progress: Progress) -> int:
    """Deliver everything that a source wrote, in parts as a collector would; returns the number of events stored."""
    stored = 0
    for body in _parts(scenario, sim):
        with tenant_scope(tenant):
            source = LogSource.objects.get(key=sim.name)
            stored += record_events(source=source, body=body, door="file", by=by).stored
    progress.step(stored, stored, f"events stored from {sim.title}")
    return stored


def _parts(scenario: Scenario, sim: SimSource) -> Iterator[bytes]:
    part: list[bytes] = []
    for line in scenario.lines(sim):
        part.append(line)
        if len(part) == PART_LINES:
            yield b"".join(part)
            part.clear()
    if part:
        yield b"".join(part)
