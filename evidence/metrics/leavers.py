"""Measures leavers: the age of the people feed, accounts still enabled, time to disable, use after leaving."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, days_between, ratio

FEED = """
SELECT max(delivered_at) AS delivered_at FROM identities_peoplefeed
WHERE tenant_id = %(tenant)s AND delivered_at < %(as_of)s
"""
LEAVERS = """
SELECT p.external_id AS person_id, p.name AS person, p.employed_until AS left_on, count(a.id) AS accounts,
    count(a.id) FILTER (WHERE a.enabled) AS enabled_accounts, max(a.disabled_at) AS last_disabled_at,
    bool_and(NOT a.enabled AND a.disabled_at IS NOT NULL
        AND a.disabled_at < p.employed_until::timestamp AT TIME ZONE %(zone)s + interval '2 days') AS in_limit,
    coalesce((SELECT sum(d.ok_count) FROM identities_account b JOIN logs_usageday d ON d.tenant_id = b.tenant_id
        AND d.system_id = b.system_id AND d.actor_key = b.name_key AND d.day > p.employed_until + 1
        AND d.day < %(end_day)s WHERE b.tenant_id = p.tenant_id AND b.identity_id = p.id), 0) AS accesses_afterwards
FROM identities_identity p JOIN identities_account a ON a.tenant_id = p.tenant_id AND a.identity_id = p.id
WHERE p.tenant_id = %(tenant)s AND p.employed_until >= %(first_day)s AND p.employed_until < %(end_day)s
GROUP BY p.tenant_id, p.id ORDER BY p.employed_until, p.external_id
"""
COLUMNS = (
    *("person_id", "person", "left_on", "accounts", "enabled_accounts", "last_disabled_at", "in_limit"),
    "accesses_afterwards",
)


def measure(frame: Frame) -> KindEvidence:
    """Return the leavers of the period; an account is disabled in time within 24 hours after the last working day."""
    asked = Asked(frame)
    feed = asked.one(FEED)
    days = {"first_day": frame.period.start.date(), "end_day": frame.as_of.date()}
    rows = asked.rows(LEAVERS, zone=frame.period.zone, **days)
    metrics = {
        "feed_age_days": days_between(feed["delivered_at"], frame.as_of),
        "leavers": len(rows),
        "disabled_in_limit_ratio": ratio(sum(bool(row["in_limit"]) for row in rows), len(rows)),
        "still_enabled": sum(row["enabled_accounts"] > 0 for row in rows),
        "activity_after_leaving": sum(row["accesses_afterwards"] > 0 for row in rows),
    }
    notes = (said("A leaver is a person with an account whose employment ended in the period."),)
    return asked.answer("leavers", metrics, rows, columns=COLUMNS, notes=notes, title=said("Leavers"))
