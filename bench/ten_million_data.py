# ruff: noqa: E501, S608 -- statements of SQL, made of constants
"""Fills the event table for bench/ten_million.py: millions of rows over four received months, with their roll-ups.

Rows are as wide as real ones (1.1 KB with the sealed bytes). A month is filled as a table of its own without indexes and
attached, which builds them: six times as fast as inserting into the indexes, and the table is the same afterwards.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from django.utils import timezone

from logs.partitions import TABLE, months, partition_name

DAYS = 90
PEOPLE = 2_500
ADDRESSES = 7_500
RESEND_DAYS = 35
"""How long record keys are kept (COUNTERSIGN_RESEND_DAYS)."""


@dataclass(frozen=True)
class Share:
    """One tenant's part of the rows, in percent; ``first`` is where its part of a hundred begins."""

    tenant: int
    source: int
    system: int | None
    first: int
    percent: int


def fill(admin: str, shares: list[Share], rows: int) -> None:
    """Replace all events by so many, evenly spread over the last 90 days, and count them in the roll-ups."""
    now = timezone.now().replace(microsecond=0)
    spans = months((now - timedelta(days=DAYS)).date(), 5)
    spans = [span for span in spans if span[0] <= now.date()]
    with psycopg.connect(admin, autocommit=True) as connection:
        for begin, _end in spans:
            connection.execute(f"DROP TABLE IF EXISTS {partition_name(begin)}".encode())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda span: _month(admin, shares, rows, span, now), spans))
    with psycopg.connect(admin, autocommit=True) as connection:
        for table, statement in ROLLUPS.items():
            connection.execute(f"TRUNCATE {table}".encode())
            connection.execute(statement.encode())
        connection.execute(b"TRUNCATE logs_recordkey")
        connection.execute(KEYS.encode(), {"days": RESEND_DAYS})
        connection.execute(b"VACUUM ANALYZE")
        connection.execute(b"CHECKPOINT")


def _month(admin: str, shares: list[Share], rows: int, span: tuple[date, date], now: datetime) -> None:
    """Make one month's rows and attach them."""
    begin, end = span
    name = partition_name(begin)
    at = f"FOR VALUES FROM ('{begin} 00:00:00+00') TO ('{end} 00:00:00+00')"
    step = DAYS * 86_400 / rows
    low = max(0, int((datetime(begin.year, begin.month, 1, tzinfo=UTC) - now).total_seconds() / step) + rows)
    high = min(rows, int((datetime(end.year, end.month, 1, tzinfo=UTC) - now).total_seconds() / step) + rows)
    with psycopg.connect(admin, autocommit=True) as connection:
        copied = "INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING STORAGE"
        connection.execute(f"CREATE TABLE {name} (LIKE {TABLE} {copied}) WITH (toast_tuple_target = 8160)".encode())
        connection.execute(b"SET maintenance_work_mem = '512MB'")
        for share in shares:
            facts = {"low": low, "high": high, "rows": rows, "step": step, "now": now, **share.__dict__}
            facts |= {"people": PEOPLE, "addresses": ADDRESSES, "begin": begin, "end": end}
            connection.execute(EVENTS.format(name=name).encode(), facts)
        connection.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} {at}".encode())


