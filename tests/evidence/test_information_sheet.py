"""The information sheet says what the query itself says: tables, filters, totals, and how whole its sources were."""

from datetime import UTC, datetime

from evidence.catalogue import load
from evidence.ipe import NO_LOGS, Provenance, Sum, filters_of, module_digest, record_sheet, sheet, tables_of
from evidence.kinds import KindEvidence, Period
from evidence.tables import control_total, from_rows

QUERY = """
SELECT a.id, count(*) FILTER (WHERE e.ok) AS good,
    (SELECT max(n.at) FROM identities_snapshot n WHERE n.tenant_id = %(tenant)s) AS last
FROM logs_currentevent e JOIN alerts_alert a ON a.id = e.id
WHERE e.tenant_id = %(tenant)s AND NOT EXISTS (SELECT 1 FROM logs_delivery d WHERE d.id = e.id ORDER BY d.id)
GROUP BY a.id ORDER BY a.id;

SELECT count(*) FROM logs_currentevent
"""
START = datetime(2026, 1, 1, tzinfo=UTC)


TOLD = Provenance(
    program="Countersign 1",
    run_at=START, run_by="carla", period=Period(START, START), catalogue="1.1.0", ledger_size=90,
    records=Sum(1000, 997), lists=Sum(8, 8), first=10, last=80, broken=1, gaps={"login": 3},
    out_of_scope={"remote": "Nobody works remotely."},
)  # fmt: skip


def test_tables_and_filters_are_read_from_the_query() -> None:
    assert tables_of(QUERY) == ["identities_snapshot", "logs_currentevent", "alerts_alert", "logs_delivery"]
    assert filters_of(QUERY) == [
        "n.tenant_id = %(tenant)s",
        "e.tenant_id = %(tenant)s AND NOT EXISTS (SELECT 1 FROM logs_delivery d WHERE d.id = e.id ORDER BY d.id)",
    ]


def test_the_sheet_names_a_difference_gaps_and_missing_numbers() -> None:
    table = from_rows("alerts", "Alerts", ("id",), [[1], [2]])
    item = KindEvidence("alerts", {}, QUERY, {"limit": "4"}, table, ("A note.",), (2, 1))
    said = dict(sheet(item, load().kinds["alerts"], TOLD))
    assert said["Control total, SHA-256"] == control_total(table)
    assert said["Rows of each statement"] == "2, 1"
    assert (
        "1,000 records that sources delivered in the period, 997 accounted for here, difference 3."
        in said["Reconciliation"]
    )
    assert "login: 3" in said["Gaps"]
    assert said["Gaps"].endswith("Out of scope: remote.")
    assert said["Ledger entries of the period"] == "10 to 80 of 90; 1 places where numbers are missing"
    assert module_digest("alerts") in said["Written by"]


def test_the_sheet_of_records_says_how_many_the_ledger_sealed_and_what_the_sources_did_not_give() -> None:
    table = from_rows("decisions", "Decisions", ("id", "ledger_index"), [[1, 0], [2, None], [3, 7]])
    said = dict(record_sheet(table, "SELECT id FROM reviews_decision d WHERE d.id > 0", TOLD))
    assert said["Reconciliation"].startswith("2 of 3 rows name the ledger entry that sealed them. The rows arise in")
    assert said["Gaps"] == NO_LOGS
    assert (said["Run by"], said["Program"]) == ("carla", "Countersign 1")
    of_logs = dict(record_sheet(table, "SELECT id FROM logs_accessevent", TOLD))
    assert "difference 3" in of_logs["Reconciliation"]
    assert "login: 3" in of_logs["Gaps"]
