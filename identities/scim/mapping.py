"""Maps SCIM resources to what the register keeps, and back. Pure.

`facts_of_person` and `facts_of_group` check lengths and kinds, and raise `InvalidValueException` (answered as
`invalidValue`) with the sentence to show.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from scim2_models import InvalidValueException, Meta, Reference

from identities.scim.resources import ENTERPRISE, EnterpriseUser, Group, GroupMember, GroupOfUser, Person
from tenants.zones import known_zones

ASSIGNED: Final = ("id", "meta", "groups")
"""What the portal assigns; the rest of a user is what the directory said."""

LONGEST_TEXT: Final = 200
LONGEST_KEY: Final = 100
MOST_EMAILS: Final = 20


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """Holds what a directory says of a person; `active` is None where it says nothing of it."""

    user_name: str
    name: str
    external_id: str = ""
    display_name: str = ""
    employee_number: str = ""
    email: str = ""
    emails: tuple[tuple[str, str], ...] = ()
    time_zone: str = ""
    manager: UUID | None = None
    active: bool | None = None
    said: Mapping[str, Any] | None = None

    @property
    def keys(self) -> list[str]:
        """Returns the ids under which the register may know the person, the employer's own first."""
        return [key for key in (self.employee_number, self.external_id, self.user_name) if key]

    @property
    def addresses(self) -> list[str]:
        """Returns the person's e-mail addresses in lower case, the user name too where it is one."""
        return addresses_of(self.user_name, [{"value": value} for value, _type in self.emails])


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """Holds what a directory says of a group; `members` are users' ids."""

    display_name: str
    external_id: str = ""
    members: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Stamp:
    """Holds what the portal assigns to a resource: id, times (aware UTC) and the address of the SCIM service."""

    uid: UUID
    created_at: datetime
    changed_at: datetime
    base: str

    def meta(self, kind: str) -> Meta:
        """Returns the resource's `meta`."""
        return Meta(
            resource_type=kind,
            created=self.created_at,
            last_modified=self.changed_at,
            location=f"{self.base}/{kind}s/{self.uid}",
        )


def comparable(text: str) -> str:
    """Returns a text as attributes without `caseExact` are compared: normalised and in lower case (RFC 7643 2.2)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def addresses_of(user_name: str, email_keys: Iterable[Mapping[str, str]]) -> list[str]:
    """Returns the e-mail addresses of a person in lower case, with the user name where it is one."""
    known = [one["value"] for one in email_keys]
    return [*known, comparable(user_name)] if "@" in user_name else known


def manager_in(said: Mapping[str, Any]) -> UUID | None:
    """Returns the id of the manager whom the directory named."""
    value = (said.get(ENTERPRISE, {}).get("manager") or {}).get("value")
    return UUID(value) if value else None


def facts_of_person(user: Person) -> PersonFacts:
    """Returns what a user resource says."""
    user_name = _text(user.user_name, "userName")
    if not user_name:
        raise InvalidValueException(detail="userName is empty. Send the name with which the person logs in.")
    extra = user[EnterpriseUser] or EnterpriseUser()
    emails = _emails(user)
    main = next((one for one in user.emails or () if one.primary and one.value), None)
    email = (
        (main.value or "").strip() if main else next((one.value or "" for one in user.emails or () if one.value), "")
    )
    said = user.model_dump()
    for name in ASSIGNED:
        said.pop(name, None)
    return PersonFacts(
        user_name=user_name,
        name=_name(user) or user_name,
        external_id=_text(user.external_id, "externalId"),
        display_name=_text(user.display_name, "displayName"),
        employee_number=_text(extra.employee_number, "employeeNumber", LONGEST_KEY),
        email=email or (user_name if "@" in user_name else ""),
        emails=emails,
        time_zone=user.timezone if user.timezone in known_zones() else "",
        manager=_user_id(extra.manager.value, "manager") if extra.manager and extra.manager.value else None,
        active=user.active,
        said=said,
    )


def facts_of_group(group: Group) -> GroupFacts:
    """Returns what a group resource says."""
    name = _text(group.display_name, "displayName")
    if not name:
        raise InvalidValueException(detail="displayName is empty. Send the name of the group.")
    return GroupFacts(name, _text(group.external_id, "externalId"), member_ids(group.members or ()))


def member_ids(members: Iterable[GroupMember]) -> frozenset[UUID]:
    """Returns the ids of the users in a list of members; groups within groups are refused."""
    found = set()
    for one in members:
        if (one.type or "User").lower() != "user":
            raise InvalidValueException(detail="A group holds users only. Provision the users of the inner group.")
        found.add(_user_id(one.value or "", "members"))
    return frozenset(found)


def person_resource(
    said: Mapping[str, Any], stamp: Stamp, *, active: bool, groups: Iterable[tuple[UUID, str]] = ()
) -> Person:
    """Returns a stored person as a resource; `groups` are ids with names."""
    user = Person.model_validate(said)
    user.id, user.meta = str(stamp.uid), stamp.meta("User")
    if user.active is not None:
        user.active = active
    user.groups = [
        GroupOfUser(value=str(uid), ref=Reference(f"{stamp.base}/Groups/{uid}"), display=name) for uid, name in groups
    ] or None
    return user


def group_resource(facts: GroupFacts, stamp: Stamp, members: Iterable[UUID]) -> Group:
    """Returns a stored group as a resource; `members` are its users' ids in the order in which they are shown."""
    return Group(
        id=str(stamp.uid),
        meta=stamp.meta("Group"),
        external_id=facts.external_id or None,
        display_name=facts.display_name,
        members=[
            GroupMember(value=str(uid), ref=Reference(f"{stamp.base}/Users/{uid}"), type="User") for uid in members
        ]
        or None,
    )


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Returns the names of the attributes that differ, for the deed; values are personal and stay out of it."""
    flat = [{**one, **one.get(ENTERPRISE, {})} for one in (before, after)]
    names = (flat[0].keys() | flat[1].keys()) - {ENTERPRISE, "schemas"}
    return sorted(name for name in names if flat[0].get(name) != flat[1].get(name))


def _name(user: Person) -> str:
    parts = user.name
    whole = " ".join(part for part in (parts.given_name, parts.family_name) if part) if parts else ""
    formatted = parts.formatted if parts else None
    return _text(user.display_name or formatted or whole, "displayName")


def _emails(user: Person) -> tuple[tuple[str, str], ...]:
    if len(user.emails or ()) > MOST_EMAILS:
        raise InvalidValueException(detail=f"A user has at most {MOST_EMAILS} e-mail addresses.")
    return tuple(
        (comparable(_text(one.value, "emails.value")), comparable(_text(one.type, "emails.type")))
        for one in user.emails or ()
        if one.value
    )


def _text(value: str | None, name: str, longest: int = LONGEST_TEXT) -> str:
    text = (value or "").strip()
    if len(text) > longest:
        raise InvalidValueException(detail=f"{name} has more than {longest} characters.")
    return text


def _user_id(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidValueException(detail=f"{name} names no user of this service: {text[:60]!r}.") from error
