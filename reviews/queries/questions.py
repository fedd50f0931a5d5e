"""Answers whom a reviewer may ask about an item, what was asked, and what waits for somebody's answer."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from identities.models import Identity
from reviews.models import (
    Assignment,
    ControlAnswer,
    ControlItem,
    ControlQuestion,
    ItemAnswer,
    ItemQuestion,
    ReviewItem,
)
from reviews.states import CampaignState
from tenants.kinds import Actor, Permission
from tenants.scope import current_tenant_id

_SHOWN = ("asker", "asked", "campaign", "item__account", "item__entitlement", "item__system", "item__subject")


@dataclass(frozen=True, slots=True)
class Askable:
    """Holds one person who may be asked about an item, and as what."""

    person: Identity
    role: str


def askable(item: ReviewItem | ControlItem, reviewer: Identity) -> list[Askable]:
    """Returns who may be asked about an item: the system's owner, the manager, whose account it is; each once.

    Only people with a role in this tenant can answer here; the reviewer asks nobody but others. A control item names
    the owner as any item of its system does, whose person and manager do not log in here.
    """
    subject = None if isinstance(item, ControlItem) else item.subject
    roles = (
        (item.system.owner_id, "owner of the system"),
        (subject.manager_id if subject else None, "manager"),
        (subject.pk if subject else None, "whose account it is"),
    )
    ids = {pk for pk, _role in roles if pk is not None and pk != reviewer.pk}
    members = Identity.objects.filter(user__is_active=True, user__memberships__tenant=current_tenant_id())
    known = {one.pk: one for one in members.filter(pk__in=ids)} if ids else {}
    found: dict[int, Askable] = {}
    for pk, role in roles:
        if pk in known and pk not in found:
            found[pk] = Askable(known[pk], role)
    return list(found.values())


def thread_of(item: ReviewItem) -> QuerySet[ItemQuestion]:
    """Returns the questions and comments about an item with the answers, oldest first."""
    answers = Prefetch("answers", ItemAnswer.objects.order_by("id"))
    return ItemQuestion.objects.filter(item=item).prefetch_related("asker", "asked", answers).order_by("id")


def thread_about_control(control: ControlItem) -> QuerySet[ControlQuestion]:
    """Returns what was asked and noted about a control item with the answers, oldest first, as `thread_of` does."""
    answers = Prefetch("answers", ControlAnswer.objects.order_by("id"))
    return ControlQuestion.objects.filter(item=control).prefetch_related("asker", "asked", answers).order_by("id")


def questions_about_controls(by: Actor) -> QuerySet[ControlQuestion]:
    """Returns the questions about control items, newest first, for those who run campaigns: they answer them."""
    rows = (
        ControlQuestion.objects.exclude(asked=None)
        .select_related("asker", "asked", "campaign", "item__system")
        .order_by("-id")
    )
    return rows if by.may(Permission.CAMPAIGN_MANAGE) else rows.none()


def questions_to(person: Identity) -> QuerySet[ItemQuestion]:
    """Returns every question to a person, newest first."""
    return ItemQuestion.objects.filter(asked=person).select_related(*_SHOWN).order_by("-id")


def questions_seen(by: Actor, person: Identity | None) -> QuerySet[ItemQuestion]:
    """Returns the questions whose page somebody sees: those to them, and all for those who see campaigns."""
    rows = ItemQuestion.objects.exclude(asked=None).select_related(*_SHOWN)
    if by.may(Permission.CAMPAIGN_VIEW):
        return rows
    return rows.filter(asked=person) if person else rows.none()


def unanswered_by(person: Identity) -> QuerySet[ItemQuestion]:
    """Returns what waits for a person's answer while the deciding goes on."""
    rows = questions_to(person).filter(campaign__state=CampaignState.OPEN)
    return rows.exclude(Exists(ItemAnswer.objects.filter(question=OuterRef("pk"))))


def is_put_to(item: ReviewItem, person: Identity | None) -> bool:
    """Returns whether an item is put to a person now."""
    return Assignment.objects.filter(item=item, reviewer=person, until__isnull=True).exists() if person else False
