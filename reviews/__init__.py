"""Should they? Campaigns, items, decisions, sign-offs, remediation."""
