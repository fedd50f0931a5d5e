"""Answers what somebody signs who has a campaign go on without the list of a system."""

from reviews.manifest import canonical_text, manifest_digest, moment
from reviews.models import ScopeLine


def waiver_statement(line: ScopeLine, reason: str, waived_by: str) -> tuple[str, str]:
    """Returns the canonical statement that says exactly what is waived, why and by whom, and its SHA-256 in hex."""
    campaign, system = line.campaign, line.system
    text = canonical_text(
        {
            "version": 1,
            "kind": "waiver",
            "campaign": {
                "id": campaign.pk,
                "name": campaign.name,
                "occurrence_at": moment(campaign.occurrence_at),
                "stage": campaign.stage,
            },
            "system": {"id": system.pk, "key": system.key, "name": system.name},
            "reason": reason,
            "waived_by": waived_by,
        }
    )
    return text, manifest_digest(text)
