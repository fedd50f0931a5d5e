"""Answers what the deadline of a campaign will do, and what owners are asked about access that nobody decided."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from identities.models import Identity, SnapshotRow
from reviews.kinds import Silence
from reviews.models import Campaign, ScopeLine, SilentItem
from reviews.queries.reviewers import eligible_reviewers
from reviews.queries.standing import undecided_items
from reviews.states import CampaignState


@dataclass(frozen=True, slots=True)
class DeadlineEffect:
    """Counts what the deadline will do to the grants that nobody decides, by class; no grant is ever approved by it."""

    privileged: int
    standard: int
    privileged_rule: Silence
    standard_rule: Silence

    @property
    def lines(self) -> list[tuple[int, str, Silence]]:
        """Returns each class that has grants, as the page names it."""
        both = (
            (self.privileged, "privileged grant", self.privileged_rule),
            (self.standard, "other grant", self.standard_rule),
        )
        return [line for line in both if line[0]]

    @property
    def asked(self) -> int:
        """Returns about how many grants an owner is asked to confirm the revocation."""
        return sum(n for n, _name, rule in self.lines if rule == Silence.REVOKE)


def deadline_effect(campaign: Campaign) -> DeadlineEffect | None:
    """Returns what the deadline does to what is undecided now; before the opening, to the whole population.

    None once the time to decide is over; one query.
    """
    if campaign.state == CampaignState.OPEN:
        rows = undecided_items(campaign).aggregate(n=Count("pk"), hot=Count("pk", filter=Q(privileged=True)))
    elif campaign.state in {CampaignState.COLLECTING, CampaignState.READY}:
        snapshots = ScopeLine.objects.filter(campaign=campaign, snapshot__isnull=False).values("snapshot")
        listed = SnapshotRow.objects.filter(snapshot__in=snapshots)
        if campaign.definition["privileged_only"]:
            listed = listed.filter(privileged=True)
        rows = listed.aggregate(n=Count("pk"), hot=Count("pk", filter=Q(privileged=True)))
    else:
        return None
    return DeadlineEffect(rows["hot"], rows["n"] - rows["hot"], *silence_rules(campaign))


def silence_rules(campaign: Campaign) -> tuple[Silence, Silence]:
    """Returns what follows on silence for privileged and for standard access, as the campaign froze it."""
    told = campaign.definition
    names = ("silence_privileged", "silence_standard")
    privileged, standard = (Silence(told.get(name, Silence.NOT_DECIDED)) for name in names)
    return privileged, standard


def silences_of(campaign: Campaign) -> QuerySet[SilentItem]:
    """Returns what was put to owners and no later decision replaced, unanswered first."""
    rows = SilentItem.objects.filter(campaign=campaign, decision__superseded_by__isnull=True)
    return rows.select_related(*_SHOWN).order_by("answered_at", "item__n")


def silences_for(person: Identity) -> QuerySet[SilentItem]:
    """Returns what waits for a person's answer, longest waiting first."""
    waiting = SilentItem.objects.filter(
        confirmer=person,
        answer="",
        decision__superseded_by__isnull=True,
        campaign__state__in=[CampaignState.SIGNING, CampaignState.REMEDIATING],
    )
    return waiting.select_related(*_SHOWN).order_by("asked_at", "item__n")


def answered_by_manager(silences: Iterable[SilentItem]) -> set[int | None]:
    """Returns which confirmers (None for nobody) cannot answer any more, so that those who run campaigns do."""
    eligible = eligible_reviewers()
    return {row.confirmer_id for row in silences if row.confirmer_id is None or row.confirmer_id not in eligible}


_SHOWN = ("campaign", "confirmer", "item__account", "item__entitlement", "item__system", "item__subject")
