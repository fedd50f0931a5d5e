"""Measures accounts mapped to persons: unmapped and shared ones by system."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, ratio

BY_SYSTEM = """
SELECT s.key AS system, count(*) AS accounts, count(a.identity_id) AS mapped,
    count(*) FILTER (WHERE a.identity_id IS NULL AND a.kind IN ('human', 'shared')) AS unmapped,
    count(*) FILTER (WHERE a.kind = 'shared') AS shared, count(*) FILTER (WHERE a.kind = 'service') AS service,
    count(*) FILTER (WHERE a.kind = 'break_glass') AS break_glass
FROM identities_account a JOIN identities_system s ON s.tenant_id = a.tenant_id AND s.id = a.system_id
WHERE a.tenant_id = %(tenant)s AND a.enabled AND a.created_at < %(until)s GROUP BY s.key ORDER BY s.key
"""
COLUMNS = ("system", "accounts", "mapped", "unmapped", "shared", "service", "break_glass")


def measure(frame: Frame) -> KindEvidence:
    """Return how many enabled accounts belong to a person; no register of exceptions excuses any."""
    asked = Asked(frame)
    rows = asked.rows(BY_SYSTEM)
    accounts = sum(row["accounts"] for row in rows)
    metrics = {
        "accounts": accounts,
        "mapped_ratio": ratio(sum(row["mapped"] for row in rows), accounts),
        "unmapped": sum(row["unmapped"] for row in rows),
        "shared_without_exception": sum(row["shared"] for row in rows),
        "parallel_use_flags": None,
    }
    notes = (
        said(
            "Unmapped are human and shared accounts without a person. Parallel use from distant places is not measured."
        ),
    )
    return asked.answer("identities", metrics, rows, columns=COLUMNS, notes=notes, title=said("Accounts by system"))
