"""MongoDB Atlas organisation and project events. Source: MongoDB, Atlas Administration API "Events" (eventTypeName)."""

from logs.kinds import ActorType
from logs.parsers.saas import deeds as d
from logs.parsers.saas.reader import Vendor

_DEEDS = {
    "INVITED_TO_ORG": d.USER_CREATED,
    "INVITED_TO_GROUP": d.USER_CREATED,
    "JOINED_ORG": d.RIGHTS_GIVEN,
    "JOINED_GROUP": d.RIGHTS_GIVEN,
    "JOINED_TEAM": d.MEMBER_ADDED,
    "REMOVED_FROM_ORG": d.RIGHTS_TAKEN,
    "REMOVED_FROM_GROUP": d.RIGHTS_TAKEN,
    "REMOVED_FROM_TEAM": d.MEMBER_REMOVED,
    "USER_ROLES_CHANGED_AUDIT": d.RIGHTS_CHANGED,
    "TEAM_CREATED": d.GROUP_MADE,
    "TEAM_DELETED": d.GROUP_DELETED,
    "API_KEY_CREATED": d.MADE,
    "API_KEY_DELETED": d.DELETED,
    "MONGODB_USER_ADDED": d.USER_CREATED,
    "MONGODB_USER_UPDATED": d.USER_CHANGED,
    "MONGODB_USER_DELETED": d.USER_DELETED,
    "MONGODB_ROLE_ADDED": d.MADE,
    "ORG_TWO_FACTOR_AUTH_OPTIONAL": d.DISABLED,
    "ORG_TWO_FACTOR_AUTH_REQUIRED": d.ENABLED,
    "ORG_PUBLIC_API_ACCESS_LIST_NOT_REQUIRED": d.DISABLED,
    "ORG_PUBLIC_API_ACCESS_LIST_REQUIRED": d.ENABLED,
    "DATA_EXPLORER": d.DATA_READ,
    "DATA_EXPLORER_CRUD": d.DATA_CHANGED,
}
_QUIET = dict.fromkeys(
    ("HOST_DOWN", "HOST_UP", "PRIMARY_ELECTED", "CLUSTER_BLACKOUT", "HOST_RESTARTED"), "state of a host"
)

VENDOR = Vendor(
    name="mongodb_atlas",
    title="MongoDB Atlas event",
    app="MongoDB Atlas",
    time="created",
    event="eventTypeName",
    deeds=_DEEDS,
    ignored=_QUIET,
    native=("id",),
    fields={
        "actor_name": "username|publicKey",
        "actor_uid": "userId|apiKeyId",
        "actor_type": "isGlobalAdmin",
        "target_name": "targetUsername|targetPublicKey|teamName|dbUserUsername|clusterName",
        "target_uid": "targetUserId|teamId",
        "src_ip": "remoteAddress",
        "resource": "groupId|orgId",
        "database": "database",
        "table": "collection",
    },
    actor_types={"true": ActorType.SYSTEM},
    extra={"organization": "orgId", "project": "groupId", "operation": "opType"},
    wrappers=("results",),
)
