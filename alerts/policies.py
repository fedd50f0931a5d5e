"""Who may configure, raise and handle alerts."""

from alerts.kinds import MOVES, AlertState
from alerts.models import Alert, AlertNotice
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit


def can_save_settings(by: Actor) -> Verdict:
    """Whether the actor may change the tenant's thresholds, hours and recipients."""
    return permit(by, Permission.ALERT_CONFIGURE, to="change the alert settings")


def can_preview_settings(by: Actor) -> Verdict:
    """Whether the actor may see what settings would have raised."""
    return permit(by, Permission.ALERT_CONFIGURE, to="try out alert settings")


def can_look_at_alert(by: Actor) -> Verdict:
    """Whether the actor may see alerts and the events they stand on."""
    return permit(by, Permission.ALERT_VIEW, to="see alerts")


def can_look_for_alerts(by: Actor) -> Verdict:
    """Whether the actor may judge new events: only the portal's own process raises alerts."""
    return ALLOWED if by.is_system else denied("Only the portal's own watch process raises alerts.")


def can_send_notices(by: Actor) -> Verdict:
    """Whether the actor may send waiting mail: only the portal's own process does."""
    return ALLOWED if by.is_system else denied("Only the portal's own watch process sends mail.")


def can_acknowledge_alert(by: Actor, alert: Alert) -> Verdict:
    """Whether the actor may take the alert into work."""
    return _can_move(by, alert, AlertState.ACKNOWLEDGED, "acknowledge an alert")


def can_close_alert(by: Actor, alert: Alert) -> Verdict:
    """Whether the actor may close the alert: nobody closes an alert about themselves."""
    verdict = _can_move(by, alert, AlertState.CLOSED, "close an alert")
    if verdict.allowed and alert.identity is not None and alert.identity.user_id == by.user_id:
        return denied("This alert is about your own access. Ask a colleague to close it.")
    return verdict


def can_open_incident(by: Actor) -> Verdict:
    """Whether the actor may open an incident."""
    return permit(by, Permission.ALERT_HANDLE, to="open an incident")


def can_record_step(by: Actor, *, closed: bool) -> Verdict:
    """Whether the actor may record a step of an incident: one that is closed takes no more."""
    verdict = permit(by, Permission.ALERT_HANDLE, to="record a step of an incident")
    if verdict.allowed and closed:
        return denied("This incident is closed. What happens later is a new incident.")
    return verdict


def can_retry_notice(by: Actor, notice: AlertNotice) -> Verdict:
    """Whether the actor may have a failed mail sent again at once."""
    if notice.sent_at is not None:
        return denied("This mail was sent already.")
    return permit(by, Permission.ALERT_HANDLE, to="send an alert mail again")


def _can_move(by: Actor, alert: Alert, state: AlertState, deed: str) -> Verdict:
    verdict = permit(by, Permission.ALERT_HANDLE, to=deed)
    if not verdict.allowed:
        return verdict
    if by.user_id is None:
        return denied("Only a person can do this: sign in instead of using a token.")
    if state not in MOVES[AlertState(alert.state)]:
        return denied(f"This alert is {alert.get_state_display().lower()} already. Reload the page.")
    return ALLOWED
