"""Builds facts for the catalogue's tests: everything good, an empty tenant, nothing measured, and a report's source."""

from collections.abc import Mapping

from evidence.catalogue import LOG_TYPES, load
from evidence.evaluate import evaluate_all
from evidence.kinds import Facts, KindEvidence
from evidence.sections.source import Source
from evidence.tables import from_rows
from tests.evidence.packing import PERIOD, identity

GOOD: dict[str, float] = {
    "coverage.sources_expected": 8, "coverage.sources_reporting": 8, "coverage.coverage_ratio": 0.998,
    "coverage.log_types_expected": 7, "coverage.log_types_received": 7,
    "ledger.entries": 5000, "ledger.verified_entries": 5000, "ledger.checkpoints": 90, "ledger.anchored_checkpoints": 3,
    "login_failures.attempts": 900, "login_failures.failures": 20, "login_failures.failure_ratio": 0.022,
    "alerts.raised": 12, "alerts.acknowledged": 12, "alerts.ack_within_limit_ratio": 1.0, "alerts.ack_p95_minutes": 14,
    "alert_rules.enabled": 5,
    "incidents.opened": 2, "incidents.triaged_ratio": 1.0, "incidents.triage_p95_hours": 3, "incidents.breaches": 1,
    "incidents.client_notify_max_hours": 4,
    "log_reviews.due": 13, "log_reviews.on_time_ratio": 1.0,
    "campaigns.due": 1, "campaigns.completed_on_time": 1, "campaigns.items": 400, "campaigns.decided_ratio": 1.0,
    "campaigns.days_since_privileged": 20, "campaigns.days_since_all": 20, "campaigns.days_since_service_accounts": 20,
    "population.snapshots": 6, "population.systems_in_scope": 6, "population.snapshot_age_days_max": 3,
    "review_quality.bulk_kept_ratio": 0.3, "review_quality.median_seconds_per_item": 14,
    "review_quality.decisions": 400,
    "revocations.decided": 10, "revocations.executed_in_limit_ratio": 1.0, "revocations.verified_ratio": 1.0,
    "grants.granted": 15, "privileged.accounts": 9, "privileged.actions": 80, "emergency.uses": 1,
    "leavers.feed_age_days": 1, "leavers.leavers": 4, "leavers.disabled_in_limit_ratio": 1.0,
    "identities.accounts": 300, "identities.mapped_ratio": 1.0, "dormant.accounts": 300,
    "auth_strength.logins": 900, "remote_access.sessions": 120, "sessions.sessions": 200, "data_access.events": 4000,
    "credential_changes.changes": 20, "log_access.reads": 30, "log_access.exports": 2, "log_access.readers": 3,
    "retention.oldest_available_days": 400, "retention.online_days": 400, "retention.log_types_held": 7,
    "backup.runs_due": 90, "backup.last_good_hours": 5, "backup.days_since_restore_test": 30,
    "clock.sources": 8, "protection.stores": 3,
    "collection_failures.failures": 2, "collection_failures.noticed_in_limit_ratio": 1.0,
    "isolation.probes": 40, "client_access.client_users": 2, "client_access.packs_issued": 1,
    "processing_record.tenants": 1, "documents.required": 4, "findings.opened": 2,
    "evaluation.due": 3, "evaluation.run": 3, "packs.issued": 1,
}  # fmt: skip


def good(
    changes: Mapping[str, float | None] | None = None, coverage: Mapping[str, float | None] | None = None
) -> Facts:
    """Return facts where every row passes, with single metrics (`kind.metric`) or log types changed."""
    metrics: dict[str, dict[str, float | None]] = {
        name: {metric: GOOD.get(f"{name}.{metric}", 0.0) for metric in kind.metrics}
        for name, kind in load().kinds.items()
    }
    for dotted, value in (changes or {}).items():
        kind, _, metric = dotted.partition(".")
        assert metric in metrics[kind], dotted
        metrics[kind][metric] = value
    return Facts(metrics=metrics, coverage=dict.fromkeys(LOG_TYPES, 0.998) | dict(coverage or {}))


def empty() -> Facts:
    """Return the facts of a tenant that holds nothing: counts 0, ratios and ages null, no log type expected."""
    metrics: dict[str, dict[str, float | None]] = {}
    for name, kind in load().kinds.items():
        nulls = {*kind.ratios, *kind.ages} | {metric for metric in kind.metrics if metric.endswith("_ratio")}
        metrics[name] = {metric: None if metric in nulls else 0.0 for metric in kind.metrics}
    return Facts(metrics=metrics, coverage=dict.fromkeys(LOG_TYPES))


def unmeasured() -> Facts:
    """Return facts in which every query ran and measured nothing."""
    metrics = {name: dict.fromkeys(kind.metrics) for name, kind in load().kinds.items()}
    return Facts(metrics=metrics, coverage=dict.fromkeys(LOG_TYPES, 1.0))


def source() -> Source:
    """Return what a pack over the whole catalogue is printed from, with rows in several states."""
    catalogue, facts = load(), good({"ledger.breaks": 1, "population.snapshots": 0}, {"vpn": 0.5})
    params = {name: parameter.value for name, parameter in catalogue.params.items()}
    evidence = {
        kind: KindEvidence(kind, facts.metrics[kind], "select 1\n", {}, from_rows(kind, item.title, ("id",), [["=x"]]))
        for kind, item in catalogue.kinds.items()
    }
    rows = tuple(evaluate_all(catalogue, facts, params))
    return Source(
        identity=identity(), period=PERIOD, catalogue=catalogue, evaluations=rows, evidence=evidence, records={},
        coverage=facts.coverage, out_of_scope={}, parameters=params, checkpoint=None, signer_key="", tier="T1",
        omissions=(), loosened={}, kept=frozenset(evidence),
    )  # fmt: skip
