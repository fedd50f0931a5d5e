"""What can be frozen for an auditor's room: a table of things with stable ids, and its information sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, Max, OuterRef, Prefetch, Q, QuerySet

from alerts.models import Alert
from evidence.ipe import Query, Sheet
from evidence.kinds import Cell, Table
from evidence.room.pseudonyms import WITHHELD, cut, pseudonym
from evidence.tables import from_rows
from identities.models import Grant, Identity, Snapshot
from reviews.models import Campaign, Decision, ReviewItem, ScopeLine
from tenants.models import Engagement

NAME, ADDRESS, TEXT = "name", "address", "text"

ITEMS: Final = ("id", "number", "system", "account", "person", "entitlement", "privileged", "decision", "reason")
ITEM_TIMES: Final = ("decided_at", "decided_by")
ALERTS: Final = ("id", "rule", "severity", "state", "about", "address", "attempts", "first_at", "last_at", "raised_at")
ALERT_ENDS: Final = ("acknowledged_at", "acknowledged_by", "closed_at", "closed_by", "close_reason", "close_note")
GRANTS: Final = ("id", "system", "account", "person", "entitlement", "privileged", "since", "until")
GRANT_SOURCES: Final = ("granted_by", "origin", "inherited_via", "first_listed_at")
LEAVERS: Final = ("id", "person", "employee_id", "left_on", "accounts", "enabled_accounts", "last_disabled_at")
PERSONAL: Final = {
    **dict.fromkeys(("account", "person", "decided_by", "about", "acknowledged_by", "closed_by"), NAME),
    **dict.fromkeys(("granted_by", "employee_id"), NAME),
    **dict.fromkeys(("reason", "close_note", "origin"), TEXT),
    "address": ADDRESS,
}
"""Columns that tell of people, and how a room with controlled columns shows them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A population before it is frozen: its table, its query, the evidence kind it belongs to, and lines of its own."""

    table: Table
    query: Query
    kind: str
    own: Sheet


def controlled(table: Table, salt: bytes) -> Table:
    """Return the table with people replaced by the room's pseudonyms, addresses cut and free text withheld."""
    hide: dict[str, Callable[[str], str]] = {
        NAME: lambda text: pseudonym(text, salt),
        ADDRESS: cut,
        TEXT: lambda text: WITHHELD if text else "",
    }
    kinds = [PERSONAL.get(column) for column in table.columns]
    rows = [
        [hide[kind](str(cell or "")) if kind else cell for kind, cell in zip(kinds, row, strict=True)]
        for row in table.rows
    ]
    return from_rows(table.name, table.title, table.columns, rows)


def campaigns_within(engagement: Engagement) -> QuerySet[Campaign]:
    """Return the campaigns that were opened in the engagement's period, newest first."""
    span = (engagement.period_start, engagement.period_end)
    return Campaign.objects.filter(opened_at__gte=span[0], opened_at__lt=span[1]).order_by("-opened_at")


def items_of(campaign: Campaign) -> Found:
    """Return every item of a campaign with the decision that counts; the scope lines say how whole the lists were."""
    heads = Decision.objects.filter(superseded_by=None).select_related("reviewer")
    items = ReviewItem.objects.filter(campaign=campaign).order_by("n")
    items = items.select_related("system", "account", "entitlement", "subject")
    items = items.prefetch_related(Prefetch("decisions", queryset=heads, to_attr="heads"))
    table = from_rows("population", f"Items of {campaign.name}", ITEMS + ITEM_TIMES, [_item(one) for one in items])
    lines = ScopeLine.objects.filter(campaign=campaign).select_related("system", "snapshot", "waiver").order_by("id")
    lists = [(f"List of {line.system.name}", _list_words(line)) for line in lines]
    return Found(table, _query(items), "campaigns", (("Campaign", campaign.name), *lists))


def _item(item: ReviewItem) -> Sequence[Cell]:
    heads: list[Decision] = item.heads  # type: ignore[attr-defined]  # the prefetch's name
    decision = heads[0] if heads else None
    return [
        f"item-{item.pk}",
        item.n,
        item.system.name,
        str(item.account.name),
        item.subject.name if item.subject else "no owner",
        item.entitlement.title or item.entitlement.key,
        item.privileged,
        decision.told if decision else "none",
        decision.reason if decision else "",
        decision.decided_at if decision else None,
        (decision.reviewer.name if decision.reviewer else "by the system") if decision else "",
    ]


