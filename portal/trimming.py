"""Keeps of Tabler's style sheet what the pages can use: a fifth of its 635 KB.

A browser reads the whole sheet for each page, and weighs its selectors at each change of focus. ``python -m
portal.vendor trim`` writes the part; ``check`` says when it no longer is what templates, scripts and Python name.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import tinycss2
from tinycss2.ast import Node

NESTED: Final = ("media", "supports", "layer", "container")
_WORD: Final = re.compile(r"[\w-]+")
_HOLES: Final = {".html": re.compile(r"{{.*?}}"), ".js": re.compile(r"\${[^{}]*}")}
_MADE: Final = re.compile(r"[\w-]*\0[\w\0-]*")
_JOINED: Final = re.compile(r"\w-\0|\0-\w")


class Names:
    """The words of the sources, each of which may be a class, and those put together in a page (``btn-{{ tone }}``)."""

    def __init__(self, sources: Iterable[Path]) -> None:
        self._words: set[str] = set()
        made: set[str] = set()
        for source in sources:
            text = source.read_text(encoding="utf-8")
            self._words.update(_WORD.findall(text))
            if hole := _HOLES.get(source.suffix):
                made.update(filter(_JOINED.search, _MADE.findall(hole.sub("\0", text))))
        self._made = [re.compile(re.escape(word).replace("\0", r"([\w-]+)")) for word in sorted(made)]

    def __contains__(self, name: str) -> bool:
        filled = (match.groups() for made in self._made if (match := made.fullmatch(name)))
        return name in self._words or any(self._words.issuperset(words) for words in filled)


def trimmed(sheet: str, names: Names) -> str:
    """Return the rules of a style sheet that can match where only these names are used, in their order."""
    return "".join(_rules(tinycss2.parse_stylesheet(sheet, skip_whitespace=True), names)) + "\n"


def _rules(rules: Iterable[Node], names: Names) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            if selectors := _alive(rule.prelude, names):
                yield f"{selectors}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_whitespace=True, skip_comments=True)
            if kept := "".join(_rules(inner, names)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{kept}}}"
        else:
            yield rule.serialize()


def _alive(selectors: Iterable[Node], names: Names) -> str:
    """Return those of a list of selectors that can match, by commas; nothing when none can."""
    alternatives: list[list[Node]] = [[]]
    for node in selectors:
        if node == ",":
            alternatives.append([])
        else:
            alternatives[-1].append(node)
    written = (_written(one, names) for one in alternatives)
    return ",".join(one.strip() for one in written if one is not None)


def _written(selector: list[Node], names: Names) -> str | None:
    """Return one selector, without what cannot match inside of its :is(), :where() and :has(); None if it cannot."""
    parts = []
    for before, node in zip([None, *selector], selector, strict=False):
        part = node.serialize()
        if node.type == "ident" and before == "." and node.value not in names:
            return None
        if node.type == "[] block" and _attribute(node) not in names:
            return None
        if node.type == "function" and node.lower_name in {"is", "where", "has"}:
            inner = _alive(node.arguments, names)
            if not inner:
                return None
            part = f"{node.name}({inner})"
        parts.append(part)
    return "".join(parts)


def _attribute(block: Node) -> str:
    """Return the name of the attribute that a selector asks for."""
    return next(str(node.value) for node in block.content if node.type == "ident")
