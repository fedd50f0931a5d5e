"""What a person chose for their own pages; of no tenant, so in no tenant's audit trail."""

from django.db import transaction

from tenants.models import User


@transaction.atomic
def keep_preferences(*, user: User, theme: str, review_keys: bool) -> None:
    """Store the person's own colours and keys."""
    user.theme, user.review_keys = theme, review_keys
    user.save(update_fields=["theme", "review_keys"])
