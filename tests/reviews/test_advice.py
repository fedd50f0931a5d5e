"""The advice, the reviewers, the recurrence and the charts: pure rules, each with its limit."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.advice import advise, idle_limit
from reviews.assigning import Terms, choose_reviewer
from reviews.charts import burn_down_chart, weeks_chart
from reviews.kinds import Advice, Basis, Recurrence, Strategy, UseFacts
from reviews.recurrence import BadRule, check_rule, next_openings

USED = {"last_used_days_ago": 3, "days_used": 41, "ok_count": 900, "coverage": 1.0}


def facts(**changes: object) -> UseFacts:
    known: dict[str, object] = {
        "account_kind": "human",
        "enabled": True,
        "owned": True,
        "system": "CRM",
        "held_days": 400,
        **changes,
    }
    return UseFacts(**known)


CASES = [
    (facts(**USED), Advice.KEEP, "Used on 41 days"),
    (facts(coverage=1.0), Advice.REVOKE, "No successful use"),
    (facts(coverage=1.0, denied_count=3), Advice.REVOKE, "3 refused attempts are not use."),
    (facts(coverage=0.9499), Advice.INSUFFICIENT, "cover only 94.9 %"),
    (facts(coverage=0.95), Advice.REVOKE, "cover 95 %"),
    (facts(coverage=None), Advice.INSUFFICIENT, "none can be ruled out"),
    (facts(coverage=1.0, held_days=89), Advice.INSUFFICIENT, "Held for only 89 days"),
    (facts(coverage=1.0, last_used_days_ago=90), Advice.KEEP, "90 days ago"),
    (facts(coverage=1.0, last_used_days_ago=91), Advice.REVOKE, "Last used 91 days ago"),
    (facts(coverage=1.0, last_used_days_ago=91, cycle_days=90), Advice.KEEP, "91 days ago"),
    (facts(coverage=1.0, account_kind="service"), Advice.INSUFFICIENT, "service account"),
    (facts(coverage=1.0, account_kind="break_glass"), Advice.INSUFFICIENT, "emergency account"),
    (facts(coverage=1.0, owned=False), Advice.INSUFFICIENT, "belongs to nobody"),
    (facts(**USED, left_on="3 May 2026"), Advice.REVOKE, "ended on 3 May 2026"),
    (facts(**USED, enabled=False), Advice.REVOKE, "is disabled"),
]


@pytest.mark.parametrize(("known", "advice", "words"), CASES)
def test_advice_has_three_values_and_a_reason(known: UseFacts, advice: Advice, words: str) -> None:
    advised = advise(known)
    assert advised.advice == advice
    assert words in advised.reason
    assert advised.reason.endswith(".")


@given(coverage=st.none() | st.floats(0, 0.9499), held=st.integers(0, 900), cycle=st.integers(0, 400))
def test_missing_logs_never_advise_to_revoke(coverage: float | None, held: int, cycle: int) -> None:
    assert advise(facts(coverage=coverage, held_days=held, cycle_days=cycle)).advice == Advice.INSUFFICIENT


def test_the_idle_limit_is_two_cycles_but_never_less_than_90_days() -> None:
    assert [idle_limit(days) for days in (0, 30, 90, 365)] == [90, 90, 180, 730]


EVERYBODY = frozenset({1, 2, 3, 4})


@given(
    strategy=st.sampled_from(list(Strategy)),
    people=st.lists(st.none() | st.integers(1, 5), min_size=4, max_size=4),
    fallback=st.integers(1, 5),
    subject=st.integers(0, 5),
)
def test_nobody_ever_reviews_themselves(
    strategy: Strategy, people: list[int | None], fallback: int, subject: int
) -> None:
    manager, owner, named, above = people
    terms = Terms(strategy, named, fallback, above, EVERYBODY)
    chosen = choose_reviewer(terms, subject=subject, manager=manager, owner=owner)
    assert chosen is None or (chosen[0] != subject and chosen[0] in EVERYBODY)


def test_the_fallback_is_for_what_has_no_reviewer_but_its_subject() -> None:
    terms = Terms(Strategy.MANAGER, None, 2, 3, EVERYBODY)
    assert choose_reviewer(terms, subject=9, manager=1, owner=4) == (1, Basis.MANAGER)
    assert choose_reviewer(terms, subject=1, manager=1, owner=4) == (2, Basis.FALLBACK)
    assert choose_reviewer(terms, subject=2, manager=None, owner=4) == (3, Basis.FALLBACK)
    assert choose_reviewer(terms, subject=9, manager=5, owner=None) == (2, Basis.FALLBACK)


NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("rule", [choice.value for choice in Recurrence if choice.value])
def test_every_offered_recurrence_is_accepted_and_skips_no_period(rule: str) -> None:
    check_rule(rule, date(2026, 1, 1))
    dates = next_openings(rule, date(2026, 1, 1), time(9), NEW_YORK, after=START, n=8)
    gaps = [(later - earlier).days for earlier, later in pairwise(dates)]
    assert len(dates) == 8
    assert max(gaps) - min(gaps) <= 4


def test_nine_oclock_stays_nine_oclock_when_the_clocks_change() -> None:
    dates = next_openings("FREQ=WEEKLY", date(2026, 3, 2), time(9), NEW_YORK, after=START, n=3)
    assert [moment.hour for moment in dates] == [14, 13, 13]


def test_a_wall_time_that_does_not_exist_moves_to_one_that_does() -> None:
    (moment,) = next_openings("", date(2026, 3, 8), time(2, 30), NEW_YORK, after=START)
    assert moment.astimezone(NEW_YORK).replace(tzinfo=None) == datetime(2026, 3, 8, 3, 30)  # noqa: DTZ001 -- wall time


@pytest.mark.parametrize(
    ("rule", "starts_on", "words"),
    [
        ("FREQ=MONTHLY;INTERVAL=3", date(2026, 1, 31), "would skip short months"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 1, 1), "does not exist in every month"),
        ("FREQ=HOURLY", date(2026, 1, 1), "may not name hours"),
        ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=1", date(2026, 1, 1), "may not name hours or an end"),
        ("every now and then", date(2026, 1, 1), "not a recurrence that is understood"),
    ],
)
def test_a_recurrence_that_would_skip_periods_is_refused(rule: str, starts_on: date, words: str) -> None:
    with pytest.raises(BadRule, match=words):
        check_rule(rule, starts_on)


def test_the_charts_say_in_words_what_they_show() -> None:
    bars = weeks_chart([0] * 20 + [3, 0, 1, 0, 9, 2])
    assert "Used in 4 of 26 weeks; most in one week: 9 successful uses." in bars
    assert bars.count("chart-bar") == 4
    assert "style" not in bars
    line = burn_down_chart([(START, 10), (START + timedelta(days=2), 4)], START + timedelta(days=10))
    assert "4 of 10 items are undecided." in line
    assert burn_down_chart([], None) == ""


def test_the_course_of_a_campaign_that_ended_early_fills_its_chart() -> None:
    ended = [(START, 10), (START + timedelta(hours=2), 0)]
    whole = burn_down_chart(ended, START + timedelta(days=10), ended=True)
    assert 'points="4.0,4.0 476.0,4.0 476.0,116.0"' in whole
    assert 'points="4.0,4.0 476.0,4.9"' in whole, "the even pace, as far as it went"
    assert 'points="4.0,4.0 7.9,4.0 7.9,116.0"' in burn_down_chart(ended, START + timedelta(days=10))
