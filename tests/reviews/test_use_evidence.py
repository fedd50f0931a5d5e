"""Real log records beside each grant: what was used, what was not, and use that nobody granted."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from logs.actions import record_events
from logs.actions.sources import SourcePlan, add_source
from logs.kinds import Format, LogType
from logs.models import LogSource
from reviews.actions import decide, find_causes, open_campaign, resolve_finding, verify_remediations
from reviews.actions.remediation import Verified
from reviews.kinds import Choice, Outcome
from reviews.models import Finding, Remediation, ReviewItem
from tenants.kinds import Refused
from tests.reviews.conftest import CRM, KEEP, Cast, deliver, item, person, ready
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db

HELD = b"""account,entitlement,person,kind,granted_at
ana,agent,E1,human,2025-01-15
bob,admin_all,E2,human,2025-01-15
backup,agent,,service,2025-01-15
"""


@pytest.fixture
def source(cast: Cast) -> LogSource:
    """The CRM's log-ins: one record each day at eight is expected."""
    expected = {"every_minutes": 60, "hours": [8]}
    kinds = (LogType.SYSTEM_LOGIN, LogType.FAILED_LOGIN)
    plan = SourcePlan(name="CRM", format=Format.OKTA, system=cast.crm, log_types=kinds, expected=expected)
    return add_source(plan=plan, by=cast.officer)


def _record(at: datetime, name: str, result: str = "SUCCESS") -> bytes:
    event = {
        "uuid": f"{name}-{at.timestamp()}",
        "published": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventType": "user.session.start",
        "displayMessage": "User login to Okta",
        "severity": "INFO",
        "actor": {"id": f"00u{name}", "type": "User", "alternateId": name, "displayName": name},
        "client": {"ipAddress": "203.0.113.9"},
        "outcome": {"result": result},
        "target": [],
    }
    return json.dumps(event).encode()


def _arrive(source: LogSource, cast: Cast, records: Iterable[bytes]) -> None:
    record_events(source=source, body=b"\n".join(records) + b"\n", door="file", by=cast.officer)


def _days(n: int) -> list[datetime]:
    """Return eight o'clock UTC of the last days, newest first."""
    first = timezone.now().replace(hour=8, minute=10, second=0, microsecond=0) - timedelta(days=1)
    return [first - timedelta(days=back) for back in range(n)]


def test_use_coverage_and_advice_stand_beside_each_grant(cast: Cast, source: LogSource) -> None:
    records = [_record(day, "robot") for day in _days(95)]
    records += [_record(day + timedelta(minutes=5), "Ana") for day in _days(40)[::2]]
    records += [_record(day + timedelta(minutes=6), "bob", "FAILURE") for day in _days(3)]
    _arrive(source, cast, records)
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    used, unused = item(campaign, "ana"), item(campaign, "bob", "admin_all")
    assert (used.advice, used.evidence["days_used"], used.evidence["ok_count"]) == ("keep", 20, 20)
    assert sum(used.evidence["weeks"]) == 20
    assert used.evidence["coverage_per_mille"] >= 950
    assert (unused.advice, unused.evidence["denied_count"]) == ("revoke", 3)
    assert "3 refused attempts are not use." in unused.advice_reason
    with pytest.raises(Refused, match="privileged"):
        decide(item=unused, choice=Choice(Outcome.CERTIFY), by=cast.remy)


def test_silent_logs_give_no_advice_to_revoke(cast: Cast, source: LogSource) -> None:
    _arrive(source, cast, [_record(day, "robot") for day in _days(60)])
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    assert set(ReviewItem.objects.filter(campaign=campaign).values_list("advice", flat=True)) == {"insufficient"}
    assert "cover only" in item(campaign, "ana").advice_reason


def test_evidence_stays_as_the_reviewer_saw_it(cast: Cast, source: LogSource) -> None:
    deliver(cast)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    before = item(campaign, "ana").evidence
    _arrive(source, cast, [_record(timezone.now() - timedelta(hours=1), "ana")])
    assert item(campaign, "ana").evidence == before


