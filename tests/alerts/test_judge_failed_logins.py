"""Failed log-ins: the threshold, its window, repeats, and a success after a burst."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.kinds import Rule, RuleSettings, Severity
from alerts.rules.facts import Fact, in_order
from alerts.rules.failed_logins import bursts, judge_failed_logins
from tests.alerts.facts import NOON, fact

SETTINGS = RuleSettings(account_threshold=5, source_threshold=8, window_minutes=10)


def failures(n: int, *, every: float = 1, **fields: Any) -> list[Fact]:
    return [fact(i * every, **fields) for i in range(n)]


def test_it_hits_at_the_threshold_and_not_below() -> None:
    assert judge_failed_logins(failures(4), [], SETTINGS) == []
    (hit,) = judge_failed_logins(failures(5), [], SETTINGS)
    assert (hit.rule, hit.severity, len(hit.facts)) == (Rule.FAILED_ACCOUNT, Severity.MEDIUM, 5)
    assert (hit.first_at, hit.last_at) == (NOON, NOON + timedelta(minutes=4))


def test_it_counts_the_window_at_both_ends() -> None:
    on_the_edge = [*failures(4, every=0.1), fact(10)]
    just_over = [*failures(4, every=0.1), fact(10.01)]
    assert len(judge_failed_logins(on_the_edge, [], SETTINGS)) == 1
    assert judge_failed_logins(just_over, [], SETTINGS) == []


def test_it_counts_what_a_record_stands_for() -> None:
    (hit,) = judge_failed_logins([fact(0), fact(1, count=4)], [], SETTINGS)
    assert len(hit.facts) == 2


def test_it_groups_by_address_across_accounts() -> None:
    tried = [fact(i, account=f"user{i}", source_ip="203.0.113.9") for i in range(8)]
    (hit,) = judge_failed_logins(tried, [], SETTINGS)
    assert (hit.rule, hit.group) == (Rule.FAILED_SOURCE, "address:203.0.113.9")


def test_one_account_tried_from_one_address_is_one_hit() -> None:
    (hit,) = judge_failed_logins(failures(20, every=0.1, source_ip="203.0.113.9"), [], SETTINGS)
    assert hit.rule is Rule.FAILED_ACCOUNT


def test_it_keeps_equal_names_on_two_systems_apart() -> None:
    tried = [*failures(4, system_id=1), *failures(4, system_id=2)]
    assert judge_failed_logins(tried, [], SETTINGS) == []


def test_it_does_not_group_what_has_no_account_or_address() -> None:
    assert judge_failed_logins(failures(50, every=0.1, account=""), [], SETTINGS) == []


def test_it_raises_severity_when_a_login_succeeds_after_the_burst() -> None:
    (hit,) = judge_failed_logins(failures(5), [fact(20, ok=True)], SETTINGS)
    assert hit.severity is Severity.HIGH
    assert hit.numbers["succeeded"] is True
    assert hit.facts[-1].ok


def test_it_ignores_a_success_before_the_burst_after_the_grace_and_of_another_account() -> None:
    successes = [fact(-1, ok=True), fact(4 + 30.1, ok=True), fact(20, ok=True, account="bob")]
    (hit,) = judge_failed_logins(failures(5), successes, SETTINGS)
    assert (hit.severity, hit.numbers["succeeded"]) == (Severity.MEDIUM, False)


def test_it_rates_privileged_accounts_higher() -> None:
    (burst,) = judge_failed_logins(failures(5, privileged=True), [], SETTINGS)
    (entered,) = judge_failed_logins(failures(5, privileged=True), [fact(6, ok=True)], SETTINGS)
    assert (burst.severity, entered.severity) == (Severity.HIGH, Severity.CRITICAL)


def test_it_says_nothing_when_switched_off() -> None:
    assert judge_failed_logins(failures(50, every=0.1), [], replace(SETTINGS, failed_on=False)) == []


def test_one_long_attack_is_one_hit_and_two_attacks_are_two() -> None:
    attack = failures(60, every=1)
    later = [fact(500 + i) for i in range(6)]
    hits = judge_failed_logins([*attack, *later], [], SETTINGS)
    assert [len(hit.facts) for hit in hits] == [60, 6]
    assert hits[0].dedup_key != hits[1].dedup_key


def test_the_same_burst_has_the_same_key_however_it_is_ordered() -> None:
    tried = failures(7)
    (one,), (other,) = judge_failed_logins(tried, [], SETTINGS), judge_failed_logins(tried[::-1], [], SETTINGS)
    assert one == other
    assert one.dedup_key == other.dedup_key


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 3)), max_size=40), st.integers(2, 6))
def test_bursts_agree_with_the_plain_definition(minutes: list[tuple[int, int]], threshold: int) -> None:
    """An event is in a burst if some closed window that holds it reaches the threshold, with every event as its end."""
    facts = in_order([fact(m, account=f"a{i}", count=n) for i, (m, n) in enumerate(minutes)])
    window = timedelta(minutes=10)
    expected = set()
    for index, end in enumerate(facts):
        inside = [f for f in facts[: index + 1] if end.occurred_at - f.occurred_at <= window]
        if sum(f.count for f in inside) >= threshold:
            expected |= {f.key for f in inside}
    found = [f.key for run in bursts(facts, threshold=threshold, window=window) for f in run]
    assert set(found) == expected
    assert len(found) == len(expected)
