"""Reads requests as Entra ID and Okta really send them, and turns them into changes of a resource. Pure.

scim2-models takes most of their habits already: capitalised `op`, "True" and "False" as words, operations without a
path, paths as keys, and by `POLICY` members to remove in the value. What it refuses is straightened here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from scim2_models import Context, InvalidSyntaxException, PatchOp, Resource
from scim2_models.path import CompareOperator, Comparison

from identities.scim.mapping import member_ids
from identities.scim.resources import ENTERPRISE, POLICY, Group, GroupMember

R = TypeVar("R", bound=Resource[Any])
Change = Callable[[R], R]
"""Takes the resource as it is and returns what it shall be."""

_SEVERAL: Final = ("emails", "members", "groups", "urn:ietf:params:scim:schemas:core:2.0:")
_MANAGER: Final = f"{ENTERPRISE}:manager".lower()


@dataclass(frozen=True, slots=True)
class MemberMoves:
    """Holds the users who come into a group and who leave it."""

    added: frozenset[UUID] = frozenset()
    removed: frozenset[UUID] = frozenset()


def created(body: object, model: type[R]) -> R:
    """Returns the resource that a POST asks for.

    Raises:
        ValidationError: pydantic's, where the body does not fit the schema.
    """
    return model.model_validate(
        _straight(_object(body)), scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=POLICY
    )


def replaced(body: object, model: type[R]) -> Change[R]:
    """Returns the change that a PUT asks for; raises as `created`."""
    wanted = model.model_validate(
        _straight(_object(body)), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=POLICY
    )

    def change(resource: R) -> R:
        wanted.replace(resource)
        return wanted

    return change


def patch_of(body: object, model: type[R]) -> PatchOp[R]:
    """Returns the operations that a PATCH asks for; raises as `created`."""
    asked = _object(body)
    name = next((key for key in asked if key.lower() == "operations"), "Operations")
    operations = asked.get(name)
    if isinstance(operations, list):
        asked = {**asked, name: [_straight_operation(one) for one in operations]}
    message: Any = PatchOp.__class_getitem__(model)
    found: PatchOp[R] = message.model_validate(asked, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)
    return found


def patched(patch: PatchOp[R]) -> Change[R]:
    """Returns the change that operations make, all of them or none."""

    def change(resource: R) -> R:
        patch.patch(resource, scim_policy=POLICY)
        return resource

    return change


def member_moves(patch: PatchOp[Group]) -> MemberMoves | None:
    """Returns the moves of a patch that only adds and removes named members; None for any other patch.

    Entra and Okta send each change of a big group like this; it is done without reading the group's other members.
    """
    added: set[UUID] = set()
    removed: set[UUID] = set()
    for operation in patch.operations or ():
        ids = _named_members(operation)
        if ids is None:
            return None
        into, out_of = (added, removed) if operation.op == operation.Op.add else (removed, added)
        into |= ids
        out_of -= ids
    return MemberMoves(frozenset(added), frozenset(removed))


def _named_members(operation: Any) -> frozenset[UUID] | None:
    path = str(operation.path or "").lower()
    if operation.op == operation.Op.replace_ or not path.startswith("members"):
        return None
    if path == "members":
        value = operation.value if isinstance(operation.value, list) else [operation.value]
        if not value or not all(isinstance(one, dict) for one in value):
            return None
        return member_ids(GroupMember.model_validate(one, scim_policy=POLICY) for one in value)
    node = operation.path.value_filter
    if operation.op != operation.Op.remove or not path.endswith("]") or not isinstance(node, Comparison):
        return None
    by_id = node.op == CompareOperator.eq and str(node.attr_path).lower() == "value"
    return member_ids([GroupMember(value=str(node.value), ref=None, type=None)]) if by_id else None


def _object(body: object) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise InvalidSyntaxException(detail="Send a JSON object.")
    return body


def _straight(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Entra sends the manager of a user as a bare id."""
    straight = dict(resource)
    for key, value in resource.items():
        if key.lower() == ENTERPRISE.lower() and isinstance(value, Mapping):
            straight[key] = {name: _manager(one) if name.lower() == "manager" else one for name, one in value.items()}
        elif key.lower() == _MANAGER:
            straight[key] = _manager(value)
    return straight


def _straight_operation(operation: Any) -> Any:
    """Entra sends the manager as a bare id here too, and in its older dialect a single value in a list of objects."""
    if not isinstance(operation, Mapping):
        return operation
    straight, value, path = dict(operation), operation.get("value"), operation.get("path")
    if isinstance(path, str) and not path.lower().startswith(_SEVERAL):
        single = _single(value)
        straight["value"] = _manager(single) if path.lower() == _MANAGER else single
    elif not path and isinstance(value, Mapping):
        straight["value"] = _straight(value)
    return straight


def _single(value: Any) -> Any:
    """Return what is in ``[{"$ref": null, "value": ...}]``, and any other value as it is."""
    inner = value[0] if isinstance(value, list) and len(value) == 1 else None
    return inner["value"] if isinstance(inner, Mapping) and {"value"} <= inner.keys() <= {"$ref", "value"} else value


def _manager(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) and value else value or None
