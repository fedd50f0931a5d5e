"""Turning hits into alerts: an open alert absorbs what belongs to it, the rest raises a new one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from alerts.actions.standing import Standing
from alerts.kinds import LATE_AFTER_SECONDS, RULE_VERSION, Rule, RuleSettings
from alerts.models import Alert, AlertEvent, AlertNotice
from alerts.policies import can_look_for_alerts
from alerts.rules.facts import Fact, Hit
from identities.models import Identity, System
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@dataclass(slots=True)
class Raised:
    """What came of some hits: new alerts, those that became graver, and those that took in further events."""

    new: list[Alert] = field(default_factory=list)
    graver: list[Alert] = field(default_factory=list)
    absorbed: list[Alert] = field(default_factory=list)


@transaction.atomic
def raise_alerts(*, hits: Sequence[Hit], settings: RuleSettings, version: int, by: Actor) -> Raised:
    """Store alerts for the hits; the same hits again change nothing.

    Runs under the lock of the tenant's cursor, so that two processes cannot raise the same burst.
    """
    enforce(can_look_for_alerts(by))
    raised = Raised()
    for rule in Rule:
        found = [hit for hit in hits if hit.rule is rule]
        if found:
            standing = Standing(rule, found)
            for hit in found:
                _take(hit, standing, version, raised)
            AlertEvent.objects.bulk_create(standing.evidence, batch_size=2000)
    fresh = [*raised.new, *raised.graver]
    if fresh and settings.mail_on and settings.mail_to:
        _announce(fresh, settings)
    for alert in raised.new:
        audit("alert.raise", by=by, target=str(alert), detail=_detail(alert))
    for alert in raised.graver:
        audit("alert.escalate", by=by, target=str(alert), detail=_detail(alert))
    return raised


def _take(hit: Hit, standing: Standing, version: int, raised: Raised) -> None:
    fresh = standing.fresh(hit)
    if not fresh:
        return
    alert = standing.alert_for(hit)
    if alert is None:
        alert = _new_alert(hit, fresh, standing, version)
        raised.new.append(alert)
    elif _absorb(alert, hit, fresh):
        raised.graver.append(alert)
    else:
        raised.absorbed.append(alert)
    standing.take(alert, fresh)


def _attempts(hit: Hit, facts: Sequence[Fact]) -> int:
    """Return what the records stand for: failures for the failed-log-in rules, accesses otherwise."""
    counted = facts if hit.rule in {Rule.OUT_OF_HOURS, Rule.ELSEWHERE} else [fact for fact in facts if not fact.ok]
    return sum(fact.count for fact in counted)


def _new_alert(hit: Hit, fresh: Sequence[Fact], standing: Standing, version: int) -> Alert:
    first = hit.facts[0]
    identity = standing.people.get(first.person_id or 0)
    system = standing.systems.get(first.system_id or 0)
    alert = Alert(
        rule=hit.rule,
        rule_version=RULE_VERSION,
        settings_version=version,
        group_key=hit.group,
        dedup_key=standing.key_for(hit),
        severity=hit.severity,
        subject=_subject(hit, first, identity, system)[:400],
        account_name="" if hit.rule is Rule.FAILED_SOURCE else first.account,
        identity=None if hit.rule is Rule.FAILED_SOURCE else identity,
        system=system,
        source_ip=first.source_ip,
        attempts=_attempts(hit, fresh),
        event_count=len(fresh),
        first_at=fresh[0].occurred_at,
        last_at=fresh[-1].occurred_at,
        late=_is_late(fresh),
        numbers=hit.numbers,
    )
    alert.save(force_insert=True)
    return alert


def _subject(hit: Hit, first: Fact, identity: Identity | None, system: System | None) -> str:
    if hit.rule is Rule.FAILED_SOURCE:
        return f"{first.source_ip}"
    who = identity.name if identity is not None else first.account
    return f"{who} on {system.name}" if system is not None else who


def _is_late(facts: Sequence[Fact]) -> bool:
    late = timedelta(seconds=LATE_AFTER_SECONDS)
    return all(fact.key.received_at - fact.occurred_at > late for fact in facts)


def _absorb(alert: Alert, hit: Hit, fresh: Sequence[Fact]) -> bool:
    """Take further events into an open alert; returns whether it became graver."""
    graver = hit.severity > alert.severity
    alert.attempts += _attempts(hit, fresh)
    alert.event_count += len(fresh)
    alert.first_at = min(alert.first_at, fresh[0].occurred_at)
    alert.last_at = max(alert.last_at, fresh[-1].occurred_at)
    alert.severity = max(alert.severity, hit.severity)
    alert.numbers = {**alert.numbers, "succeeded": True} if hit.numbers.get("succeeded") else alert.numbers
    alert.last_hit_at = timezone.now()
    columns = ["attempts", "event_count", "first_at", "last_at", "severity", "numbers", "last_hit_at"]
    alert.save(update_fields=columns)
    return graver


def _announce(alerts: Sequence[Alert], settings: RuleSettings) -> None:
    """Write the mail about new and graver alerts; it is sent after the commit."""
    notice = AlertNotice(alert_count=len(alerts), recipients=list(settings.mail_to), next_try_at=timezone.now())
    notice.save(force_insert=True)
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(notice=notice)


def _detail(alert: Alert) -> dict[str, object]:
    return {
        "alert": alert.pk,
        "rule": alert.rule,
        "rule_version": alert.rule_version,
        "settings_version": alert.settings_version,
        "severity": int(alert.severity),
        "events": alert.event_count,
        "dedup_key": bytes(alert.dedup_key).hex(),
    }
