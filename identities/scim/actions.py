"""Changes what a tenant's directory says of its people and groups, and what follows from it.

A user is the directory's word about one identity of the register. Who is no longer active there loses, in the same
transaction, every role, API token and portal session that they have in the tenant (`end_access`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone
from scim2_models import InvalidValueException, NotFoundException, UniquenessException

from identities.models import Identity
from identities.scim.habits import Change, MemberMoves
from identities.scim.mapping import (
    GroupFacts,
    PersonFacts,
    Stamp,
    addresses_of,
    changed_names,
    comparable,
    facts_of_group,
    facts_of_person,
    group_resource,
    manager_in,
    person_resource,
)
from identities.scim.models import DirectoryGroup, DirectoryMember, DirectoryPerson
from identities.scim.policies import can_provision
from identities.scim.queries import members_of_groups
from identities.scim.resources import Group, Person
from tenants.actions import end_access
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Membership, Tenant
from tenants.scope import current_tenant_id

NOT_HERE: Final = "There is no such user or group, or it is not this tenant's."
GONE: Final = "The directory says that the person is not active."
LONGEST_ID: Final = 100


@transaction.atomic
def provision_person(*, tenant: Tenant, facts: PersonFacts, by: Actor) -> DirectoryPerson:
    """Takes a person into the directory, as an identity that the register knows already or as a new one.

    Raises:
        IntegrityError: the user name is taken.
        UniquenessException: the identity has another user.
        InvalidValueException: the manager is no user, or an id is too long.
    """
    enforce(can_provision(by))
    now = timezone.now()
    identity, known = _identity_for(facts)
    active = facts.active is not False
    person = DirectoryPerson(identity=identity, active=active, created_at=now)
    _describe(person, facts, now)
    person.said["active"] = active
    person.save(force_insert=True)
    detail = {"identity": identity.external_id, "known": known, "active": active, "user": str(person.uid)}
    audit("person.provision", by=by, target=f"user {person.user_name}", detail=detail)
    _end_access_of_inactive(tenant, person, facts.addresses, by)
    return person


@transaction.atomic
def update_person(*, tenant: Tenant, uid: UUID, change: Change[Person], by: Actor) -> DirectoryPerson:
    """Changes a person as a PUT or PATCH asks; a change that changes nothing is no deed.

    Raises:
        NotFoundException: there is no such user.
        IntegrityError: the new user name is taken.
        SCIMException: the change itself is refused.
    """
    enforce(can_provision(by))
    person = _locked_person(uid)
    stamp = Stamp(person.uid, person.created_at, person.changed_at, "")
    facts = facts_of_person(change(person_resource(person.said, stamp, active=person.active)))
    changed = changed_names(person.said, facts.said or {})
    if changed:
        person.active = person.active if facts.active is None else facts.active
        _describe(person, facts, timezone.now())
        person.save()
        detail = {"changed": changed, "active": person.active, "user": str(person.uid)}
        audit("person.update", by=by, target=f"user {person.user_name}", detail=detail)
    _end_access_of_inactive(tenant, person, facts.addresses, by)
    return person


@transaction.atomic
def deprovision_person(*, tenant: Tenant, uid: UUID, by: Actor) -> None:
    """Takes a person out of the directory: what it said is forgotten, the identity and the fact of leaving stay.

    Raises:
        NotFoundException: there is no such user.
    """
    enforce(can_provision(by))
    person = _locked_person(uid)
    now, addresses = timezone.now(), addresses_of(person.user_name, person.email_keys)
    groups = DirectoryMember.objects.filter(person=person)
    DirectoryGroup.objects.filter(pk__in=groups.values("group_id")).update(changed_at=now)
    left, _tables = groups.delete()
    person.active, person.said, person.email_keys = False, {}, []
    person.removed_at = person.changed_at = now
    person.save()
    audit(
        "person.deprovision",
        by=by,
        target=f"user {person.user_name}",
        detail={"identity": person.identity.external_id, "groups": left, "user": str(person.uid)},
    )
    _end_access_of_inactive(tenant, person, addresses, by)


@transaction.atomic
def provision_group(*, facts: GroupFacts, by: Actor) -> DirectoryGroup:
    """Takes a group into the directory, with its members.

    Raises:
        InvalidValueException: a member is no user.
    """
    enforce(can_provision(by))
    now = timezone.now()
    group = DirectoryGroup(
        display_name=facts.display_name, external_id=facts.external_id, created_at=now, changed_at=now
    )
    group.save(force_insert=True)
    added = _add_members(group, facts.members)
    audit("group.provision", by=by, target=f"group {group}", detail={"members": added, "group": str(group.uid)})
    return group


@transaction.atomic
def update_group(*, uid: UUID, change: Change[Group], by: Actor) -> DirectoryGroup:
    """Changes a group as a PUT or PATCH asks; a change that changes nothing is no deed.

    Raises:
        NotFoundException: there is no such group.
        SCIMException: the change itself is refused, or a member is no user.
    """
    enforce(can_provision(by))
    group = _locked_group(uid)
    members = members_of_groups([group.pk]).get(group.pk, [])
    before = GroupFacts(group.display_name, group.external_id, frozenset(members))
    stamp = Stamp(group.uid, group.created_at, group.changed_at, "")
    after = facts_of_group(change(group_resource(before, stamp, members)))
    if after != before:
        group.display_name, group.external_id, group.changed_at = after.display_name, after.external_id, timezone.now()
        group.save()
        added = _add_members(group, after.members - before.members)
        removed = _remove_members(group, before.members - after.members)
        detail = {"was": before.display_name, "added": added, "removed": removed, "group": str(group.uid)}
        audit("group.update", by=by, target=f"group {group}", detail=detail)
    return group


@transaction.atomic
def move_members(*, uid: UUID, moves: MemberMoves, by: Actor) -> DirectoryGroup:
    """Adds users to a group and removes users from it; who is in it already, or is not, stays so.

    Raises:
        NotFoundException: there is no such group.
        InvalidValueException: a new member is no user.
    """
    enforce(can_provision(by))
    group = _locked_group(uid)
    added, removed = _add_members(group, moves.added), _remove_members(group, moves.removed)
    if added or removed:
        group.changed_at = timezone.now()
        group.save(update_fields=["changed_at"])
        detail = {"added": added, "removed": removed, "group": str(group.uid)}
        audit("group.move", by=by, target=f"group {group}", detail=detail)
    return group


@transaction.atomic
def deprovision_group(*, uid: UUID, by: Actor) -> None:
    """Takes a group out of the directory; its people stay.

    Raises:
        NotFoundException: there is no such group.
    """
    enforce(can_provision(by))
    group = _locked_group(uid)
    members, _tables = DirectoryMember.objects.filter(group=group).delete()
    group.delete()
    audit("group.deprovision", by=by, target=f"group {group}", detail={"members": members, "group": str(uid)})


def _locked_person(uid: UUID) -> DirectoryPerson:
    rows = DirectoryPerson.objects.select_for_update(of=("self",)).select_related("identity")
    person = rows.filter(uid=uid, removed_at=None).first()
    if person is None:
        raise NotFoundException(detail=NOT_HERE)
    return person


def _locked_group(uid: UUID) -> DirectoryGroup:
    group = DirectoryGroup.objects.select_for_update().filter(uid=uid).first()
    if group is None:
        raise NotFoundException(detail=NOT_HERE)
    return group


def _identity_for(facts: PersonFacts) -> tuple[Identity, bool]:
    """Returns the identity that the person is, and whether the register knew it: by id, else by e-mail address."""
    taken = DirectoryPerson.objects.filter(removed_at=None).values("identity_id")
    for key in facts.keys:
        found = Identity.objects.filter(external_id=key).first()
        if found is not None and taken.filter(identity=found).exists():
            raise UniquenessException(detail=f"The person {key} has another user in this directory already.")
        if found is not None:
            return found, True
    rows = Identity.objects.annotate(address=Lower("email")).filter(address__in=facts.addresses)
    same = list(rows.exclude(pk__in=taken)[:2])
    if len(same) == 1:
        return same[0], True
    key = facts.keys[0]
    if len(key) > LONGEST_ID:
        raise InvalidValueException(detail=f"The id of a person, {key[:20]}..., has more than {LONGEST_ID} characters.")
    return Identity.objects.create(external_id=key, name=facts.name, email=facts.email), False


def _describe(person: DirectoryPerson, facts: PersonFacts, now: datetime) -> None:
    """Fills the columns from what the directory says, and the identity with them: the newest word counts."""
    identity, manager_before = person.identity, manager_in(person.said)
    if facts.manager != manager_before:
        identity.manager_id = _manager_of(person, facts.manager)
    person.user_name, person.user_name_key = facts.user_name, comparable(facts.user_name)
    person.external_id, person.display_name = facts.external_id, facts.display_name
    person.email_keys = [{"value": value, "type": kind} for value, kind in facts.emails]
    person.said, person.changed_at = dict(facts.said or {}), now
    identity.name, identity.email = facts.name, facts.email or identity.email
    identity.time_zone = facts.time_zone or identity.time_zone
    identity.save(update_fields=["name", "email", "time_zone", "manager", "changed_at"])
    _link_portal_user(identity, facts.addresses)


def _manager_of(person: DirectoryPerson, uid: UUID | None) -> int | None:
    if uid is None:
        return None
    manager = DirectoryPerson.objects.filter(uid=uid, removed_at=None).first()
    if manager is None or manager.identity_id == person.identity_id:
        raise InvalidValueException(detail="The manager is no user of this directory, or the person themselves.")
    return int(manager.identity_id)


def _link_portal_user(identity: Identity, addresses: Sequence[str]) -> None:
    """Links the identity to the member of this tenant with its e-mail address, as the import of people does."""
    if identity.user_id is not None:
        return
    members = Membership.objects.filter(tenant_id=current_tenant_id(), user__email__in=addresses)
    ids = set(members.values_list("user_id", flat=True))
    ids -= set(Identity.objects.filter(user_id__in=ids).values_list("user_id", flat=True))
    if len(ids) == 1:
        identity.user_id = ids.pop()
        identity.save(update_fields=["user", "changed_at"])


def _end_access_of_inactive(tenant: Tenant, person: DirectoryPerson, addresses: Sequence[str], by: Actor) -> None:
    """Ends what a person who is not active has in the portal, also what they got after they were deactivated."""
    if person.active:
        return
    _link_portal_user(person.identity, addresses)
    if person.identity.user is not None:
        end_access(tenant=tenant, user=person.identity.user, reason=GONE, by=by)


def _add_members(group: DirectoryGroup, uids: frozenset[UUID]) -> int:
    """Adds users who are not in the group yet; returns how many.

    Raises:
        InvalidValueException: one of them is no user of this directory.
    """
    people = dict(DirectoryPerson.objects.filter(uid__in=uids, removed_at=None).values_list("uid", "id"))
    unknown = sorted(str(uid) for uid in uids - people.keys())
    if unknown:
        raise InvalidValueException(detail=f"There is no user {unknown[0]} in this directory.")
    there = DirectoryMember.objects.filter(group=group, person_id__in=people.values())
    fresh = sorted(set(people.values()) - set(there.values_list("person_id", flat=True)))
    DirectoryMember.objects.bulk_create(
        [DirectoryMember(group=group, person_id=person_id) for person_id in fresh], batch_size=1000
    )
    return len(fresh)


def _remove_members(group: DirectoryGroup, uids: frozenset[UUID]) -> int:
    """Removes users from the group; returns how many were in it."""
    left, _tables = DirectoryMember.objects.filter(group=group, person__uid__in=uids).delete()
    return left
