"""Answers who holds both sides of a conflict of duties, now or in a list, and which cases of it a campaign reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from identities.models import Identity, Snapshot
from reviews.causes import BothSides, HeldSide
from reviews.charts import weeks_chart
from reviews.kinds import ConflictDecided, Side
from reviews.models import Assignment, Campaign, CaseGrant, ConflictAnswer, ConflictCase, ReviewItem, SearchedList
from tenants.scope import current_tenant_id

SEARCH_DAYS: Final = 7
"""Lists that came longer ago, while nothing ran or before an upgrade, are left to the search of the register."""
_HELD_NOW: Final = """
WITH members AS MATERIALIZED (
    SELECT m.conflict_id, m.side, m.entitlement_id FROM reviews_dutyside m
    JOIN reviews_dutyconflict c ON c.tenant_id = m.tenant_id AND c.id = m.conflict_id AND c.ended_at IS NULL
    WHERE m.tenant_id = %(tenant)s
), held AS MATERIALIZED (
    SELECT m.conflict_id, m.side, m.entitlement_id, a.id AS account_id, a.name::text AS account, a.identity_id,
        coalesce(a.identity_id, -a.id) AS holder
    FROM identities_grant g
    JOIN members m ON m.entitlement_id = g.entitlement_id
    JOIN identities_account a ON a.tenant_id = g.tenant_id AND a.id = g.account_id AND a.enabled
    WHERE g.tenant_id = %(tenant)s AND g.until IS NULL AND a.kind <> 'break_glass'
        AND (a.identity_id IS NOT NULL OR a.kind <> 'service')
), twofold AS MATERIALIZED (
    SELECT conflict_id, holder FROM held GROUP BY conflict_id, holder HAVING count(DISTINCT side) = 2
)
"""
_HELD_IN_LIST: Final = """
WITH this AS MATERIALIZED (
    SELECT id, system_id, captured_at, recorded_at FROM identities_snapshot
    WHERE tenant_id = %(tenant)s AND id = %(snapshot)s
), lists AS MATERIALIZED (
    SELECT id FROM this
    UNION ALL
    (SELECT DISTINCT ON (n.system_id) n.id FROM identities_snapshot n, this t
    WHERE n.tenant_id = %(tenant)s AND n.complete AND n.system_id <> t.system_id AND n.captured_at <= t.captured_at
    ORDER BY n.system_id, n.captured_at DESC, n.id DESC)
), members AS MATERIALIZED (
    SELECT m.conflict_id, m.side, m.entitlement_id FROM reviews_dutyside m
    JOIN reviews_dutyconflict c ON c.tenant_id = m.tenant_id AND c.id = m.conflict_id
    JOIN this t ON c.added_at <= t.recorded_at AND (c.ended_at IS NULL OR c.ended_at > t.recorded_at)
    WHERE m.tenant_id = %(tenant)s
), held AS MATERIALIZED (
    SELECT m.conflict_id, m.side, m.entitlement_id, a.id AS account_id, a.name::text AS account,
        coalesce(r.identity_id, a.identity_id) AS identity_id,
        coalesce(r.identity_id, a.identity_id, -a.id) AS holder, r.snapshot_id
    FROM identities_snapshotrow r
    JOIN lists l ON l.id = r.snapshot_id
    JOIN members m ON m.entitlement_id = r.entitlement_id
    JOIN identities_account a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
    WHERE r.tenant_id = %(tenant)s AND r.enabled AND r.account_kind <> 'break_glass'
        AND (coalesce(r.identity_id, a.identity_id) IS NOT NULL OR r.account_kind <> 'service')
), twofold AS MATERIALIZED (
    SELECT conflict_id, holder FROM held GROUP BY conflict_id, holder
    HAVING count(DISTINCT side) = 2 AND bool_or(snapshot_id = %(snapshot)s)
)
"""
"""What a list said with those of the other systems that were the newest when it was made, by the rules of its time."""
_BOTH_SIDES: Final = """
SELECT c.id, c.why, h.holder, p.id, p.name, h.side, h.account_id, h.account, h.entitlement_id,
    coalesce(nullif(e.title, ''), e.key) || ' on ' || s.name, s.id
FROM twofold b
JOIN held h ON h.conflict_id = b.conflict_id AND h.holder = b.holder
JOIN reviews_dutyconflict c ON c.tenant_id = %(tenant)s AND c.id = h.conflict_id
JOIN identities_entitlement e ON e.tenant_id = %(tenant)s AND e.id = h.entitlement_id
JOIN identities_system s ON s.tenant_id = e.tenant_id AND s.id = e.system_id
LEFT JOIN identities_identity p ON p.tenant_id = %(tenant)s AND p.id = h.identity_id
WHERE p.kind IS DISTINCT FROM 'service'
ORDER BY c.id, p.name, h.holder, h.side, 10, h.account
"""
"""What holders of both sides hold: a person through any of their accounts, or a personal account of nobody's."""


def both_sides() -> list[BothSides]:
    """Returns who holds both sides of a conflict that is in force: one query whatever their number."""
    return _asked(_HELD_NOW + _BOTH_SIDES)


def both_sides_in(snapshot: Snapshot) -> list[BothSides]:
    """Returns who held both sides of a conflict by the rows of a list, at least one side in this one: one query."""
    return _asked(_HELD_IN_LIST + _BOTH_SIDES, snapshot=snapshot.pk)


