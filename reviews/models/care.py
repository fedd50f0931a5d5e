"""Stores how care is measured: thresholds of a plan, second looks that do not see the first, and control items."""

from dataclasses import dataclass
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.kinds import AccountKind
from identities.models import Identity, System
from reviews.kinds import ANSWER_MIN, CARE_LIMITS, QUESTION_MIN, REASON_MIN, Advice, Outcome
from reviews.models.campaign import Campaign
from reviews.models.decision import Decision
from reviews.models.plan import CampaignPlan
from reviews.models.population import WITHIN_TENANT, ReviewItem
from tenants.scope import TenantManager, TenantOwned


def _within() -> Q:
    """Returns the condition that every figure lies within its limits."""
    found = Q()
    for name, (least, most, _unit) in CARE_LIMITS.items():
        found &= Q(**{f"{name}__gte": least, f"{name}__lte": most})
    return found


class CareRule(TenantOwned):
    """Stores the thresholds of a plan from a time on; the newest row counts, and an open campaign keeps its own.

    Shares are in percent, times in seconds (`CARE_LIMITS`). `second_percent` is how much of a reviewer's privileged
    decisions goes to a second reviewer, 0 for none.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    plan = models.ForeignKey(CampaignPlan, related_name="care_rules", **WITHIN_TENANT)
    least_decisions = models.PositiveSmallIntegerField()
    median_seconds = models.PositiveSmallIntegerField()
    gap_seconds = models.PositiveSmallIntegerField()
    kept_percent = models.PositiveSmallIntegerField()
    follows_percent = models.PositiveSmallIntegerField()
    seldom_follows_percent = models.PositiveSmallIntegerField()
    bulk_kept_percent = models.PositiveSmallIntegerField()
    bulk_items = models.PositiveSmallIntegerField()
    privileged_seconds = models.PositiveSmallIntegerField()
    last_day_percent = models.PositiveSmallIntegerField()
    second_percent = models.PositiveSmallIntegerField()
    control_items = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=300)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of thresholds."""

        constraints = [
            models.CheckConstraint(condition=_within(), name="care_rule_is_within_its_limits"),
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN) & ~Q(set_by=""), name="care_rule_has_reason_and_person"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "plan"], name="care_rule_of_plan")]

    def __str__(self) -> str:
        return f"care rule of plan {self.plan_id}"


