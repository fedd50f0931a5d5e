"""Turns the evidence of use beside a grant into advice of three values, with its reason in words. Pure.

Only successful use counts. No use is evidence only where the logs would have shown it: below 95 % coverage the advice
is that there is not enough data, never that the access is unused. The log lines name the account and not the
entitlement, so the sentences speak of the account's use of the system.
"""

from reviews.kinds import COVERAGE_FLOOR, DORMANT_DAYS, WINDOW_DAYS, Advice, Advised, UseFacts

CYCLE_DAYS = {"WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}
UNMEASURED_KINDS = {
    "service": "It is a service account: its use does not show whether somebody needs it.",
    "break_glass": "It is an emergency account: no use is its normal state.",
}


def advise(facts: UseFacts) -> Advised:
    """Returns keep, revoke or not enough data for one grant, with the sentence that says why."""
    for rule in (_by_person, _by_kind, _by_coverage, _by_use):
        advised = rule(facts)
        if advised is not None:
            return advised
    return Advised(
        Advice.KEEP,
        f"Used on {_days(facts.days_used)} of the last {WINDOW_DAYS}, last {_ago(facts.last_used_days_ago)}; "
        f"the logs of {facts.system} cover {_percent(facts.coverage)} of the last {idle_limit(facts.cycle_days)} days.",
    )


def idle_limit(cycle_days: int) -> int:
    """Returns after how many days without use a grant counts as unused: 90, or two review cycles if longer."""
    return max(DORMANT_DAYS, 2 * cycle_days)


def cycle_days(rule: str) -> int:
    """Returns about how many days lie between two campaigns of a recurrence; 0 for a single one."""
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    return CYCLE_DAYS.get(parts.get("FREQ", ""), 0) * int(parts.get("INTERVAL", "1"))


def _by_person(facts: UseFacts) -> Advised | None:
    """Looks at the person before the use: leavers lose access, whatever the logs say."""
    if facts.left_on:
        return Advised(Advice.REVOKE, f"The person's employment ended on {facts.left_on}.")
    if not facts.enabled:
        return Advised(Advice.REVOKE, "The account is disabled but still holds the entitlement.")
    return None


def _by_kind(facts: UseFacts) -> Advised | None:
    """Gives no advice where use says nothing about need."""
    if facts.account_kind in UNMEASURED_KINDS:
        return Advised(Advice.INSUFFICIENT, UNMEASURED_KINDS[facts.account_kind])
    if not facts.owned:
        return Advised(Advice.INSUFFICIENT, "The account belongs to nobody in the list of people. Find its owner.")
    return None


def _by_coverage(facts: UseFacts) -> Advised | None:
    """Gives no advice where the logs would not have shown the use."""
    if facts.coverage is None:
        return Advised(
            Advice.INSUFFICIENT,
            f"No log source is expected for {facts.system}: use cannot be seen, so none can be ruled out.",
        )
    if facts.coverage < COVERAGE_FLOOR:
        seen = f"use was seen on {_days(facts.days_used)}" if facts.days_used else "no use was seen"
        return Advised(
            Advice.INSUFFICIENT,
            f"The logs of {facts.system} cover only {_percent(facts.coverage)} of the last "
            f"{idle_limit(facts.cycle_days)} days; {seen}.",
        )
    return None


def _by_use(facts: UseFacts) -> Advised | None:
    """Advises to revoke what was not used for longer than the limit, once it was held that long."""
    limit = idle_limit(facts.cycle_days)
    used = facts.last_used_days_ago
    if used is not None and used <= limit:
        return None
    if facts.held_days < limit:
        return Advised(
            Advice.INSUFFICIENT,
            f"Held for only {_days(facts.held_days)}; no use is judged after {limit} days without it.",
        )
    denied = f" {facts.denied_count} refused attempts are not use." if facts.denied_count else ""
    when = f"Last used {_ago(used)}" if used is not None else f"No successful use in the last {limit} days"
    return Advised(
        Advice.REVOKE,
        f"{when}; the limit is {limit} days, and the logs of {facts.system} cover {_percent(facts.coverage)} "
        f"of that time.{denied}",
    )


def _days(n: int) -> str:
    """Returns a number of days in words."""
    return "1 day" if n == 1 else f"{n} days"


def _ago(days: int | None) -> str:
    """Returns how long ago in words."""
    if days is None:
        return "never"
    return "today" if days <= 0 else f"{_days(days)} ago"


def _percent(ratio: float | None) -> str:
    """Returns a share as a percentage, rounded down: 94.96 % must not read as 95 %."""
    return "an unknown share" if ratio is None else f"{int(ratio * 1000) / 10:g} %"
