"""Keeps the messages of the reports: `make messages` renews evidence/locale from the code and compiles it.

A message is an English text of ours that a report prints. It stands in the code (`_`, `said`, `noop`), in a template
(`{% translate %}`) or in a list that the report prints from: heads of columns, words in cells, choices, the catalogue's
evidence kinds and parameters. The names, criteria and texts of controls are no messages: they stay as they are.
"""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from evidence.catalogue import LOG_TYPES, load
from evidence.metricwords import metric_words
from evidence.packtypes import PackKind
from evidence.registers.kinds import DocumentKind, Stand
from evidence.report import english_head
from evidence.signoffs.kinds import SignRole
from evidence.words import WORDS, context_of

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "evidence" / "locale"
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "noop", "said")),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
TRANSLATED = re.compile(r"\{% translate \"([^\"]+)\" %\}")

BEGUN = datetime(2026, 11, 27, tzinfo=UTC)
"""The date in the files' heads: it never changes, so that the same messages give the same bytes."""

Message = tuple[str | None, str | tuple[str, str]]
"""A message's context and its text, or both of its numbers."""


def messages() -> list[Message]:
    """Every message of the reports once, in the order of the places that it stands in."""
    found = [*_in_code(), *_in_templates(), *_in_lists()]
    return list(dict.fromkeys(found))


def _in_code() -> Iterator[Message]:
    for path in sorted((ROOT / "evidence").rglob("*.py")):
        if "verifier" in path.parts:  # speaks English, and knows nothing of Django
            continue
        with path.open("rb") as source:
            for _line, text, _comments, context in extract("python", source, keywords=KEYWORDS):
                yield context, text if isinstance(text, str) else (text[0], text[1])


def _in_templates() -> Iterator[Message]:
    for path in sorted((ROOT / "templates" / "evidence" / "pdf").glob("*.html")):
        yield from ((None, text) for text in TRANSLATED.findall(path.read_text()))


def _in_lists() -> Iterator[Message]:
    catalogue = load(own="")
    plain = [str(choice.label) for choices in (PackKind, SignRole, Stand, DocumentKind) for choice in choices]
    plain += [name.replace("_", " ") for name in LOG_TYPES]
    for kind in catalogue.kinds.values():
        plain += [kind.title, metric_words(kind.population)]
        plain += [text for name, why in kind.unmeasured.items() for text in (metric_words(name), why)]
    for control in catalogue.controls:
        _kind, _dot, metric = control.criterion.occurrence.partition(".")
        plain += [control.proof, *([metric_words(metric)] if metric else [])]
    for parameter in catalogue.params.values():
        plain += [parameter.unit, parameter.why]
    yield from ((None, text) for text in plain)
    yield from (("head", english_head(name)) for name in printed_columns())
    yield from ((context_of(column), text) for column, words in WORDS.items() for text in sorted(words))


def printed_columns() -> list[str]:
    """The columns that the sections print: what they say to `widths`."""
    found: dict[str, None] = {}
    for path in sorted((ROOT / "evidence" / "sections").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "widths":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}: columns are written out."
                found |= dict.fromkeys(item.split()[0] for item in str(node.args[0].value).split(", "))
    return list(found)


def po_file(language: str) -> Path:
    """Where a language's messages are kept for people."""
    return FOLDER / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """Read a language's messages."""
    with po_file(language).open("rb") as source:
        return read_po(source, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """Return what the program reads: the .mo of the same messages."""
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def renew(language: str) -> list[str]:
    """Write a language's messages anew: new ones empty, those that are gone dropped. Returns what is to be said yet."""
    old = read(language)
    new = Catalog(
        locale=language,
        project="Countersign",
        version="reports",
        msgid_bugs_address="the project's issues",
        language_team="Countersign",
        last_translator="Countersign",
        charset="utf-8",
        creation_date=BEGUN,
        revision_date=BEGUN,
        fuzzy=False,
        header_comment="# Messages of the evidence reports. `make messages` renews and compiles them.",
    )
    for context, text in messages():
        kept = old.get(text if isinstance(text, str) else text[0], context)
        new.add(text, kept.string if kept else None, context=context)
    with po_file(language).open("wb") as out:
        write_po(out, new, width=120, omit_header=False)
    po_file(language).with_suffix(".mo").write_bytes(compiled(new))
    return [str(item.id) for item in new if item.id and not item.string]


if __name__ == "__main__":
    for missing in renew("de"):
        print(f"de: to be said yet: {missing}")  # noqa: T201 -- for the person who runs it
