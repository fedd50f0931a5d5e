"""The SQL of recording: a temporary stage, the checked insert from it, and the roll-ups.

COPY does not work under row security, so rows go by COPY into a temporary table of the connection and from there by
``INSERT ... SELECT``, where the policy's WITH CHECK holds (postgres.md 4.4: 6 to 23 % dearer than a bare COPY).
Roll-ups read the stage too; each upsert is ordered by its key, so that two deliveries never wait for each other in a
circle.

What a shared source routes to clients waits in a second temporary table, `ROUTED`, with the number of its receiver; the
statements read the receiver's part of it instead of the stage (`part_of`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connections
from django.db.backends.utils import CursorWrapper

from logs.copyrows import DEFAULTS, HEADER, STAGE_COLUMNS, TRAILER, Rows
from logs.intake import QuarantineRow
from logs.kinds import ClockQuality

STAGE: Final = "intake_stage"
ROUTED: Final = "intake_routed"
ACTION_CHARS: Final = 64
BIGINT_MAX: Final = 2**63 - 1
"""Where sums of stated sizes stop: a source that states absurd ones must not make its own deliveries fail for ever."""
CHANNEL: Final = "countersign_events"
"""The channel on which the database says that a tenant has new events; the payload is the tenant's id."""

QUARANTINE_ROWS: Final = 2000
QUARANTINE_BYTES: Final = 4 * 1024 * 1024


def _default(kind: str) -> str:
    """Return what the stage takes where no row of a chunk fills the column."""
    default = DEFAULTS.get(kind)
    return f" DEFAULT {default}" if default else ""


