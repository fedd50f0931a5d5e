"""A small world with one plant for each number: a CRM with its accounts, and what its log says of them."""

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta

from django.utils import timezone

from evidence.catalogue import load
from evidence.kinds import KindEvidence, Period
from evidence.metrics import MEASURES
from evidence.metrics.frame import Frame
from identities.models import Account, Identity
from logs.kinds import OcsfClass
from logs.models import LogSource
from logs.parsers.tunnels import CLOSE
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.alerts import world
from tests.reviews.conftest import Cast, cast_of, deliver

COLUMNS = {"rows": "rows_count", "mfa": "mfa", "ticket": "ticket_ref", "does": "action"}
MAPPING = {
    "columns": world.MAPPING["columns"] | COLUMNS,
    "log_types": world.MAPPING["log_types"] | {"remote": "remote", "db": "database"},
    "activities": {"bye": (int(OcsfClass.TUNNEL), CLOSE)},
    "outcomes": world.MAPPING["outcomes"] | {"locked": "locked"},
}


def at(days_ago: int, hour: int, minute: int = 0) -> datetime:
    """An hour (UTC) of some days ago."""
    day = timezone.now() - timedelta(days=days_ago)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def crm(bpo: Tenant, *users: User) -> tuple[Cast, LogSource]:
    """The CRM whose list of accounts was delivered a month ago, and its log; Ana and Bob work from 7 to 20."""
    with tenant_scope(bpo):
        cast = cast_of(bpo, *users)
        deliver(cast, days_ago=30)
        Identity.objects.filter(external_id__in=("E1", "E2")).update(shift_start=time(7), shift_end=time(20))
        Account.objects.filter(name="backup").update(kind="break_glass")
        source = LogSource.objects.create(
            name="CRM log",
            key="crm-log",
            system=cast.crm,
            format="json",
            mapping=MAPPING,
            expected={"every_minutes": 60},
        )
    return cast, source


def line(when: datetime, who: str, kind: str, result: str = "ok", **more: object) -> str:
    """One record of the CRM's log."""
    return json.dumps({"at": when.isoformat(), "who": who, "ip": "198.51.100.7", "kind": kind, "result": result} | more)


def measured(
    tenant: Tenant, kind: str, changes: Mapping[str, float] | None = None, *, days: int = 90, ahead: int = 0
) -> KindEvidence:
    """What a kind measures over the last days, looked at some days ahead, with some parameters changed."""
    now = timezone.now() + timedelta(days=ahead)
    params = {name: item.value for name, item in load().params.items()} | dict(changes or {})
    period = Period(now - timedelta(days=days), now + timedelta(minutes=10))
    with tenant_scope(tenant):
        return MEASURES[kind](Frame(period, params, tenant.pk, tenant.uuid, now + timedelta(minutes=5)))
