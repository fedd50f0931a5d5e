"""The SQL of reading again: what supersedes what, and the counts put right by differences, in the same transaction.

Each statement that touches a roll-up nets what goes and what comes and is ordered by its key, so that it never waits
for a delivery in a circle (`logs.actions.stage`). Counts never fall below nothing: sums of stated sizes are capped.
"""

from typing import Any, Final

from django.db.backends.utils import CursorWrapper

from logs.actions.stage import ACTION_CHARS, BIGINT_MAX
from logs.kinds import ClockQuality

_GONE: Final = """
SELECT e.* FROM logs_superseded s JOIN logs_accessevent e
    ON e.tenant_id = s.tenant_id AND e.received_at = s.received_at AND e.id = s.event_id
WHERE s.tenant_id = %(tenant)s AND s.by_batch_id = %(batch)s AND e.received_at = %(old_received_at)s
"""
_COME: Final = """
SELECT * FROM logs_accessevent
WHERE tenant_id = %(tenant)s AND received_at = %(received_at)s AND batch_id = %(batch)s
"""
_BOTH: Final = f"(SELECT -1 AS sign, g.* FROM ({_GONE}) AS g UNION ALL SELECT 1, c.* FROM ({_COME}) AS c) AS net"  # noqa: S608 -- constant text

