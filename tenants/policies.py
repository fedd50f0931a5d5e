"""Who may change people, roles and tokens, and who keeps the ledger."""

from datetime import datetime

from tenants.kinds import ALLOWED, Actor, EngagementScope, Permission, Role, Verdict, denied, permit
from tenants.models import Engagement, Membership


def can_grant_role(by: Actor, role: Role) -> Verdict:
    """Whether the actor may give the role: only an operator makes operators."""
    verdict = permit(by, Permission.TENANT_MANAGE, to="give people a role")
    if verdict.allowed and role == Role.OPERATOR and not by.is_system and Role.OPERATOR not in by.roles:
        return denied("Only a platform operator can make somebody a platform operator.")
    return verdict


def can_set_purposes(by: Actor) -> Verdict:
    """Whether the actor may say for which purposes logs are looked at in the tenant."""
    return permit(by, Permission.TENANT_MANAGE, to="change the purposes of looks at logs")


def can_invite_auditor(by: Actor, scope: EngagementScope, now: datetime, *, invited: bool) -> Verdict:
    """Whether the actor may invite an external auditor to a room of that scope; one room at a time for an address."""
    verdict = permit(by, Permission.SHARE_MANAGE, to="invite an external auditor")
    if not verdict.allowed:
        return verdict
    if invited:
        return denied("This address has an open invitation or room. End that one first.")
    if scope.ends_at <= max(now, scope.starts_at):
        return denied("The end of the room must lie in the future and after its start.")
    return verdict if scope.frameworks else denied("Choose at least one framework.")


def can_end_engagement(by: Actor, engagement: Engagement) -> Verdict:
    """Whether the actor may end an engagement, or take back its invitation."""
    verdict = permit(by, Permission.SHARE_MANAGE, to="end an auditor's engagement")
    if verdict.allowed and engagement.ended_at is not None:
        return denied("This engagement has ended already.")
    return verdict


def can_post_invitation(by: Actor, engagement: Engagement, now: datetime) -> Verdict:
    """Whether an invitation may be mailed: by the portal itself, while nobody has used it and it was not taken back."""
    if not by.is_system:
        return denied("The portal itself mails invitations.")
    return can_accept_invitation(engagement.email, engagement, now)


def can_accept_invitation(email: str, engagement: Engagement, now: datetime) -> Verdict:
    """Whether the person with this address may use the invitation now."""
    if engagement.accepted_at is not None:
        return denied("This invitation was used already. Log in to open your room.")
    if engagement.ended_at is not None:
        return denied("This invitation was taken back. Ask the person who sent it.")
    if now >= engagement.open_until:
        return denied("This invitation is too old. Ask the person who sent it for a new one.")
    if email.lower() != engagement.email:
        return denied("This invitation is for another address. Log out, then log in with the invited address.")
    return ALLOWED


def can_hold_engagement(roles: frozenset[Role]) -> Verdict:
    """Whether somebody with these roles in the tenant can audit it: nobody audits where they work."""
    if roles - {Role.AUDITOR}:
        return denied("You have another role in this tenant, so that you cannot audit it.")
    return ALLOWED


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
