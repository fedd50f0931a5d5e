"""What a machine can see of the house's rules: pure functions from source text to the sentences that break a rule."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ROOMS: Final = ("ledger", "tenants", "identities", "logs", "alerts", "reviews", "evidence", "portal")
FORBIDDEN_NAMES: Final = frozenset({"core", "common", "utils", "helpers", "base", "services", "misc"})
_DOTTED: Final = re.compile(rf"^({'|'.join(ROOMS)})(\.[a-z_]+)+$")
_TEMPLATE_SINS: Final = {
    "an inline style": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "hx-on or an event attribute": re.compile(
        r"\s(hx-on|on(click|change|load|submit|input))[:\w-]*\s*=", re.IGNORECASE
    ),
    "the filter |safe": re.compile(r"\|\s*safe\b"),
    "evaluated JavaScript": re.compile(r"[\"']js:|javascript:"),
    "an htmx trigger filter": re.compile(r"hx-trigger\s*=\s*[\"'][^\"']*\["),
}
_ORDER: Final = ("kinds", "models", "policies", "queries", "actions", "jobs", "forms", "api", "views")
"""The files of a room from below to above; `states` stand with `kinds`."""

_REQUEST: Final = ("django.http", "django.shortcuts", "rest_framework")
_DEED: Final = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
_MODELS: Final = re.compile(r"django\.(db|apps)|[a-z]+\.(models|queries|actions)")
_WRITES: Final = {"bulk_create", "update_or_create", "get_or_create", "bulk_update", "save", "acreate", "asave"}
_ROW_WRITES: Final = {"create", "update", "delete"}
_SILENCED: Final = re.compile(r"\b(noqa|type: ?ignore|nosec|djlint: ?off)")
_REASONED: Final = re.compile(r"(noqa: [A-Z0-9, ]+ -- |type: ignore\[[a-z, -]+\]  # |nosec \w+ -- |djlint:off -- )\S")
_HIDDEN_IMPORT: Final = re.compile(r"^(?!from |import ).*\bimport\b", re.MULTILINE)
_SKIPS: Final = {"skip", "skipif", "xfail", "importorskip"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> Iterator[Path]:
    """Yield the Python files of the folders, migrations apart."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def empty_names(paths: Iterable[Path]) -> list[str]:
    """Name the modules that have, or lie in a package that has, a name which says nothing."""
    return [str(path) for path in paths if FORBIDDEN_NAMES & {path.stem, path.parent.name}]


def templates() -> Iterator[Path]:
    """Yield every template."""
    yield from sorted((ROOT / "templates").rglob("*.html"))


def _functions(tree: ast.AST) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def _length(node: Function) -> int:
    first = node.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = (first.end_lineno or first.lineno) + 1 if has_docstring else node.lineno
    return max(0, (node.end_lineno or node.lineno) - start + 1)


def too_long(source: str, *, module: int = 400, function: int = 50) -> list[str]:
    """Return what is longer than the caps, in lines; a function is measured without its docstring."""
    lines = source.count("\n")
    faults = [f"the module has {lines} lines, at most {module} are allowed"] if lines > module else []
    return faults + [
        f"{node.name} has {_length(node)} lines, at most {function} are allowed"
        for node in _functions(ast.parse(source))
        if _length(node) > function
    ]


def local_imports(source: str) -> list[str]:
    """Return the imports inside of functions, which hide import circles."""
    if not _HIDDEN_IMPORT.search(source):
        return []
    return [
        f"{node.name} imports inside of the function"
        for node in _functions(ast.parse(source))
        if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
    ]


def upward_names(source: str, room: str) -> list[str]:
    """Return the dotted strings that name code of a room above."""
    rank = ROOMS.index(room)
    return [
        f"the string {node.value!r} points up"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and (match := _DOTTED.match(node.value))
        and ROOMS.index(match[1]) > rank
    ]


def save_overrides(source: str) -> list[str]:
    """Return the classes that override save or delete."""
    return [
        f"{node.name} overrides {inner.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and inner.name in {"save", "delete"}
    ]


def _calls(node: Function) -> set[str]:
    names = set()
    for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
        target = call.func
        names.add(target.id if isinstance(target, ast.Name) else getattr(target, "attr", ""))
    return names


def _is_atomic(node: Function) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in node.decorator_list)


def exported(source: str) -> set[str]:
    """Return the names that a package's ``__init__`` imports: the deeds of an ``actions`` package."""
    imports = (node for node in ast.parse(source).body if isinstance(node, ast.ImportFrom))
    return {alias.asname or alias.name for node in imports for alias in node.names}


def loose_actions(source: str, excused: frozenset[str] = frozenset(), deeds: set[str] | None = None) -> list[str]:
    """Return the public functions of an actions module that miss a habit.

    An action is atomic, takes ``by`` by keyword, enforces a policy and writes an audit entry. In a package only the
    ``deeds`` that it exports are actions; the rest is their inner work.
    """
    faults = []
    for node in ast.parse(source).body:
        if not isinstance(node, Function) or node.name.startswith("_") or node.name in excused:
            continue
        if deeds is not None and node.name not in deeds:
            continue
        calls = _calls(node)
        if not _is_atomic(node):
            faults.append(f"{node.name} is not atomic")
        if "by" not in {argument.arg for argument in node.args.kwonlyargs}:
            faults.append(f"{node.name} does not take `by` by keyword")
        if "enforce" not in calls:
            faults.append(f"{node.name} enforces no policy")
        if "audit" not in calls:
            faults.append(f"{node.name} writes no audit entry")
    return faults