class SecondLook(TenantOwned):
    """Stores that a second person decides about a signed decision without seeing it, and what they say, once.

    It never takes the place of the first decision: where the two differ, there is a finding for the officer. `seed`
    drew the item from the `drawn_from` decisions of the first reviewer (`reviews.agreement.drawn`).
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, related_name="second_looks", **WITHIN_TENANT)
    item = models.ForeignKey(ReviewItem, related_name="second_looks", **WITHIN_TENANT)
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="second_look", db_constraint=False)
    subject_key = models.BigIntegerField()
    privileged = models.BooleanField()
    advice = models.CharField(max_length=12, choices=Advice.choices)
    first = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    second = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    seed = models.CharField(max_length=32)
    drawn_from = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=11, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)
    seen_seconds = models.PositiveIntegerField(default=0)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=320, blank=True)

    class Meta:
        """Holds the rules of a second look."""

        constraints = [
            models.CheckConstraint(
                condition=~Q(second=F("subject_key")), name="nobody_looks_second_at_their_own_access"
            ),
            models.CheckConstraint(condition=~Q(second=F("first")), name="second_look_is_somebody_elses"),
            models.CheckConstraint(
                condition=Q(outcome="", reason="", decided_at__isnull=True, decided_by="")
                | (
                    Q(outcome__in=["certify", "revoke", "modify"], decided_at__isnull=False)
                    & Q(reason__length__gte=REASON_MIN)
                    & ~Q(decided_by="")
                ),
                name="second_look_has_reason_time_and_person",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "second", "outcome"], name="second_look_of_reviewer")]

    def __str__(self) -> str:
        return f"second look at item {self.item_id}"


@dataclass(frozen=True, slots=True)
class Invented:
    """Holds the name of a person, account or entitlement that does not exist, as templates ask an item for it."""

    name: str
    get_kind_display: str = ""

    def __str__(self) -> str:
        return self.name


class ControlItem(TenantOwned):
    """Stores a grant that does not exist, put among a reviewer's items to see whether they look: "control" throughout.

    It is no `ReviewItem`: it is in no population, no count and no statement, and no remediation can name it, since
    those name items and decisions. Its id comes from the sequence of the items, so that its address does not tell it
    apart before it is decided. `evidence` has the shape of an item's and says `control: true`.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, related_name="control_items", **WITHIN_TENANT)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    system = models.ForeignKey(System, related_name="+", **WITHIN_TENANT)
    person_name = models.CharField(max_length=200)
    account_name = models.CharField(max_length=200)
    entitlement_name = models.CharField(max_length=200)
    advice = models.CharField(max_length=12, choices=Advice.choices)
    advice_reason = models.TextField()
    evidence = models.JSONField()
    outcome = models.CharField(max_length=11, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)
    seen_seconds = models.PositiveIntegerField(default=0)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=320, blank=True)

    class Meta:
        """Holds the rules of a control item."""

        constraints = [
            models.CheckConstraint(  # never NULL where the key is missing, as `evidence__control=True` would be
                condition=Q(evidence__contains={"control": True}), name="control_item_says_that_it_is_one"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", reason="", decided_at__isnull=True, decided_by="")
                | (
                    Q(outcome__in=["certify", "revoke", "modify", "abstain"], decided_at__isnull=False)
                    & Q(reason__length__gte=REASON_MIN)
                    & ~Q(decided_by="")
                ),
                name="control_item_has_reason_time_and_person",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "campaign", "reviewer"], name="control_item_of_reviewer")]

    def __str__(self) -> str:
        return f"control item {self.pk}"

    @property
    def subject(self) -> Invented:
        """Returns the person who does not exist, as an item names its subject."""
        return Invented(self.person_name)

    @property
    def account(self) -> Invented:
        """Returns the account that does not exist."""
        return Invented(self.account_name, AccountKind.HUMAN.label)

    @property
    def entitlement(self) -> Invented:
        """Returns the entitlement by name; that of the system has no such holder."""
        return Invented(self.entitlement_name)

    @property
    def privileged(self) -> bool:
        """Returns that it stands there as privileged access, which is decided one by one."""
        return True

    @property
    def caught(self) -> bool:
        """Returns whether the reviewer took the invented access away."""
        return self.outcome in {Outcome.REVOKE, Outcome.MODIFY}


class ControlQuestion(TenantOwned):
    """Stores what a reviewer asked about a control item, for those who run campaigns alone; or a comment, for nobody.

    `asked` is whom the reviewer named: they never get it, since it is about access that does not exist. Its id comes
    from the sequence of the questions about items (`ItemQuestion`), so that its address does not tell it apart.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, related_name="control_questions", **WITHIN_TENANT)
    item = models.ForeignKey(ControlItem, related_name="questions", **WITHIN_TENANT)
    asker = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    asked = models.ForeignKey(Identity, null=True, related_name="+", **WITHIN_TENANT)
    text = models.CharField(max_length=1000)
    at = models.DateTimeField()
    by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a question."""

        constraints = [
            models.CheckConstraint(
                condition=Q(text__length__gte=QUESTION_MIN) & ~Q(by="") & ~Q(asker=F("asked")),
                name="control_question_has_words_and_two_people",
            )
        ]

    def __str__(self) -> str:
        return self.text


class ControlAnswer(TenantOwned):
    """Stores what somebody who runs campaigns answered about a control item; there may be several."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    question = models.ForeignKey(ControlQuestion, related_name="answers", **WITHIN_TENANT)
    text = models.CharField(max_length=2000)
    at = models.DateTimeField()
    by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of an answer."""

        constraints = [
            models.CheckConstraint(
                condition=Q(text__length__gte=ANSWER_MIN) & ~Q(by=""), name="control_answer_has_words_and_a_person"
            )
        ]

    def __str__(self) -> str:
        return self.text
