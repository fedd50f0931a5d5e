"""Who may deliver records, manage sources and look at events."""

from typing import Final

from logs.models import LogSource, SavedSearch
from logs.rereading import MAPPED
from tenants.kinds import ALLOWED, Actor, Permission, TenantKind, Verdict, denied, permit
from tenants.models import Tenant

_FED: Final = "This source is fed from a shared source of the operator: its records, settings and rules are held there."


def can_record_events(by: Actor, source: LogSource) -> Verdict:
    """Return whether the actor may deliver records to the source."""
    if by.tenant_id != source.tenant_id:
        return denied("This source belongs to another tenant.")
    if source.is_fed:
        return denied(_FED)
    if not source.enabled:
        return denied("This source is switched off: it takes no records. Switch it on before sending again.")
    if by.is_system:
        return ALLOWED
    return permit(by, Permission.SOURCE_MANAGE, to="deliver log records")


def can_prune(by: Actor) -> Verdict:
    """Return whether the actor may remove what the portal keeps for a time only."""
    return ALLOWED if by.is_system else denied("What has had its time is removed by the schedule alone.")


def can_manage_retention(by: Actor) -> Verdict:
    """Return whether the actor may set terms, and set and lift legal holds."""
    return permit(by, Permission.RETENTION_MANAGE, to="change how long events are kept, or what is held")


def can_approve_place(by: Actor) -> Verdict:
    """Return whether the actor may say from where remote access is allowed, and end that."""
    return permit(by, Permission.PLACE_APPROVE, to="change the approved places for remote access")


def can_announce_prune(by: Actor) -> Verdict:
    """Return whether the actor may announce a removal: the portal's own program, by the terms that people set."""
    return ALLOWED if by.is_system else denied("What is past its term is removed by the program `retain` alone.")


def can_manage_sources(by: Actor) -> Verdict:
    """Return whether the actor may add sources and change their settings and tokens."""
    return permit(by, Permission.SOURCE_MANAGE, to="manage log sources")


def can_change_source(by: Actor, source: LogSource) -> Verdict:
    """Return whether the actor may change a source, switch it or give it tokens: not one that an operator feeds."""
    return denied(_FED) if source.is_fed else can_manage_sources(by)


def can_route_source(by: Actor, source: LogSource, tenant: Tenant) -> Verdict:
    """Return whether the actor may say which client gets what of a source of the tenant."""
    if source.tenant_id != by.tenant_id or tenant.pk != by.tenant_id:
        return denied("This source belongs to another tenant.")
    if source.is_fed:
        return denied(_FED)
    if tenant.kind != TenantKind.BPO:
        return denied("Only an operator shares a source with clients; this tenant is a client itself.")
    return permit(by, Permission.SOURCE_MANAGE, to="route a source's events to clients")


def can_read_again(by: Actor, source: LogSource) -> Verdict:
    """Return whether the actor may have old records of a source read again; a source that is off may be, too."""
    if by.tenant_id != source.tenant_id:
        return denied("This source belongs to another tenant.")
    if source.is_fed and source.format in MAPPED:
        return denied(_FED)
    return permit(by, Permission.SOURCE_MANAGE, to="have records read again")


def can_export_events(by: Actor) -> Verdict:
    """Return whether the actor may take events out of the portal."""
    return permit(by, Permission.EVENT_EXPORT, to="export log events")


def can_look_at_events(by: Actor) -> Verdict:
    """Return whether the actor may read events."""
    return permit(by, Permission.EVENT_VIEW, to="read events")


def can_look_at_quarantine(by: Actor) -> Verdict:
    """Return whether the actor may read the records that could not be read as events."""
    if by.may(Permission.SOURCE_MANAGE):
        return ALLOWED
    return permit(by, Permission.EVENT_VIEW, to="read records in quarantine")


def can_save_search(by: Actor) -> Verdict:
    """Return whether the actor may keep views of the search: a person who reads events."""
    if by.user_id is None:
        return denied("Only a person keeps views of the search.")
    return permit(by, Permission.EVENT_VIEW, to="keep views of the search")


def can_remove_search(by: Actor, search: SavedSearch) -> Verdict:
    """Return whether the actor may remove a view: its owner, or whoever manages log sources."""
    if by.user_id is not None and by.user_id == search.owner_id:
        return ALLOWED
    if not search.shared:
        return denied("This view belongs to somebody else.")
    return permit(by, Permission.SOURCE_MANAGE, to="remove a view of somebody else")
