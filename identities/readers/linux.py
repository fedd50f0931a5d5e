"""Reads who may do what on a Linux machine: passwd, group and sudoers, packed as one tar or zip file. Pure.

The files are those of passwd(5), group(5) and sudoers(5). The total to compare is the number of accounts
(`getent passwd | wc -l`). A primary group counts as a group like any other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from identities.csvtable import BadFile, read_text
from identities.kinds import AccountKind, GrantRow
from identities.readers.archive import members
from identities.readers.population import Holder, Population, population
from identities.readers.sudoers import Rule, rules_of

NOUN = "accounts"
COMMAND: Final = """mkdir population && cd population
getent passwd > passwd
getent group > group
sudo cat /etc/sudoers > sudoers
sudo sh -c 'cd /etc && tar -cf - sudoers.d' | tar -xf -
cd .. && tar -czf population.tar.gz population
getent passwd | wc -l    # the total"""
STRONG: Final = frozenset(
    {"root", "wheel", "sudo", "admin", "docker", "lxd", "disk", "shadow", "libvirt", "incus-admin"}
)
"""Groups whose members can become root without a password of root's."""

FIRST_PERSON: Final = 1000
NOBODY: Final = 65534
SHUT: Final = ("nologin", "false", "sync", "halt", "shutdown")


@dataclass(frozen=True, slots=True)
class Group:
    """Holds a group: its name and the names of its members."""

    name: str
    names: tuple[str, ...]


@dataclass(slots=True)
class Machine:
    """Holds the accounts and groups of one machine."""

    accounts: dict[str, Holder] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    primary: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def held(self) -> Iterator[tuple[str, str]]:
        """Yields the pairs of account and group."""
        names = {gid: group.name for gid, group in self.groups.items()}
        for account, gid in self.primary.items():
            yield account, names.get(gid, f"gid {gid}")
        for group in self.groups.values():
            for name in group.names:
                yield name, group.name


def read(body: bytes) -> Population:
    """Returns the accounts of a machine with log-ins, groups and rules of sudo.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    files = members(body)
    for name in ("passwd", "group", "sudoers"):
        if name not in files:
            raise BadFile(f"The archive lacks the file '{name}'. Pack passwd, group and sudoers of the same machine.")
    if "shadow" in files:
        raise BadFile("The archive holds 'shadow' with the hashes of passwords. Leave it out and pack again.")
    machine = Machine()
    _passwd(machine, files["passwd"])
    _group(machine, files["group"])
    rules = rules_of(files)
    return population(_rows(machine, rules), len(machine.accounts), NOUN)


def _fields(name: str, body: bytes, count: int) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines of a file of colons."""
    for line, text in enumerate(read_text(body).splitlines(), start=1):
        if not text.strip() or text.startswith("#"):
            continue
        if text.startswith(("+", "-")):
            raise BadFile(
                f"Line {line} of {name} refers to another directory ('{text[:20]}'). "
                f"Take the output of 'getent {name}' instead of the file.",
                line,
            )
        cells = text.split(":")
        if len(cells) != count or not cells[0].strip():
            raise BadFile(f"Line {line} of {name} has {len(cells)} fields; it must have {count}.", line)
        yield line, cells


def _passwd(machine: Machine, body: bytes) -> None:
    """Takes in the accounts; a second one with the user id 0 is root too."""
    seen: set[str] = set()
    for line, (name, hashed, uid, gid, _gecos, _home, shell) in _fields("passwd", body, 7):
        if len(hashed) > 4:
            raise BadFile(f"Line {line} of passwd holds the hash of a password. Remove it before you upload.", line)
        if not uid.isdecimal() or not gid.isdecimal():
            raise BadFile(f"Line {line} of passwd: '{uid}' or '{gid}' is no number.", line)
        if name.lower() in seen:
            raise BadFile(f"Line {line} of passwd describes '{name}' a second time (names count without case).", line)
        seen.add(name.lower())
        number = int(uid[:12])
        person = number >= FIRST_PERSON and number != NOBODY
        kind = AccountKind.SHARED if number == 0 else AccountKind.HUMAN if person else AccountKind.SERVICE
        machine.accounts[name] = Holder(line, name, kind, enabled=not shell.strip().endswith(SHUT))
        machine.uids[str(number)] = name
        machine.primary[name] = gid


def _group(machine: Machine, body: bytes) -> None:
    """Takes in the groups; two lines with one id are one group to the kernel."""
    for line, (name, _password, gid, names) in _fields("group", body, 4):
        if not gid.isdecimal():
            raise BadFile(f"Line {line} of group: '{gid}' is no number.", line)
        listed = tuple(one.strip() for one in names.split(",") if one.strip())
        known = machine.groups.get(gid)
        machine.groups[gid] = Group(known.name, (*known.names, *listed)) if known else Group(name, listed)


def _rows(machine: Machine, rules: list[Rule]) -> Iterator[GrantRow]:
    """Yields the grants: log-in, groups, and what sudo allows."""
    uid_of = {name: uid for uid, name in machine.uids.items()}
    for name, holder in machine.accounts.items():
        root = uid_of.get(name) == "0" or name == "root"
        if root:
            yield holder.holds("root", privileged=True, meaning="Is root (user id 0): may do everything.")
        if holder.enabled:
            yield holder.holds("log-in", meaning="Has a shell to log in with.")
        elif not root:
            yield holder.holds("account", meaning="Exists without a shell to log in with.")
    of_group: dict[str, set[str]] = {}
    for name, group in machine.held():
        of_group.setdefault(group, set()).add(name)
        yield _holder(machine, name).holds(f"group {group}", privileged=group in STRONG)
    for rule in rules:
        yield from _sudo(machine, of_group, rule)


def _holder(machine: Machine, name: str) -> Holder:
    """Returns an account; one that only a group or sudo names comes from another directory, and counts too."""
    return machine.accounts.get(name) or Holder(0, name)


def _sudo(machine: Machine, of_group: Mapping[str, set[str]], rule: Rule) -> Iterator[GrantRow]:
    """Yields the grants of one rule of sudo: for whom it names, through the group or alias that names them."""
    for name, via in _named(machine, of_group, rule):
        row = _holder(machine, name)
        yield row.holds(rule.entitlement, via=via, privileged=rule.strong, meaning=rule.meaning)


def _named(machine: Machine, of_group: Mapping[str, set[str]], rule: Rule) -> Iterator[tuple[str, str]]:
    """Yields the accounts that a rule names, with what names them; an account that it takes out is left out."""
    by_gid = {gid: group.name for gid, group in machine.groups.items()}
    for who in rule.who:
        if who == "ALL":
            names, via = set(machine.accounts), "sudo's ALL"
        elif who.startswith("%#"):
            group = by_gid.get(who[2:], f"gid {who[2:]}")
            names, via = of_group.get(group, set()), f"group {group}"
        elif who.startswith("%"):
            names, via = of_group.get(who[1:], set()), f"group {who[1:]}"
            names = names or {f"members of {who[1:]}"}
        elif who.startswith("#"):
            names, via = {machine.uids.get(who[1:], f"uid {who[1:]}")}, ""
        else:
            names, via = {f"members of netgroup {who[1:]}" if who.startswith("+") else who}, ""
        for name in sorted(names - rule.without):
            yield name, via or rule.via
