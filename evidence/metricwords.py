"""Says the metrics that criteria name in words, with their units, for the sentences that give a row's state. Pure.

The catalogue, the tables' columns of metrics and everything that a program reads keep the keys.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as noop

from evidence.languages import Said, percent, said

_WORDS: Final = {
    "ack_within_limit_ratio": noop("share acknowledged within the limit"),
    "actions_by_unlisted_accounts": noop("actions by accounts that no list names"),
    "activity_after_leaving": noop("accesses after leaving"),
    "activity_after_revocation": noop("accesses after the revocation"),
    "anchored_checkpoints": noop("checkpoints that others hold"),
    "approved_by_grantee": noop("approved by the person who got the access"),
    "authority_clock_missing": noop("breaches without a recorded time limit for the authority"),
    "authority_notify_late": noop("late reports to the authority"),
    "breach_records_incomplete": noop("incomplete records of breaches"),
    "breaks": noop("entries that do not verify"),
    "bulk_kept_ratio": noop("share kept in bulk"),
    "bulk_reads_unreviewed": noop("bulk reads that nobody reviewed"),
    "by_unapproved_accounts": noop("accesses by accounts without approval"),
    "by_unauthorised_role": noop("reads under a role that may not"),
    "client_notify_late": noop("late notices to the client"),
    "client_notify_max_hours": noop("longest time until the client was told"),
    "client_notify_over_60_days": noop("notices to the client after more than 60 days"),
    "closed_without_reason": noop("closed without a reason"),
    "closed_without_retest": noop("closed without a second test"),
    "consistency_failures": noop("checkpoints that the ledger does not continue"),
    "coverage_ratio": noop("covered share of the expected hours"),
    "days_since_all": noop("time since all access was reviewed"),
    "days_since_privileged": noop("time since privileged access was reviewed"),
    "days_since_restore_test": noop("time since the last restore test"),
    "days_since_service_accounts": noop("time since service accounts were reviewed"),
    "decided_and_executed_by_same": noop("decided and carried out by the same person"),
    "decided_ratio": noop("decided share"),
    "delivery_failures": noop("notices that could not be delivered"),
    "disabled_in_limit_ratio": noop("share disabled in time"),
    "due_not_purged": noop("due and not removed"),
    "enabled_over_limit": noop("enabled beyond the limit"),
    "end_unknown_ratio": noop("share without a known end"),
    "evidence_purged_early": noop("evidence removed too early"),
    "exceptions_open_over_limit": noop("exceptions open beyond the limit"),
    "excluded_without_reason": noop("left out without a reason"),
    "expired": noop("expired"),
    "feed_age_days": noop("age of the list of leavers"),
    "gaps_without_cause": noop("gaps without a known cause"),
    "holds_broken": noop("broken legal holds"),
    "idle_over_limit": noop("idle beyond the limit"),
    "incomplete": noop("incomplete"),
    "last_good_hours": noop("time since the last good run"),
    "last_login_unknown": noop("last log-in unknown"),
    "leaks": noop("rows of other clients seen, or answers without a scope"),
    "log_types_expected": noop("log types expected"),
    "log_types_received": noop("log types received"),
    "mandatory_missing": noop("mandatory rules missing"),
    "mapped_ratio": noop("share mapped to a person"),
    "method_unknown_ratio": noop("share with an unknown method"),
    "missing": noop("missing"),
    "not_locked_out": noop("not locked out"),
    "not_reviewed_after_use": noop("not reviewed after use"),
    "not_reviewed_in_period": noop("not reviewed in the period"),
    "noticed_in_limit_ratio": noop("share noticed within the limit"),
    "oldest_available_days": noop("age of the oldest records at hand"),
    "oldest_unsealed_hours": noop("age of the oldest entry without a signed checkpoint"),
    "on_time_ratio": noop("share signed in time"),
    "online_days": noop("records available at once"),
    "open_over_limit": noop("open beyond the limit"),
    "out_of_hours_unreviewed": noop("out of hours and reviewed by nobody"),
    "over_limit": noop("beyond the limit"),
    "overdue": noop("overdue"),
    "packs_issued": noop("packs issued"),
    "packs_not_encrypted": noop("packs not encrypted"),
    "privileged_without_mfa": noop("privileged log-ins without a second factor"),
    "purged_early": noop("removed too early"),
    "readers_not_reviewed": noop("readers whose access nobody reviewed"),
    "remote_without_mfa": noop("remote log-ins without a second factor"),
    "requests_over_limit": noop("requests open beyond the limit"),
    "restore_root_mismatches": noop("restores with another root of the ledger"),
    "run": noop("carried out"),
    "runs_failed": noop("failed runs"),
    "self_reviews": noop("reviews of one's own access"),
    "shared_without_exception": noop("shared without an exception"),
    "sources_without_tls": noop("sources without TLS"),
    "stale": noop("out of date"),
    "still_enabled": noop("still enabled"),
    "stores_not_encrypted": noop("stores not encrypted"),
    "success_after_burst_unreviewed": noop("log-ins after a burst of failures that nobody reviewed"),
    "systems_without_snapshot": noop("systems without a list"),
    "tables_without_policy": noop("tables without row security"),
    "triage_p95_hours": noop("time to assessment, 95th percentile"),
    "triaged_ratio": noop("assessed share"),
    "unattributed": noop("without a known person"),
    "undeclared_sources": noop("undeclared sources"),
    "unknown": noop("unknown"),
    "unmapped": noop("mapped to nobody"),
    "unreconciled_difference": noop("difference to the totals that systems state"),
    "unsigned": noop("unsigned"),
    "untested": noop("not tested"),
    "unverified_over_limit": noop("not verified within the limit"),
    "verification_failures": noop("failed verifications"),
    "verified_entries": noop("verified entries"),
    "verified_ratio": noop("verified share"),
    "without_approval": noop("without approval"),
    "without_cause": noop("without a known cause"),
    "without_owner": noop("without an owner"),
    "without_reason": noop("without a reason"),
    "without_root_cause": noop("without a root cause"),
}
"""Metrics whose key is no good English; of the others the key is read as words."""
_HOURS: Final = (noop("1 hour"), noop("{value} hours"))
_DAYS: Final = (noop("1 day"), noop("{value} days"))
_MINUTES: Final = (noop("1 minute"), noop("{value} minutes"))
_UNITS: Final = {"hours": _HOURS, "days": _DAYS, "minutes": _MINUTES}
_COUNTS: Final = frozenset({"client_notify_over_60_days"})
"""Metrics that count, although their key ends like a time's."""


def metric_words(name: str) -> str:
    """Return a metric's English message."""
    return _WORDS.get(name, name.replace("_", " "))


def with_unit(name: str, value: float, spelled: Said) -> Said:
    """Return a metric's spelled value with its unit: a share as percent, a time in hours, days or minutes."""
    if name.endswith("_ratio"):
        return percent(value)
    unit = name.partition("_")[0] if name.startswith("days_since_") else name.rpartition("_")[2]
    if unit not in _UNITS or name in _COUNTS:
        return spelled
    one, more = _UNITS[unit]
    return said(one) if value == 1 else said(more, value=spelled)
