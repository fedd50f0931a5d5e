"""The tables of states: every pair of states is tried in the code and in the database."""

from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction

from reviews.models import Campaign
from reviews.states import CAMPAIGN_MOVES, REMEDIATION_MOVES, CampaignState, RemediationState, may_move, may_remediate
from tests.reviews.conftest import Cast, ready

PAIRS = list(product(CampaignState, CampaignState))


def test_every_state_is_in_the_tables() -> None:
    assert set(CAMPAIGN_MOVES) == set(CampaignState)
    assert set(REMEDIATION_MOVES) == set(RemediationState)
    assert CAMPAIGN_MOVES[CampaignState.CLOSED] == CAMPAIGN_MOVES[CampaignState.CANCELLED] == frozenset()


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_campaign_moves_only_as_the_table_says(old: CampaignState, new: CampaignState) -> None:
    assert may_move(old, new) == (new in CAMPAIGN_MOVES[old])


@pytest.mark.parametrize(("old", "new"), list(product(RemediationState, RemediationState)))
def test_a_remediation_moves_only_as_the_table_says(old: RemediationState, new: RemediationState) -> None:
    assert may_remediate(old, new) == (new in REMEDIATION_MOVES[old])


def _pairs_in(function: str) -> set[tuple[str, str]]:
    """Return the pairs of states that a trigger function allows, as the database holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [function])
        source: str = cursor.fetchone()[0]
    listed = source.split("(OLD.state, NEW.state) NOT IN (")[1].split(") THEN", maxsplit=1)[0]
    words = [word.strip(" ()'\n") for word in listed.split(",")]
    return set(zip(words[::2], words[1::2], strict=True))


@pytest.mark.django_db
def test_the_triggers_allow_the_same_moves_as_the_code() -> None:
    campaign = {(str(old), str(new)) for old, targets in CAMPAIGN_MOVES.items() for new in targets}
    remediation = {(str(old), str(new)) for old, targets in REMEDIATION_MOVES.items() for new in targets}
    assert _pairs_in("reviews_campaign_moves") == campaign
    assert _pairs_in("reviews_remediation_moves") == remediation


@pytest.mark.django_db
@pytest.mark.parametrize("new", ["ready", "open", "signing", "remediating", "closed"])
def test_the_database_skips_no_state(new: str, cast: Cast) -> None:
    waiting = ready(cast)
    assert waiting.state == "collecting"
    words = "complete snapshot or a waiver" if new == "ready" else f"does not go from collecting to {new}"
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        Campaign.objects.filter(pk=waiting.pk).update(state=new)