def lists_to_search(now: datetime) -> list[Snapshot]:
    """Returns the complete lists of the last days that were not searched for conflicts yet, the oldest first."""
    searched = SearchedList.objects.filter(snapshot=OuterRef("pk"))
    rows = Snapshot.objects.filter(~Exists(searched), complete=True, recorded_at__gte=now - timedelta(days=SEARCH_DAYS))
    return list(rows.select_related("system").order_by("recorded_at", "id"))


def _asked(query: str, **values: int) -> list[BothSides]:
    """Returns the answer of a query by conflict and holder."""
    with connection.cursor() as cursor:
        cursor.execute(query, {"tenant": current_tenant_id(), **values})
        rows = cursor.fetchall()
    return [_both(list(group)) for _key, group in groupby(rows, key=lambda row: (row[0], row[2]))]


def _both(rows: Sequence[tuple[Any, ...]]) -> BothSides:
    """Returns the rows of one holder of one conflict as its two sides."""
    conflict, why, _holder, person_id, person = rows[0][:5]
    sides: dict[str, list[HeldSide]] = {Side.FIRST: [], Side.SECOND: []}
    for row in rows:
        sides[row[5]].append(HeldSide(*row[6:]))
    return BothSides(conflict, why, person_id, person, sides[Side.FIRST], sides[Side.SECOND])


@dataclass(frozen=True, slots=True)
class CaseItem:
    """Holds one grant of a case with its use, as the reviewer sees it."""

    item: ReviewItem
    chart: SafeString
    last_used_at: datetime | None
    coverage: str


@dataclass(frozen=True, slots=True)
class CaseSheet:
    """Holds a conflict as its own thing to decide: both sides with the use of each, and what was decided."""

    case: ConflictCase
    first: Sequence[CaseItem]
    second: Sequence[CaseItem]
    answer: ConflictAnswer | None

    @property
    def removed(self) -> str:
        """Returns in words what was decided: what goes, or that both stay."""
        if self.answer is None:
            return ""
        if self.answer.answer == ConflictDecided.KEEP:
            return "Both are kept"
        gone = self.first if self.answer.answer == ConflictDecided.REMOVE_FIRST else self.second
        return "Removed: " + ", ".join(str(one.item.entitlement) for one in gone)


def cases_of(campaign: Campaign) -> QuerySet[ConflictCase]:
    """Returns the conflicts that a campaign reviews, in order."""
    return ConflictCase.objects.filter(campaign=campaign).select_related("campaign", "subject").order_by("n")


def cases_for(campaign: Campaign, reviewer: Identity) -> QuerySet[ConflictCase]:
    """Returns the conflicts of which every side is put to a reviewer."""
    put = Assignment.objects.filter(item=OuterRef("item"), reviewer=reviewer, until__isnull=True)
    others = CaseGrant.objects.filter(~Exists(put), case=OuterRef("pk"))
    return cases_of(campaign).filter(~Exists(others))


def grants_of(cases: Sequence[ConflictCase]) -> list[CaseGrant]:
    """Returns the items of cases with what a page shows of them: one query."""
    rows = CaseGrant.objects.filter(case__in=[case.pk for case in cases])
    names = ("item__campaign", "item__account", "item__entitlement__system", "item__system", "item__subject")
    return list(rows.select_related(*names).order_by("side", "item__n"))


def answers_of(cases: Sequence[ConflictCase]) -> dict[int, ConflictAnswer]:
    """Returns the answer that counts, by case: the newest."""
    rows = ConflictAnswer.objects.filter(case__in=[case.pk for case in cases]).select_related("reviewer")
    return {answer.case_id: answer for answer in rows.order_by("pk")}


def case_sheets(cases: Sequence[ConflictCase]) -> list[CaseSheet]:
    """Returns cases with both sides and what was decided: two queries whatever their number."""
    sides: dict[tuple[int, str], list[CaseItem]] = {}
    for grant in grants_of(cases):
        sides.setdefault((grant.case_id, grant.side), []).append(_shown(grant.item))
    known = answers_of(cases)
    return [
        CaseSheet(case, sides.get((case.pk, Side.FIRST), []), sides.get((case.pk, Side.SECOND), []), known.get(case.pk))
        for case in cases
    ]


def _shown(item: ReviewItem) -> CaseItem:
    """Returns an item with its use made readable."""
    evidence = item.evidence
    ratio = evidence.get("coverage_per_mille")
    covered = "unknown" if ratio is None else f"{ratio / 10:g} % of the expected time"
    last = evidence.get("last_used_at")
    return CaseItem(item, weeks_chart(evidence.get("weeks", [])), parse_datetime(last) if last else None, covered)


def removed_elsewhere(case: ConflictCase, items: Sequence[ReviewItem]) -> set[int]:
    """Returns which of a case's items the answers about other cases of the campaign take away."""
    grants = CaseGrant.objects.filter(item__in=items).exclude(case=case).select_related("case")
    known = answers_of([grant.case for grant in grants])
    taken = {Side.FIRST: ConflictDecided.REMOVE_FIRST, Side.SECOND: ConflictDecided.REMOVE_SECOND}
    return {
        grant.item_id
        for grant in grants
        if grant.case_id in known and known[grant.case_id].answer == taken[Side(grant.side)]
    }


def is_in_case(item: ReviewItem) -> bool:
    """Returns whether an item is one side of a conflict that its campaign reviews as such."""
    return bool(item.evidence.get("conflicts")) and CaseGrant.objects.filter(item=item).exists()
