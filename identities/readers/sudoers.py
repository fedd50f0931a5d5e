"""Reads the rules of sudo: who may run what as whom, with aliases resolved, by sudoers(5). Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from identities.csvtable import BadFile, read_text

ALIAS: Final = re.compile(r"^(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)$")
INCLUDE: Final = re.compile(r"^[@#]include(dir)?\s+(.+)$")
TAG: Final = re.compile(
    r"^(NOPASSWD|PASSWD|NOEXEC|EXEC|SETENV|NOSETENV|LOG_INPUT|NOLOG_INPUT|LOG_OUTPUT|NOLOG_OUTPUT|"
    r"MAIL|NOMAIL|FOLLOW|NOFOLLOW|INTERCEPT|NOINTERCEPT)\s*:\s*"
)
OPTION: Final = re.compile(
    r"^(ROLE|TYPE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|CWD|CHROOT|TIMEOUT|APPARMOR_PROFILE)=\S+\s*"
)
RUNAS: Final = re.compile(r"^\(([^)]*)\)\s*")
COMMA: Final = re.compile(r"(?<!\\),")
DEEPEST: Final = 20
Aliases = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds one rule: whom it names and takes out, and what they may run."""

    who: tuple[str, ...]
    without: frozenset[str]
    via: str
    command: str
    runas: str
    host: str
    no_password: bool

    @property
    def entitlement(self) -> str:
        """Returns what the rule allows, as the key of an entitlement."""
        host = "" if self.host == "ALL" else f" on {self.host}"
        return f"sudo {self.command} as {self.runas}{host}"

    @property
    def strong(self) -> bool:
        """Returns whether the rule lets run anything as root or as anybody."""
        return self.command == "ALL" and self.runas.split(":")[0] in {"root", "ALL", "#0"}

    @property
    def meaning(self) -> str:
        """Returns the rule in plain words."""
        what = "any command" if self.command == "ALL" else self.command
        ask = "without a password" if self.no_password else "with their password"
        return f"Runs {what} as {self.runas} {ask}."


def rules_of(files: Mapping[str, bytes]) -> list[Rule]:
    """Returns the rules of sudoers and of the files that it includes, in the order in which sudo reads them.

    Raises:
        BadFile: with one sentence for a line that cannot be read, or for a file that is included and not packed.
    """
    lines = list(_lines(files, "sudoers", 0))
    aliases: dict[str, Aliases] = {"User": {}, "Runas": {}, "Host": {}, "Cmnd": {}}
    specs: list[tuple[str, int, str]] = []
    for name, number, text in lines:
        if found := ALIAS.match(text):
            _alias(aliases[found[1].replace("Cmd", "Cmnd") if found[1] == "Cmd" else found[1]], found[2], name, number)
        elif not text.startswith("Defaults"):
            specs.append((name, number, text))
    return [rule for name, number, text in specs for rule in _spec(aliases, name, number, text)]


def _lines(files: Mapping[str, bytes], name: str, depth: int) -> Iterator[tuple[str, int, str]]:
    """Yields the lines of a file with what it includes in their place: name of the file, number, text."""
    if depth > DEEPEST:
        raise BadFile("The files of sudo include each other without end. Correct them and pack again.")
    number, held = 0, ""
    text = read_text(files[name]) if files[name].strip() else ""
    for number, raw in enumerate(text.splitlines(), start=1):
        held += raw
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        line, held = held.strip(), ""
        if found := INCLUDE.match(line):
            for other in _included(files, found[2].strip().strip('"'), folder=bool(found[1])):
                yield from _lines(files, other, depth + 1)
        elif line := _without_comment(line):
            yield name, number, line
    if held.strip():
        raise BadFile(
            f"Line {number} of {name} ends with a backslash and nothing follows. The file is cut off.", number
        )


