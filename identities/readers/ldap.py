"""Reads who is in which group of an LDAP directory or Active Directory, from an LDIF export. Pure.

Users and groups are both exported. Who is in a group that is in another group holds the outer one through the inner.
Bits of `userAccountControl` and the ids of groups (RID) are those of Microsoft's documentation ([MS-ADTS] 2.2.16,
"Well-known SIDs"). Active Directory does not write the primary group into `memberOf`; it is taken from
`primaryGroupID`.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from identities.csvtable import BadFile
from identities.kinds import AccountKind, GrantRow
from identities.readers.ldif import Entry, entries
from identities.readers.population import ACCOUNT, Holder, Population, population

NOUN = "accounts"
ATTRIBUTES: Final = (
    *("objectClass", "sAMAccountName", "userPrincipalName", "uid", "cn", "employeeNumber", "userAccountControl"),
    *("primaryGroupID", "objectSid", "memberOf", "member", "uniqueMember", "memberUid", "gidNumber", "adminCount"),
    *("servicePrincipalName", "pwdAccountLockedTime"),
)
"""What is asked of a directory, of accounts and groups alike; none of it is a secret."""

COMMAND: Final = (
    "ldapsearch -o ldif-wrap=no -E pr=1000/noprompt -H ldaps://dc.example.com -b DC=example,DC=com "
    "'(|(&(objectCategory=person)(objectClass=user))(objectClass=group)(objectClass=msDS-GroupManagedServiceAccount))' "
    f"{' '.join(ATTRIBUTES)} > population.ldif"
)
DISABLED: Final = 0x2
USERS: Final = frozenset({"user", "person", "inetorgperson", "posixaccount", "account", "organizationalperson"})
SERVICES: Final = frozenset({"msds-groupmanagedserviceaccount", "msds-managedserviceaccount", "computer"})
GROUPS: Final = frozenset({"group", "groupofnames", "groupofuniquenames", "posixgroup"})
STRONG_RIDS: Final = frozenset({512, 518, 519, 520, 544, 548, 549, 550, 551})
"""Domain, Schema and Enterprise Admins, Policy Creator Owners, Administrators, and the Operators."""

PRIMARY: Final = {512: "Domain Admins", 513: "Domain Users", 514: "Domain Guests", 515: "Domain Computers"}
LONGEST_CHAIN: Final = 50


@dataclass(slots=True)
class Directory:
    """Holds the accounts and groups of an export, and who is in what, by lower-case DN."""

    users: dict[str, tuple[Holder, Entry]] = field(default_factory=dict)
    groups: dict[str, Entry] = field(default_factory=dict)
    parents: dict[str, dict[str, str]] = field(default_factory=dict)

    def join(self, member: str, group: str) -> None:
        """Says that a DN is a direct member of a group."""
        self.parents.setdefault(_key(member), {}).setdefault(_key(group), group)


def read(body: bytes) -> Population:
    """Returns the accounts of a directory with the groups that they are in, directly or through others.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    directory = Directory()
    names: dict[str, int] = {}
    for entry in entries(body):
        classes = entry.classes
        if classes & GROUPS:
            directory.groups[_key(entry.dn)] = entry
        elif classes & (USERS | SERVICES):
            holder = _holder(entry, service=bool(classes & SERVICES))
            if (first := names.setdefault(holder.name.lower(), entry.line)) != entry.line:
                raise BadFile(
                    f"Lines {first} and {entry.line} both describe the account '{holder.name}'. Export one directory.",
                    entry.line,
                )
            directory.users[_key(entry.dn)] = holder, entry
    _memberships(directory)
    return population(_rows(directory), len(directory.users), NOUN)


def _holder(entry: Entry, *, service: bool) -> Holder:
    """Returns an account under the name with which it logs in."""
    name = entry.text("samaccountname") or entry.text("uid") or entry.text("userprincipalname") or entry.text("cn")
    if not name:
        raise BadFile(f"The entry in line {entry.line} has no name to log in with (sAMAccountName or uid).", entry.line)
    control = entry.text("useraccountcontrol")
    if control and not re.fullmatch(r"-?\d{1,10}", control):
        raise BadFile(f"The entry in line {entry.line} has userAccountControl '{control[:20]}', no number.", entry.line)
    disabled = bool(int(control or 0) & DISABLED) or bool(entry.text("pwdaccountlockedtime"))
    kind = AccountKind.SERVICE if service or entry.texts("serviceprincipalname") else AccountKind.HUMAN
    return Holder(entry.line, name, kind, enabled=not disabled, person=entry.text("employeenumber"))