_CREATE: Final = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {STAGE} "
    f"({', '.join(f'{name} {kind}{_default(kind)}' for name, kind in STAGE_COLUMNS)}) ON COMMIT DELETE ROWS"
)
# Not emptied at every commit as the stage is: deliveries of other sources would pay for it.
_CREATE_ROUTED: Final = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {ROUTED} "
    f"(receiver integer, {', '.join(f'{name} {kind}{_default(kind)}' for name, kind in STAGE_COLUMNS)}); "
    f"CREATE INDEX IF NOT EXISTS {ROUTED}_by_receiver ON {ROUTED} (receiver)"
)
_COPY: Final = "COPY {} ({}) FROM STDIN WITH (FORMAT binary)"
_NAMES: Final = ", ".join(name for name, _kind in STAGE_COLUMNS)
_EVENTS: Final = f"""
INSERT INTO logs_accessevent (tenant_id, received_at, source_id, system_id, batch_id, parser, {_NAMES})
SELECT %(tenant)s, %(received_at)s, %(source)s, %(system)s, %(batch)s, %(parser)s, {_NAMES} FROM {STAGE}
"""  # noqa: S608 -- constant names
_KEYS: Final = """
WITH kept AS (
    INSERT INTO logs_recordkey (tenant_id, source_id, key, received_at)
    SELECT %(tenant)s, %(source)s, key, %(received_at)s FROM (
        SELECT substring(%(keys)b::bytea FROM 16 * n + 1 FOR 16) AS key FROM generate_series(0, %(last)s) n
    ) AS keys ORDER BY key
    ON CONFLICT DO NOTHING RETURNING key
) SELECT string_agg(key, ''::bytea) FROM kept
"""
_RENEW: Final = """
UPDATE logs_recordkey AS kept SET received_at = %(received_at)s FROM (
    SELECT key FROM logs_recordkey
    WHERE tenant_id = %(tenant)s AND source_id = %(source)s AND key = ANY(%(keys)s)
        AND received_at < %(received_at)s - interval '1 day'
    ORDER BY key FOR NO KEY UPDATE
) AS old WHERE kept.tenant_id = %(tenant)s AND kept.source_id = %(source)s AND kept.key = old.key
"""
_USAGE: Final = f"""
INSERT INTO logs_usageday AS kept (tenant_id, system_id, actor_key, day, log_type, action,
    events, ok_count, denied_count, out_of_hours_count, rows_count, bytes_out)
SELECT %(tenant)s, coalesce(%(system)s, 0), actor_key, (occurred_at AT TIME ZONE 'UTC')::date, log_type,
    left(action, {ACTION_CHARS}), sum(repeat_count), coalesce(sum(repeat_count) FILTER (WHERE status_id = 1), 0),
    coalesce(sum(repeat_count) FILTER (WHERE status_id = 2), 0),
    coalesce(sum(repeat_count) FILTER (WHERE out_of_hours AND status_id = 1), 0),
    least(coalesce(sum(rows_count), 0), {BIGINT_MAX}), least(coalesce(sum(bytes_out), 0), {BIGINT_MAX})
FROM {STAGE} WHERE actor_key <> '' GROUP BY 3, 4, 5, 6 ORDER BY 3, 4, 5, 6
ON CONFLICT (tenant_id, system_id, actor_key, day, log_type, action) DO UPDATE SET
    events = kept.events + excluded.events, ok_count = kept.ok_count + excluded.ok_count,
    denied_count = kept.denied_count + excluded.denied_count,
    out_of_hours_count = kept.out_of_hours_count + excluded.out_of_hours_count,
    rows_count = least(kept.rows_count::numeric + excluded.rows_count, {BIGINT_MAX}),
    bytes_out = least(kept.bytes_out::numeric + excluded.bytes_out, {BIGINT_MAX})
"""  # noqa: S608 -- constant names
_LAST_USE: Final = f"""
INSERT INTO logs_lastuse AS kept (tenant_id, system_id, actor_key, first_at, last_at, last_ok_at)
SELECT %(tenant)s, coalesce(%(system)s, 0), actor_key, min(occurred_at), max(occurred_at),
    max(occurred_at) FILTER (WHERE status_id = 1)
FROM {STAGE} WHERE actor_key <> '' GROUP BY 3 ORDER BY 3
ON CONFLICT (tenant_id, system_id, actor_key) DO UPDATE SET
    first_at = least(kept.first_at, excluded.first_at), last_at = greatest(kept.last_at, excluded.last_at),
    last_ok_at = greatest(kept.last_ok_at, excluded.last_ok_at)
"""  # noqa: S608 -- constant names
_TYPES: Final = f"""
INSERT INTO logs_typeday AS kept (tenant_id, day, source_id, log_type, events, denied_count, out_of_hours_count)
SELECT %(tenant)s, (occurred_at AT TIME ZONE 'UTC')::date, %(source)s, log_type, count(*),
    count(*) FILTER (WHERE status_id = 2), count(*) FILTER (WHERE out_of_hours AND status_id = 1)
FROM {STAGE} GROUP BY 2, 4 ORDER BY 2, 4
ON CONFLICT (tenant_id, day, source_id, log_type) DO UPDATE SET
    events = kept.events + excluded.events, denied_count = kept.denied_count + excluded.denied_count,
    out_of_hours_count = kept.out_of_hours_count + excluded.out_of_hours_count
"""  # noqa: S608 -- constant names
_HOURS: Final = f"""
INSERT INTO logs_sourcehour AS kept (tenant_id, source_id, hour, events, quarantined, ignored, future)
SELECT %(tenant)s, %(source)s, hour, sum(events), sum(quarantined), sum(ignored), sum(future) FROM (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, count(*) AS events, 0 AS quarantined, 0 AS ignored,
        count(*) FILTER (WHERE clock_quality = {ClockQuality.FUTURE_CLAMPED.value}) AS future
    FROM {STAGE} GROUP BY 1
    UNION ALL SELECT date_trunc('hour', %(received_at)s::timestamptz, 'UTC'), 0, %(quarantined)s, %(ignored)s, 0
) AS found GROUP BY hour HAVING sum(events) + sum(quarantined) + sum(ignored) > 0 ORDER BY hour
ON CONFLICT (tenant_id, source_id, hour) DO UPDATE SET
    events = kept.events + excluded.events, quarantined = kept.quarantined + excluded.quarantined,
    ignored = kept.ignored + excluded.ignored, future = kept.future + excluded.future
"""  # noqa: S608 -- constant names
_QUARANTINE: Final = """
INSERT INTO logs_quarantinedline
    (tenant_id, source_id, delivery_id, received_at, position, reason, raw, raw_bytes, raw_sha256)
SELECT %(tenant)s, %(source)s, %(batch)s, %(received_at)s, *
FROM unnest(%(positions)s::int[], %(reasons)s::text[], %(raws)b::bytea[], %(sizes)s::bigint[], %(hashes)b::bytea[])
"""

Facts = dict[str, Any]
"""The parameters that all statements of one delivery share: tenant, source, system, batch, parser, received_at."""


def open_stage(cursor: CursorWrapper) -> None:
    """Make the connection's stage, and empty it of an earlier delivery of the same transaction."""
    cursor.execute("SET LOCAL client_min_messages = warning")
    cursor.execute(_CREATE)
    cursor.execute(f"DELETE FROM {STAGE}")  # noqa: S608 -- a constant name


