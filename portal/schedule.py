"""What happens by the clock: one table, walked once a minute by a single tick of the job queue.

Each entry runs once per tenant and period, also when two schedulers tick at the same time or one comes back after an
outage: the period is claimed by a row, and what fell due meanwhile runs once and not once for each missed period.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One recurring job: ``job(progress, tenant)``, named by its dotted path."""

    name: str
    every: timedelta
    job: str

    def period(self, at: datetime) -> datetime:
        """Return the start (UTC) of the period that holds the moment; periods count from 1970-01-01."""
        seconds = int(self.every.total_seconds())
        return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=UTC)


SCHEDULE: Final[tuple[Entry, ...]] = (
    Entry("tenants.heartbeat", timedelta(minutes=10), "tenants.jobs.beat"),
    Entry("reviews.create-due", timedelta(minutes=15), "reviews.jobs.create_due"),
    Entry("reviews.close-overdue", timedelta(minutes=15), "reviews.jobs.close_overdue"),
    Entry("reviews.open-log-reviews", timedelta(minutes=15), "reviews.jobs.open_log_reviews"),
    Entry("reviews.verify", timedelta(hours=1), "reviews.jobs.verify"),
    Entry("reviews.search-lists", timedelta(minutes=5), "reviews.jobs.search_lists"),
    Entry("reviews.tickets", timedelta(minutes=5), "reviews.jobs.send_tickets"),
    Entry("reviews.remind", timedelta(hours=1), "reviews.jobs.remind"),
    Entry("logs.prune", timedelta(days=1), "logs.jobs.prune"),
    Entry("evidence.anchor", timedelta(days=1), "evidence.jobs.anchor_ledger"),
    Entry("evidence.cosign", timedelta(hours=1), "evidence.jobs.cosign_ledger"),
    Entry("evidence.verify", timedelta(days=7), "evidence.jobs.verify_ledger"),
    Entry("evidence.evaluate", timedelta(days=7), "evidence.jobs.evaluate_lately"),
)
