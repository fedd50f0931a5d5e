"""The numbers at the top of the overview: each in words, with its unit, and the list behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from evidence.calendar import Due
from portal.navigation import address
from portal.queries.overview import Overview, Reviews
from portal.templatetags.portal import count, distance, number, percent


@dataclass(frozen=True, slots=True)
class Fact:
    """One number: ``look`` is ``bad`` or ``warn`` where somebody should act.

    ``loads`` is the address that gives it, where the page does not wait for it.
    """

    label: str
    value: str
    unit: str
    note: str
    url: str
    icon: str
    look: str = ""
    loads: str = ""


def facts_of(found: Overview, slug: str) -> list[Fact]:
    """Return the facts that the actor may see, in the order of the page."""
    facts = _review_facts(found.reviews, slug) if found.reviews else []
    if found.alert_counts is not None:
        facts.append(_alerts(found.alert_counts, slug))
    if found.sources is not None:
        facts.append(_sources(found, slug))
    if found.sees_due:
        facts.append(_due_later(slug))
    if found.reviews:
        facts.append(_pack(found, slug))
    elif found.leaves is not None:
        signed = distance(found.checkpoint.signed_at) if found.checkpoint else "never"
        url = address("evidence:ledger", slug)
        facts.append(Fact("Ledger", number(found.leaves), "entries", f"Last signed {signed}", url, "fingerprint"))
    return facts


def _review_facts(found: Reviews, slug: str) -> list[Fact]:
    url, due = (
        address("reviews:campaigns", slug),
        [one.campaign.due_at for one in found.campaigns if one.campaign.due_at],
    )
    share, late = found.privileged, found.late
    next_due = f"Next due {distance(min(due))}" if due else "None is due"
    reviewed = f"{number(share.part)} of {count(share.whole, 'privileged grant')}" if share.whole else "No data"
    worst = f"Most by {late[0].reviewer}" if late else "Nobody is late"
    bad = "bad" if late else ""
    return [
        Fact("Open campaigns", number(len(found.campaigns)), "", next_due, url, "clipboard-check"),
        Fact("Privileged grants reviewed", percent(share.ratio), "", reviewed, url, "shield-check"),
        Fact("Overdue items", number(found.late_items), "", worst, f"{url}#overdue", "clock", bad),
        _findings(found, slug),
    ]


def _findings(found: Reviews, slug: str) -> Fact:
    note = f"{number(found.findings_late)} late" if found.findings_late else "None is late"
    look = "bad" if found.findings_late else "warn" if found.findings else ""
    url = address("reviews:findings", slug)
    return Fact("Open findings", number(found.findings), "", note, url, "alert-triangle", look)


def _alerts(counts: dict[str, int], slug: str) -> Fact:
    unresolved = counts["new"] + counts["acknowledged"]
    note = f"{counts['new']} new, {counts['acknowledged']} acknowledged"
    look = "bad" if counts["urgent"] else "warn" if unresolved else ""
    return Fact("Unresolved alerts", number(unresolved), "", note, address("alerts:alerts", slug), "bell", look)


def _sources(found: Overview, slug: str) -> Fact:
    silent, whole = len(found.silent), len(found.sources or ())
    garbled = sum(line.garbled for line in found.sources or ())
    note = f"of {count(whole, 'log source')}" if whole else "No log source is set up"
    note = f"{note}; {garbled} with over 1\u202f% unreadable" if garbled else note
    look = "bad" if silent else "warn" if garbled or not whole else ""
    return Fact("Silent log sources", number(silent), "", note, address("logs:sources", slug), "plug-connected-x", look)


def _due_later(slug: str) -> Fact:
    """Return the place of a number that a dozen queries count: the page does not wait for it."""
    url, loads = address("evidence:calendar", slug), address("portal:overview_due", slug)
    return Fact("Evidence missing or overdue", "…", "", "Being counted", url, "calendar", loads=loads)


def due_fact(lines: Sequence[Due], today: date, slug: str) -> Fact:
    """Return how much evidence is missing or overdue, and when the next is due."""
    late = sum(due.is_late(today) for due in lines)
    coming = next((due.on for due in lines if due.on and due.on >= today), None)
    note = f"Next due {coming:%-d %b %Y}" if coming else "Nothing is due in the year to come"
    look = "bad" if late else ""
    url = address("evidence:calendar", slug)
    return Fact("Evidence missing or overdue", number(late), "pieces", note, url, "calendar", look)


def _pack(found: Overview, slug: str) -> Fact:
    url, pack = address("evidence:packs", slug), found.last_pack
    if pack is None or pack.issued_at is None:
        return Fact("Last evidence pack", "none", "", "Nothing was issued yet", url, "file-certificate", "warn")
    days = (timezone.now() - pack.issued_at).days
    value, unit = (str(days), "days ago") if days != 1 else ("1", "day ago")
    last_moment = timezone.localtime(pack.period_end - timedelta(microseconds=1), ZoneInfo(pack.zone))
    note = f"Covers up to {last_moment:%-d %b %Y}"
    return Fact("Last evidence pack", value if days else "today", unit if days else "", note, url, "file-certificate")
