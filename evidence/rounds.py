"""Reads what happened to campaigns beside their decisions: scope and waivers, exclusions, moves, changes of reviewer.

Where a person was told that a reason is printed in the evidence, it is read here. The statements are the signed texts
themselves, byte for byte, so that their digests can be computed again.
"""

from __future__ import annotations

import json
from typing import Final

from evidence.kinds import Table
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame
from evidence.tables import from_rows
from reviews.manifest import canonical_text

SCOPE: Final = """
SELECT c.name AS campaign, s.key AS system, n.id AS snapshot, n.captured_at, n.source_total, n.row_total AS rows,
    (SELECT count(*) FROM reviews_reviewitem i WHERE i.tenant_id = c.tenant_id AND i.campaign_id = c.id
        AND i.system_id = s.id) AS items,
    (SELECT count(*) FROM reviews_exclusion x JOIN identities_snapshotrow r ON r.tenant_id = x.tenant_id
        AND r.id = x.row_id WHERE x.tenant_id = c.tenant_id AND x.campaign_id = c.id AND r.snapshot_id = n.id)
        AS exclusions,
    l.waiver_reason, l.waived_by, w.signed_at AS waived_at, w.level AS waiver_level, w.digest AS waiver_digest,
    w.manifest AS waiver_statement
FROM reviews_scopeline l JOIN reviews_campaign c ON c.tenant_id = l.tenant_id AND c.id = l.campaign_id
JOIN identities_system s ON s.tenant_id = l.tenant_id AND s.id = l.system_id
LEFT JOIN identities_snapshot n ON n.tenant_id = l.tenant_id AND n.id = l.snapshot_id
LEFT JOIN reviews_waiver w ON w.tenant_id = l.tenant_id AND w.id = l.waiver_id
WHERE c.tenant_id = %(tenant)s AND c.opened_at < %(as_of)s AND (c.cancelled_at IS NULL OR c.cancelled_at >= %(now)s)
    AND (c.due_at >= %(since)s OR c.closed_at IS NULL OR c.closed_at >= %(since)s)
ORDER BY c.name, c.id, s.key
"""
EXCLUSIONS: Final = """
SELECT c.name AS campaign, x.reason, x.approved_by, count(*) AS rows
FROM reviews_exclusion x JOIN reviews_campaign c ON c.tenant_id = x.tenant_id AND c.id = x.campaign_id
WHERE c.tenant_id = %(tenant)s AND c.opened_at < %(as_of)s AND (c.cancelled_at IS NULL OR c.cancelled_at >= %(now)s)
    AND (c.due_at >= %(since)s OR c.closed_at IS NULL OR c.closed_at >= %(since)s)
GROUP BY c.name, c.id, x.reason, x.approved_by ORDER BY c.name, c.id, x.reason, x.approved_by
"""
ABSENT: Final = """
SELECT c.name AS campaign, s.key AS system, n.captured_at, x.name AS account, x.first_at, x.last_ok_at
FROM reviews_absentaccount x JOIN reviews_campaign c ON c.tenant_id = x.tenant_id AND c.id = x.campaign_id
JOIN identities_system s ON s.tenant_id = x.tenant_id AND s.id = x.system_id
JOIN identities_snapshot n ON n.tenant_id = x.tenant_id AND n.id = x.snapshot_id
WHERE c.tenant_id = %(tenant)s AND c.opened_at < %(as_of)s AND (c.cancelled_at IS NULL OR c.cancelled_at >= %(now)s)
    AND (c.due_at >= %(since)s OR c.closed_at IS NULL OR c.closed_at >= %(since)s)
ORDER BY c.name, c.id, s.key, x.actor_key
"""
CONTROL_ITEMS: Final = """
SELECT c.name AS campaign, 'control item: no access of anybody' AS mark, x.id AS control_item, s.key AS system,
    x.account_name AS account, x.entitlement_name AS entitlement, p.name AS reviewer,
    CASE WHEN x.decided_at < %(now)s THEN x.outcome END AS outcome,
    CASE WHEN x.decided_at < %(now)s THEN x.decided_at END AS decided_at
FROM reviews_controlitem x JOIN reviews_campaign c ON c.tenant_id = x.tenant_id AND c.id = x.campaign_id
JOIN identities_system s ON s.tenant_id = x.tenant_id AND s.id = x.system_id
JOIN identities_identity p ON p.tenant_id = x.tenant_id AND p.id = x.reviewer_id
WHERE c.tenant_id = %(tenant)s AND c.opened_at < %(as_of)s AND (c.cancelled_at IS NULL OR c.cancelled_at >= %(now)s)
    AND (c.due_at >= %(since)s OR c.closed_at IS NULL OR c.closed_at >= %(since)s)
ORDER BY c.name, c.id, x.id
"""
MOVES: Final = """
SELECT c.name AS campaign, m.at AS moved_at, m.old AS from_state, m.new AS to_state, m.old_due_at, m.new_due_at,
    m.reason, m.by
FROM reviews_campaignmove m JOIN reviews_campaign c ON c.tenant_id = m.tenant_id AND c.id = m.campaign_id
WHERE m.tenant_id = %(tenant)s AND m.at >= %(since)s AND m.at < %(as_of)s ORDER BY m.at, m.id
"""
REASSIGNED: Final = """
SELECT c.name AS campaign, i.n AS item, a.since AS moved_at, b.name AS from_reviewer, p.name AS to_reviewer, a.reason,
    a.by
FROM reviews_assignment a JOIN reviews_campaign c ON c.tenant_id = a.tenant_id AND c.id = a.campaign_id
JOIN reviews_reviewitem i ON i.tenant_id = a.tenant_id AND i.id = a.item_id
JOIN identities_identity p ON p.tenant_id = a.tenant_id AND p.id = a.reviewer_id
LEFT JOIN LATERAL (
    SELECT q.name FROM reviews_assignment e JOIN identities_identity q ON q.tenant_id = e.tenant_id
        AND q.id = e.reviewer_id
    WHERE e.tenant_id = a.tenant_id AND e.item_id = a.item_id AND e.id < a.id ORDER BY e.id DESC LIMIT 1
) b ON true
WHERE a.tenant_id = %(tenant)s AND a.basis = 'reassigned' AND a.since >= %(since)s AND a.since < %(as_of)s
ORDER BY a.since, a.id
"""
QUESTIONS: Final = """
SELECT c.name AS campaign, i.n AS item, a.name AS asked_by, b.name AS asked, q.at AS asked_at, q.text AS question,
    w.at AS answered_at, w.text AS answer
FROM reviews_itemquestion q JOIN reviews_campaign c ON c.tenant_id = q.tenant_id AND c.id = q.campaign_id
JOIN reviews_reviewitem i ON i.tenant_id = q.tenant_id AND i.id = q.item_id
JOIN identities_identity a ON a.tenant_id = q.tenant_id AND a.id = q.asker_id
LEFT JOIN identities_identity b ON b.tenant_id = q.tenant_id AND b.id = q.asked_id
LEFT JOIN reviews_itemanswer w ON w.tenant_id = q.tenant_id AND w.question_id = q.id AND w.at < %(now)s
WHERE q.tenant_id = %(tenant)s AND q.at >= %(since)s AND q.at < %(as_of)s ORDER BY q.id, w.id
"""
# What counts as postponed, and whose day lies in the period or later, or was decided about in it. What came of it is
# told as far as it is known: the decision in the campaign that took it up, or the signed one that came before its day.
POSTPONED: Final = """
SELECT c.name AS campaign, i.n AS item, s.key AS system, a.name AS account, p.name AS person, e.key AS entitlement,
    d.privileged, d.decided_at, v.name AS reviewer, d.postponed_until::text AS postponed_until, d.reason,
    CASE WHEN r.id IS NULL THEN 'waits for its day' WHEN r.came = 'left' THEN 'not reviewed: the person left'
        WHEN r.came = 'gone' THEN 'not reviewed: the access is gone'
        WHEN r.came = 'cancelled' OR (k.state = 'cancelled' AND l.outcome IS NULL)
            THEN 'not reviewed: the campaign was cancelled'
        WHEN r.came = 'decided' THEN 'decided before its day, in another campaign'
        WHEN l.outcome IS NULL THEN 'taken up, not decided yet' ELSE 'taken up and decided' END AS what_came_of_it,
    coalesce(k.name, l.name) AS reviewed_in, l.outcome, l.decided_at AS outcome_at, l.reviewer AS outcome_by
FROM reviews_decision d
JOIN reviews_campaign c ON c.tenant_id = d.tenant_id AND c.id = d.campaign_id
JOIN reviews_reviewitem i ON i.tenant_id = d.tenant_id AND i.id = d.item_id
JOIN identities_system s ON s.tenant_id = i.tenant_id AND s.id = i.system_id
JOIN identities_account a ON a.tenant_id = i.tenant_id AND a.id = i.account_id
JOIN identities_entitlement e ON e.tenant_id = i.tenant_id AND e.id = i.entitlement_id
LEFT JOIN identities_identity p ON p.tenant_id = i.tenant_id AND p.id = i.subject_id
LEFT JOIN identities_identity v ON v.tenant_id = d.tenant_id AND v.id = d.reviewer_id
LEFT JOIN reviews_resumption r ON r.tenant_id = d.tenant_id AND r.decision_id = d.id AND r.at < %(now)s
LEFT JOIN reviews_campaign k ON k.tenant_id = r.tenant_id AND k.id = r.campaign_id
LEFT JOIN LATERAL (
    SELECT m.name, h.outcome, h.decided_at, q.name AS reviewer
    FROM reviews_reviewitem o JOIN reviews_campaign m ON m.tenant_id = o.tenant_id AND m.id = o.campaign_id
    JOIN reviews_head h ON h.tenant_id = o.tenant_id AND h.item_id = o.id AND h.decided_at < %(now)s
    LEFT JOIN identities_identity q ON q.tenant_id = h.tenant_id AND q.id = h.reviewer_id
    WHERE o.tenant_id = i.tenant_id AND o.account_id = i.account_id AND o.entitlement_id = i.entitlement_id
        AND (m.id = r.campaign_id OR (r.came = 'decided' AND m.state IN ('remediating', 'closed')
            AND h.outcome IN ('certify', 'revoke', 'modify') AND h.decided_at > d.decided_at))
    ORDER BY h.decided_at, h.id LIMIT 1
) l ON true
WHERE d.tenant_id = %(tenant)s AND d.postponed_until IS NOT NULL AND d.decided_at < %(as_of)s
    AND (r.id IS NULL OR r.at >= %(since)s OR coalesce(l.decided_at >= %(since)s, r.came = 'reviewed'))
    AND NOT EXISTS (SELECT 1 FROM reviews_decision x WHERE x.tenant_id = d.tenant_id AND x.supersedes_id = d.id
        AND x.decided_at < %(now)s)
ORDER BY d.postponed_until, c.name, i.n, d.id
"""
STATEMENTS: Final = """
SELECT s.id, s.manifest FROM reviews_signoff s
WHERE s.tenant_id = %(tenant)s AND s.signed_at >= %(since)s AND s.signed_at < %(until)s ORDER BY s.id
"""
ASSERTIONS: Final = """
SELECT s.id, s.authentication -> 'assertion' AS assertion FROM reviews_signoff s
WHERE s.tenant_id = %(tenant)s AND s.signed_at >= %(since)s AND s.signed_at < %(until)s
    AND s.level IN ('passkey', 'provider')
ORDER BY s.id
"""
TABLES: Final = (
    (
        "campaign_scope",
        said("Systems of the campaigns: every row is an item or an exclusion"),
        SCOPE,
        "campaign system snapshot captured_at source_total rows items exclusions waiver_reason waived_by "
        "waived_at waiver_level waiver_digest waiver_statement",
    ),
    ("exclusions", said("Rows left out of campaigns, by reason"), EXCLUSIONS, "campaign reason approved_by rows"),
    (
        "absent_accounts",
        said("Active in the logs, in no row of the campaign's list"),
        ABSENT,
        "campaign system captured_at account first_at last_ok_at",
    ),
    (
        "control_items",
        said("Made-up access put among items: in no population, count or remediation"),
        CONTROL_ITEMS,
        "campaign mark control_item system account entitlement reviewer outcome decided_at",
    ),
    (
        "campaign_moves",
        said("How the campaigns went on"),
        MOVES,
        "campaign moved_at from_state to_state old_due_at new_due_at reason by",
    ),
    (
        "reassignments",
        said("Items put to another reviewer"),
        REASSIGNED,
        "campaign item moved_at from_reviewer to_reviewer reason by",
    ),
    (
        "questions",
        said("What reviewers asked and noted about items, and the answers"),
        QUESTIONS,
        "campaign item asked_by asked asked_at question answered_at answer",
    ),
    (
        "postponed",
        said("Items postponed after a move, and what came of them"),
        POSTPONED,
        "campaign item system account person entitlement privileged decided_at reviewer postponed_until reason "
        "what_came_of_it reviewed_in outcome outcome_at outcome_by",
    ),
)


def campaign_tables(frame: Frame) -> tuple[tuple[Table, ...], dict[str, str]]:
    """Returns the tables about campaigns, and the text of the query behind each."""
    tables, texts = [], {}
    for name, title, statement, columns in TABLES:
        asked, names = Asked(frame), columns.split()
        rows = asked.rows(statement)
        tables.append(from_rows(name, title, names, [[row[column] for column in names] for row in rows]))
        texts[name] = asked.statements[0] + "\n"
    return tuple(tables), texts


def signed_statements(frame: Frame) -> dict[str, bytes]:
    """Returns the signed statements of the period by the id of their sign-off, as they were signed."""
    return {str(row["id"]): row["manifest"].encode() for row in Asked(frame).rows(STATEMENTS)}


def assertions(frame: Frame) -> dict[str, bytes]:
    """Returns what passkeys and providers signed over the period's statements, by the id of the sign-off."""
    rows = Asked(frame).rows(ASSERTIONS)
    return {str(row["id"]): canonical_text(json.loads(row["assertion"])).encode() for row in rows}
