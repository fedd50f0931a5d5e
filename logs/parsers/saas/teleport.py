"""Teleport audit events: log-ins, SSH, Kubernetes, database and desktop sessions, roles, users, locks.

Source: Teleport, reference "Audit Events and Records".
"""

from logs.kinds import Status
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "user.login": d.REMOTE_LOGIN,
    "auth": d.REMOTE_LOGIN,
    "session.start": d.REMOTE_LOGIN,
    "session.join": d.REMOTE_LOGIN,
    "session.end": d.LOGOUT,
    "session.leave": d.LOGOUT,
    "session.rejected": d.REMOTE_LOGIN.failing(Why.POLICY_DENIED),
    "windows.desktop.session.start": d.REMOTE_LOGIN,
    "windows.desktop.session.end": d.LOGOUT,
    "app.session.start": d.SIGN_IN,
    "app.session.end": d.LOGOUT,
    "db.session.start": d.DATABASE_LOGIN,
    "db.session.end": d.LOGOUT,
    "db.session.query": d.QUERIED,
    "session.command": d.CALL,
    "exec": d.CALL,
    "session.network": d.CALL,
    "session.disk": d.CALL,
    "scp": d.FILE_OTHER,
    "sftp": d.FILE_OTHER,
    "kube.request": d.CALL,
    "port": d.TUNNEL_OPENED,
    "user.create": d.USER_CREATED,
    "user.update": d.USER_CHANGED,
    "user.delete": d.USER_DELETED,
    "user.password_change": d.PASSWORD_CHANGED,
    "reset_password_token.create": d.PASSWORD_RESET,
    "mfa.add": d.MFA_ON,
    "mfa.delete": d.MFA_OFF,
    "lock.created": d.USER_LOCKED,
    "lock.deleted": d.USER_UNLOCKED,
    "access_request.create": d.RIGHTS_CHANGED,
    "access_request.review": d.RIGHTS_CHANGED,
    "recovery_code.used": d.CHECK,
}
_QUIET = {"session.data": "traffic of a session", "resize": "window resized", "print": "screen of a session"}

VENDOR = Vendor(
    name="teleport",
    title="Teleport event",
    app="Teleport",
    time="time",
    event="event",
    deeds=_DEEDS,
    ignored=_QUIET,
    outcome="success",
    outcomes={"true": Status.SUCCESS, "false": Why.OTHER},
    native=("uid",),
    fields={
        "actor_name": "user|identity.user|updated_by|impersonator",
        "target_name": "login|target.user|name|db_user",
        "src_ip": "addr~remote|addr_remote|src_addr|identity.client_ip",
        "user_agent": "user_agent",
        "dst_host": "server_hostname|server_addr|dst_addr|app_name|db_service|desktop_name|server_id",
        "resource": "path|kubernetes_pod_name|db_name|name",
        "database": "db_name",
        "session_uid": "sid|session_id",
        "duration_ms": "session_duration_ms",
        "status_code": "code",
        "device_uid": "mfa_device.mfa_device_uuid|mfa_device.uuid",
    },
    extra={
        "cluster": "cluster_name",
        "method": "method",
        "error": "error",
        "program": "program",
        "command": "command|argv",
    },
)
