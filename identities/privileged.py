"""Decides from a system's written rule whether an entitlement is privileged. Pure."""

from fnmatch import fnmatchcase

NONE = "none:"


def patterns(rule: str) -> list[str]:
    """Returns the patterns of a rule, one a line, in lower case; a rule that says 'none: reason' has no patterns."""
    if rule.strip().lower().startswith(NONE):
        return []
    return [line.strip().lower() for line in rule.splitlines() if line.strip()]


def problem(rule: str) -> str:
    """Returns the sentence that says what is wrong with a rule, or an empty string."""
    text = rule.strip()
    if not text:
        return "Write which entitlements are privileged, one pattern a line, or 'none: ' and the reason."
    if text.lower().startswith(NONE) and len(text[len(NONE) :].strip()) < 10:
        return "Write after 'none:' in at least 10 characters why no entitlement of this system is privileged."
    return ""


def why_privileged(rule: str, entitlement: str, *, file_says_so: bool) -> str:
    """Returns the sentence that says why an entitlement is privileged, or an empty string when it is not.

    The rule wins over a file that says no: leaving an administrator out of a review is the worse mistake.
    """
    key = entitlement.lower()
    for pattern in patterns(rule):
        if fnmatchcase(key, pattern):
            return f"The rule of this system counts '{pattern}' as privileged."
    return "The system's list marks it as privileged." if file_says_so else ""