def _included(files: Mapping[str, bytes], path: str, *, folder: bool) -> list[str]:
    """Returns the names of the files that a line includes; of a folder sudo leaves out names with a dot or a tilde."""
    last = path.rstrip("/").rpartition("/")[2]
    if folder:
        inside = sorted(name for name in files if name.startswith("sudoers.d/"))
        return [name for name in inside if "." not in name.partition("/")[2] and not name.endswith("~")]
    for name in (last, f"sudoers.d/{last}"):
        if name in files:
            return [name]
    raise BadFile(f"sudoers includes '{path}', which is not in the archive. Pack it too; its rules would be missing.")


def _without_comment(line: str) -> str:
    """Returns a line without its comment; a sign # before a number is a user or group id."""
    return re.sub(r"(?<!\\)#(?!\d).*$", "", line).strip()


def _alias(known: Aliases, text: str, name: str, number: int) -> None:
    """Takes in the aliases of a line: NAME = one, two : OTHER = three."""
    for part in re.split(r"(?<!\\):(?=\s*[A-Z][A-Z0-9_]*\s*=)", text):
        key, equals, values = part.partition("=")
        if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", key.strip()):
            raise BadFile(f"Line {number} of {name} is no alias of sudoers: '{part.strip()[:60]}'.", number)
        known[key.strip()] = tuple(_items(values))


def _items(text: str) -> list[str]:
    """Returns the parts of a list of commas."""
    return [item.strip().strip('"') for item in COMMA.split(text) if item.strip()]


def _expand(known: Aliases, items: tuple[str, ...], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yields the members of a list with the alias that names them; a sign ! before an alias holds for its members."""
    for item in items:
        bare = item.lstrip("!").strip()
        no = "!" if (len(item) - len(item.lstrip("!"))) % 2 else ""
        if bare in known and depth < DEEPEST:
            for inner, _via in _expand(known, known[bare], depth + 1):
                yield inner[1:] if no and inner.startswith("!") else no + inner, bare
        else:
            yield no + bare, ""


def _spec(aliases: Mapping[str, Aliases], name: str, number: int, text: str) -> Iterator[Rule]:
    """Yields the rules of one line: users hosts = commands, with further hosts after a colon."""
    left, equals, _right = text.partition("=")
    words = re.sub(r"\s*,\s*", ",", left.strip()).rsplit(None, 1)
    if not equals or len(words) != 2:
        raise BadFile(f"Line {number} of {name} is no rule of sudoers: '{text[:60]}'.", number)
    who = list(_expand(aliases["User"], tuple(_items(words[0]))))
    named = [(one, via) for one, via in who if not one.startswith("!")]
    without = frozenset(one[1:] for one, _via in who if one.startswith("!"))
    for part in re.split(r"(?<=[^\\]):(?=\s*[A-Za-z0-9_!.,\-]+\s*=\s*[(/A-Z])", f"{words[1]}={_right}"):
        hosts, equals, commands = part.partition("=")
        if not equals or not commands.strip():
            raise BadFile(f"Line {number} of {name} is no rule of sudoers: '{text[:60]}'.", number)
        for one, via in named:
            yield from _commands(
                aliases, Rule((one,), without, via, "", "root", hosts.strip(), no_password=False), commands
            )


def _commands(aliases: Mapping[str, Aliases], rule: Rule, text: str) -> Iterator[Rule]:
    """Yields one rule for each command of a list; what runs as whom holds until the list says otherwise."""
    runas, no_password = "root", False
    for item in re.split(r"(?<!\\),(?![^(]*\))", text):
        rest = item.strip()
        if found := RUNAS.match(rest):
            runas, rest = found[1].replace(" ", "") or "self", rest[found.end() :]
        while found := OPTION.match(rest) or TAG.match(rest):
            word = found[0].rstrip(": \t")
            no_password = {"NOPASSWD": True, "PASSWD": False}.get(word, no_password)
            rest = rest[found.end() :]
        for command, _via in _expand(aliases["Cmnd"], (rest,) if rest else ()):
            if command.startswith("!"):
                continue  # sudoers(5): what is taken out of ALL can be run under another name, so it takes out nothing
            yield Rule(rule.who, rule.without, rule.via, command, runas, rule.host, no_password)
