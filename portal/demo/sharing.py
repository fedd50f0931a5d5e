"""The gateway that the BPO shares with its clients: their supervisors look in, and each client gets its own events."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from logs.actions import RoutingPlan, SourcePlan, add_source, record_events, route_source
from logs.kinds import Format, LogType
from logs.models import LogSource
from logs.routing import Condition, Rule
from logs.simulate.sources import VPN_MAPPING
from portal.demo.feeds import QUIET
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

KEY: Final = "client-gateway"
SUPERVISORS: Final = 4
"""People of each client who look in on each working day, beside one administrator of the BPO."""


@transaction.atomic
def bring_gateway(clients: Mapping[str, Tenant], by: Actor) -> LogSource:
    """Add the gateway to the open BPO, with a rule for each client: its supervisors are known by their domain."""
    plan = SourcePlan(
        name="Client gateway (VPN)",
        key=KEY,
        format=Format.CSV,
        log_types=(int(LogType.REMOTE),),
        mapping=VPN_MAPPING,
        expected=QUIET,
    )
    source = add_source(plan=plan, by=by)
    rules = tuple(
        Rule(str(client.uuid), (Condition("user", (f"*@{key}.example",)),)) for key, client in clients.items()
    )
    reason = "The clients' supervisors use one gateway; each client gets what its own people do."
    route_source(source=source, plan=RoutingPlan(rules=rules, reason=reason, after=0), by=by)
    return source


def deliver_gateway(tenant: Tenant, clients: Mapping[str, Tenant], days: int, by: Actor) -> int:
    """Deliver what the gateway wrote, as one file; returns the number of events stored, wherever they went."""
    with tenant_scope(tenant):
        source = LogSource.objects.get(key=KEY)
        return record_events(source=source, body=_lines(tenant, clients, days), door="file", by=by).stored


def _lines(tenant: Tenant, clients: Mapping[str, Tenant], days: int) -> Iterator[bytes]:
    """Give the gateway's rows of the last days, in the order of time."""
    people = [(f"netops@{tenant.slug}.example", tenant)]
    people += [(f"sup{n}@{key}.example", client) for key, client in clients.items() for n in range(1, SUPERVISORS + 1)]
    today = timezone.now().date()
    rows: list[tuple[datetime, str]] = []
    for day in (today - timedelta(days=back) for back in range(days, 0, -1)):
        if day.isoweekday() > 5:
            continue
        for number, (user, of) in enumerate(people):
            begin = datetime.combine(day, time(9, 5 * number), of.zone).astimezone(UTC)
            ends, key = begin + timedelta(hours=3, minutes=number), f"G{number}{day:%y%m%d}"
            address = f"198.51.100.{number + 10},10.98.0.{number + 2}"
            tail = f"gw-clients,{key}"
            rows.append((begin, f"{user},auth,ok,{address},,,,{tail}"))
            rows.append((begin + timedelta(seconds=1), f"{user},connect,ok,{address},,,,{tail}"))
            seconds = int((ends - begin).total_seconds())
            rows.append((ends, f"{user},disconnect,ok,{address},{seconds},{seconds * 90},{seconds * 700},{tail}"))
    for at, row in sorted(rows):
        yield f"{at:%Y-%m-%dT%H:%M:%SZ},{row}\n".encode()