def test_the_next_campaign_shows_what_was_decided_before(cast: Cast) -> None:
    deliver(cast)
    first = open_campaign(campaign=ready(cast), by=cast.officer)
    decide(item=item(first, "ana"), choice=KEEP, by=cast.remy)
    second = open_campaign(campaign=ready(cast, name="Third quarter"), by=cast.officer)
    assert item(second, "ana").evidence["previous"]["reviewer"] == person("M1").name
    assert item(second, "bob").evidence["previous"] is None


def test_use_without_a_grant_is_a_finding_once(cast: Cast, source: LogSource) -> None:
    deliver(cast, days_ago=20)
    deliver(cast, CRM.replace(b"cem,agent,E3,human\n", b""), days_ago=10)
    _arrive(source, cast, [_record(_days(1)[0], "cem"), _record(_days(1)[0], "ana")])
    assert find_causes(by=cast.officer).opened == 2
    ghost = Finding.objects.get(kind="ghost_use")
    assert "'cem' used CRM on" in ghost.sentence
    assert Finding.objects.get(kind="ownerless").sentence.startswith("The account 'backup'")
    assert find_causes(by=cast.officer).opened == 0
    with pytest.raises(Refused, match="at least 10 characters"):
        resolve_finding(finding=ghost, resolution="fixed", by=cast.officer)
    assert resolve_finding(finding=ghost, resolution="Local account deleted.", by=cast.officer).resolved_at
    assert find_causes(by=cast.officer).opened == 0


def test_use_before_the_grant_ended_is_no_finding(cast: Cast, source: LogSource) -> None:
    deliver(cast, days_ago=20)
    deliver(cast, CRM.replace(b"cem,agent,E3,human\n", b""), days_ago=10)
    _arrive(source, cast, [_record(timezone.now() - timedelta(days=12), "cem")])
    find_causes(by=cast.officer)
    assert not Finding.objects.filter(kind="ghost_use").exists()


def test_a_leaver_with_access_is_found_until_the_access_is_gone(cast: Cast) -> None:
    deliver(cast, days_ago=3)
    gone = person("E3")
    gone.employed_until = timezone.now().date() - timedelta(days=2)
    gone.save(update_fields=["employed_until"])
    find_causes(by=cast.officer)
    assert "Cem Oz left on" in Finding.objects.get(kind="leaver_active").sentence
    deliver(cast, CRM.replace(b"cem,agent,E3,human\n", b""))
    assert find_causes(by=cast.officer).resolved == 1
    assert (
        Finding.objects.get(kind="leaver_active").resolution == "The cause is no longer there in the newest snapshot."
    )


def test_use_after_a_verified_revocation_opens_it_again(cast: Cast, source: LogSource) -> None:
    deliver(cast, HELD)
    campaign = open_campaign(campaign=ready(cast), by=cast.officer)
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    sign(campaign, cast.rosa, "M2")
    deliver(cast, HELD.replace(b"bob,admin_all,E2,human,2025-01-15\n", b""), days_ago=0)
    assert verify_remediations(by=cast.officer).verified == 1
    _arrive(source, cast, [_record(timezone.now() - timedelta(hours=1), "bob")])
    assert verify_remediations(by=cast.officer).used_afterwards == 0
    _arrive(source, cast, [_record(timezone.now(), "bob")])
    later = verify_remediations(by=cast.officer)
    fix = Remediation.objects.get()
    assert (later.used_afterwards, fix.state, fix.reopened) == (1, "open", 1)
    assert "after its access was revoked" in Finding.objects.get(kind="use_after_revocation").sentence
    assert verify_remediations(by=cast.officer) == Verified(0, 0, 0, 0)
    deliver(cast, HELD.replace(b"bob,admin_all,E2,human,2025-01-15\n", b""), days_ago=0)
    assert verify_remediations(by=cast.officer) == Verified(1, 0, 0, 0)
