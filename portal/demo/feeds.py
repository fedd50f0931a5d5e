"""Adds the log sources of the made-up BPO and delivers what their systems wrote, through the door that files take."""

from collections.abc import Iterator

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
        expected={"every_minutes": sim.every_minutes},
    )
    return add_source(plan=plan, by=by)


def deliver(scenario: Scenario, sim: SimSource, tenant: Tenant, by: Actor, progress: Progress) -> int:
    """Deliver everything that a source wrote as one file; returns the number of events stored."""
    with tenant_scope(tenant):
        source = LogSource.objects.get(key=sim.name)
        answer = record_events(source=source, body=_lines(scenario, sim), door="file", by=by)
    progress.step(answer.received, answer.received, f"{sim.title}: {answer.stored:,} events stored")
    return answer.stored


def _lines(scenario: Scenario, sim: SimSource) -> Iterator[bytes]:
    block: list[bytes] = []
    for line in scenario.lines(sim):
        block.append(line if line.endswith(b"\n") else line + b"\n")
        if len(block) == 2_000:
            yield b"".join(block)
            block.clear()
    yield b"".join(block)
