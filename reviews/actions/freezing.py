"""The SQL that freezes a population: rows go by COPY into a temporary table, from there into the campaign.

COPY does not work under row security; ``INSERT ... SELECT`` from the connection's own table does, and 100,000 items
with their assignments take two statements instead of a thousand. Each row gets the number of its item on the way, so
that the assignments are read off the same table, without looking for the items.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from django.db import connection

from reviews.kinds import OWNERLESS
from reviews.models import Campaign

CHUNK: Final = 5_000
"""Rows that lie in the temporary table at a time: they fit the 8 MB that PostgreSQL keeps of it in memory."""

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS reviews_freezing (
    id bigint DEFAULT nextval('reviews_reviewitem_id_seq'), n integer, system_id bigint, snapshot_id bigint,
    row_id bigint, account_id bigint, entitlement_id bigint,
    subject_id bigint, privileged boolean, advice text, advice_reason text, evidence jsonb, reviewer_id bigint,
    basis text
) ON COMMIT DELETE ROWS
"""
_ITEMS = f"""
INSERT INTO reviews_reviewitem (id, tenant_id, campaign_id, n, system_id, snapshot_id, row_id, account_id,
    entitlement_id, subject_id, subject_key, privileged, advice, advice_reason, evidence)
SELECT id, %(tenant)s, %(campaign)s, n, system_id, snapshot_id, row_id, account_id, entitlement_id,
    subject_id, coalesce(subject_id, {OWNERLESS}), privileged, advice, advice_reason, evidence
FROM reviews_freezing
"""  # noqa: S608 -- a constant
_ASSIGNMENTS = f"""
INSERT INTO reviews_assignment
    (tenant_id, campaign_id, item_id, stage, reviewer_id, subject_key, privileged, advice, basis, reason, since, by)
SELECT %(tenant)s, %(campaign)s, id, 1, reviewer_id, coalesce(subject_id, {OWNERLESS}), privileged, advice, basis, '',
    %(now)s, %(by)s
FROM reviews_freezing
"""  # noqa: S608 -- a constant
_EXCLUSIONS = """
INSERT INTO reviews_exclusion (tenant_id, campaign_id, row_id, reason, approved_by)
SELECT %(tenant)s, %(campaign)s, row_id, reason, %(by)s
FROM unnest(%(rows)s::bigint[], %(reasons)s::text[]) AS outside (row_id, reason)
"""


class Frozen(NamedTuple):
    """One item as it is stored, in the order of the temporary table's columns; ``evidence`` is JSON text."""

    n: int
    system_id: int
    snapshot_id: int
    row_id: int
    account_id: int
    entitlement_id: int
    subject_id: int | None
    privileged: bool
    advice: str
    advice_reason: str
    evidence: str
    reviewer_id: int
    basis: str


_COPY = f"COPY reviews_freezing ({', '.join(Frozen._fields)}) FROM STDIN"


def freeze(campaign: Campaign, items: Iterable[Frozen], *, by: str, now: datetime) -> None:
    """Stores the items and puts each to its reviewer."""
    told = {"tenant": campaign.tenant_id, "campaign": campaign.pk, "by": by, "now": now}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(_STAGE)
        # The planner knows no item of this campaign yet and takes it for empty. The assignments of a later stage are
        # compared with the decisions of the stages before: row by row that would be rows times rows.
        cursor.execute("SET LOCAL enable_nestloop = off")
        waiting = iter(items)
        while chunk := list(islice(waiting, CHUNK)):
            cursor.execute("TRUNCATE reviews_freezing")
            with cursor.db.wrap_database_errors, cursor.copy(_COPY) as copy:
                for item in chunk:
                    copy.write_row(item)
            cursor.execute(_ITEMS, told)
            cursor.execute(_ASSIGNMENTS, told)
        cursor.execute("SET LOCAL enable_nestloop = on")


def exclude(campaign: Campaign, reasons: Mapping[int, str], *, by: str) -> None:
    """Stores why rows of the population are not reviewed: the sentence by the row's id."""
    told = {"tenant": campaign.tenant_id, "campaign": campaign.pk, "by": by, "rows": list(reasons)}
    if reasons:
        with connection.cursor() as cursor:
            cursor.execute(_EXCLUSIONS, told | {"reasons": [reason[:300] for reason in reasons.values()]})
