"""The sentence of an alert says what was counted and which setting it broke."""

from datetime import timedelta

from alerts.kinds import Rule
from alerts.rules.words import Numbers, explain, lasting
from tests.alerts.facts import NOON


def test_it_explains_failed_logins() -> None:
    numbers: Numbers = {"threshold": 10, "window_minutes": 10, "succeeded": True}
    text = explain(Rule.FAILED_ACCOUNT, 12, NOON, NOON + timedelta(minutes=4), numbers)
    assert text == (
        "12 failed log-ins of one account within 4 minutes. The threshold is 10 within 10 minutes. "
        "A log-in then succeeded: someone may have guessed the password."
    )


def test_it_explains_hours_in_singular_and_plural() -> None:
    numbers: Numbers = {
        "start": "08:00",
        "end": "18:00",
        "zone": "Asia/Manila",
        "slack_minutes": 30,
        "own_shift": False,
    }
    one = explain(Rule.OUT_OF_HOURS, 1, NOON, NOON, numbers)
    assert one.startswith("1 access outside business hours, 08:00 to 18:00 (Asia/Manila)")
    assert explain(Rule.OUT_OF_HOURS, 2, NOON, NOON, {**numbers, "own_shift": True}).startswith(
        "2 accesses outside the"
    )


def test_it_says_durations_in_fitting_units() -> None:
    said = [lasting(NOON, NOON + timedelta(seconds=n)) for n in (0, 1, 119, 120, 7199, 7200)]
    assert said == ["0 seconds", "1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours"]
