"""Gathers the evidence beside each grant at the moment a campaign opens: use, coverage, history, peers, advice.

Everything is read once and stored in the item, because raw log partitions go away earlier than reviews do, and
because what the reviewer saw must not change afterwards.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import BigIntegerField, Func, TextField, Value
from django.db.models.functions import Cast

from identities.models import Grant, System
from logs.answers import Use
from logs.queries import system_coverage, use_of_accounts
from reviews.advice import advise, cycle_days, idle_limit
from reviews.causes import conflicts_by_grant
from reviews.kinds import DORMANT_DAYS, WINDOW_DAYS, Advised, Outcome, UseFacts
from reviews.manifest import moment
from reviews.models import Campaign, Decision
from reviews.queries.duties import both_sides
from reviews.queries.population import ListedGrant
from tenants.work import Progress

CHUNK = 2000

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Context:
    """Holds what is known about a whole population, read with a handful of queries."""

    at: datetime
    use: Mapping[int, Use]
    coverage: Mapping[int, float | None]
    systems: Mapping[int, System]
    grants: Mapping[Pair, tuple[datetime, str]]
    previous: Mapping[Pair, Mapping[str, object]]
    peers: Mapping[Pair, tuple[int, int, str]]
    conflicts: Mapping[Pair, Sequence[Mapping[str, object]]]
    cycle_days: int
    advised: dict[tuple[object, ...], Advised] = field(default_factory=dict)
    """What was advised already: most grants of one account give the same facts, and so the same advice."""


def gather(campaign: Campaign, rows: Sequence[ListedGrant], at: datetime, progress: Progress | None) -> Context:
    """Reads use, coverage, grants, earlier decisions and peers for the rows of a campaign's population."""
    since = at - timedelta(days=WINDOW_DAYS)
    accounts = sorted({row.account_id for row in rows})
    use: dict[int, Use] = {}
    for start in range(0, len(accounts), CHUNK):
        chunk = accounts[start : start + CHUNK]
        use |= use_of_accounts(chunk, since=since, until=at)
        if progress:
            done = min(start + CHUNK, len(accounts))
            progress.step(done, len(accounts) + len(rows), f"Read the use of {done:,} of {len(accounts):,} accounts")
    systems = {row.system_id for row in rows}
    cycle = cycle_days(str(campaign.definition.get("rule", "")))
    judged_since = at - timedelta(days=idle_limit(cycle))
    return Context(
        at=at,
        use=use,
        coverage=system_coverage(systems, judged_since, at),
        systems=System.objects.in_bulk(systems),
        grants=_grants(accounts),
        previous=_previous(campaign, accounts),
        peers=_peers(rows),
        conflicts=conflicts_by_grant(both_sides()),
        cycle_days=cycle,
    )


def _any_of(ids: Sequence[int]) -> Func:
    """Returns ids for ``IN`` as one value: 25,000 of them as a value each took a tenth of an opening's Python."""
    array = Value(f"{{{','.join(map(str, ids))}}}", output_field=TextField())
    return Func(array, template="(SELECT unnest(%(expressions)s::bigint[]))", output_field=BigIntegerField())


def _grants(accounts: Sequence[int]) -> dict[Pair, tuple[datetime, str]]:
    """Returns since when each account holds each entitlement, by its newest grant, and who gave it."""
    grants = Grant.objects.filter(account_id__in=_any_of(accounts)).order_by("since")
    found = grants.values_list("account_id", "entitlement_id", Cast("since", TextField()), "granted_by")
    return {(account, entitlement): (_read(since), by) for account, entitlement, since, by in found}


@lru_cache(maxsize=1024)
def _read(written: str) -> datetime:
    """Returns a time as PostgreSQL writes it in UTC; a list brings thousands of grants that begin at the same one."""
    return datetime.fromisoformat(written)