def _list_words(line: ScopeLine) -> str:
    """Return in words how whole a system's list was: rows here against what the system says it has."""
    one = line.snapshot
    if one is None:
        signed = line.waiver
        how = f" (signed {signed.signed_at.isoformat()}, {signed.level}, SHA-256 {signed.digest})" if signed else ""
        return f"No list: {line.waiver_reason}{how}"
    whole = "complete" if one.complete else "INCOMPLETE"
    return (
        f"{whole}: {one.counted} of {one.source_total} that the system counts, captured {one.captured_at.isoformat()}, "
        f"query {one.query or 'not given'}, filters {one.filters or 'none'}, SHA-256 {one.digest}"
    )


def alerts_in(engagement: Engagement) -> Found:
    """Return every alert that was raised in the engagement's period, whatever became of it."""
    span = {"raised_at__gte": engagement.period_start, "raised_at__lt": engagement.period_end}
    rows = Alert.objects.filter(**span).select_related("acknowledged_by", "closed_by").order_by("id")
    table = from_rows("population", ALL_ALERTS, ALERTS + ALERT_ENDS, [_alert(one) for one in rows])
    return Found(table, _query(rows), "alerts", (("States", "all: closed, false and open alerts alike"),))


def _alert(alert: Alert) -> Sequence[Cell]:
    return [
        f"alert-{alert.pk}",
        alert.get_rule_display(),
        alert.get_severity_display(),
        alert.get_state_display(),
        alert.subject,
        str(alert.source_ip or ""),
        alert.attempts,
        alert.first_at,
        alert.last_at,
        alert.raised_at,
        alert.acknowledged_at,
        str(alert.acknowledged_by or ""),
        alert.closed_at,
        str(alert.closed_by or ""),
        alert.get_close_reason_display(),
        alert.close_note,
    ]


def new_access_in(engagement: Engagement) -> Found:
    """Return every grant that began in the engagement's period; what a system's first list shows was there before."""
    first = Snapshot.objects.filter(system=OuterRef("first_snapshot__system"), complete=True)
    before = Exists(first.filter(captured_at__lt=OuterRef("first_snapshot__captured_at")))
    span = {"since__gte": engagement.period_start, "since__lt": engagement.period_end}
    rows = Grant.objects.filter(before, **span).order_by("id")
    rows = rows.select_related("account__identity", "entitlement__system", "first_snapshot")
    table = from_rows("population", NEW_ACCESS, GRANTS + GRANT_SOURCES, [_grant(one) for one in rows])
    return Found(table, _query(rows), "grants", (("Rows", "all systems, also grants that have ended since"),))


def _grant(grant: Grant) -> Sequence[Cell]:
    owner = grant.account.identity
    return [
        f"grant-{grant.pk}",
        grant.entitlement.system.name,
        str(grant.account.name),
        owner.name if owner else "no owner",
        grant.entitlement.title or grant.entitlement.key,
        grant.entitlement.privileged,
        grant.since,
        grant.until,
        grant.granted_by,
        grant.origin,
        grant.inherited_via,
        grant.first_snapshot.captured_at,
    ]


def leavers_in(engagement: Engagement) -> Found:
    """Return everybody whose employment ended in the engagement's period, with what became of their accounts."""
    days = [
        moment.astimezone(engagement.tenant.zone).date() for moment in (engagement.period_start, engagement.period_end)
    ]
    rows = Identity.objects.filter(employed_until__gte=days[0], employed_until__lt=days[1]).order_by("id")
    rows = rows.annotate(
        held=Count("accounts"),
        enabled=Count("accounts", filter=Q(accounts__enabled=True)),
        disabled_at=Max("accounts__disabled_at"),
    )
    cells = [
        [f"person-{one.pk}", one.name, one.external_id, str(one.employed_until), one.held, one.enabled, one.disabled_at]
        for one in rows
    ]
    table = from_rows("population", WHO_LEFT, LEAVERS, cells)
    return Found(
        table, _query(rows), "leavers", (("Last working day", "from the people feed, by the tenant's calendar"),)
    )


ALL_ALERTS, NEW_ACCESS, WHO_LEFT = "Alerts of the period", "New access of the period", "Leavers of the period"
OF_A_PERIOD: Final[dict[str, tuple[str, Callable[[Engagement], Found]]]] = {
    "alerts": (ALL_ALERTS, alerts_in),
    "grants": (NEW_ACCESS, new_access_in),
    "leavers": (WHO_LEFT, leavers_in),
}
"""Populations of the whole period, beside those of single campaigns: by their key, how they are called and found."""


def _query(rows: QuerySet[Any]) -> Query:
    """Return a query as the database gets it, with its values as parameters."""
    text, values = rows.query.sql_with_params()
    return Query(text.replace('"', ""), {f"%s {n}": str(value) for n, value in enumerate(values, start=1)})