def impure_policies(source: str) -> list[str]:
    """Return the policies that raise or query."""
    faults = []
    for node in _functions(ast.parse(source)):
        if any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            faults.append(f"{node.name} raises")
        if any(isinstance(inner, ast.Attribute) and inner.attr == "objects" for inner in ast.walk(node)):
            faults.append(f"{node.name} queries")
    return faults


def writes(source: str) -> list[str]:
    """Return the writes through the ORM, in code that reads only."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        f"{ast.unparse(call)[:60]} writes through the ORM"
        for call in calls
        if isinstance(call, ast.Attribute)
        and (call.attr in _WRITES or (call.attr in _ROW_WRITES and ".objects" in ast.unparse(call)))
    ]


def view_faults(source: str, *, most: int = 25) -> list[str]:
    """Return the views that are too long or write through the ORM themselves."""
    faults = [
        f"{node.name} has {_length(node)} lines, at most {most} are allowed"
        for node in _functions(ast.parse(source))
        if _length(node) > most
    ]
    return faults + writes(source)


def _imports(source: str) -> set[str]:
    """Return the dotted names of what is imported: of `from a import b` both `a` and `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def file_of(path: Path) -> str:
    """Return which of a room's files a module belongs to: `actions` for `logs/actions/record.py`."""
    return path.relative_to(ROOT).parts[1].removesuffix(".py").replace("states", "kinds")


def out_of_order(source: str, file: str) -> list[str]:
    """Return the imports that point up inside of a room, and the request where only pages may know it.

    Forms take the frozen dataclasses of actions, so actions and jobs stand below forms.
    """
    if file not in _ORDER:
        return []
    above = {f"{room}.{one}" for room in ROOMS for one in _ORDER[_ORDER.index(file) + 1 :]}
    found = {".".join(name.split(".")[:2]) for name in _imports(source)} & above
    faults = [f"imports {name}, which stands above it" for name in sorted(found)]
    if _ORDER.index(file) < _ORDER.index("forms"):
        faults += [f"imports {name}: it knows the request" for name in _imports(source) if name.startswith(_REQUEST)]
    return faults


def impure_module(source: str) -> list[str]:
    """Return the imports of Django's models in a module that takes bytes or rows and gives values."""
    found = (
        name for name in _imports(source) if re.search(r"^django\.(db|apps)|^[a-z]+\.(models|queries|actions)", name)
    )
    return [f"imports {name}" for name in sorted(found)]


def nameless_deeds(source: str) -> list[str]:
    """Return the audit entries whose verb is not `noun.verb`."""
    if "audit" not in source:
        return []
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args)
    verbs = (call.args[0] for call in calls if ast.unparse(call.func) == "audit")
    return [
        f"the deed {verb.value!r} is not noun.verb"
        for verb in verbs
        if isinstance(verb, ast.Constant) and not _DEED.fullmatch(str(verb.value))
    ]


def template_faults(text: str, *, most: int = 150) -> list[str]:
    """Return what the Content-Security-Policy or the house forbids in a template."""
    lines = text.count("\n")
    faults = [f"has {lines} lines, at most {most} are allowed"] if lines > most else []
    return faults + [f"holds {name}" for name, pattern in _TEMPLATE_SINS.items() if pattern.search(text)]


def sleeps(source: str) -> list[str]:
    """Return the waits by the clock in a test."""
    if "sleep" not in source:
        return []
    return ["sleeps" for node in _functions(ast.parse(source)) if "sleep" in _calls(node)]


def bare_silences(source: str) -> list[str]:
    """Return the comments that silence a tool and do not say why beside them."""
    if not _SILENCED.search(source):
        return []
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = (token for token in tokens if token.type == tokenize.COMMENT)
    found = [token for token in comments if _SILENCED.search(token.string) and not _REASONED.search(token.string)]
    return [f"line {token.start[0]} silences a tool without a reason: {token.string}" for token in found]


def bare_silences_of_template(text: str) -> list[str]:
    """Return the places of a template that silence a tool without a reason."""
    return [match[0] for match in _SILENCED.finditer(text) if not _REASONED.match(text, match.start())]


def bare_skips(source: str) -> list[str]:
    """Return the skipped tests that do not say why: `skip` takes a sentence, the others a `reason`."""
    if not any(name in source for name in _SKIPS):
        return []
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    called = {call.func for call in calls}
    faults = [
        f"{ast.unparse(call)[:60]} has no reason"
        for call in calls
        if _is_skip(call.func)
        and "reason" not in {word.arg for word in call.keywords}
        and not (ast.unparse(call.func).endswith("pytest.skip") and call.args)
    ]
    marks = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and _is_skip(node))
    bare = {ast.unparse(mark) for mark in marks} - {ast.unparse(func) for func in called}
    return faults + [f"{mark} has no reason" for mark in sorted(bare)]


def _is_skip(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _SKIPS and ast.unparse(node).startswith("pytest.")