def _previous(campaign: Campaign, accounts: Sequence[int]) -> dict[Pair, Mapping[str, object]]:
    """Returns what was last decided about each grant in an earlier campaign."""
    decisions = (
        Decision.objects.filter(item__account_id__in=_any_of(accounts), superseded_by__isnull=True)
        .exclude(campaign=campaign)
        .exclude(outcome=Outcome.NOT_DECIDED)
        .order_by("decided_at")
    )
    names = ("item__account_id", "item__entitlement_id", "outcome", "reason", "reviewer__name", "campaign__name")
    told = decisions.values_list(*names, "decided_at", "postponed_until")
    return {
        (account, entitlement): {
            "outcome": outcome,
            "label": "Postponed" if until else str(Outcome(outcome).label),
            "reason": reason,
            "reviewer": reviewer or "",
            "campaign": name,
            "decided_at": moment(decided_at),
        }
        for account, entitlement, outcome, reason, reviewer, name, decided_at, until in told
    }


def _peers(rows: Sequence[ListedGrant]) -> dict[Pair, tuple[int, int, str]]:
    """Returns for each (person, entitlement) how many others in their programme hold it, of how many, and which."""
    people: dict[tuple[int, str], set[int]] = defaultdict(set)
    holders: dict[tuple[int, str], set[int]] = defaultdict(set)
    for row in rows:
        if row.identity_id and row.programme:
            people[(row.system_id, row.programme)].add(row.identity_id)
            holders[(row.entitlement_id, row.programme)].add(row.identity_id)
    peers = {}
    for row in rows:
        if row.identity_id and row.programme:
            group, have = people[(row.system_id, row.programme)], holders[(row.entitlement_id, row.programme)]
            peers[(row.identity_id, row.entitlement_id)] = (len(have) - 1, len(group) - 1, row.programme)
    return peers


def advice_for(row: ListedGrant, context: Context) -> Advised:
    """Returns the advice about one row."""
    grant = context.grants.get((row.account_id, row.entitlement_id))
    held = (context.at - grant[0]).days if grant else DORMANT_DAYS
    same = (row.account_id, row.account_kind, row.enabled, row.identity_id, row.employed_until, held)
    if same not in context.advised:
        context.advised[same] = _advise(row, held, context)
    return context.advised[same]


def _advise(row: ListedGrant, held_days: int, context: Context) -> Advised:
    """Returns the advice about a row that is held for so many days; an account is one of one system."""
    use, system, left = context.use[row.account_id], context.systems[row.system_id], row.employed_until
    return advise(
        UseFacts(
            account_kind=row.account_kind,
            enabled=row.enabled,
            owned=row.identity_id is not None,
            system=system.name,
            held_days=held_days,
            left_on=f"{left:%-d %B %Y}" if left and left < context.at.date() else "",
            last_used_days_ago=(context.at - use.last_used_at).days if use.last_used_at else None,
            days_used=use.days_used,
            ok_count=use.ok_count,
            denied_count=use.denied_count,
            coverage=context.coverage.get(system.pk),
            cycle_days=context.cycle_days,
        )
    )


def evidence_for(row: ListedGrant, context: Context, captured_at: str) -> dict[str, Any]:
    """Returns what stands beside the grant on the review screen and in the evidence, as plain JSON."""
    use = context.use[row.account_id]
    grant = context.grants.get((row.account_id, row.entitlement_id))
    peers = context.peers.get((row.identity_id or 0, row.entitlement_id))
    ratio = context.coverage.get(row.system_id)
    return {
        "window_days": WINDOW_DAYS,
        "until": moment(context.at),
        "last_used_at": moment(use.last_used_at) if use.last_used_at else None,
        "days_used": use.days_used,
        "ok_count": use.ok_count,
        "denied_count": use.denied_count,
        "out_of_hours_count": use.out_of_hours_count,
        "weeks": use.weeks,
        "actions": use.actions,
        "coverage_per_mille": None if ratio is None else int(ratio * 1000),
        "snapshot_captured_at": captured_at,
        "granted_since": moment(grant[0]) if grant else None,
        "granted_by": grant[1] if grant else "",
        "origin": row.origin,
        "inherited_via": row.inherited_via,
        "account_kind": str(row.account_kind),
        "enabled": row.enabled,
        "peers": {"have": peers[0], "of": peers[1], "programme": peers[2]} if peers and peers[1] > 0 else None,
        "previous": context.previous.get((row.account_id, row.entitlement_id)),
        "conflicts": list(context.conflicts.get((row.account_id, row.entitlement_id), ())),
    }
