"""Measures access review campaigns: due, signed in time, decided, and how long ago each scope was last reviewed."""

from collections.abc import Sequence

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, days_between, ratio

CAMPAIGNS = """
SELECT c.id, c.name, c.state, c.opened_at, c.due_at, c.signed_at, c.closed_at, c.opened_by, c.closed_by, c.round,
    count(i.id) AS items, count(i.id) FILTER (WHERE i.privileged) AS privileged_items,
    count(d.id) FILTER (WHERE d.outcome IN ('certify', 'revoke', 'modify')) AS decided,
    count(d.id) FILTER (WHERE d.outcome = 'certify') AS kept,
    count(d.id) FILTER (WHERE d.outcome = 'revoke') AS revoked,
    count(d.id) FILTER (WHERE d.outcome = 'modify') AS reduced,
    count(d.id) FILTER (WHERE d.outcome = 'abstain' AND d.postponed_until IS NULL) AS abstained,
    count(d.postponed_until) AS postponed,
    count(d.id) FILTER (WHERE d.outcome = 'not_decided') AS not_decided,
    count(d.id) FILTER (WHERE d.outcome = 'certify' AND (d.privileged OR d.advice = 'revoke')
        AND length(trim(d.reason)) < 10) AS kept_without_reason,
    (SELECT count(*) FROM reviews_signoff s WHERE s.tenant_id = c.tenant_id AND s.campaign_id = c.id
        AND s.round = c.round) AS sign_offs
FROM reviews_campaign c
LEFT JOIN reviews_reviewitem i ON i.tenant_id = c.tenant_id AND i.campaign_id = c.id
LEFT JOIN reviews_decision d ON d.tenant_id = c.tenant_id AND d.item_id = i.id
    AND NOT EXISTS (SELECT 1 FROM reviews_decision l WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id)
WHERE c.tenant_id = %(tenant)s AND c.state <> 'cancelled' AND c.opened_at < %(until)s
    AND (c.due_at >= %(since)s OR c.closed_at IS NULL OR c.closed_at >= %(since)s)
GROUP BY c.id ORDER BY c.opened_at, c.id
"""
LAST_REVIEW = """
SELECT s.key AS system,
    max(c.signed_at) AS last_privileged,
    max(c.signed_at) FILTER (WHERE NOT p.privileged_only) AS last_all,
    EXISTS (SELECT 1 FROM identities_account a WHERE a.tenant_id = s.tenant_id AND a.system_id = s.id
        AND a.kind = 'service') AS has_service,
    EXISTS (SELECT 1 FROM identities_entitlement e JOIN identities_grant g ON g.tenant_id = e.tenant_id
        AND g.entitlement_id = e.id WHERE e.tenant_id = s.tenant_id AND e.system_id = s.id AND e.privileged
        AND g.since < %(as_of)s AND (g.until IS NULL OR g.until >= %(as_of)s)) AS has_privileged
FROM identities_system s
LEFT JOIN reviews_scopeline l ON l.tenant_id = s.tenant_id AND l.system_id = s.id AND l.snapshot_id IS NOT NULL
LEFT JOIN reviews_campaign c ON c.tenant_id = l.tenant_id AND c.id = l.campaign_id AND c.signed_at < %(as_of)s
LEFT JOIN reviews_campaignplan p ON p.tenant_id = c.tenant_id AND p.id = c.plan_id
WHERE s.tenant_id = %(tenant)s GROUP BY s.tenant_id, s.id, s.key ORDER BY s.key
"""


def measure(frame: Frame) -> KindEvidence:
    """Return the campaigns' evidence; a scope's age is that of its least recently reviewed system, None for never."""
    asked = Asked(frame)
    rows = asked.rows(CAMPAIGNS)
    systems = asked.rows(LAST_REVIEW)
    due = [row for row in rows if row["due_at"] and frame.period.start <= row["due_at"] < frame.as_of]
    late = [row for row in due if row["signed_at"] is None or row["signed_at"] > row["due_at"]]
    every = _age(systems, "last_all", frame)
    service = [row for row in systems if row["has_service"]]
    privileged = [row for row in systems if row["has_privileged"]]
    metrics = {
        "due": len(due),
        "completed_on_time": len(due) - len(late),
        "overdue": len(late),
        "items": sum(row["items"] for row in due),
        "decided_ratio": ratio(sum(row["decided"] for row in due), sum(row["items"] for row in due)),
        "kept_without_reason": sum(row["kept_without_reason"] for row in rows),
        "days_since_privileged": _age(privileged, "last_privileged", frame) if privileged else every,
        "days_since_all": every,
        "days_since_service_accounts": _age(service, "last_all", frame) if service else every,
        "unsigned": sum(row["signed_at"] is None for row in due),
    }
    notes = (
        said("A campaign counts as completed when every reviewer with decisions has signed."),
        said("Days since a review count from the least recently reviewed system; one never reviewed makes it never."),
    )
    return asked.answer("campaigns", metrics, rows, columns=COLUMNS, notes=notes, title=said("Access review campaigns"))


def _age(systems: Sequence[Row], column: str, frame: Frame) -> float | None:
    """Return the days since the least recent review of the systems, None where one was never reviewed."""
    moments = [row[column] for row in systems]
    if not moments or None in moments:
        return None
    return days_between(min(moments), frame.as_of)


COLUMNS = (
    *("id", "name", "state", "opened_at", "due_at", "signed_at", "closed_at", "opened_by", "closed_by", "round"),
    *(
        "items",
        "privileged_items",
        "decided",
        "kept",
        "revoked",
        "reduced",
        "abstained",
        "postponed",
        "not_decided",
        "sign_offs",
    ),
)