_SUPERSEDE: Final = """
INSERT INTO logs_superseded (tenant_id, received_at, event_id, batch_id, ord, by_received_at, by_id, by_batch_id,
    first_received_at)
SELECT n.tenant_id, o.received_at, o.id, o.batch_id, o.ord, n.received_at, n.id, n.batch_id, %(first_received_at)s
FROM logs_accessevent n JOIN logs_accessevent o ON o.tenant_id = n.tenant_id AND o.position = n.position
WHERE n.tenant_id = %(tenant)s AND n.received_at = %(received_at)s AND n.batch_id = %(batch)s
    AND o.received_at = %(old_received_at)s AND o.batch_id = %(old_batch)s
"""
_RESOLVE: Final = """
INSERT INTO logs_resolvedline (tenant_id, line_id, batch_id, outcome, resolved_at, event_id)
SELECT q.tenant_id, q.id, %(batch)s, 'event', %(received_at)s, n.id
FROM logs_quarantinedline q JOIN logs_accessevent n ON n.tenant_id = q.tenant_id AND n.position = q.position
WHERE q.tenant_id = %(tenant)s AND q.delivery_id = %(old_batch)s
    AND n.received_at = %(received_at)s AND n.batch_id = %(batch)s
UNION ALL
SELECT %(tenant)s, line.id, %(batch)s, line.outcome, %(received_at)s, NULL
FROM unnest(%(lines)s::bigint[], %(outcomes)s::text[]) AS line (id, outcome)
"""
_USAGE: Final = f"""
INSERT INTO logs_usageday AS kept (tenant_id, system_id, actor_key, day, log_type, action,
    events, ok_count, denied_count, out_of_hours_count, rows_count, bytes_out)
SELECT %(tenant)s, coalesce(system_id, 0), actor_key, (occurred_at AT TIME ZONE 'UTC')::date, log_type,
    left(action, {ACTION_CHARS}), sum(sign * repeat_count),
    coalesce(sum(sign * repeat_count) FILTER (WHERE status_id = 1), 0),
    coalesce(sum(sign * repeat_count) FILTER (WHERE status_id = 2), 0),
    coalesce(sum(sign * repeat_count) FILTER (WHERE out_of_hours AND status_id = 1), 0),
    greatest(least(coalesce(sum(sign * rows_count::numeric), 0), {BIGINT_MAX}), -{BIGINT_MAX}),
    greatest(least(coalesce(sum(sign * bytes_out::numeric), 0), {BIGINT_MAX}), -{BIGINT_MAX})
FROM {_BOTH} WHERE actor_key <> '' GROUP BY 2, 3, 4, 5, 6 ORDER BY 2, 3, 4, 5, 6
ON CONFLICT (tenant_id, system_id, actor_key, day, log_type, action) DO UPDATE SET
    events = kept.events + excluded.events, ok_count = kept.ok_count + excluded.ok_count,
    denied_count = kept.denied_count + excluded.denied_count,
    out_of_hours_count = kept.out_of_hours_count + excluded.out_of_hours_count,
    rows_count = greatest(0, least(kept.rows_count::numeric + excluded.rows_count, {BIGINT_MAX})),
    bytes_out = greatest(0, least(kept.bytes_out::numeric + excluded.bytes_out, {BIGINT_MAX}))
"""  # noqa: S608 -- constant names
_LAST_USE: Final = f"""
INSERT INTO logs_lastuse AS kept (tenant_id, system_id, actor_key, first_at, last_at, last_ok_at)
SELECT %(tenant)s, coalesce(system_id, 0), actor_key, min(occurred_at), max(occurred_at),
    max(occurred_at) FILTER (WHERE status_id = 1)
FROM {_BOTH} WHERE actor_key <> '' GROUP BY 2, 3 ORDER BY 2, 3
ON CONFLICT (tenant_id, system_id, actor_key) DO UPDATE SET
    first_at = least(kept.first_at, excluded.first_at), last_at = greatest(kept.last_at, excluded.last_at),
    last_ok_at = greatest(kept.last_ok_at, excluded.last_ok_at)
"""  # noqa: S608 -- constant names
"""What goes changes nothing here: its rows are locked in the order of keys, for the next statement."""
_ENDS: Final = """
SELECT occurred_at FROM logs_currentevent e WHERE e.tenant_id = %(tenant)s AND e.actor_key = kept.actor_key
    AND coalesce(e.system_id, 0) = kept.system_id {more} ORDER BY e.occurred_at {way}, e.id {way} LIMIT 1
"""
_LAST_USE_BACK: Final = f"""
UPDATE logs_lastuse AS kept SET
    first_at = CASE WHEN kept.first_at >= gone.first_at THEN coalesce(
        ({_ENDS.format(more="", way="ASC")}), kept.first_at) ELSE kept.first_at END,
    last_at = CASE WHEN kept.last_at <= gone.last_at THEN coalesce(
        ({_ENDS.format(more="", way="DESC")}), kept.first_at) ELSE kept.last_at END,
    last_ok_at = CASE WHEN kept.last_ok_at <= gone.last_ok_at THEN
        ({_ENDS.format(more="AND e.status_id = 1", way="DESC")}) ELSE kept.last_ok_at END
FROM (
    SELECT coalesce(system_id, 0) AS system_id, actor_key, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
        max(occurred_at) FILTER (WHERE status_id = 1) AS last_ok_at
    FROM ({_GONE}) AS g WHERE actor_key <> '' GROUP BY 1, 2
) AS gone
WHERE kept.tenant_id = %(tenant)s AND kept.system_id = gone.system_id AND kept.actor_key = gone.actor_key
    AND (kept.first_at >= gone.first_at OR kept.last_at <= gone.last_at OR kept.last_ok_at <= gone.last_ok_at)
"""  # noqa: S608 -- constant text
"""Only where what goes was the first or the last: the ends are then looked up in what is left, by the index."""
_TYPES: Final = f"""
INSERT INTO logs_typeday AS kept (tenant_id, day, source_id, log_type, events, denied_count, out_of_hours_count)
SELECT %(tenant)s, (occurred_at AT TIME ZONE 'UTC')::date, %(source)s, log_type, sum(sign),
    coalesce(sum(sign) FILTER (WHERE status_id = 2), 0),
    coalesce(sum(sign) FILTER (WHERE out_of_hours AND status_id = 1), 0)
FROM {_BOTH} GROUP BY 2, 4 ORDER BY 2, 4
ON CONFLICT (tenant_id, day, source_id, log_type) DO UPDATE SET
    events = kept.events + excluded.events, denied_count = kept.denied_count + excluded.denied_count,
    out_of_hours_count = kept.out_of_hours_count + excluded.out_of_hours_count
"""  # noqa: S608 -- constant names
_HOURS: Final = f"""
INSERT INTO logs_sourcehour AS kept (tenant_id, source_id, hour, events, quarantined, ignored, future)
SELECT %(tenant)s, %(source)s, hour, sum(events), sum(quarantined), sum(ignored), sum(future) FROM (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, sum(sign) AS events, 0 AS quarantined, 0 AS ignored,
        coalesce(sum(sign) FILTER (WHERE clock_quality = {ClockQuality.FUTURE_CLAMPED.value}), 0) AS future
    FROM {_BOTH} GROUP BY 1
    UNION ALL SELECT date_trunc('hour', %(first_received_at)s::timestamptz, 'UTC'), 0, -%(resolved)s::int,
        %(ignored)s::int, 0
) AS found GROUP BY hour ORDER BY hour
ON CONFLICT (tenant_id, source_id, hour) DO UPDATE SET
    events = kept.events + excluded.events, quarantined = kept.quarantined + excluded.quarantined,
    ignored = kept.ignored + excluded.ignored, future = kept.future + excluded.future
"""  # noqa: S608 -- constant names
_NAMED: Final = f"(system_id, actor_key) IN (SELECT coalesce(system_id, 0), actor_key FROM ({_GONE}) AS g)"  # noqa: S608 -- constant text
_EMPTY_USAGE: Final = f"DELETE FROM logs_usageday WHERE tenant_id = %(tenant)s AND events <= 0 AND {_NAMED}"  # noqa: S608 -- constant text
_EMPTY_LAST_USE: Final = f"""
DELETE FROM logs_lastuse AS kept WHERE tenant_id = %(tenant)s AND {_NAMED} AND NOT EXISTS (
    SELECT FROM logs_usageday u
    WHERE u.tenant_id = kept.tenant_id AND u.system_id = kept.system_id AND u.actor_key = kept.actor_key
)
"""  # noqa: S608 -- constant text
_EMPTY_TYPES: Final = """
DELETE FROM logs_typeday WHERE tenant_id = %(tenant)s AND source_id = %(source)s AND events <= 0
"""
_EMPTY_HOURS: Final = """
DELETE FROM logs_sourcehour WHERE tenant_id = %(tenant)s AND source_id = %(source)s
    AND events <= 0 AND quarantined <= 0 AND ignored <= 0
"""


def supersede(cursor: CursorWrapper, facts: dict[str, Any]) -> int:
    """Name for each new event the one at its place in the old batch, which it supersedes; return how many."""
    cursor.execute(_SUPERSEDE, facts)
    return int(cursor.rowcount)


def resolve(cursor: CursorWrapper, facts: dict[str, Any]) -> int:
    """Mark the records that left quarantine; return how many."""
    cursor.execute(_RESOLVE, facts)
    return int(cursor.rowcount)


def correct_rollups(cursor: CursorWrapper, facts: dict[str, Any]) -> None:
    """Put the counts right by what goes and what comes, in the order of tables that deliveries keep."""
    for statement in (_USAGE, _LAST_USE, _LAST_USE_BACK, _TYPES, _HOURS):
        cursor.execute(statement, facts)
    for statement in (_EMPTY_USAGE, _EMPTY_LAST_USE, _EMPTY_TYPES, _EMPTY_HOURS):
        cursor.execute(statement, facts)
