"""A campaign in any order of deeds: whatever people do, its promises hold (hypothesis walks the orders)."""

import hashlib
import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reviews import actions
from reviews.kinds import REVIEWER_OUTCOMES, Authentication, Choice, Level, Outcome
from reviews.models import Assignment, Campaign, Decision, Remediation, ReviewItem, SignOff
from reviews.queries.campaigns import reviewer_lines, standing
from reviews.queries.desk import desk_for, inbox
from reviews.queries.standing import heads, statement, undecided_count
from reviews.states import CampaignState
from tenants.kinds import Actor, Refused
from tests.reviews.conftest import CRM, Cast, deliver, fall_due, person
from tests.reviews.conftest import accept as accept_risk

WHY = "A reason that says enough."
REVIEWERS = st.sampled_from(["M1", "M2"])
NUMBERS = st.integers(1, 6)


class AnyOrder(RuleBasedStateMachine):
    """Six grants and two reviewers: one of them is the subject of an item, and the manager of others."""

    campaign_id: ClassVar[int]
    cast: ClassVar[Cast]
    told: ClassVar[set[str]]
    states: ClassVar[set[str]]

    def __init__(self) -> None:
        super().__init__()
        self.around = transaction.atomic()
        self.around.__enter__()
        self.rows = CRM
        self.seen: dict[int, tuple[Any, ...]] = {}
        self.shown: dict[tuple[str, int], str] = {}

    def teardown(self) -> None:
        """Forget everything that this order did."""
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)

    @property
    def campaign(self) -> Campaign:
        """The campaign as it is now."""
        return Campaign.objects.get(pk=self.campaign_id)

    def item(self, n: int) -> ReviewItem:
        """An item by its number."""
        return ReviewItem.objects.select_related("campaign").get(campaign_id=self.campaign_id, n=n)

    def actor(self, who: str) -> Actor:
        """The reviewer as somebody who acts."""
        return self.cast.remy if who == "M1" else self.cast.rosa

    def attempt(self, deed: Callable[[], object]) -> bool:
        """Do a deed; a refusal is an answer, anything else is a fault."""
        try:
            deed()
        except Refused as refusal:
            self.told.add(refusal.verdict.reason)
            return False
        return True

    @rule(who=REVIEWERS, n=NUMBERS, outcome=st.sampled_from(REVIEWER_OUTCOMES))
    def decide(self, who: str, n: int, outcome: Outcome) -> None:
        """Decide, or change one's mind."""
        own = person(who).pk == self.item(n).subject_key
        done = self.attempt(lambda: actions.decide(item=self.item(n), choice=Choice(outcome, WHY), by=self.actor(who)))
        assert not (own and done)

    @rule(who=REVIEWERS, outcome=st.sampled_from([Outcome.CERTIFY, Outcome.REVOKE]))
    def decide_the_rest(self, who: str, outcome: Outcome) -> None:
        """Decide everything that waits for one reviewer."""
        waiting = desk_for(self.campaign, person(who)).waiting
        for item in self.campaign.items.filter(pk__in=waiting).order_by("n"):
            self.attempt(lambda item=item: actions.decide(item=item, choice=Choice(outcome, WHY), by=self.actor(who)))

    @rule(who=REVIEWERS, numbers=st.lists(NUMBERS, max_size=4, unique=True))
    def keep_together(self, who: str, numbers: list[int]) -> None:
        """Keep several at once."""
        items, choice = [self.item(n) for n in numbers], Choice(Outcome.CERTIFY, WHY)
        self.attempt(lambda: actions.decide_in_bulk(items=items, choice=choice, by=self.actor(who)))

    @rule(who=REVIEWERS)
    def undo(self, who: str) -> None:
        """Take back the newest bulk, whosever it is."""
        newest = Decision.objects.exclude(bulk=None).order_by("id").last()
        if newest is not None and newest.bulk is not None:
            campaign, bulk = self.campaign, newest.bulk
            self.attempt(lambda: actions.undo_bulk(campaign=campaign, bulk=bulk, by=self.actor(who)))

    @rule(who=REVIEWERS)
    def read(self, who: str) -> None:
        """Read the statement; it may be stale when it is signed."""
        self.shown[who, self.campaign.round] = statement(self.campaign, person(who))[0]

    @rule(who=REVIEWERS, fresh=st.booleans())
    def sign(self, who: str, fresh: bool) -> None:
        """Sign what was shown: just now, or some deeds ago."""
        if fresh:
            self.read(who)
        text = self.shown.get((who, self.campaign.round), "")
        proof = Authentication(Level.CODE, ("password", "code"), timezone.now())
        digest = hashlib.sha256(text.encode()).hexdigest()
        by, campaign = self.actor(who), self.campaign
        done = self.attempt(
            lambda: actions.sign_off(campaign=campaign, by=by, printed_name=who, shown_digest=digest, proof=proof)
        )
        if done:
            signature = SignOff.objects.get(campaign=campaign, round=campaign.round, reviewer=person(who))
            assert signature.manifest == text

    @rule(outcome=st.sampled_from([Outcome.CERTIFY, Outcome.REVOKE]), n=NUMBERS, wavers=st.booleans())
    def everybody_finishes(self, outcome: Outcome, n: int, wavers: bool) -> None:
        """Decide the rest, read and sign, one reviewer after the other; some change their mind in between."""
        for who in ("M1", "M2"):
            self.decide_the_rest(who, outcome)
            self.read(who)
            if wavers:
                self.decide(who, n, Outcome.ABSTAIN)
            self.sign(who, fresh=False)

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=6, unique=True), who=REVIEWERS)
    def reassign(self, numbers: list[int], who: str) -> None:
        """Put items to the other reviewer."""
        items, by = [self.item(n) for n in numbers], self.cast.officer
        self.attempt(lambda: actions.reassign_items(items=items, reviewer=person(who), reason=WHY, by=by))

    @rule()
    def deadline(self) -> None:
        """Let the due time pass, and end the deciding."""
        if self.campaign.state == CampaignState.OPEN:
            fall_due(self.campaign)
        self.attempt(lambda: actions.close_deciding(campaign=self.campaign, by=self.cast.officer))

    @rule()
    def reopen(self) -> None:
        """Open the campaign again."""
        later = timezone.now() + timedelta(days=3)
        self.attempt(
            lambda: actions.reopen_campaign(campaign=self.campaign, due_at=later, reason=WHY, by=self.cast.officer)
        )

    @rule(n=NUMBERS, accept=st.booleans())
    def carry_out(self, n: int, accept: bool) -> None:
        """Claim a revocation, or accept its risk for a time."""
        until = timezone.now() + timedelta(days=9)
        for fix in Remediation.objects.filter(item__campaign_id=self.campaign_id, item__n=n):
            if accept:
                self.attempt(lambda fix=fix: accept_risk(fix, self.cast.officer, self.cast.rosa, until))
            else:
                self.attempt(
                    lambda fix=fix: actions.claim_remediation(remediation=fix, ticket="CHG-7", by=self.cast.officer)
                )

    @rule(account=st.sampled_from([b"ana,", b"bob,agent", b"bob,admin", b"cem,", b"remy,", b"backup,"]))
    def revoke_for_real(self, account: bytes) -> None:
        """Take a grant away in the system, deliver its list, and compare."""
        self.rows = b"".join(line for line in self.rows.splitlines(keepends=True) if not line.startswith(account))
        deliver(self.cast, self.rows, days_ago=0)
        actions.verify_remediations(by=self.cast.officer)

    @rule()
    def close(self) -> None:
        """Close the campaign for good."""
        self.attempt(lambda: actions.close_campaign(campaign=self.campaign, by=self.cast.officer))

    @invariant()
    def nobody_has_a_say_about_themselves(self) -> None:
        """No decision and no assignment is about its own reviewer."""
        assert not Decision.objects.filter(reviewer_id=F("subject_key")).exists()
        assert not Assignment.objects.filter(reviewer_id=F("subject_key")).exists()

    @invariant()
    def what_was_decided_stays(self) -> None:
        """No decision changes or disappears, and each item has one that counts at most."""
        fields = ("item_id", "reviewer_id", "outcome", "reason", "supersedes_id", "decided_at")
        now = {row[0]: row[1:] for row in Decision.objects.values_list("id", *fields)}
        assert {key: now.get(key) for key in self.seen} == self.seen
        self.seen = now
        counting = list(heads(self.campaign_id).values_list("item_id", flat=True))
        assert len(counting) == len(set(counting))

    @invariant()
    def signatures_are_over_what_counts(self) -> None:
        """A signature of this round names exactly the decisions of its reviewer that count."""
        campaign = self.campaign
        for signature in SignOff.objects.filter(campaign=campaign, round=campaign.round):
            assert hashlib.sha256(signature.manifest.encode()).hexdigest() == signature.digest
            signed = {(row["decision"], row["outcome"]) for row in json.loads(signature.manifest)["decisions"]}
            mine = heads(campaign.pk).filter(reviewer=signature.reviewer_id)
            assert signed == set(mine.values_list("id", "outcome"))
            assert signature.count == len(signed)

    @invariant()
    def counts_add_up(self) -> None:
        """Head, reviewers, inbox and desk tell the same numbers."""
        campaign = self.campaign
        counts, lines = standing(campaign), reviewer_lines(campaign)
        assert (counts.rows, counts.items + counts.exclusions) == (6, 6)
        answered = counts.decided + counts.abstained
        assert answered + counts.not_decided + counts.undecided == counts.items
        assert (sum(line.items for line in lines), sum(line.decided for line in lines)) == (6, answered)
        for who in ("M1", "M2"):
            waiting = undecided_count(campaign, person(who))
            assert len(desk_for(campaign, person(who)).waiting) == waiting
            found = [line for line in inbox(person(who)) if line.campaign == campaign]
            assert [line.undecided for line in found] in ([], [waiting])

    @invariant()
    def it_goes_on_only_when_everything_is_done(self) -> None:
        """Past the signatures everybody signed; a closed campaign has nothing left to carry out."""
        campaign = self.campaign
        self.states.add(campaign.state)
        if campaign.state not in {CampaignState.REMEDIATING, CampaignState.CLOSED}:
            return
        deciders = set(heads(campaign.pk).exclude(reviewer=None).values_list("reviewer_id", flat=True))
        signers = SignOff.objects.filter(campaign=campaign, round=campaign.round).values_list("reviewer_id", flat=True)
        assert deciders <= set(signers)
        assert heads(campaign.pk).count() == 6
        gone = heads(campaign.pk).filter(outcome__in=["revoke", "modify"])
        assert gone.count() == gone.filter(remediation__isnull=False).count()
        if campaign.state == CampaignState.CLOSED:
            settled = gone.filter(remediation__state__in=["verified", "risk_accepted"])
            assert settled.count() == gone.count()
            assert campaign.closed_by


@pytest.mark.django_db
def test_a_campaign_keeps_its_promises_in_any_order(campaign: Campaign, cast: Cast) -> None:
    AnyOrder.campaign_id, AnyOrder.cast, AnyOrder.told, AnyOrder.states = campaign.pk, cast, set(), set()
    size = int(os.environ.get("COUNTERSIGN_WALKS", "6"))
    quick = settings(
        max_examples=size,
        stateful_step_count=16,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to shrink a failing walk takes minutes: every step asks the database
    )
    run_state_machine_as_test(AnyOrder, settings=quick)  # type: ignore[no-untyped-call]  # hypothesis types it not
    assert len(AnyOrder.told) >= 3, "The walks met too few refusals to mean anything."
    assert {"open", "remediating"} <= AnyOrder.states, AnyOrder.states
