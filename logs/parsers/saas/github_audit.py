"""GitHub audit log of an organisation or enterprise (REST API, streams, exports).

Source: GitHub Docs, "Audit log events for your organization" and "for your enterprise".
"""

from logs.kinds import ActorType
from logs.kinds import StatusDetail as Why
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "org.sso_response": d.SIGN_IN,
    "user.login": d.SIGN_IN,
    "user.failed_login": d.SIGN_IN.failing(Why.BAD_PASSWORD),
    "user.logout": d.LOGOUT,
    "user.two_factor_authentication_enabled": d.MFA_ON,
    "two_factor_authentication.enabled": d.MFA_ON,
    "two_factor_authentication.disabled": d.MFA_OFF,
    "user.change_password": d.PASSWORD_CHANGED,
    "user.reset_password": d.PASSWORD_RESET,
    "org.add_member": d.RIGHTS_GIVEN,
    "org.invite_member": d.USER_CREATED,
    "invite_member": d.USER_CREATED,
    "org.invite_user": d.USER_CREATED,
    "org.remove_member": d.RIGHTS_TAKEN,
    "org.update_member": d.RIGHTS_CHANGED,
    "org.update_member_repository_creation_permission": d.RIGHTS_CHANGED,
    "repo.add_member": d.RIGHTS_GIVEN,
    "repo.update_member": d.RIGHTS_CHANGED,
    "repo.remove_member": d.RIGHTS_TAKEN,
    "repo.access": d.CHANGED,
    "repo.download_zip": d.FILE_GOT,
    "repo.transfer_outgoing": d.CHANGED,
    "team.add_member": d.MEMBER_ADDED,
    "team.remove_member": d.MEMBER_REMOVED,
    "team.create": d.GROUP_MADE,
    "team.destroy": d.GROUP_DELETED,
    "team.promote_maintainer": d.RIGHTS_GIVEN,
    "team.demote_maintainer": d.RIGHTS_TAKEN,
    "organization_moderators.add_user": d.RIGHTS_GIVEN,
    "business.add_admin": d.RIGHTS_GIVEN,
    "business.invite_admin": d.RIGHTS_GIVEN,
    "business.remove_admin": d.RIGHTS_TAKEN,
    "oauth_authorization.create": d.RIGHTS_GIVEN,
    "oauth_authorization.destroy": d.RIGHTS_TAKEN,
    "git.clone": d.FILE_GOT,
    "git.fetch": d.FILE_GOT,
    "git.push": d.FILE_PUT,
    "workflows.created_workflow_run": d.CALL_MAKES,
    "workflows.completed_workflow_run": d.CALL,
    "org.audit_log_export": d.EXPORTED,
    "org.audit_log_git_event_export": d.EXPORTED,
    "private_repository_forking.enable": d.ENABLED,
}

VENDOR = Vendor(
    name="github_audit",
    title="GitHub audit log",
    app="GitHub",
    time="@timestamp|at_sign_timestamp|created_at|completed_at|started_at",
    event="action",
    deeds=_DEEDS,
    native=("_document_id",),
    fields={
        "actor_name": "actor|external_identity_nameid",
        "actor_uid": "actor_id",
        "actor_type": "actor_is_bot",
        "target_name": "user|invitee|team|name",
        "target_uid": "user_id",
        "src_ip": "actor_ip",
        "user_agent": "user_agent",
        "resource": "repo|repository|org|business",
        "privileges": "permission|role",
    },
    actor_types={"true": ActorType.SERVICE},
    extra={
        "org": "org",
        "business": "business",
        "country": "actor_location.country_code",
        "access": "programmatic_access_type",
        "transport": "transport_protocol_name",
    },
)
