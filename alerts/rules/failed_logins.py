"""Failed log-ins: too many of one account, or from one address, within a sliding window of event time.

A record that stands for several attempts counts as many (sshd writes "message repeated 5 times"). A success of the
same account within the following half hour turns a burst into a likely break-in, and raises its severity.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from alerts.kinds import Rule, RuleSettings, Severity
from alerts.rules.facts import Fact, Hit, in_order


def judge_failed_logins(failed: Iterable[Fact], succeeded: Iterable[Fact], settings: RuleSettings) -> list[Hit]:
    """Return the bursts among failed log-ins, by account and by source address."""
    failures, successes = list(failed), list(succeeded)
    return [hit for rule in GROUPING for hit in judge_bursts(rule, failures, successes, settings)]


def judge_bursts(rule: Rule, failures: Sequence[Fact], successes: Sequence[Fact], settings: RuleSettings) -> list[Hit]:
    """Return the bursts that one of the two rules finds.

    Args:
        rule: `Rule.FAILED_ACCOUNT` or `Rule.FAILED_SOURCE`.
        failures: failed log-ins, in any order.
        successes: successful log-ins, of which those after a burst raise its severity.
        settings: thresholds and windows of the tenant.
    """
    return list(_judge(failures, successes, settings, rule)) if settings.failed_on else []


def by_account(fact: Fact) -> str | None:
    """Return the group key for failures of one account; None for attempts that name no account."""
    return fact.login if fact.account else None


def by_source(fact: Fact) -> str | None:
    """Return the group key for failures from one address; None where the record has none."""
    return f"address:{fact.source_ip}" if fact.source_ip else None


GROUPING: dict[Rule, Callable[[Fact], str | None]] = {Rule.FAILED_ACCOUNT: by_account, Rule.FAILED_SOURCE: by_source}
"""How each rule groups failures."""


def _judge(failures: Sequence[Fact], successes: Sequence[Fact], settings: RuleSettings, rule: Rule) -> Iterator[Hit]:
    key = GROUPING[rule]
    window = timedelta(minutes=settings.window_minutes)
    threshold = settings.account_threshold if rule is Rule.FAILED_ACCOUNT else settings.source_threshold
    logins = _grouped(successes, key)
    for group, facts in _grouped(failures, key).items():
        for burst in bursts(facts, threshold=threshold, window=window):
            if rule is Rule.FAILED_SOURCE and _is_of_one_account(burst, settings):
                continue
            yield _hit(rule, group, burst, logins.get(group, ()), settings)


def _is_of_one_account(burst: Sequence[Fact], settings: RuleSettings) -> bool:
    """Return whether the other rule has this burst: one account tried from one address is one alert and not two."""
    accounts = {fact.login for fact in burst}
    return bool(len(accounts) == 1 and burst[0].account and settings.account_threshold <= settings.source_threshold)


def _grouped(facts: Iterable[Fact], key: Callable[[Fact], str | None]) -> dict[str, list[Fact]]:
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        name = key(fact)
        if name is not None:
            groups[name].append(fact)
    return groups


def bursts(facts: Sequence[Fact], *, threshold: int, window: timedelta) -> list[list[Fact]]:
    """Return the runs of facts in which every event is part of some window that reaches the threshold.

    The window slides and is closed at both ends: events exactly ``window`` apart count together. Overlapping windows
    make one run, so that one attack is one burst however long it lasts.
    """
    runs: list[list[Fact]] = []
    inside: deque[Fact] = deque()
    total, taken_until = 0, -1
    ordered = in_order(facts)
    for index, fact in enumerate(ordered):
        inside.append(fact)
        total += fact.count
        while fact.occurred_at - inside[0].occurred_at > window:
            total -= inside.popleft().count
        if total < threshold:
            continue
        first = index - len(inside) + 1
        if not runs or first > taken_until:
            runs.append([])
        runs[-1].extend(ordered[max(first, taken_until + 1) : index + 1])
        taken_until = index
    return runs


def _hit(rule: Rule, group: str, burst: Sequence[Fact], successes: Sequence[Fact], settings: RuleSettings) -> Hit:
    entered = _entered_after(burst, successes, timedelta(minutes=settings.success_minutes))
    gap = timedelta(minutes=settings.window_minutes)
    numbers: dict[str, int | str | bool] = {
        "threshold": settings.account_threshold if rule is Rule.FAILED_ACCOUNT else settings.source_threshold,
        "window_minutes": settings.window_minutes,
        "succeeded": bool(entered),
    }
    bucket = str(int(burst[0].occurred_at.timestamp() // gap.total_seconds()))
    facts = tuple(in_order([*burst, *entered]))
    return Hit(rule, group, bucket, _severity(burst, entered), facts, gap, numbers)


def _entered_after(burst: Sequence[Fact], successes: Sequence[Fact], grace: timedelta) -> list[Fact]:
    """Return the first success after the burst has begun to be one, for each account that the burst tried."""
    tried = {fact.login for fact in burst}
    first_failure, last_failure = burst[0].occurred_at, burst[-1].occurred_at
    first: dict[str, Fact] = {}
    for fact in in_order(successes):
        if fact.login in tried and first_failure < fact.occurred_at <= last_failure + grace:
            first.setdefault(fact.login, fact)
    return list(first.values())


def _severity(burst: Sequence[Fact], entered: Sequence[Fact]) -> Severity:
    privileged = any(fact.privileged for fact in (*burst, *entered))
    if entered:
        return Severity.CRITICAL if privileged else Severity.HIGH
    return Severity.HIGH if privileged else Severity.MEDIUM
