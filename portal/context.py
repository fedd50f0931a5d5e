"""What every template may read: the tenant, the actor, what they may do, and the person's theme."""

from typing import Any

from django.http import HttpRequest

from tenants.kinds import Actor, Permission
from tenants.openid import provider


class May:
    """Answers ``may.CAMPAIGN_MANAGE`` in a template; an unknown name is a fault, not a no."""

    def __init__(self, actor: Actor | None) -> None:
        self.actor = actor

    def __getitem__(self, name: str) -> bool:
        """Whether the actor holds the permission of that name; raises ValueError for a name that does not exist."""
        if name not in Permission.__members__:
            message = f"There is no permission {name}: see tenants/kinds.py."
            raise ValueError(message)
        return self.actor is not None and self.actor.may(Permission[name])


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the words that `skeleton.html` and every page below it use."""
    user, actor, asked = getattr(request, "user", None), getattr(request, "actor", None), provider()
    return {
        "tenant": getattr(request, "tenant", None),
        "actor": actor,
        "may": May(actor),
        "openid_name": asked.name if asked else "",
        "theme": getattr(user, "theme", "auto"),
    }
