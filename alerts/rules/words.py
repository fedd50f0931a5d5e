"""The sentence that says why an alert was raised, from the numbers stored with it."""

from collections.abc import Mapping
from datetime import datetime

from alerts.kinds import Rule

Numbers = Mapping[str, int | str | bool]


def explain(rule: Rule, attempts: int, first_at: datetime, last_at: datetime, numbers: Numbers) -> str:
    """Return one to two full sentences: what was counted, and the setting that it broke."""
    if rule is Rule.OUT_OF_HOURS:
        return _explain_hours(attempts, numbers)
    if rule is Rule.ELSEWHERE:
        return _explain_place(attempts, numbers)
    what = "of one account" if rule is Rule.FAILED_ACCOUNT else "from one address"
    text = (
        f"{attempts} failed log-ins {what} within {lasting(first_at, last_at)}. "
        f"The threshold is {numbers['threshold']} within {numbers['window_minutes']} minutes."
    )
    if numbers.get("succeeded"):
        text += " A log-in then succeeded: someone may have guessed the password."
    return text


def _explain_hours(attempts: int, numbers: Numbers) -> str:
    whose = "the person's shift" if numbers.get("own_shift") else "business hours"
    return (
        f"{attempts} {'access' if attempts == 1 else 'accesses'} outside {whose}, "
        f"{numbers['start']} to {numbers['end']} ({numbers['zone']}), "
        f"with {numbers['slack_minutes']} minutes of slack on either side."
    )


def _explain_place(attempts: int, numbers: Numbers) -> str:
    what = "session" if attempts == 1 else "sessions"
    where = f"registered in {numbers['country']}" if numbers["country"] else "whose country is not known"
    return (
        f"{attempts} remote {what} from {numbers['address']}, an address {where}. "
        "None of the places that were approved then covers it."
    )


def lasting(first_at: datetime, last_at: datetime) -> str:
    """Return a duration in words: seconds up to two minutes, minutes up to two hours, then hours."""
    seconds = int((last_at - first_at).total_seconds())
    if seconds < 120:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"
