"""The event table and its months.

A partition is made with ``LIKE`` and attached: unlike ``PARTITION OF`` this waits for no reader (postgres.md 3.3).
There is no default partition, so that old months can be detached beside readers; months are therefore made ahead.
Nothing is ever granted on a partition: the parent's row security would not hold there.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Final

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "logs_accessevent"
MONTHS_AHEAD: Final = 3
MAKING_LOCK: Final = 4_311_702_020
"""Serialises those who make months: "countersign months" as a number, one after the lock of the roles' set-up."""

SESSION_INDEX_SQL: Final = (
    f"CREATE INDEX event_by_session ON {TABLE} USING brin (session_uid text_bloom_ops (n_distinct_per_range = 600)) "
    "WITH (autosummarize = on, pages_per_range = 64)"
)
"""A range of 64 pages holds 300 to 600 events. The default expects 3,700 sessions in 128 pages: to store an event on a
freed page was to unpack and pack 4.4 KB, 295 us instead of 30, and a search for a session read five times as much."""

TABLE_SQL: Final = f"""
CREATE SEQUENCE {TABLE}_id_seq CACHE 500;
CREATE TABLE {TABLE} (
    tenant_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('{TABLE}_id_seq'),
    source_id bigint NOT NULL,
    system_id bigint,
    account_id bigint,
    identity_id bigint,
    batch_id uuid NOT NULL,
    ord integer NOT NULL,
    position integer NOT NULL,
    occurred_at timestamptz NOT NULL,
    clock_quality smallint NOT NULL,
    log_type smallint NOT NULL,
    class_uid integer NOT NULL,
    activity_id smallint NOT NULL,
    status_id smallint NOT NULL,
    severity_id smallint NOT NULL,
    src_ip inet,
    src_port integer,
    src_asn bigint,
    duration_ms bigint,
    bytes_in bigint,
    bytes_out bigint,
    rows_count bigint,
    logon_type_id smallint,
    auth_protocol_id smallint,
    mfa boolean,
    is_remote boolean,
    repeat_count integer NOT NULL,
    out_of_hours boolean,
    status_code text NOT NULL,
    status_detail text NOT NULL,
    actor_key text NOT NULL,
    actor_uid text NOT NULL,
    actor_name text NOT NULL,
    actor_type text NOT NULL,
    target_uid text NOT NULL,
    target_name text NOT NULL,
    target_kind text NOT NULL,
    src_host text NOT NULL,
    src_country text NOT NULL DEFAULT '',
    device_uid text NOT NULL,
    user_agent text NOT NULL,
    client text NOT NULL DEFAULT '',
    dst_host text NOT NULL,
    app text NOT NULL,
    resource text NOT NULL,
    database text NOT NULL,
    table_name text NOT NULL,
    action text NOT NULL,
    session_uid text NOT NULL,
    ticket_ref text NOT NULL,
    native_id text NOT NULL,
    parser text NOT NULL,
    privileges text[] NOT NULL,
    extra jsonb NOT NULL,
    core bytea NOT NULL,
    subj bytea,
    raw bytea,
    salts bytea,
    target_key text GENERATED ALWAYS AS (lower(target_name)) STORED,
    CONSTRAINT {TABLE}_pkey PRIMARY KEY (tenant_id, received_at, id),
    CONSTRAINT event_occurs_before_it_is_received CHECK (occurred_at <= received_at + interval '120 seconds'),
    CONSTRAINT event_has_one_of_seven_log_types CHECK (log_type BETWEEN 1 AND 7)
) PARTITION BY RANGE (received_at);
CREATE INDEX event_by_time ON {TABLE} (tenant_id, occurred_at DESC, id DESC);
CREATE INDEX event_by_actor ON {TABLE} (tenant_id, actor_key, occurred_at DESC, id DESC);
CREATE INDEX event_privileged ON {TABLE} (tenant_id, occurred_at DESC, id DESC) WHERE log_type = 5;
CREATE INDEX event_privileged_target ON {TABLE} (tenant_id, target_key, occurred_at DESC, id DESC) WHERE log_type = 5;
CREATE INDEX event_failed ON {TABLE} (tenant_id, occurred_at DESC, id DESC) WHERE status_id = 2;
CREATE INDEX event_by_address ON {TABLE} (tenant_id, src_ip, occurred_at DESC, id DESC) WHERE src_ip IS NOT NULL;
{SESSION_INDEX_SQL};
"""

"""The event table, partitioned by the month in which events were received.

A filter that is no leakproof operator, lower() among them, cannot use an index under row security (postgres.md 2.4):
the lower-case name of a target is therefore a column, `target_key`, which PostgreSQL writes itself.
"""

DROP_SQL: Final = f"DROP TABLE {TABLE}; DROP SEQUENCE {TABLE}_id_seq;"


def months(first: date, count: int) -> list[tuple[date, date]]:
    """Return ``count`` months from the one that holds ``first``, each as (its first day, the next month's)."""
    numbers = [first.year * 12 + first.month - 1 + step for step in range(count + 1)]
    days = [date(number // 12, number % 12 + 1, 1) for number in numbers]
    return list(pairwise(days))


def partition_name(month: date) -> str:
    """Return the table name of a month."""
    return f"{TABLE}_{month:%Y_%m}"


def missing_months(connection: BaseDatabaseWrapper, *, now: datetime, ahead: int = MONTHS_AHEAD) -> list[str]:
    """Return the names of the partitions of this month (UTC) and the next ones that are not attached; any role may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(%s)",
            [TABLE],
        )
        there = {name for (name,) in cursor.fetchall()}
    return [name for begin, _end in months(now.date(), ahead + 1) if (name := partition_name(begin)) not in there]


def make_partitions(connection: BaseDatabaseWrapper, *, now: datetime, ahead: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions of this month (UTC) and the next ones that are missing; return the names of those made.

    The connection logs in as the owner of the tables. A month is made and attached in one transaction, and two that
    start at once wait for each other: a table that was made and never attached would be in the way for ever.
    """
    made = []
    for begin, end in months(now.date(), ahead + 1):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING_LOCK])
            if partition_name(begin) not in missing_months(connection, now=now, ahead=ahead):
                continue
            for statement in partition_sql(partition_name(begin), begin, end):
                cursor.execute(statement)
            made.append(partition_name(begin))
    return made


def partition_sql(name: str, begin: date, end: date) -> Sequence[str]:
    """Return the statements that make and attach one month.

    Rows stay uncompressed up to the size of a page: compressing a row of 2 KB costs more than the whole insert.
    """
    return (
        f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL) WITH (toast_tuple_target = 8160)",
        f"ALTER TABLE {TABLE} ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{begin:%Y-%m-%d} 00:00:00+00') TO ('{end:%Y-%m-%d} 00:00:00+00')",
    )
