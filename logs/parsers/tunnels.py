"""What VPN gateways have in common: sessions that open and close, and reasons in the vendor's words.

Bytes are seen from the gateway: `bytes_out` went to the person, `bytes_in` came from them.
"""

from functools import lru_cache

from logs.kinds import LogType, OcsfClass, Status, StatusDetail
from logs.parsers.facts import Facts, deed

OPEN, CLOSE, RENEW, OTHER = 1, 2, 3, 99
"""OCSF 4014 activities: Open, Close, Renew, Other."""

_REASONS: tuple[tuple[str, StatusDetail], ...] = (
    ("username or password", StatusDetail.BAD_PASSWORD),
    ("user name or password", StatusDetail.BAD_PASSWORD),
    ("unknown_user", StatusDetail.UNKNOWN_USER),
    ("unknown user", StatusDetail.UNKNOWN_USER),
    ("invalid user", StatusDetail.UNKNOWN_USER),
    ("user not found", StatusDetail.UNKNOWN_USER),
    ("user was not found", StatusDetail.UNKNOWN_USER),
    ("no such user", StatusDetail.UNKNOWN_USER),
    ("name_invalid", StatusDetail.UNKNOWN_USER),
    ("does not exist", StatusDetail.UNKNOWN_USER),
    ("locked", StatusDetail.LOCKED),
    ("disabled", StatusDetail.DISABLED),
    ("password expired", StatusDetail.EXPIRED_PASSWORD),
    ("password_expired", StatusDetail.EXPIRED_PASSWORD),
    ("password has expired", StatusDetail.EXPIRED_PASSWORD),
    ("must change", StatusDetail.EXPIRED_PASSWORD),
    ("account expired", StatusDetail.EXPIRED_ACCOUNT),
    ("account has expired", StatusDetail.EXPIRED_ACCOUNT),
    ("certificate", StatusDetail.CERT_INVALID),
    ("clock", StatusDetail.CLOCK_SKEW),
    ("push", StatusDetail.MFA_FATIGUE_DENIED),
    ("two-factor", StatusDetail.MFA_FAILED),
    ("second factor", StatusDetail.MFA_FAILED),
    ("mfa", StatusDetail.MFA_FAILED),
    ("token", StatusDetail.MFA_FAILED),
    ("otp", StatusDetail.MFA_FAILED),
    ("hours", StatusDetail.OUTSIDE_HOURS),
    ("workstation", StatusDetail.WORKSTATION_RESTRICTION),
    ("permission", StatusDetail.POLICY_DENIED),
    ("policy", StatusDetail.POLICY_DENIED),
    ("not allowed", StatusDetail.POLICY_DENIED),
    ("not authorized", StatusDetail.POLICY_DENIED),
    ("simultaneous logins", StatusDetail.POLICY_DENIED),
    ("admin rights", StatusDetail.POLICY_DENIED),
    ("password", StatusDetail.BAD_PASSWORD),
    ("passwd", StatusDetail.BAD_PASSWORD),
    ("credential", StatusDetail.BAD_PASSWORD),
    ("mschap", StatusDetail.BAD_PASSWORD),
    ("pap:", StatusDetail.BAD_PASSWORD),
    ("chap:", StatusDetail.BAD_PASSWORD),
)

_LONGEST = 1000


def why(*said: str) -> StatusDetail:
    """Give the reason of the closed list that the vendor's words mean; `OTHER` where they name none."""
    return _why(" ".join(said)[:_LONGEST])


@lru_cache(maxsize=4096)
def _why(words: str) -> StatusDetail:
    lowered = words.lower()
    return next((detail for word, detail in _REASONS if word in lowered), StatusDetail.OTHER)


def tunnel(activity: int, *, failed: bool = False) -> Facts:
    """Begin the facts of a remote session that opens, closes or goes on."""
    facts = deed(LogType.REMOTE, OcsfClass.TUNNEL, activity, Status.FAILURE if failed else Status.SUCCESS)
    facts["is_remote"] = True
    return facts
