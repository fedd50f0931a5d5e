"""Reads what the information sheets of a run share: deliveries, lists and the ledger of the period, added up once."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache

from django.conf import settings

from evidence.catalogue import LOG_TYPES
from evidence.ipe import Provenance, Sum
from evidence.kinds import Catalogue
from evidence.metrics.frame import Asked, Frame
from logs.queries import coverage
from logs.queries.erasures import erasures_in

RECORDS = """
SELECT coalesce(sum(received), 0)::bigint AS received,
    coalesce(sum(stored + duplicates + ignored + quarantined + routed), 0)::bigint AS accounted
FROM logs_delivery WHERE tenant_id = %(tenant)s AND received_at >= %(since)s AND received_at < %(until)s
"""
LISTS = """
SELECT coalesce(sum(source_total), 0)::bigint AS stated,
    coalesce(sum(coalesce(record_total, row_total)), 0)::bigint AS read
FROM (
    SELECT DISTINCT ON (system_id) source_total, record_total, row_total FROM identities_snapshot
    WHERE tenant_id = %(tenant)s AND captured_at < %(until)s ORDER BY system_id, captured_at DESC, id DESC
) AS newest
"""
SEQUENCE = """
SELECT min(first_index) AS first, max(first_index + n - 1) AS last,
    count(*) FILTER (WHERE before IS NOT NULL AND before <> first_index) AS broken
FROM (
    SELECT first_index, n, lag(first_index + n) OVER (ORDER BY first_index) AS before FROM ledger_batch
    WHERE log_id = %(log)s AND epoch = %(epoch)s AND received_at >= %(since)s AND received_at < %(until)s
) AS batches
"""


@cache
def version() -> str:
    """Return the version of this program."""
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as source:
        return str(tomllib.load(source)["project"]["version"])


def provenance(
    frame: Frame, catalogue: Catalogue, out_of_scope: Mapping[str, str], *, by: str, size: int, epoch: int
) -> Provenance:
    """Return what the sheets of a run share; the ledger's numbers are those of its current epoch."""
    asked = Asked(frame)
    records, lists = asked.one(RECORDS), asked.one(LISTS)
    sequence = asked.one(SEQUENCE, epoch=epoch)
    gaps: Counter[str] = Counter()
    for answer in coverage(since=frame.period.start, until=frame.period.end):
        for number in answer.log_types:
            gaps[LOG_TYPES[number - 1]] += len(answer.gaps)
    return Provenance(
        run_at=frame.now,
        run_by=by,
        program=f"Countersign {version()}",
        period=frame.period,
        catalogue=f"{catalogue.version}, SHA-256 {catalogue.digest}",
        ledger_size=size,
        records=Sum(records["received"], records["accounted"]),
        lists=Sum(lists["stated"], lists["read"]),
        first=sequence["first"],
        last=sequence["last"],
        broken=sequence["broken"],
        gaps=gaps,
        out_of_scope=out_of_scope,
        erased=[(number, one.leaf) for one, number in erasures_in(frame.period.start, frame.period.end)],
    )
