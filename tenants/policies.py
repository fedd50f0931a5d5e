"""Who may change people, roles and tokens, and who keeps the ledger."""

from tenants.kinds import ALLOWED, Actor, Permission, Role, Verdict, denied, permit
from tenants.models import Membership


def can_grant_role(by: Actor, role: Role) -> Verdict:
    """Whether the actor may give the role: only an operator makes operators."""
    verdict = permit(by, Permission.TENANT_MANAGE, to="give people a role")
    if verdict.allowed and role == Role.OPERATOR and not by.is_system and Role.OPERATOR not in by.roles:
        return denied("Only a platform operator can make somebody a platform operator.")
    return verdict


def can_end_role(by: Actor, membership: Membership) -> Verdict:
    """Whether the actor may end a role: nobody ends their own."""
    verdict = permit(by, Permission.TENANT_MANAGE, to="end a person's role")
    if verdict.allowed and membership.user_id == by.user_id:
        return denied("You cannot end your own role. Ask another officer or operator of this tenant.")
    return verdict


def can_end_access(by: Actor) -> Verdict:
    """Whether the actor may end at once what a person has in the tenant: for a directory that says they are gone."""
    return permit(by, Permission.PEOPLE_PROVISION, to="end a person's access")


def can_issue_token(by: Actor, scopes: frozenset[Permission]) -> Verdict:
    """Whether the actor may issue a token with these scopes: never more than they hold themselves."""
    verdict = permit(by, Permission.TOKEN_MANAGE, to="issue a token")
    beyond = sorted(scopes - by.permissions)
    if verdict.allowed and beyond:
        return denied(f"A token cannot do more than you: take {', '.join(beyond)} out.")
    return verdict if scopes or not verdict.allowed else denied("Choose at least one thing that the token may do.")


def can_revoke_token(by: Actor) -> Verdict:
    """Whether the actor may revoke tokens."""
    return permit(by, Permission.TOKEN_MANAGE, to="revoke a token")


def can_keep_ledger(by: Actor) -> Verdict:
    """Whether the actor may write what keeps the ledger itself: only the installation, never a person of a tenant."""
    return ALLOWED if by.is_system else denied("Only the installation itself keeps the ledger.")


def can_open_tenant(by: Actor | None) -> Verdict:
    """Whether a tenant may be created: by the installation itself or by a platform operator."""
    if by is None or by.is_system or Role.OPERATOR in by.roles:
        return ALLOWED
    return denied("Only a platform operator can add a tenant.")