def _memberships(directory: Directory) -> None:
    """Collects who is directly in what: from the members' side, from the groups' side, and the primary group."""
    everybody = {key: entry for key, (_holder, entry) in directory.users.items()} | directory.groups
    by_uid = {entry.text("uid").lower(): entry.dn for _holder, entry in directory.users.values()}
    by_rid = {rid: group.dn for group in directory.groups.values() if (rid := _rid(group)) is not None}
    for entry in everybody.values():
        for group in entry.texts("memberof"):
            directory.join(entry.dn, group)
        for member in [*entry.texts("member"), *entry.texts("uniquemember")]:
            directory.join(member, entry.dn)
        for uid in entry.texts("memberuid"):
            if dn := by_uid.get(uid.lower()):
                directory.join(dn, entry.dn)
        primary = entry.text("primarygroupid")
        if primary.isdecimal():
            rid = int(primary[:10])
            directory.join(entry.dn, by_rid.get(rid, PRIMARY.get(rid, f"primary group {rid}")))
    _numbered(directory)


def _numbered(directory: Directory) -> None:
    """Collects the primary groups of POSIX accounts, which RFC 2307 names by a number on the account."""
    by_gid = {gid: group.dn for group in directory.groups.values() if (gid := group.text("gidnumber"))}
    for _holder, entry in directory.users.values():
        if gid := entry.text("gidnumber"):
            directory.join(entry.dn, by_gid.get(gid, f"group with the number {gid}"))


def _rows(directory: Directory) -> Iterator[GrantRow]:
    """Yields the grants of every account."""
    for key, (holder, entry) in directory.users.items():
        held = list(_held(directory.parents, key))
        for group, through in held:
            via = " in ".join(_short(name) for name in through)
            yield holder.holds(group, via=via, privileged=_strong(directory, group), title=_short(group))
        if entry.text("admincount") == "1":
            meaning = "Is, or was, in a protected group; the directory does not take the mark back."
            yield holder.holds("adminCount", privileged=True, title="Marked as administrator", meaning=meaning)
        elif not held:
            yield holder.holds(ACCOUNT, meaning="Exists in the directory and is in no group.")


def _held(parents: Mapping[str, Mapping[str, str]], member: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields each group that a member is in with the shortest chain of groups between; a ring of groups ends."""
    seen = {member}
    level: list[tuple[str, tuple[str, ...]]] = [(member, ())]
    for _depth in range(LONGEST_CHAIN):
        following: list[tuple[str, tuple[str, ...]]] = []
        for key, through in level:
            for group_key, group in sorted(parents.get(key, {}).items()):
                if group_key not in seen:
                    seen.add(group_key)
                    yield group, through
                    following.append((group_key, (*through, group)))
        level = following


def _strong(directory: Directory, group: str) -> bool:
    """Returns whether a group is one of those that rule a domain, by the end of its security id."""
    entry = directory.groups.get(_key(group))
    return (_rid(entry) if entry else None) in STRONG_RIDS or group == PRIMARY[512]


def _rid(entry: Entry) -> int | None:
    """Returns the last part of a security id: as text (S-1-5-21-...-512) or as its bytes."""
    raw = (entry.values.get("objectsid") or [b""])[0]
    if raw[:2] == b"S-":
        last = raw.rpartition(b"-")[2]
        return int(last[:10]) if last.isdigit() else None
    return int(struct.unpack("<I", raw[-4:])[0]) if len(raw) >= 12 and raw[0] == 1 else None


def _key(dn: str) -> str:
    """Returns a DN as directories compare it: without case, without blanks around commas and signs of equality."""
    return re.sub(r"\s*(?<!\\)([,=])\s*", r"\1", dn).lower()


def _short(dn: str) -> str:
    """Returns the first part of a DN without its type, such as Payroll of CN=Payroll,OU=Groups."""
    first = re.split(r"(?<!\\),", dn, maxsplit=1)[0]
    return first.partition("=")[2].strip().replace("\\", "") or first
