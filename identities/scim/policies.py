"""Says who may change what a tenant's directory says."""

from tenants.kinds import Actor, Permission, Verdict, permit


def can_provision(by: Actor) -> Verdict:
    """Returns whether the actor may add, change and remove the directory's people and groups."""
    return permit(by, Permission.PEOPLE_PROVISION, to="provision people and groups")