def open_routed(cursor: CursorWrapper) -> None:
    """Make the connection's table of routed events; it is empty but for the transaction that routes."""
    cursor.execute(_CREATE_ROUTED)


def close_routed(cursor: CursorWrapper) -> None:
    """Empty the table of routed events."""
    cursor.execute(f"TRUNCATE {ROUTED}")


def part_of(receiver: int) -> str:
    """Return what the statements read instead of the stage: the routed events of one receiver."""
    return f"(SELECT * FROM {ROUTED} WHERE receiver = {int(receiver)}) AS part"  # noqa: S608 -- a constant name and a number


def keep_keys(cursor: CursorWrapper, facts: Facts, keys: Sequence[bytes]) -> set[bytes]:
    """Store the 16-byte keys that are new and return them."""
    parameters = {**facts, "keys": b"".join(keys), "last": len(keys) - 1}
    cursor.execute(_KEYS, parameters)
    joined = bytes(cursor.fetchone()[0] or b"")
    return {joined[at : at + 16] for at in range(0, len(joined), 16)}


def renew_keys(cursor: CursorWrapper, facts: Facts, keys: Sequence[bytes]) -> None:
    """Note that known records were delivered again, unless that was noted within a day: their keys live on."""
    if keys:
        cursor.execute(_RENEW, {**facts, "keys": list(keys)})


def copy_routed(cursor: CursorWrapper, rows: Rows, *, receiver: int) -> None:
    """Copy the rows of one receiver beside the stage."""
    copy_rows(cursor, rows.for_receiver(receiver), ROUTED)


def copy_rows(cursor: CursorWrapper, rows: Rows, table: str = STAGE) -> None:
    """Copy the rows into the stage; columns that they do not hold take their default.

    Django wraps no errors of COPY: without this a server that dies in the middle is no database error to the door,
    which would answer 500 instead of 503, and the dead connection would be kept as a good one.
    """
    if not rows:
        return
    with cursor.db.wrap_database_errors, cursor.copy(_COPY.format(table, ", ".join(rows.columns))) as copy:
        copy.write(HEADER)
        for start in range(0, len(rows), 1000):
            copy.write(rows.copied(start, start + 1000))
        copy.write(TRAILER)


def insert_events(cursor: CursorWrapper, facts: Facts, rows: str = STAGE) -> None:
    """Move the stage into the event table, as a role that is subject to row security."""
    cursor.execute(_EVENTS.replace(STAGE, rows), facts)


def add_rollups(
    cursor: CursorWrapper, facts: Facts, *, quarantined: int = 0, ignored: int = 0, rows: str = STAGE
) -> None:
    """Add the stage to the roll-ups, in one order of tables and of keys."""
    for statement in (_USAGE, _LAST_USE, _TYPES):
        cursor.execute(statement.replace(STAGE, rows), facts)
    add_hours(cursor, facts, quarantined=quarantined, ignored=ignored, rows=rows)


def add_hours(cursor: CursorWrapper, facts: Facts, *, quarantined: int = 0, ignored: int = 0, rows: str) -> None:
    """Add the stage to the hours in which the source delivered."""
    cursor.execute(_HOURS.replace(STAGE, rows), {**facts, "quarantined": quarantined, "ignored": ignored})


def time_span(cursor: CursorWrapper, rows: str = STAGE) -> tuple[datetime | None, datetime | None]:
    """Return the first and last time of the staged events."""
    cursor.execute(f"SELECT min(occurred_at), max(occurred_at) FROM {rows}")  # noqa: S608 -- a constant name
    row: tuple[datetime | None, datetime | None] = cursor.fetchone()
    return row


def keep_quarantine(cursor: CursorWrapper, facts: Facts, lines: Sequence[QuarantineRow]) -> None:
    """Store quarantined records, at most 4 MB in a statement."""
    start = 0
    while start < len(lines):
        end, size = start, 0
        while end < min(start + QUARANTINE_ROWS, len(lines)) and size < QUARANTINE_BYTES:
            size += len(lines[end][2])
            end += 1
        positions, reasons, raws, sizes, hashes = (list(part) for part in zip(*lines[start:end], strict=True))
        columns = {"positions": positions, "reasons": reasons, "raws": raws, "sizes": sizes, "hashes": hashes}
        cursor.execute(_QUARANTINE, {**facts, **columns})
        start = end


def notify(cursor: CursorWrapper, tenant_id: int) -> None:
    """Say, when the transaction is committed, that a tenant has new events."""
    cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(tenant_id)])


def deferred_checks_now() -> None:
    """Check deferred keys before the ledger's head is locked, not at commit under the lock (ledger.md 3.2)."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
