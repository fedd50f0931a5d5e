"""Remote access from elsewhere: a session from a place that was not approved when it began (SOC 2 CC6.6)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, timedelta

from alerts.kinds import Rule, Severity
from alerts.rules.facts import Fact, Hit, in_order
from logs.approval import Approval, approved


def judge_places(facts: Iterable[Fact], approvals: Sequence[Approval]) -> list[Hit]:
    """Return remote sessions from elsewhere, one hit for each person (or account), address and UTC day.

    As long as nothing is approved, nothing comes from elsewhere; nor does a session whose address is not told.
    """
    groups: dict[tuple[str, str, date], list[Fact]] = defaultdict(list)
    for fact in facts:
        at, ip = fact.occurred_at, fact.source_ip or ""
        if approved(approvals, system_id=fact.system_id, address=ip, country=fact.country, at=at) is False:
            groups[fact.who, ip, at.astimezone(UTC).date()].append(fact)
    return [_hit(who, address, day, in_order(group)) for (who, address, day), group in groups.items()]


def _hit(who: str, address: str, day: date, facts: Sequence[Fact]) -> Hit:
    severity = Severity.HIGH if any(fact.privileged for fact in facts) else Severity.MEDIUM
    numbers: dict[str, int | str | bool] = {"address": address, "country": facts[0].country}
    return Hit(Rule.ELSEWHERE, who, f"{day.isoformat()} {address}", severity, tuple(facts), timedelta(0), numbers)
