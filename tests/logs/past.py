"""Deliveries of the past: events that were received, sealed and appended months ago, and the partitions for them.

The clock is not turned back: the delivery is told another moment of receipt, and everything else is what intake does.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from django.db import connection
from django.utils import timezone

from logs.actions import Envelope, record
from logs.bodies import spool
from logs.intake import Reading
from logs.kinds import Format
from logs.models import LogSource
from logs.partitions import months, partition_name, partition_sql
from logs.sealing import rfc3339
from logs.terms import later, month_of
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import add_batch, tenant_scope
from tests.alerts import world
from tests.database import FreshDatabase

MAPPING: Final = {
    **world.MAPPING,
    "log_types": {"login": "system_login", "app": "application", "session": "session"},
}
UNREADABLE: Final = "nobody can read this"


def months_ago(count: int) -> date:
    """Return the first day of the month so many months before this one."""
    return later(month_of(timezone.now()), -count)


def moment_in(month: date) -> datetime:
    """Return a moment of receipt within the month."""
    return datetime(month.year, month.month, 15, 12, tzinfo=UTC)


def make_month(fresh: FreshDatabase, month: date) -> None:
    """Make the partition of a month of the past."""
    ((begin, end),) = months(month, 1)
    with fresh.connect("owner") as owner:
        for statement in partition_sql(partition_name(month), begin, end):
            owner.execute(statement)  # type: ignore[call-overload]  # not a literal


def has_month(month: date) -> bool:
    """Return whether the month has a partition or a table of its name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [partition_name(month)])
        return bool(cursor.fetchone()[0])


def add_source(tenant: Tenant, name: str = "Payments") -> LogSource:
    """Add a source whose records say which kind of log they are."""
    with tenant_scope(tenant):
        return LogSource.objects.create(name=name, key=name.lower(), format=Format.JSON, mapping=MAPPING)


def deliver(
    source: LogSource, month: date, *, unreadable: int = 0, words: str = UNREADABLE, who: str = "bob", **kinds: int
) -> None:
    """Record so many events of each kind (login, app, session), received in the month, and records of mere words."""
    at = moment_in(month)
    texts = [
        world.line(at - timedelta(seconds=number), who, kind=kind) for kind, n in kinds.items() for number in range(n)
    ]
    body = "".join(f"{text}\n" for text in [*texts, *[words] * unreadable]).encode()
    with tenant_scope(source.tenant):
        origin = LogSource.objects.get(pk=source.pk)
        whole = spool([body])
        work = record._Work(origin, whole, Envelope(door="tests"), Actor.system("tests", source.tenant_id))  # noqa: SLF001 -- only the moment is another
        place = msgspec.structs.replace(work.reading.place, received_at=rfc3339(at))
        work.reading, work.facts["received_at"] = Reading(place, at), at
        record._read(work)  # noqa: SLF001 -- the same
        _delivery, batch = record._finish(work)  # noqa: SLF001 -- the same
        add_batch(batch)
        whole.close()