EVENTS = """
INSERT INTO {name} (tenant_id, received_at, source_id, system_id, account_id, identity_id, batch_id, ord,
    position, occurred_at, clock_quality, log_type, class_uid, activity_id, status_id, severity_id, src_ip,
    repeat_count, out_of_hours, status_code, status_detail, actor_key, actor_uid, actor_name, actor_type, target_uid,
    target_name, target_kind, src_host, device_uid, user_agent, dst_host, app, resource, database, table_name, action,
    session_uid, ticket_ref, native_id, parser, privileges, extra, core, subj, raw, salts)
SELECT %(tenant)s, at + interval '1 second', %(source)s, %(system)s, NULL, NULL, gen_random_uuid(), 0, n, at,
    1, kind, CASE kind WHEN 6 THEN 3002 WHEN 5 THEN 3005 ELSE 6001 END, CASE WHEN kind = 2 THEN 2 ELSE 1 END,
    CASE kind WHEN 6 THEN 2 ELSE 1 END, 1, ('10.' || place / 2500 || '.' || place / 250 %% 10 || '.' || place %% 250)::inet,
    1, n %% 40 = 0, '', CASE kind WHEN 6 THEN 'bad_password' ELSE '' END, 'agent' || who, '', 'agent' || who, 'user', '',
    CASE kind WHEN 5 THEN 'Agent' || (who * 7 + 1) %% %(people)s ELSE '' END,
    CASE kind WHEN 5 THEN 'account' ELSE '' END, '', '',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36', '', 'helpdesk',
    '/customers/' || (hashint8(n::bigint) & 1048575), '', '', CASE kind WHEN 5 THEN 'grant' ELSE 'record.view' END,
    's-' || n / 20, '', 'evt-' || n, 'json/1', '{{}}', '{{}}',
    convert_to(repeat(md5(n::text), 13), 'UTF8'), convert_to(repeat(md5(n::text), 4), 'UTF8'),
    convert_to(repeat(md5(n::text), 9), 'UTF8'), decode(md5(n::text) || md5(n::text), 'hex')
FROM (
    SELECT n, %(now)s::timestamptz - make_interval(secs => (%(rows)s - n) * %(step)s::float) AS at, who,
        (who * 3 + (n / 7) %% 3) %% %(addresses)s AS place,
        CASE WHEN n %% 25 = 0 THEN 6 WHEN n %% 33 = 0 THEN 5 ELSE 2 END AS kind
    FROM (
        SELECT n, (hashint8(n::bigint * 31) & 2147483647) %% %(people)s AS who
        FROM generate_series(%(low)s::int, %(high)s::int - 1) n WHERE n %% 100 >= %(first)s AND n %% 100 < %(first)s + %(percent)s
    ) AS numbered
) AS made
WHERE at + interval '1 second' >= %(begin)s::timestamp AT TIME ZONE 'UTC' AND at + interval '1 second' < %(end)s::timestamp AT TIME ZONE 'UTC'
"""
KEYS = f"""
INSERT INTO logs_recordkey (tenant_id, source_id, key, received_at)
SELECT tenant_id, source_id, decode(md5(tenant_id || native_id), 'hex'), received_at FROM {TABLE}
WHERE received_at > now() - make_interval(days => %(days)s)
"""
"""The keys by which intake knows records that come again."""
_DAY = "(occurred_at AT TIME ZONE 'UTC')::date"
ROLLUPS = {
    "logs_usageday": f"""INSERT INTO logs_usageday (tenant_id, system_id, actor_key, day, log_type, action, events,
        ok_count, denied_count, out_of_hours_count, rows_count, bytes_out)
        SELECT tenant_id, coalesce(system_id, 0), actor_key, {_DAY}, log_type, action, count(*),
        count(*) FILTER (WHERE status_id = 1), count(*) FILTER (WHERE status_id = 2),
        count(*) FILTER (WHERE out_of_hours AND status_id = 1), 0, 0 FROM {TABLE} GROUP BY 1, 2, 3, 4, 5, 6""",
    "logs_typeday": f"""INSERT INTO logs_typeday (tenant_id, day, source_id, log_type, events, denied_count,
        out_of_hours_count) SELECT tenant_id, {_DAY}, source_id, log_type, count(*),
        count(*) FILTER (WHERE status_id = 2), count(*) FILTER (WHERE out_of_hours AND status_id = 1)
        FROM {TABLE} GROUP BY 1, 2, 3, 4""",
    "logs_lastuse": f"""INSERT INTO logs_lastuse (tenant_id, system_id, actor_key, first_at, last_at, last_ok_at)
        SELECT tenant_id, coalesce(system_id, 0), actor_key, min(occurred_at), max(occurred_at),
        max(occurred_at) FILTER (WHERE status_id = 1) FROM {TABLE} GROUP BY 1, 2, 3""",
    "logs_sourcehour": f"""INSERT INTO logs_sourcehour (tenant_id, source_id, hour, events, quarantined, ignored, future)
        SELECT tenant_id, source_id, date_trunc('hour', occurred_at, 'UTC'), count(*), 0, 0, 0
        FROM {TABLE} GROUP BY 1, 2, 3""",
}
"""The roll-ups that intake keeps, made from the events."""
