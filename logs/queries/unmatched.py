"""Names in the logs that match nobody in the register: an inbox for whoever keeps the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from identities.kinds import AccountKind
from identities.models import Account, System
from logs.models import AccessEvent, LastUse, UsageDay

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class UnmatchedLine:
    """One name of one system: when it was seen, how often, and whether the register holds it without an owner."""

    use: LastUse
    system: System
    events: int
    denied: int
    ownerless: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of names, and how many names come from sources without a system, which match nobody ever."""

    page: "Page[LastUse]"
    lines: Sequence[UnmatchedLine]
    without_system: int


def unmatched_names(*, refused: bool = False) -> QuerySet[LastUse]:
    """Return the names on systems that match nobody, last seen first.

    A name is matched by an account of its system that has an owner or is of a kind that needs none (service, shared,
    emergency). Names that never got in are guesses of strangers as a rule: they are asked for by ``refused``.
    """
    settled = Account.objects.filter(system_id=OuterRef("system_id"), name_key=OuterRef("actor_key")).filter(
        Q(identity__isnull=False) | ~Q(kind=AccountKind.HUMAN)
    )
    names = LastUse.objects.exclude(system_id=0).filter(~Exists(settled), last_ok_at__isnull=refused)
    return names.order_by("-last_at", "system_id", "actor_key")


def unmatched_inbox(*, refused: bool, number: str | None) -> Inbox:
    """Return one page of the inbox; a constant number of queries."""
    page = Paginator(unmatched_names(refused=refused), PAGE).get_page(number)
    uses = list(page.object_list)
    asked = Q(pk__in=[])
    for use in uses:
        asked |= Q(system_id=use.system_id, actor_key=use.actor_key)
    sums = (
        UsageDay.objects.filter(asked)
        .values("system_id", "actor_key")
        .annotate(n=Sum("events"), no=Sum("denied_count"))
    )
    counts = {(row["system_id"], row["actor_key"]): (row["n"], row["no"]) for row in sums}
    systems = System.objects.in_bulk({use.system_id for use in uses})
    names = {use.actor_key for use in uses}
    known = set(Account.objects.filter(system_id__in=systems, name_key__in=names).values_list("system_id", "name_key"))
    lines = [
        UnmatchedLine(use, systems[use.system_id], *counts.get(place, (0, 0)), ownerless=place in known)
        for use in uses
        if (place := (use.system_id, use.actor_key)) and use.system_id in systems
    ]
    return Inbox(page, lines, LastUse.objects.filter(system_id=0, last_ok_at__isnull=refused).count())


def unmatched_name(system_id: str, name: str) -> tuple[LastUse, System] | None:
    """Return a name that still matches nobody, with its system, as an address names them."""
    if not (system_id.isdecimal() and len(system_id) < 19) or "\x00" in name:
        return None
    names = LastUse.objects.filter(system_id=int(system_id), actor_key=name)
    use = (unmatched_names() & names).first() or (unmatched_names(refused=True) & names).first()
    system = System.objects.filter(pk=int(system_id)).first()
    return (use, system) if use and system else None


def written_name(use: LastUse) -> str:
    """Return a name as the newest event of it writes it; the roll-ups keep it in lower case."""
    rows = AccessEvent.objects.filter(actor_key=use.actor_key, system_id=use.system_id).order_by("-occurred_at", "-id")
    written = (rows.values_list("actor_name", flat=True).first() or "").strip()
    return written if written.lower() == use.actor_key else use.actor_key
