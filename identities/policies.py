"""Says who may read and change the register."""

from identities.models import Account, System
from tenants.kinds import Actor, Permission, Verdict, denied, permit


def can_view_register(by: Actor) -> Verdict:
    """Returns whether the actor may see systems, accounts, grants and snapshots."""
    return permit(by, Permission.REGISTER_VIEW, to="see the register of access")


def can_save_system(by: Actor) -> Verdict:
    """Returns whether the actor may add or change a system."""
    return permit(by, Permission.REGISTER_MANAGE, to="change the register of access")


def can_upsert_identities(by: Actor) -> Verdict:
    """Returns whether the actor may import the list of people."""
    return permit(by, Permission.REGISTER_MANAGE, to="import people")


def can_import_roster(by: Actor) -> Verdict:
    """Returns whether the actor may import a roster: who is planned to work when."""
    return permit(by, Permission.REGISTER_MANAGE, to="import a roster")


def can_import_snapshot(by: Actor, system: System) -> Verdict:
    """Returns whether the actor may deliver a list of grants of this system."""
    if system.tenant_id != by.tenant_id:
        return denied("This system belongs to another tenant.")
    return permit(by, Permission.REGISTER_MANAGE, to="import a snapshot")


def can_save_list_mapping(by: Actor, system: System | None) -> Verdict:
    """Returns whether the actor may say which column of a system's export, or of the list of people, is what."""
    if system is not None and system.tenant_id != by.tenant_id:
        return denied("This system belongs to another tenant.")
    return permit(by, Permission.REGISTER_MANAGE, to="save a mapping of columns")


def can_claim_account(by: Actor, system: System, account: Account | None) -> Verdict:
    """Returns whether the actor may say whose a name in the logs of this system is."""
    if system.tenant_id != by.tenant_id:
        return denied("This system belongs to another tenant.")
    if account is not None and account.identity is not None:
        return denied(
            f"This account belongs to {account.identity.name} already. Its system's list of grants changes that."
        )
    return permit(by, Permission.REGISTER_MANAGE, to="say whose an account is")
