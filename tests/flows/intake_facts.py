# ruff: noqa: E402 -- models need the set-up
"""Run inside an installation: `python -m tests.flows.intake_facts open|look` opens a source, or says what is stored.

A test in another process reads the one JSON line that is printed.
"""

import json
import sys
from uuid import UUID

import django

django.setup()

from django.db import connection

from ledger import queries as ledger
from ledger.entries import leaf_hash, seal
from ledger.kinds import HASH_BYTES, LeafKind
from ledger.merkle import root_of
from ledger.tiles import WIDTH
from ledger.tilestore import StoredTiles
from logs.actions import SourcePlan, add_source, issue_source_token
from logs.kinds import Format
from logs.models import AccessEvent, Delivery, UsageDay
from logs.queries import sealed_entries
from tenants.actions import open_tenant
from tenants.kinds import Actor, TenantKind
from tenants.models import Tenant
from tenants.scope import tenant_scope


def open_source() -> dict[str, object]:
    """Opens a tenant with one sshd source; returns the token of its door."""
    tenant = open_tenant(slug="northwind", name="Northwind", kind=TenantKind.BPO, time_zone="UTC")
    by = Actor.system("tests", tenant.pk)
    with tenant_scope(tenant):
        plan = SourcePlan(name="Bastion", key="bastion", format=Format.SSHD_SYSLOG, log_types=(6,))
        return {"token": issue_source_token(source=add_source(plan=plan, by=by), by=by)}


def look() -> dict[str, object]:
    """Counts what the source delivered, and hashes every stored event against the tenant's tree.

    The tenant's other deliveries are the portal's own logs, which grow meanwhile.
    """
    tenant = Tenant.objects.get(slug="northwind")
    with tenant_scope(tenant):
        # One snapshot for everything that follows.
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        head = ledger.head(tenant.uuid)
        leaves = _leaves(tenant.uuid)
        places = {place.id: place for place in ledger.batches(tenant.uuid, limit=100_000)}
        ends = [(place.first_index, place.first_index + place.n) for place in places.values()]
        events = AccessEvent.objects.filter(source__key="bastion")
        deliveries = Delivery.objects.filter(source__key="bastion")
        wrong = 0
        for entry in sealed_entries(list(Delivery.objects.values_list("pk", flat=True))):
            sealed = seal(LeafKind(entry.kind), entry.core, subj=entry.subj, raw=entry.raw, salts=entry.salts or b"")
            wrong += leaf_hash(sealed) != leaves[places[entry.batch_id].first_index + entry.ord]
        return {
            "events": events.count(),
            "lines": len({bytes(raw or b"") for raw in events.values_list("raw", flat=True)}),
            "deliveries": {str(key): stored for key, stored in deliveries.values_list("pk", "stored")},
            "rolled_up": sum(UsageDay.objects.filter(actor_key="bob").values_list("denied_count", flat=True)),
            "head": head.size,
            "contiguous": [end for _, end in ends] == [begin for begin, _ in ends[1:]] + [head.size],
            "root_agrees": root_of(leaves) == head.root,
            "leaves_that_differ": wrong,
        }


def _leaves(log_id: UUID) -> list[bytes]:
    """Returns every leaf hash of the log, as its tiles hold them."""
    head = ledger.head(log_id)
    tiles = StoredTiles(log_id, head.epoch, ahead=128)
    row = b"".join(tiles.read(0, number) for number in range(-(-head.size // WIDTH)))
    return [row[at : at + HASH_BYTES] for at in range(0, len(row), HASH_BYTES)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"open": open_source, "look": look}[sys.argv[1]]()))
