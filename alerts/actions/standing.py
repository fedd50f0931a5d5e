"""What stands already while hits are taken in: read once for all hits of a rule, and kept up to date meanwhile."""

from collections import defaultdict
from collections.abc import Sequence

from alerts.kinds import OPEN_STATES, AlertState, Rule
from alerts.models import Alert, AlertEvent
from alerts.queries.watched import evidence_of
from alerts.rules.facts import EventKey, Fact, Hit, dedup_key
from identities.models import Identity, System


class Standing:
    """The events, open alerts and closed keys that the hits of one rule may touch; five queries however many hits."""

    def __init__(self, rule: Rule, hits: Sequence[Hit]) -> None:
        rows = evidence_of(rule, {fact.key.id for hit in hits for fact in hit.facts})
        found = rows.values_list("event_received_at", "event_id", "alert_id")
        self._taken = {EventKey(received_at, event_id): alert for received_at, event_id, alert in found}
        self._open: dict[str, list[Alert]] = defaultdict(list)
        groups = {hit.group for hit in hits}
        open_alerts = Alert.objects.select_for_update().filter(rule=rule, group_key__in=groups, state__in=OPEN_STATES)
        for alert in open_alerts.order_by("id"):
            self._open[alert.group_key].append(alert)
        closed = Alert.objects.filter(dedup_key__in=[hit.dedup_key for hit in hits], state=AlertState.CLOSED)
        self._closed = {bytes(key) for key in closed.values_list("dedup_key", flat=True)}
        firsts = [hit.facts[0] for hit in hits]
        self.people = Identity.objects.in_bulk({fact.person_id for fact in firsts if fact.person_id})
        self.systems = System.objects.in_bulk({fact.system_id for fact in firsts if fact.system_id})
        self.evidence: list[AlertEvent] = []

    def fresh(self, hit: Hit) -> list[Fact]:
        """Return the hit's events that stand in no alert of the rule yet."""
        return [fact for fact in hit.facts if fact.key not in self._taken]

    def alert_for(self, hit: Hit) -> Alert | None:
        """Return the open alert that the hit belongs to: one with its events or its key, or one next to it in time."""
        standing = {self._taken.get(fact.key) for fact in hit.facts}
        key = self.key_for(hit)
        for alert in self._open[hit.group]:
            near = bool(hit.gap) and alert.first_at <= hit.last_at + hit.gap and alert.last_at >= hit.first_at - hit.gap
            if near or alert.pk in standing or bytes(alert.dedup_key) == key:
                return alert
        return None

    def key_for(self, hit: Hit) -> bytes:
        """Return the key of the hit's alert: each one with the same bucket that was closed before counts it up."""
        if hit.dedup_key not in self._closed:
            return hit.dedup_key
        closed = 1
        while Alert.objects.filter(
            dedup_key=dedup_key(hit.rule, hit.group, hit.bucket, closed), state=AlertState.CLOSED
        ).exists():
            closed += 1
        return dedup_key(hit.rule, hit.group, hit.bucket, closed)

    def take(self, alert: Alert, facts: Sequence[Fact]) -> None:
        """Note that the alert stands on these events from now on; `evidence` holds the rows to store."""
        if alert not in self._open[alert.group_key]:
            self._open[alert.group_key].append(alert)
        for fact in facts:
            self._taken[fact.key] = alert.pk
            self.evidence.append(
                AlertEvent(
                    alert=alert,
                    rule=alert.rule,
                    event_received_at=fact.key.received_at,
                    event_id=fact.key.id,
                    occurred_at=fact.occurred_at,
                )
            )
