"""The text of the mail about alerts: how many and where to look, no names, no systems, no addresses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """A plain text mail."""

    subject: str
    body: str


def alert_letter(*, tenant_name: str, alert_count: int, link: str) -> Letter:
    """Return the mail: the tenant, the count and one link that opens behind the log-in."""
    alerts = "1 alert needs" if alert_count == 1 else f"{alert_count} alerts need"
    subject = f"[Countersign] {alerts} a look: {tenant_name}"
    body = (
        f"{alerts} a look in {tenant_name}.\n\n"
        f"Open the alerts (you will be asked to log in):\n{link}\n\n"
        "This mail holds no names and no systems on purpose. Who receives it is set in the alert settings.\n"
    )
    return Letter(" ".join(subject.split()), body)
