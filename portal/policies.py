"""Who may look at the clients' and auditors' own pages."""

from tenants.kinds import Actor, Permission, Verdict, permit


def can_look_at_feed(by: Actor) -> Verdict:
    """Whether the actor may see who touched the client's data."""
    return permit(by, Permission.CLIENT_VIEW, to="see who touched the client's data")


def can_look_at_population(by: Actor) -> Verdict:
    """Whether the actor may see the population and the decisions of a campaign that is shared with them."""
    return permit(by, Permission.ROOM_VIEW, to="see the campaigns of the auditor's room")
